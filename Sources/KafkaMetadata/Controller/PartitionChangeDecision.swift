// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaProtocol

/// What becomes of one partition when a broker leaves, comes back, or has lost what it had not written to disk.
///
/// A leader that may stay stays. Otherwise the first replica in the order of the assignment that is in sync and may
/// lead takes over; then one that holds everything committed (an eligible leader replica, KIP-966); then the last known
/// leader; then, only where unclean elections are allowed, any replica that may lead.
/// The last in-sync replica is never removed, unless eligible leader replicas are kept.
struct PartitionChangeDecision {
    let partition: PartitionRegistration
    let metadataVersion: MetadataVersion
    let keepsEligibleLeaderReplicas: Bool
    /// `min.insync.replicas` of the topic, not above the number of replicas.
    let minInSyncReplicas: Int
    var allowsUncleanElection: Bool
    /// Out of the in-sync replicas: it stops or was fenced.
    var leaving: Int32?
    /// Out of all sets that vouch for committed records: it may have lost some.
    var uncleanlyStopped: Int32?

    /// Who leads where several may.
    var preference = Preference.presentLeader
    /// The replicas that the partition gets; nil where they stay.
    var target: Target?

    enum Preference {
        case presentLeader
        /// The preferred leader, where it is in sync.
        case firstReplica
    }

    /// What a reassignment makes of a partition (KIP-455).
    struct Target {
        var replicas: [Int32]
        /// Of each of `replicas`.
        var directories: [KafkaUUID]
        var inSyncReplicas: [Int32]
        var adding: [Int32]
        var removing: [Int32]
        /// Whether `inSyncReplicas` holds one that is not known to be in sync.
        var isUnclean = false

        /// Everything as it is.
        init(_ partition: PartitionRegistration) {
            replicas = partition.replicas
            directories = partition.directories
            inSyncReplicas = partition.inSyncReplicas
            adding = partition.addingReplicas
            removing = partition.removingReplicas
        }
    }

    private var replicas: [Int32] { target?.replicas ?? partition.replicas }

    private struct Election {
        let leader: Int32
        let isUnclean: Bool
    }

    /// The change, without the partition's place; nil where there is none.
    func record(mayLead: (Int32) -> Bool) -> PartitionChangeRecord? {
        var inSync = (target?.inSyncReplicas ?? partition.inSyncReplicas).filter {
            $0 != leaving && $0 != uncleanlyStopped
        }
        var eligible = eligibleLeaderReplicas(inSync: inSync)
        let election = elect(inSync: inSync, eligible: eligible, mayLead: mayLead)
        var record = PartitionChangeRecord()
        var isChanged = false

        if election.leader != partition.leader {
            record.leader = election.leader
            isChanged = true
            if election.isUnclean {
                inSync = [election.leader]
                if partition.leaderRecoveryState != .recovering, metadataVersion.supportsLeaderRecovery {
                    record.leaderRecoveryState = LeaderRecoveryState.recovering.rawValue
                }
            } else if eligible.contains(election.leader) {
                inSync = [election.leader]
                eligible.removeAll { $0 == election.leader }
            }
        }
        if election.isUnclean || !keepsEligibleLeaderReplicas { eligible = [] }
        if eligible != partition.eligibleLeaderReplicas {
            record.eligibleLeaderReplicas = eligible
            isChanged = true
        }
        if !inSync.isEmpty || keepsEligibleLeaderReplicas, inSync != partition.inSyncReplicas {
            record.isr = inSync
            isChanged = true
            let isShrunk = partition.inSyncReplicas.contains { !inSync.contains($0) }
            if isShrunk, metadataVersion.bumpsLeaderEpochOnShrink, record.leader == PartitionChange.unchangedLeader {
                record.leader = partition.leader
            }
        }
        if let lastKnown = lastKnownLeaders(after: election.leader, inSync: record.isr) {
            record.lastKnownElr = lastKnown
            isChanged = true
        }
        if let target, apply(target, to: &record) { isChanged = true }
        return isChanged ? record : nil
    }

    /// Whether the target is other than what there is.
    private func apply(_ target: Target, to record: inout PartitionChangeRecord) -> Bool {
        var isChanged = false
        if target.replicas != partition.replicas {
            record.replicas = target.replicas
            if metadataVersion.supportsDirectories { record.directories = target.directories }
            // Whoever is no replica any more must not take itself for one in this epoch.
            if record.leader == PartitionChange.unchangedLeader,
                !partition.replicas.allSatisfy(target.replicas.contains)
            {
                record.leader = partition.leader
            }
            isChanged = true
        }
        if target.adding != partition.addingReplicas {
            record.addingReplicas = target.adding
            isChanged = true
        }
        if target.removing != partition.removingReplicas {
            record.removingReplicas = target.removing
            isChanged = true
        }
        if target.isUnclean, partition.leaderRecoveryState != .recovering, metadataVersion.supportsLeaderRecovery {
            record.leaderRecoveryState = LeaderRecoveryState.recovering.rawValue
            isChanged = true
        }
        return isChanged
    }

    /// Replicas that left the in-sync set while it is below the minimum: the high watermark stands still meanwhile, so
    /// they hold all that is committed.
    private func eligibleLeaderReplicas(inSync: [Int32]) -> [Int32] {
        guard keepsEligibleLeaderReplicas, inSync.count < minInSyncReplicas else { return [] }
        return replicas.filter { replica in
            (partition.eligibleLeaderReplicas.contains(replica) || partition.inSyncReplicas.contains(replica))
                && !inSync.contains(replica) && replica != uncleanlyStopped
        }
    }

    private func elect(inSync: [Int32], eligible: [Int32], mayLead: (Int32) -> Bool) -> Election {
        let candidates = inSync.isEmpty ? eligible : inSync
        func isValid(_ replica: Int32) -> Bool { candidates.contains(replica) && mayLead(replica) }
        if preference == .firstReplica, let first = replicas.first, isValid(first) {
            return Election(leader: first, isUnclean: false)
        }
        if isValid(partition.leader) { return Election(leader: partition.leader, isUnclean: false) }
        if let leader = replicas.first(where: isValid) { return Election(leader: leader, isUnclean: false) }
        if keepsEligibleLeaderReplicas, candidates.isEmpty,
            partition.lastKnownEligibleLeaderReplicas.count == 1,
            let last = partition.lastKnownEligibleLeaderReplicas.first, mayLead(last)
        {
            return Election(leader: last, isUnclean: true)
        }
        if allowsUncleanElection, let leader = replicas.first(where: mayLead) {
            return Election(leader: leader, isUnclean: true)
        }
        return Election(leader: PartitionRegistration.noLeader, isUnclean: false)
    }

    /// The new list of last known leaders; nil where it stays.
    private func lastKnownLeaders(after leader: Int32, inSync: [Int32]?) -> [Int32]? {
        guard keepsEligibleLeaderReplicas else { return nil }
        let known = partition.lastKnownEligibleLeaderReplicas
        if leader != PartitionRegistration.noLeader { return known.isEmpty ? nil : [] }
        guard let inSync, inSync.isEmpty else { return nil }
        // A partition that had lost its leader before may still have had one replica that was in sync.
        let last = partition.hasLeader ? [partition.leader] : partition.inSyncReplicas
        return last.count == 1 && last != known ? last : nil
    }
}
