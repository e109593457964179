// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
package import KafkaProtocol

extension Controller {
    // MARK: DeleteTopics

    /// DeleteTopics (key 20): by name, or from version 6 on by name or id.
    ///
    /// A topic that is named twice, by whatever means, is not deleted at all. While topics may not be deleted, every one
    /// fails: with TOPIC_DELETION_DISABLED, which versions below 3 do not know and see as INVALID_REQUEST.
    package func deleteTopics(
        _ request: DeleteTopicsRequest, version: Int16
    ) -> ControllerResult<DeleteTopicsResponse> {
        let asked =
            request.topicNames.map { DeleteTopicsRequest.DeleteTopicState(name: $0, topicID: .zero) } + request.topics
        let resolved = asked.map(resolve)
        var occurrences = SortedMap<KafkaUUID, Int>()
        for case .success(let id) in resolved { occurrences[id] = (occurrences[id] ?? 0) + 1 }

        var records: [MetadataRecord] = []
        var response = DeleteTopicsResponse()
        var answered = SortedMap<KafkaUUID, Bool>()
        for (topic, target) in zip(asked, resolved) {
            var result = DeleteTopicsResponse.DeletableTopicResult(name: topic.name, topicID: topic.topicID)
            do throws(APIError) {
                try checkDeletionEnabled(version: version)
                let id = try target.get()
                if occurrences[id] ?? 0 > 1 {
                    if answered.contains(id) { continue }
                    answered[id] = true
                    throw APIError(.invalidRequest, "Duplicate topic \(topic.name == nil ? "id" : "name").")
                }
                try checkRecordCount(1, left: Self.recordsPerRequestMax - records.count)
                result.name = image.topics.topic(id: id)?.name
                result.topicID = id
                records.append(.removeTopic(RemoveTopicRecord(topicID: id)))
            } catch {
                result.errorCode = error.code.rawValue
                result.errorMessage = error.message
            }
            response.responses.append(result)
        }
        return ControllerResult(records, response: response)
    }

    private func checkDeletionEnabled(version: Int16) throws(APIError) {
        guard !settings.isTopicDeletionEnabled else { return }
        throw APIError(version < 3 ? .invalidRequest : .topicDeletionDisabled, "Topic deletion is disabled.")
    }

    private func resolve(_ topic: DeleteTopicsRequest.DeleteTopicState) -> Result<KafkaUUID, APIError> {
        switch (topic.name, topic.topicID.isZero) {
        case (nil, true):
            .failure(APIError(.invalidRequest, "Neither topic name nor id were specified."))
        case (.some, false):
            .failure(APIError(.invalidRequest, "You may not specify both topic name and topic id."))
        case (let name?, true):
            image.topics.id(ofTopic: name).map { .success($0) } ?? .failure(Self.unknownTopic)
        case (nil, false):
            image.topics.topic(id: topic.topicID) == nil
                ? .failure(APIError(.unknownTopicID, "This server does not host this topic ID."))
                : .success(topic.topicID)
        }
    }

    static var unknownTopic: APIError {
        APIError(.unknownTopicOrPartition, "This server does not host this topic-partition.")
    }

    // MARK: CreatePartitions

    /// CreatePartitions (key 37): adds partitions at the end of topics.
    package func createPartitions(
        _ request: CreatePartitionsRequest, random: () -> UInt64
    ) -> ControllerResult<CreatePartitionsResponse> {
        var records: [MetadataRecord] = []
        var response = CreatePartitionsResponse()
        var occurrences = SortedMap<String, Int>()
        for topic in request.topics { occurrences[topic.name] = (occurrences[topic.name] ?? 0) + 1 }
        for topic in request.topics {
            guard let count = occurrences[topic.name] else { continue }
            occurrences[topic.name] = nil
            var result = CreatePartitionsResponse.CreatePartitionsTopicResult(name: topic.name)
            do throws(APIError) {
                if count > 1 { throw APIError(.invalidRequest, "Duplicate topic name.") }
                records += try addedPartitions(topic, recordsBefore: records.count, random: random)
            } catch {
                result.errorCode = error.code.rawValue
                result.errorMessage = error.message
            }
            response.results.append(result)
        }
        return ControllerResult(request.validateOnly ? [] : records, response: response)
    }

    private func addedPartitions(
        _ request: CreatePartitionsRequest.CreatePartitionsTopic, recordsBefore: Int, random: () -> UInt64
    ) throws(APIError) -> [MetadataRecord] {
        guard let topic = image.topics.topic(named: request.name), let first = topic.partition(0) else {
            throw Self.unknownTopic
        }
        let existing = Int32(topic.partitionCount)
        if request.count == existing {
            throw APIError(.invalidPartitions, "Topic already has \(existing) partition(s).")
        }
        if request.count < existing {
            throw APIError(
                .invalidPartitions,
                "The topic \(request.name) currently has \(existing) partition(s); \(request.count) would not be an "
                    + "increase.")
        }
        let additional = Int(request.count - existing)
        try checkRecordCount(additional, left: Self.recordsPerRequestMax - recordsBefore)
        let partitions = try newPartitions(request, after: existing, additional, like: first, random: random)
        return partitions.enumerated().map { index, partition in
            .partition(
                partition.record(
                    topicID: topic.id, partition: existing + Int32(index), at: image.metadataVersion))
        }
    }

    private func newPartitions(
        _ request: CreatePartitionsRequest.CreatePartitionsTopic, after existing: Int32, _ additional: Int,
        like first: PartitionRegistration, random: () -> UInt64
    ) throws(APIError) -> [PartitionRegistration] {
        guard let assignments = request.assignments else {
            let placer = ReplicaPlacer(image.cluster, random: random())
            return try placer.place(
                first: Int(existing), partitionCount: additional, replicationFactor: first.replicas.count
            ).map(newPartition)
        }
        guard assignments.count == additional else {
            throw APIError(
                .invalidReplicaAssignment,
                "Attempted to add \(additional) additional partition(s), but only \(assignments.count) assignment(s) "
                    + "were specified.")
        }
        var partitions: [PartitionRegistration] = []
        for assignment in assignments {
            partitions.append(
                try assignedPartition(
                    assignment.brokerIDs, index: existing + Int32(partitions.count),
                    replicationFactor: first.replicas.count))
        }
        return partitions
    }
}
