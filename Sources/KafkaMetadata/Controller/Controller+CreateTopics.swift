// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
package import KafkaProtocol

extension Controller {
    /// CreateTopics (key 19): validates each topic by itself and lays out its partitions.
    ///
    /// A topic that fails does not hold up the others. With `validateOnly` the answer is the same but for the topic ids,
    /// which stay zero, and nothing is recorded.
    ///
    /// - Parameter random: random bits, for topic ids and for where placement begins.
    package func createTopics(
        _ request: CreateTopicsRequest, schema: any ConfigurationSchema, random: () -> UInt64
    ) -> ControllerResult<CreateTopicsResponse> {
        var records: [MetadataRecord] = []
        // Counted for validate-only requests as well, whose answers are as long.
        var recordCount = 0
        var response = CreateTopicsResponse()
        var seen = SortedMap<String, Int>()
        for topic in request.topics { seen[topic.name] = (seen[topic.name] ?? 0) + 1 }
        var collisionKeys = SortedMap<String, String>()

        for topic in request.topics {
            guard let occurrences = seen[topic.name] else { continue }
            seen[topic.name] = nil
            do throws(APIError) {
                if occurrences > 1 { throw APIError(.invalidRequest, "Duplicate topic name.") }
                try checkNewName(topic.name, collisionKeys: &collisionKeys)
                let created = try create(topic, schema: schema, recordsBefore: recordCount, random: random)
                recordCount += created.records.count
                var result = created.result
                if request.validateOnly { result.topicID = .zero } else { records += created.records }
                response.topics.append(result)
            } catch {
                response.topics.append(
                    .init(name: topic.name, errorCode: error.code.rawValue, errorMessage: error.message))
            }
        }
        return ControllerResult(records, response: response)
    }

    /// The new topic's name must be legal, unused and not to be confused with another's, neither an existing one's nor
    /// one's in the same request.
    private func checkNewName(
        _ name: String, collisionKeys: inout SortedMap<String, String>
    ) throws(APIError) {
        if let reason = TopicName.invalidity(of: name) {
            throw APIError(.invalidTopicException, "Topic name is invalid: \(reason)")
        }
        if name == TopicName.clusterMetadata {
            throw APIError(.invalidRequest, "Creation of internal topic \(name) is prohibited.")
        }
        if image.topics.id(ofTopic: name) != nil {
            throw APIError(.topicAlreadyExists, "Topic '\(name)' already exists.")
        }
        let key = TopicName.collisionKey(of: name)
        if let other = image.topics.topicColliding(with: name) ?? collisionKeys[key] {
            throw APIError(.invalidTopicException, "Topic '\(name)' collides with existing topic: \(other)")
        }
        if TopicName.canCollide(name) { collisionKeys[key] = name }
    }

    private struct CreatedTopic {
        let result: CreateTopicsResponse.CreatableTopicResult
        let records: [MetadataRecord]
    }

    private func create(
        _ topic: CreateTopicsRequest.CreatableTopic, schema: any ConfigurationSchema, recordsBefore: Int,
        random: () -> UInt64
    ) throws(APIError) -> CreatedTopic {
        let overrides = try newConfigs(topic, schema: schema)
        let partitions = try newPartitions(
            topic, recordsLeft: Self.recordsPerRequestMax - recordsBefore - overrides.count - 1, random: random)
        let id = newTopicID(random)
        var records: [MetadataRecord] = [.topic(TopicRecord(name: topic.name, topicID: id))]
        for (key, value) in overrides {
            records.append(.config(Self.configRecord(.topic(topic.name), key: key, value: value)))
        }
        for (index, partition) in partitions.enumerated() {
            records.append(
                .partition(partition.record(topicID: id, partition: Int32(index), at: image.metadataVersion)))
        }
        var result = CreateTopicsResponse.CreatableTopicResult()
        result.name = topic.name
        result.topicID = id
        result.errorMessage = nil
        result.numPartitions = Int32(partitions.count)
        result.replicationFactor = Int16(partitions[0].replicas.count)
        result.configs = schema.effectiveTopicConfigs(overrides: overrides, image: image)
        return CreatedTopic(result: result, records: records)
    }

    private func newConfigs(
        _ topic: CreateTopicsRequest.CreatableTopic, schema: any ConfigurationSchema
    ) throws(APIError) -> [(key: String, value: String)] {
        let nullKeys = topic.configs.filter { $0.value == nil }.map(\.name)
        guard nullKeys.isEmpty else {
            throw APIError(
                .invalidConfig, "Null value not supported for topic configs: \(nullKeys.joined(separator: ","))")
        }
        var values = SortedMap<String, String>()
        for config in topic.configs { values[config.name] = config.value }
        let overrides = values.map { (key: $0.key, value: $0.value) }
        if let error = schema.validate(overrides, of: .topic(topic.name), image: image) { throw error }
        return overrides
    }

    private func newTopicID(_ random: () -> UInt64) -> KafkaUUID {
        while true {
            let id = KafkaUUID(randomHigh: random(), randomLow: random())
            // Tools take ids on the command line, where a leading dash would be an option.
            if !id.description.hasPrefix("-"), image.topics.topic(id: id) == nil { return id }
        }
    }

    // MARK: Partitions

    private func newPartitions(
        _ topic: CreateTopicsRequest.CreatableTopic, recordsLeft: Int, random: () -> UInt64
    ) throws(APIError) -> [PartitionRegistration] {
        if !topic.assignments.isEmpty {
            try checkRecordCount(topic.assignments.count, left: recordsLeft)
            return try assignedPartitions(topic)
        }
        if topic.replicationFactor < -1 || topic.replicationFactor == 0 {
            throw APIError(
                .invalidReplicationFactor,
                "Replication factor must be larger than 0, or -1 to use the default value.")
        }
        if topic.numPartitions < -1 || topic.numPartitions == 0 {
            throw APIError(.invalidPartitions, "Number of partitions was set to an invalid non-positive value.")
        }
        let count = topic.numPartitions == -1 ? settings.defaultPartitionCount : topic.numPartitions
        let factor = topic.replicationFactor == -1 ? settings.defaultReplicationFactor : topic.replicationFactor
        try checkRecordCount(Int(count), left: recordsLeft)
        let placer = ReplicaPlacer(image.cluster, random: random())
        let placements = try placer.place(first: 0, partitionCount: Int(count), replicationFactor: Int(factor))
        return placements.map(newPartition)
    }

    func checkRecordCount(_ count: Int, left: Int) throws(APIError) {
        guard count <= left else {
            throw APIError(.policyViolation, "Unable to perform excessively large batch operation.")
        }
    }

    /// A partition whose active replicas are in sync.
    func newPartition(_ replicas: [Int32]) -> PartitionRegistration {
        PartitionRegistration(
            replicas: replicas, directories: replicas.map(defaultDirectory(ofBroker:)),
            inSyncReplicas: replicas.filter(image.cluster.isActive))
    }

    private func assignedPartitions(
        _ topic: CreateTopicsRequest.CreatableTopic
    ) throws(APIError) -> [PartitionRegistration] {
        if topic.replicationFactor != -1 {
            throw APIError(
                .invalidRequest,
                "A manual partition assignment was specified, but replication factor was not set to -1.")
        }
        if topic.numPartitions != -1 {
            throw APIError(
                .invalidRequest, "A manual partition assignment was specified, but numPartitions was not set to -1.")
        }
        var partitions = SortedMap<Int32, PartitionRegistration>()
        var replicationFactor: Int?
        for assignment in topic.assignments {
            let index = assignment.partitionIndex
            if partitions.contains(index) {
                throw APIError(
                    .invalidReplicaAssignment, "Found multiple manual partition assignments for partition \(index)")
            }
            partitions[index] = try assignedPartition(
                assignment.brokerIDs, index: index, replicationFactor: replicationFactor)
            replicationFactor = assignment.brokerIDs.count
        }
        guard partitions.keys == Array(0..<Int32(partitions.count)) else {
            throw APIError(
                .invalidReplicaAssignment, "partitions should be a consecutive 0-based integer sequence")
        }
        return partitions.values
    }

    /// Throws INVALID_REPLICA_ASSIGNMENT unless these are different registered brokers, at least one.
    func checkAssignment(_ brokers: [Int32]) throws(APIError) {
        let text = "The manual partition assignment includes"
        if brokers.isEmpty { throw APIError(.invalidReplicaAssignment, "\(text) an empty replica list.") }
        var previous: Int32?
        for broker in brokers.sorted() {
            if image.cluster.broker(broker) == nil {
                throw APIError(
                    .invalidReplicaAssignment, "\(text) broker \(broker), but no such broker is registered.")
            }
            if broker == previous {
                throw APIError(.invalidReplicaAssignment, "\(text) the broker \(broker) more than once.")
            }
            previous = broker
        }
    }

    /// A partition on the brokers that a person named.
    func assignedPartition(
        _ brokers: [Int32], index: Int32, replicationFactor: Int?
    ) throws(APIError) -> PartitionRegistration {
        try checkAssignment(brokers)
        if let replicationFactor, brokers.count != replicationFactor {
            throw APIError(
                .invalidReplicaAssignment,
                "The manual partition assignment includes a partition with \(brokers.count) replica(s), but this is not consistent with previous "
                    + "partitions, which have \(replicationFactor) replica(s).")
        }
        let partition = newPartition(brokers)
        guard !partition.inSyncReplicas.isEmpty else {
            throw APIError(
                .invalidReplicaAssignment,
                "All brokers specified in the manual partition assignment for partition \(index) are fenced or in "
                    + "controlled shutdown.")
        }
        return partition
    }
}
