// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaMetadata
internal import KafkaProtocol
internal import KafkaRaft
internal import KafkaRuntime

/// The metadata quorum at a moment, as DescribeQuorum shows it.
struct QuorumDescription: Sendable {
    struct Replica: Sendable {
        let id: Int32
        /// Zero where the voters are not known by their directories (`kraft.version` 0).
        let directoryID: KafkaUUID
        let logEndOffset: Int64
        /// Milliseconds since 1970.
        let lastFetchTimestamp: Int64
        let lastCaughtUpTimestamp: Int64
    }

    struct Listener: Sendable {
        let name: String
        let host: String
        let port: UInt16
    }

    struct Node: Sendable {
        let id: Int32
        let listeners: [Listener]
    }

    let leaderID: Int32
    let leaderEpoch: Int32
    let highWatermark: Int64
    let voters: [Replica]
    let nodes: [Node]

    /// What the leader of a quorum of one says: the node itself, which has always just caught up.
    ///
    /// - Parameter now: milliseconds since 1970.
    init(_ raft: RaftNode, now: Int64) {
        leaderID = raft.leaderID ?? -1
        leaderEpoch = raft.epoch
        highWatermark = raft.highWatermark ?? -1
        voters = raft.voters.map { id in
            Replica(
                id: id, directoryID: raft.control.directoryID(ofVoter: id) ?? .zero, logEndOffset: raft.logEndOffset,
                lastFetchTimestamp: now, lastCaughtUpTimestamp: now)
        }
        let known = raft.control.voters?.voters ?? []
        nodes = raft.voters.map { id in
            let endpoints = known.first { $0.voterID == id }?.endpoints ?? []
            return Node(
                id: id, listeners: endpoints.map { Listener(name: $0.name, host: $0.host, port: $0.port) })
        }
    }
}

extension MetadataQuorum {
    /// Tells who leads and votes. `completion` runs on the queue, with NOT_CONTROLLER where this node does not lead.
    func describe(completion: @escaping @Sendable (Result<QuorumDescription, APIError>) -> Void) {
        queue.async { [self] in
            guard !isStopped, node.isActiveLeader else { return completion(.failure(APIError(.notController))) }
            completion(.success(QuorumDescription(node, now: runtime.clock.wallMilliseconds)))
        }
    }
}
