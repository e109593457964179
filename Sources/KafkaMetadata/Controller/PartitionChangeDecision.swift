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
    let allowsUncleanElection: Bool
    /// Out of the in-sync replicas: it stops or was fenced.
    var leaving: Int32?
    /// Out of all sets that vouch for committed records: it may have lost some.
    var uncleanlyStopped: Int32?

    private struct Election {
        let leader: Int32
        let isUnclean: Bool
    }

    /// The change, without the partition's place; nil where there is none.
    func record(mayLead: (Int32) -> Bool) -> PartitionChangeRecord? {
        var inSync = partition.inSyncReplicas.filter { $0 != leaving && $0 != uncleanlyStopped }
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
        return isChanged ? record : nil
    }

    /// Replicas that left the in-sync set while it is below the minimum: the high watermark stands still meanwhile, so
    /// they hold all that is committed.
    private func eligibleLeaderReplicas(inSync: [Int32]) -> [Int32] {
        guard keepsEligibleLeaderReplicas, inSync.count < minInSyncReplicas else { return [] }
        return partition.replicas.filter { replica in
            (partition.eligibleLeaderReplicas.contains(replica) || partition.inSyncReplicas.contains(replica))
                && !inSync.contains(replica) && replica != uncleanlyStopped
        }
    }

    private func elect(inSync: [Int32], eligible: [Int32], mayLead: (Int32) -> Bool) -> Election {
        let candidates = inSync.isEmpty ? eligible : inSync
        func isValid(_ replica: Int32) -> Bool { candidates.contains(replica) && mayLead(replica) }
        if isValid(partition.leader) { return Election(leader: partition.leader, isUnclean: false) }
        if let leader = partition.replicas.first(where: isValid) { return Election(leader: leader, isUnclean: false) }
        if keepsEligibleLeaderReplicas, candidates.isEmpty,
            partition.lastKnownEligibleLeaderReplicas.count == 1,
            let last = partition.lastKnownEligibleLeaderReplicas.first, mayLead(last)
        {
            return Election(leader: last, isUnclean: true)
        }
        if allowsUncleanElection, let leader = partition.replicas.first(where: mayLead) {
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
