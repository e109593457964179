// SPDX-License-Identifier: Apache-2.0
import Synchronization

extension InMemoryFileSystem {
    /// What a crash leaves of changes that were not synced.
    public enum Survival: Sendable {
        /// Nothing: the least that POSIX promises.
        case nothing
        /// Everything, as after the death of the process alone.
        case everything
        /// Some of it, drawn from `random`: changes to names up to a moment, and of each file's content any pages,
        /// whole or torn at a sector, with a size between the old and the new.
        case some(random: any RandomSource)
    }

    /// The machine stops: takes back un-synced changes, releases all locks, and makes every open file unusable.
    public func crash(_ survival: Survival = .nothing) {
        state.withLock { state in
            state.generation += 1
            state.locks = [:]
            state.fault = nil
            state.settleNames(survival)
            var seen: Set<ObjectIdentifier> = []
            state.root.settleTree(survival, &seen)
            state.usedPages = state.root.subtreePages
        }
    }
}

extension InMemoryFileSystem.State {
    fileprivate mutating func settleNames(_ survival: InMemoryFileSystem.Survival) {
        let kept =
            switch survival {
            case .nothing: 0
            case .everything: journal.count
            case .some(let random): Int(random.below(Int64(journal.count) + 1))
            }
        for change in journal.prefix(kept) { for edit in change.edits { edit.apply(to: \.durableEntries) } }
        // A directory whose creation was taken back takes its contents along: it is reached from nowhere.
        journal = []
    }
}

extension InMemoryFileSystemNode {
    private static let sectorSize = 512

    fileprivate func settleTree(_ survival: InMemoryFileSystem.Survival, _ seen: inout Set<ObjectIdentifier>) {
        guard seen.insert(ObjectIdentifier(self)).inserted else { return }
        if isDirectory {
            entries = durableEntries
            // In order of name, so that a seed always draws the same.
            for name in entries.keys.sorted() { entries[name]?.settleTree(survival, &seen) }
            return
        }
        switch survival {
        case .nothing:
            crash(survives: { _ in 0 }, newSize: { durable, _ in durable })
        case .everything:
            crash(survives: { _ in Self.pageSize }, newSize: { _, current in current })
        case .some(let random):
            crash(
                survives: { _ in
                    switch random.below(4) {
                    case 0: 0
                    case 1: Int(random.below(Int64(Self.pageSize / Self.sectorSize) + 1)) * Self.sectorSize
                    default: Self.pageSize
                    }
                },
                newSize: { durable, current in
                    switch random.below(3) {
                    case 0: durable
                    case 1: current
                    default: min(durable, current) + random.below(abs(current - durable) + 1)
                    }
                })
        }
    }
}
