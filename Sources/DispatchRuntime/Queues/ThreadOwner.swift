// SPDX-License-Identifier: Apache-2.0
import CPlatform
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Remembers which thread runs a queue at the moment: the cheap answer to "am I on it".
struct ThreadOwner: ~Copyable {
    private let thread = Atomic<UInt>(0)

    /// Only the owner itself can find its own identity here, so no ordering is needed.
    var isCurrent: Bool { thread.load(ordering: .relaxed) == Self.callingThread }

    func enter() { thread.store(Self.callingThread, ordering: .relaxed) }

    func leave() { thread.store(0, ordering: .relaxed) }

    private static var callingThread: UInt {
        #if canImport(Darwin)
            UInt(bitPattern: pthread_self())
        #else
            UInt(pthread_self())
        #endif
    }
}
