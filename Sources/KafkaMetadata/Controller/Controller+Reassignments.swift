// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
package import KafkaProtocol

extension Controller {
    private typealias Target = AlterPartitionReassignmentsRequest.ReassignablePartition

    /// AlterPartitionReassignments (key 45): begins to move partitions to other replicas, or gives such a move up.
    ///
    /// What needs no new replica, another order or fewer of them, is done at once. A move that adds replicas ends when
    /// they are in sync.
    package func alterPartitionReassignments(
        _ request: AlterPartitionReassignmentsRequest
    ) -> ControllerResult<AlterPartitionReassignmentsResponse> {
        var records: [MetadataRecord] = []
        var seen = SortedMap<TopicPartition, Bool>()
        var response = AlterPartitionReassignmentsResponse(
            allowReplicationFactorChange: request.allowReplicationFactorChange, errorMessage: nil)
        for topic in request.topics {
            var answer = AlterPartitionReassignmentsResponse.ReassignableTopicResponse(name: topic.name)
            for target in topic.partitions {
                var result = AlterPartitionReassignmentsResponse.ReassignablePartitionResponse(
                    partitionIndex: target.partitionIndex, errorMessage: nil)
                do throws(APIError) {
                    let name = TopicPartition(topic: topic.name, partition: target.partitionIndex)
                    if seen.contains(name) {
                        throw APIError(.invalidRequest, "A partition must appear at most once.")
                    }
                    seen[name] = true
                    try checkRecordCount(1, left: Self.recordsPerRequestMax - records.count)
                    if let record = try reassign(
                        name, target, mayChangeFactor: request.allowReplicationFactorChange)
                    {
                        records.append(.partitionChange(record))
                    }
                } catch {
                    result.errorCode = error.code.rawValue
                    result.errorMessage = error.message
                }
                answer.partitions.append(result)
            }
            response.responses.append(answer)
        }
        return ControllerResult(records, .severalBatches, response: response)
    }

    /// The change of one partition; nil where it is already as it should be.
    private func reassign(
        _ name: TopicPartition, _ request: Target, mayChangeFactor: Bool
    ) throws(APIError) -> PartitionChangeRecord? {
        guard let topic = image.topics.topic(named: name.topic) else {
            throw APIError(.unknownTopicOrPartition, "Unable to find a topic named \(name.topic).")
        }
        guard let partition = topic.partition(name.partition) else {
            throw APIError(.unknownTopicOrPartition, "Unable to find partition \(name.topic):\(name.partition).")
        }
        var decision = decision(for: partition, of: topic)
        var target = PartitionChangeDecision.Target(partition)
        if let wanted = request.replicas {
            try checkAssignment(wanted)
            let settled = partition.replicas.count - partition.addingReplicas.count
            if !mayChangeFactor, wanted.count != settled {
                throw APIError(
                    .invalidReplicationFactor,
                    "The replication factor is changed from \(settled) to \(wanted.count)")
            }
            let way = PartitionReassignment(from: partition.replicas, to: wanted)
            if let end = way.completed(inSync: partition.inSyncReplicas) {
                (target.replicas, target.inSyncReplicas) = end
                (target.adding, target.removing) = ([], [])
            } else {
                (target.replicas, target.adding, target.removing) = (way.replicas, way.adding, way.removing)
            }
        } else {
            guard partition.isReassigning else {
                throw APIError(.noReassignmentInProgress, "No partition reassignment is in progress.")
            }
            let reverted = PartitionReassignment.reverted(partition)
            if reverted.isUnclean, !decision.allowsUncleanElection {
                throw APIError(
                    .invalidReplicaAssignment,
                    "Unable to revert partition assignment for \(name) because it would require an unclean leader "
                        + "election.")
            }
            (target.replicas, target.inSyncReplicas) = (reverted.replicas, reverted.inSync)
            (target.adding, target.removing) = ([], [])
            target.isUnclean = reverted.isUnclean
        }
        target.directories = target.replicas.map { broker in
            partition.directory(ofReplicaOn: broker) ?? defaultDirectory(ofBroker: broker)
        }
        var changed = partition
        changed.replicas = target.replicas
        changed.directories = target.directories
        decision.target = target
        guard var record = decision.record(mayLead: { mayLead(changed, $0) }) else { return nil }
        record.topicID = topic.id
        record.partitionID = name.partition
        return record
    }
}

extension MetadataImage {
    /// ListPartitionReassignments (key 46): the partitions among those asked for that are on their way to other replicas.
    package func partitionReassignments(
        _ request: ListPartitionReassignmentsRequest
    ) -> ListPartitionReassignmentsResponse {
        typealias Ongoing = ListPartitionReassignmentsResponse.OngoingTopicReassignment
        func ongoing(_ topic: TopicImage, _ partitions: [(Int32, PartitionRegistration)]) -> Ongoing? {
            let moving = partitions.filter { $0.1.isReassigning }
            if moving.isEmpty { return nil }
            return Ongoing(
                name: topic.name,
                partitions: moving.map { index, partition in
                    .init(
                        partitionIndex: index, replicas: partition.replicas,
                        addingReplicas: partition.addingReplicas, removingReplicas: partition.removingReplicas)
                })
        }
        var answer = ListPartitionReassignmentsResponse(errorMessage: nil)
        if let asked = request.topics {
            answer.topics = asked.compactMap { item in
                guard let topic = topics.topic(named: item.name) else { return nil }
                return ongoing(
                    topic,
                    item.partitionIndexes.compactMap { index in topic.partition(index).map { (index, $0) } })
            }
        } else {
            answer.topics = topics.all.compactMap { topic in
                ongoing(topic, topic.partitions.map { ($0.key, $0.value) })
            }
        }
        return answer
    }
}
