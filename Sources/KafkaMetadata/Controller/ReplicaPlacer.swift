// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase

/// Chooses the brokers of new partitions.
///
/// A partition's replicas are on different brokers, on as many racks as there are, and its first one, the leader to be,
/// is on an active broker. From partition to partition the rack and the broker that come first move on by one, and after
/// each full round the brokers that follow a leader change, so that a broker's load does not fall on one other when it
/// fails. Brokers that are fenced or shutting down come last within their rack.
struct ReplicaPlacer {
    private struct Rack {
        let active: [Int32]
        let inactive: [Int32]

        /// The rack's brokers in the order in which partition number `index` uses them.
        func order(_ index: Int, round: Int) -> [Int32] {
            var order = Self.rotated(active, by: index)
            if order.count > 2 { order = [order[0]] + Self.rotated(Array(order[1...]), by: round) }
            return order + Self.rotated(inactive, by: index)
        }

        private static func rotated(_ brokers: [Int32], by count: Int) -> [Int32] {
            guard !brokers.isEmpty else { return [] }
            let start = count % brokers.count
            return Array(brokers[start...] + brokers[..<start])
        }
    }

    private let racks: [Rack]
    private let brokerCount: Int
    private let activeCount: Int
    private let start: Int

    /// - Parameter random: any number; moves where the first partition begins.
    init(_ cluster: ClusterImage, random: UInt64) {
        var byRack = SortedMap<String, [BrokerRegistration]>()
        for broker in cluster.allBrokers {
            byRack[broker.rack ?? ""] = (byRack[broker.rack ?? ""] ?? []) + [broker]
        }
        racks = byRack.values.map { brokers in
            Rack(
                active: brokers.filter(\.isActive).map(\.id), inactive: brokers.filter { !$0.isActive }.map(\.id))
        }
        brokerCount = cluster.brokers.count
        activeCount = racks.reduce(0) { $0 + $1.active.count }
        start = Int(random % 1_000_003)
    }

    /// The replicas of each of `partitionCount` new partitions, the first of which has the number `first`.
    ///
    /// Throws INVALID_REPLICATION_FACTOR where that many replicas, or a leader, cannot be had.
    func place(first: Int, partitionCount: Int, replicationFactor: Int) throws(APIError) -> [[Int32]] {
        try check(replicationFactor)
        return (0..<partitionCount).map { place(start + first + $0, replicationFactor) }
    }

    private func check(_ replicationFactor: Int) throws(APIError) {
        let reason: String
        if replicationFactor <= 0 {
            reason = "Invalid replication factor \(replicationFactor): the replication factor must be positive."
        } else if activeCount == 0 {
            reason = "All brokers are currently fenced or in controlled shutdown."
        } else if replicationFactor > brokerCount {
            reason =
                "The target replication factor of \(replicationFactor) cannot be reached because only "
                + "\(brokerCount) broker(s) are registered."
        } else {
            return
        }
        throw APIError(
            .invalidReplicationFactor, "Unable to replicate the partition \(replicationFactor) time(s): \(reason)")
    }

    private func place(_ index: Int, _ replicationFactor: Int) -> [Int32] {
        let round = index / activeCount
        var first = index % racks.count
        while racks[first].active.isEmpty { first = (first + 1) % racks.count }
        // Each rack moves on to its next broker once all racks have had their turn.
        let orders = racks.map { $0.order(index / racks.count, round: round) }
        var replicas: [Int32] = []
        var turn = 0
        while replicas.count < replicationFactor {
            for step in 0..<racks.count where replicas.count < replicationFactor {
                let order = orders[(first + step) % racks.count]
                if turn < order.count { replicas.append(order[turn]) }
            }
            turn += 1
        }
        return replicas
    }
}
