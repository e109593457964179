// SPDX-License-Identifier: Apache-2.0
import Dispatch
import KafkaRuntime
import Synchronization

/// A latch on a Dispatch group: those who wait sleep on one address, and one system call wakes them all.
final class DispatchLatch: Latch {
    private let group = DispatchGroup()
    private let isOpen = Atomic(false)

    init() { group.enter() }

    // Dispatch does not let go of a group that was entered and not left.
    deinit { if !isOpen.load(ordering: .relaxed) { group.leave() } }

    func open() {
        let wasOpen = isOpen.exchange(true, ordering: .relaxed)
        precondition(!wasOpen, "a latch is opened once")
        group.leave()
    }

    func wait() { group.wait() }
}
