// SPDX-License-Identifier: Apache-2.0
package import KafkaBase
package import KafkaProtocol

/// Whether a partition's leader still has to recover from an unclean election (KIP-704).
package enum LeaderRecoveryState: Int8, Sendable {
    case recovered = 0
    case recovering = 1
}

/// One partition as the controller knows it.
///
/// Every change raises `partitionEpoch`; every change of leader, and some that keep it, raise `leaderEpoch`.
package struct PartitionRegistration: Equatable, Sendable {
    /// No broker leads the partition.
    package static let noLeader: Int32 = -1

    /// The first one is the preferred leader.
    package var replicas: [Int32]
    /// The directory of each replica, in the same order.
    package var directories: [KafkaUUID]
    package var inSyncReplicas: [Int32]
    package var removingReplicas: [Int32]
    package var addingReplicas: [Int32]
    /// Replicas that left the in-sync ones while those were below the minimum and that hold everything committed
    /// (KIP-966).
    package var eligibleLeaderReplicas: [Int32]
    /// The last leader, once there is none that holds everything committed for sure.
    package var lastKnownEligibleLeaderReplicas: [Int32]
    /// `noLeader` where there is none.
    package var leader: Int32
    package var leaderRecoveryState: LeaderRecoveryState
    package var leaderEpoch: Int32
    package var partitionEpoch: Int32

    /// A new partition: all of `inSyncReplicas` in sync, the first of them leads.
    package init(replicas: [Int32], directories: [KafkaUUID], inSyncReplicas: [Int32]) {
        self.replicas = replicas
        self.directories = directories
        self.inSyncReplicas = inSyncReplicas == replicas ? replicas : inSyncReplicas
        removingReplicas = []
        addingReplicas = []
        eligibleLeaderReplicas = []
        lastKnownEligibleLeaderReplicas = []
        leader = inSyncReplicas.first ?? Self.noLeader
        leaderRecoveryState = .recovered
        leaderEpoch = 0
        partitionEpoch = 0
    }

    /// The log directory of the replica on a broker, or what stands in its place; nil where the broker has no replica.
    package func directory(ofReplicaOn broker: Int32) -> KafkaUUID? {
        replicas.firstIndex(of: broker).map { directories[$0] }
    }

    package var hasLeader: Bool { leader != Self.noLeader }
    package var hasPreferredLeader: Bool { leader == replicas.first }
    package var isReassigning: Bool { !removingReplicas.isEmpty || !addingReplicas.isEmpty }

    /// Throws `inconsistent` where directories and replicas do not go together, or a state is not defined.
    package init(_ record: PartitionRecord) throws(MetadataError) {
        replicas = record.replicas
        directories = try Self.directories(record.directories, replicas: record.replicas, in: "PartitionRecord")
        // Most partitions are fully in sync: one array serves for both.
        inSyncReplicas = record.isr == record.replicas ? record.replicas : record.isr
        removingReplicas = record.removingReplicas
        addingReplicas = record.addingReplicas
        eligibleLeaderReplicas = record.eligibleLeaderReplicas ?? []
        lastKnownEligibleLeaderReplicas = record.lastKnownElr ?? []
        leader = record.leader
        leaderRecoveryState = try Self.recoveryState(record.leaderRecoveryState, in: "PartitionRecord")
        leaderEpoch = record.leaderEpoch
        partitionEpoch = record.partitionEpoch
    }

    /// Takes in a change. In it, a field that is absent stays, and the leader −2 stands for no change.
    package mutating func apply(_ change: PartitionChangeRecord) throws(MetadataError) {
        if let new = change.replicas { replicas = new }
        if let new = change.directories {
            directories = try Self.directories(new, replicas: replicas, in: "PartitionChangeRecord")
        } else if directories.count != replicas.count, directories.allSatisfy({ $0 == DirectoryID.migrating }) {
            // Before KIP-858 replicas had no directories.
            directories = [KafkaUUID](repeating: DirectoryID.migrating, count: replicas.count)
        } else if directories.count != replicas.count {
            throw .inconsistent(record: "PartitionChangeRecord", reason: "replicas change without their directories")
        }
        if let new = change.isr { inSyncReplicas = new == replicas ? replicas : new }
        if let new = change.removingReplicas { removingReplicas = new }
        if let new = change.addingReplicas { addingReplicas = new }
        if let new = change.eligibleLeaderReplicas { eligibleLeaderReplicas = new }
        if let new = change.lastKnownElr { lastKnownEligibleLeaderReplicas = new }
        if change.leaderRecoveryState != PartitionChange.unchangedRecoveryState {
            leaderRecoveryState = try Self.recoveryState(change.leaderRecoveryState, in: "PartitionChangeRecord")
        }
        if change.leader != PartitionChange.unchangedLeader {
            leader = change.leader
            leaderEpoch += 1
        }
        partitionEpoch += 1
    }

    /// The record that makes this partition, with what `metadataVersion` has room for.
    package func record(topicID: KafkaUUID, partition: Int32, at metadataVersion: MetadataVersion) -> PartitionRecord {
        var record = PartitionRecord()
        record.partitionID = partition
        record.topicID = topicID
        record.replicas = replicas
        record.isr = inSyncReplicas
        record.removingReplicas = removingReplicas
        record.addingReplicas = addingReplicas
        record.leader = leader
        record.leaderRecoveryState = metadataVersion.supportsLeaderRecovery ? leaderRecoveryState.rawValue : 0
        record.leaderEpoch = leaderEpoch
        record.partitionEpoch = partitionEpoch
        if metadataVersion.supportsDirectories { record.directories = directories }
        if metadataVersion.supportsEligibleLeaderReplicas {
            if !eligibleLeaderReplicas.isEmpty { record.eligibleLeaderReplicas = eligibleLeaderReplicas }
            if !lastKnownEligibleLeaderReplicas.isEmpty { record.lastKnownElr = lastKnownEligibleLeaderReplicas }
        }
        return record
    }

    /// Records older than KIP-858 carry no directories.
    private static func directories(
        _ directories: [KafkaUUID], replicas: [Int32], in record: String
    ) throws(MetadataError) -> [KafkaUUID] {
        if directories.isEmpty { return [KafkaUUID](repeating: DirectoryID.migrating, count: replicas.count) }
        guard directories.count == replicas.count else {
            throw .inconsistent(
                record: record, reason: "\(directories.count) directories for \(replicas.count) replicas")
        }
        return directories
    }

    private static func recoveryState(_ value: Int8, in record: String) throws(MetadataError) -> LeaderRecoveryState {
        guard let state = LeaderRecoveryState(rawValue: value) else {
            throw .inconsistent(record: record, reason: "leader recovery state \(value) is not defined")
        }
        return state
    }
}

/// The values that mean "as it was" in a PartitionChangeRecord.
package enum PartitionChange {
    package static let unchangedLeader: Int32 = -2
    package static let unchangedRecoveryState: Int8 = -1
}
