// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
package import KafkaProtocol

extension Controller {
    /// The kinds of elections that operators can ask for.
    private enum ElectionType: Int8 {
        /// The first replica takes over, if it is in sync.
        case preferred = 0
        /// A partition without a leader gets one, at the cost of what the others had acknowledged (KIP-460).
        case unclean = 1
    }

    /// ElectLeaders (key 43): elections that an operator asks for.
    ///
    /// A request for all partitions leaves those out of its answer that need no election.
    package func electLeaders(_ request: ElectLeadersRequest) -> ControllerResult<ElectLeadersResponse> {
        guard let type = ElectionType(rawValue: request.electionType) else {
            return ControllerResult(response: ElectLeadersResponse(errorCode: ErrorCode.invalidRequest.rawValue))
        }
        var election = OperatorElection(type: type)
        if let topics = request.topicPartitions {
            for topic in topics {
                election.response.replicaElectionResults.append(.init(topic: topic.topic))
                for partition in topic.partitions { elect(topic.topic, partition, &election, reportsAll: true) }
            }
        } else {
            for topic in image.topics.all {
                election.response.replicaElectionResults.append(.init(topic: topic.name))
                for (index, _) in topic.partitions { elect(topic.name, index, &election, reportsAll: false) }
                if election.response.replicaElectionResults.last?.partitionResult.isEmpty == true {
                    election.response.replicaElectionResults.removeLast()
                }
            }
        }
        return ControllerResult(election.records, .severalBatches, response: election.response)
    }

    /// What a request has come to so far.
    private struct OperatorElection {
        let type: ElectionType
        var records: [MetadataRecord] = []
        var response = ElectLeadersResponse()
        /// Partitions that have a record already: it is not in the image yet.
        var elected = SortedMap<TopicPartition, Bool>()
    }

    private func elect(_ topic: String, _ index: Int32, _ election: inout OperatorElection, reportsAll: Bool) {
        var result = ElectLeadersResponse.PartitionResult(partitionID: index, errorMessage: nil)
        do throws(APIError) {
            try elect(TopicPartition(topic: topic, partition: index), &election)
        } catch {
            if error.code == .electionNotNeeded, !reportsAll { return }
            result.errorCode = error.code.rawValue
            result.errorMessage = error.message
        }
        let last = election.response.replicaElectionResults.count - 1
        election.response.replicaElectionResults[last].partitionResult.append(result)
    }

    private func elect(_ name: TopicPartition, _ election: inout OperatorElection) throws(APIError) {
        guard let topic = image.topics.topic(named: name.topic) else {
            throw APIError(.unknownTopicOrPartition, "No such topic as \(name.topic)")
        }
        guard let partition = topic.partition(name.partition) else {
            throw APIError(.unknownTopicOrPartition, "No such partition as \(name)")
        }
        let isNeeded =
            switch election.type {
            case .preferred: !partition.hasPreferredLeader
            case .unclean: !partition.hasLeader
            }
        guard isNeeded, !election.elected.contains(name) else {
            throw APIError(.electionNotNeeded, "Leader election not needed for topic partition.")
        }
        var decision = decision(for: partition, of: topic)
        switch election.type {
        case .preferred:
            decision.preference = .firstReplica
            decision.allowsUncleanElection = false
        case .unclean: decision.allowsUncleanElection = true
        }
        guard var change = decision.record(mayLead: { mayLead(partition, $0) }), Self.elects(change)
        else {
            throw APIError(
                election.type == .preferred ? .preferredLeaderNotAvailable : .eligibleLeadersNotAvailable,
                "No replica that may lead the partition is available.")
        }
        try checkRecordCount(1, left: Self.recordsPerRequestMax - election.records.count)
        change.topicID = topic.id
        change.partitionID = name.partition
        election.records.append(.partitionChange(change))
        election.elected[name] = true
    }

    /// Whether the change has a leader in it: it may also be about eligible leader replicas alone.
    private static func elects(_ change: PartitionChangeRecord) -> Bool {
        change.leader != PartitionChange.unchangedLeader && change.leader != PartitionRegistration.noLeader
    }
}
