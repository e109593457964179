// SPDX-License-Identifier: Apache-2.0

/// A partition's way from one set of replicas to another (KIP-455): the new ones are added, and when all of them are in
/// sync those that must go are removed.
struct PartitionReassignment: Equatable {
    /// While it lasts: the target, then those that go.
    private(set) var replicas: [Int32]
    private(set) var adding: [Int32]
    private(set) var removing: [Int32]

    /// The way from `current` to `target`.
    init(from current: [Int32], to target: [Int32]) {
        adding = target.filter { !current.contains($0) }.sorted()
        removing = current.filter { !target.contains($0) }.sorted()
        replicas = target + current.filter { !target.contains($0) }
    }

    /// The partition's replicas when it has come to its end; nil as long as it has not, because replicas that are added
    /// are not in sync, or none would be left in sync.
    func completed(inSync: [Int32]) -> (replicas: [Int32], inSync: [Int32])? {
        let remaining = inSync.filter { !removing.contains($0) }
        guard !remaining.isEmpty, adding.allSatisfy({ remaining.contains($0) }) else { return nil }
        return (replicas.filter { !removing.contains($0) }, remaining)
    }

    /// The replicas and those in sync of a partition whose reassignment is given up: as they were before it.
    ///
    /// - Returns: and whether nobody who was there before is in sync any more, so that records may be lost.
    static func reverted(
        _ partition: PartitionRegistration
    ) -> (replicas: [Int32], inSync: [Int32], isUnclean: Bool) {
        let replicas = partition.replicas.filter { !partition.addingReplicas.contains($0) }
        let inSync = partition.inSyncReplicas.filter { !partition.addingReplicas.contains($0) }
        guard inSync.isEmpty, let first = replicas.first else { return (replicas, inSync, false) }
        return (replicas, [first], true)
    }
}
