// SPDX-License-Identifier: Apache-2.0
import Synchronization

extension InMemoryFileSystem {
    /// What a crash leaves of changes that were not synced.
    public enum Survival: Sendable {
        /// Nothing: the machine stops, and the disk has the least that POSIX promises.
        case nothing
        /// Everything: the process dies, the machine goes on. What was not synced stays, and stays un-synced: a later
        /// stop of the machine may still take it. Pages that a failed sync has dropped read as the disk has them.
        case everything
        /// Some of it, drawn from `random`: the machine stops in the middle of writing.
        ///
        /// Of each file's content any sectors of 512 bytes are new or old, on their own, or a new page holds what
        /// stood there before the file; the size is any that the file had since it was synced, or one in between. Of
        /// changes to names there remain those up to a moment (as a journal keeps them), or up to a moment of each
        /// directory's own, or any subset that keeps the order of what happened to one file and to one name. A rename
        /// is never half done.
        case some(random: any RandomSource)
    }

    /// The process or the machine stops: takes back un-synced changes, releases all locks, and makes every open file
    /// unusable. Ends a halt, and what made calls fail.
    public func crash(_ survival: Survival = .nothing) {
        state.withLock { state in
            state.generation += 1
            state.locks = [:]
            state.fault = nil
            state.haltAt = nil
            state.haltTrigger = nil
            state.isHalted = false
            state.handles = InMemoryFileSystemHandles()
            state.settleNames(survival)
            var seen: Set<ObjectIdentifier> = []
            state.root.settleTree(survival, &seen)
            state.usedPages = state.root.subtreePages
        }
    }
}

extension InMemoryFileSystem.State {
    fileprivate mutating func settleNames(_ survival: InMemoryFileSystem.Survival) {
        switch survival {
        case .everything: return
        case .nothing: break
        case .some(let random):
            keepSome(random)
        }
        // A directory whose creation was taken back takes its contents along: it is reached from nowhere.
        journal = []
    }

    private func keepSome(_ random: any RandomSource) {
        switch random.below(4) {
        case 0, 1:
            keep(journal.prefix(Int(random.below(Int64(journal.count) + 1))))
        case 2:
            var ends: [ObjectIdentifier: Int] = [:]
            for change in journal {
                for edit in change.edits where ends[ObjectIdentifier(edit.directory)] == nil {
                    ends[ObjectIdentifier(edit.directory)] = Int(random.below(Int64(journal.count) + 1))
                }
            }
            keep(
                journal.enumerated().filter { index, change in
                    change.edits.allSatisfy { index < ends[ObjectIdentifier($0.directory)] ?? 0 }
                }.map(\.element))
        default:
            keepSubset(oneIn: 2 + random.below(15), random)
        }
    }

    /// Drops one change in so many, and with it what happened later to the same file or the same name.
    private func keepSubset(oneIn rarity: Int64, _ random: any RandomSource) {
        var files: Set<ObjectIdentifier> = []
        var names: Set<InMemoryFileSystem.NameChange.Place> = []
        for change in journal {
            let isDropped =
                files.contains(ObjectIdentifier(change.subject)) || change.edits.contains { names.contains($0.place) }
            if isDropped || random.below(rarity) == 0 {
                files.insert(ObjectIdentifier(change.subject))
                for edit in change.edits { names.insert(edit.place) }
            } else {
                keep([change])
            }
        }
    }

    private func keep(_ changes: some Sequence<InMemoryFileSystem.NameChange>) {
        for change in changes { for edit in change.edits { edit.apply(to: \.durableEntries) } }
    }
}

extension InMemoryFileSystemNode {
    fileprivate func settleTree(_ survival: InMemoryFileSystem.Survival, _ seen: inout Set<ObjectIdentifier>) {
        guard seen.insert(ObjectIdentifier(self)).inserted else { return }
        isLinked = true
        if isDirectory {
            if case .everything = survival {} else { entries = durableEntries }
            // In order of name, so that a seed always draws the same.
            for name in entries.keys.sorted() { entries[name]?.settleTree(survival, &seen) }
            return
        }
        switch survival {
        case .nothing:
            machineStopped(outcome: { _ in .partly(sectors: 0) }, newSize: { $0.durable })
        case .everything:
            processDied()
        case .some(let random):
            machineStopped(outcome: { _ in Self.drawOutcome(random) }, newSize: { Self.drawSize($0, random) })
        }
    }

    private static func drawOutcome(_ random: any RandomSource) -> PageOutcome {
        switch random.below(16) {
        case 0..<4: .partly(sectors: 0)
        case 4: .garbage(seed: random.next())
        case 5..<8: .partly(sectors: UInt8(truncatingIfNeeded: random.next()))
        default: .kept
        }
    }

    private static func drawSize(_ sizes: InMemoryFileSystemNode.Sizes, _ random: any RandomSource) -> Int64 {
        switch random.below(5) {
        case 0: return sizes.durable
        case 1: return sizes.current
        case 2: return sizes.smallest
        case 3: return sizes.largest
        default: return sizes.smallest + random.below(sizes.largest - sizes.smallest + 1)
        }
    }
}
