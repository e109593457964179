// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime
import Synchronization

/// Makes a host's disk fail and fill up, and knows what of it the broker may have noticed.
///
/// `@unchecked Sendable`: only touched by the thread that steps the simulation.
final class SwarmDisk: @unchecked Sendable {
    private final class Counters: Sendable {
        let random: SeededRandom
        let syncFaults = Atomic<Int>(0)
        let faults = Atomic<Int>(0)

        init(seed: UInt64) { random = SeededRandom(seed: seed ^ 0x6469_736B) }
    }

    private enum Mode {
        case fine
        case failing(perThousand: Int, which: Int)
        case full(free: Int64)
    }

    private let files: InMemoryFileSystem
    private let counters: Counters
    private var mode = Mode.fine
    private var faultsAtStart = 0
    private var syncFaultsAtStart = 0
    /// Whether the disk was full at some time in this life of the broker.
    private var wasFull = false

    init(_ files: InMemoryFileSystem, seed: UInt64) {
        self.files = files
        counters = Counters(seed: seed)
        files.setFaultRandom(counters.random)
    }

    var isFailing: Bool { if case .fine = mode { false } else { true } }
    /// Whether calls were made to fail in this life of the broker: only then may it have lost logs or directories, for a full
    /// disk takes none out of service.
    var hasSeenErrors: Bool { counters.faults.load(ordering: .relaxed) > faultsAtStart }
    /// Whether anything at all was wrong with the disk in this life of the broker.
    var hasFailed: Bool { hasSeenErrors || wasFull || isFailing }
    /// Whether a failed sync may have dropped pages.
    var mayHaveDropped: Bool { counters.syncFaults.load(ordering: .relaxed) > syncFaultsAtStart }

    func newLife() {
        faultsAtStart = counters.faults.load(ordering: .relaxed)
        if case .full = mode { wasFull = true } else { wasFull = false }
    }

    func lifeEnded(_ kind: CrashKind) { syncFaultsAtStart = counters.syncFaults.load(ordering: .relaxed) }

    func fail(perThousand: Int, _ which: Int) {
        mode = .failing(perThousand: perThousand, which: which)
        rearm()
    }

    func fill(free: Int64) {
        mode = .full(free: free)
        wasFull = true
        files.setCapacity(files.usedBytes + free)
    }

    func heal() {
        mode = .fine
        files.setFault(nil)
        files.setCapacity(nil)
    }

    /// A crash of the host forgets what made calls fail; the disk does not get better by it.
    func rearm() {
        guard case .failing(let perThousand, let which) = mode else { return files.setFault(nil) }
        let counters = counters
        files.setFault { _, operation, _ in
            switch (which, operation) {
            case (0, _): break
            case (1, .sync), (1, .syncDirectory): break
            case (2, .write), (2, .truncate), (2, .rename), (2, .remove), (2, .open): break
            case (3, .read), (3, .open), (3, .size): break
            default: return nil
            }
            guard counters.random.below(1_000) < Int64(perThousand) else { return nil }
            counters.faults.add(1, ordering: .relaxed)
            if operation == .sync { counters.syncFaults.add(1, ordering: .relaxed) }
            return counters.random.below(4) == 0 ? .noSpace : .inputOutput
        }
    }

    /// Uses the disk itself while it does not fail.
    func quietly(_ body: () -> Void) {
        files.setFault(nil)
        files.withoutHalt(body)
        rearm()
    }
}
