// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaMetadata
import KafkaProtocol
import Testing

@Suite struct MetadataReplayTests {
    @Test func `the samples have every type of record`() {
        let types = SampleRecords.all.map(\.type)
        for type in MetadataRecordType.allCases { #expect(types.contains(type), "\(type)") }
    }

    @Test func `an image survives a snapshot record for record`() throws {
        let image = try MetadataImage.replaying(SampleRecords.all)
        let snapshot = try image.encodedRecords()
        let decoded = try snapshot.map { bytes in
            try bytes.withUnsafeBytes { try MetadataRecord(decoding: $0) }
        }
        let restored = try MetadataImage.replaying(decoded)
        #expect(try restored.encodedRecords() == snapshot)
        #expect(restored.topics == image.topics)
        #expect(restored.configs == image.configs)
        #expect(restored.features == image.features)
    }

    @Test func `nothing that stands is missing from a snapshot`() throws {
        let records = try MetadataImage.replaying(SampleRecords.all).records
        var counts: [String: Int] = [:]
        for record in records { counts[record.type.name, default: 0] += 1 }
        #expect(
            counts == [
                "FEATURE_LEVEL_RECORD": 3, "ZK_MIGRATION_STATE_RECORD": 1, "REGISTER_BROKER_RECORD": 2,
                "REGISTER_CONTROLLER_RECORD": 1, "TOPIC_RECORD": 3, "PARTITION_RECORD": 3, "CONFIG_RECORD": 4,
                "CLIENT_QUOTA_RECORD": 2, "PRODUCER_IDS_RECORD": 1, "ACCESS_CONTROL_ENTRY_RECORD": 1,
                "USER_SCRAM_CREDENTIAL_RECORD": 1, "DELEGATION_TOKEN_RECORD": 1,
            ])
        guard case .featureLevel(let first) = records[0] else {
            Issue.record("the first record is \(records[0])")
            return
        }
        #expect(first.name == "metadata.version")
    }

    @Test func `replay comes to the same however the log is cut into batches`() throws {
        let whole = try MetadataImage.replaying(SampleRecords.all).encodedRecords()
        for size in [1, 2, 3, 7, 20] {
            var replay = MetadataReplay()
            var kept: [MetadataImage] = []
            var offset: Int64 = 0
            for start in stride(from: 0, to: SampleRecords.all.count, by: size) {
                let batch = Array(SampleRecords.all[start..<min(start + size, SampleRecords.all.count)])
                try replay.replay(batch, baseOffset: offset, epoch: 1, timestamp: offset)
                offset += Int64(batch.count)
                kept.append(replay.newestImage)
            }
            #expect(try replay.newestImage.encodedRecords() == whole)
            #expect(replay.newestImage.provenance.offset == offset - 1)
            #expect(kept.count > 1)
        }
    }

    @Test func `records of a transaction become visible together`() throws {
        var replay = MetadataReplay()
        try replay.replay(SampleRecords.features, baseOffset: 0, epoch: 1, timestamp: 0)
        _ = replay.takeDelta()
        let topic = MetadataRecord.topic(TopicRecord(name: "t", topicID: SampleRecords.firstTopic))
        try replay.replay(
            [.beginTransaction(BeginTransactionRecord(name: nil)), topic], baseOffset: 7, epoch: 1, timestamp: 0)
        #expect(replay.transactionStartOffset == 7)
        #expect(replay.visibleImage.topics.count == 0)
        #expect(replay.visibleImage.provenance.offset == 6)
        #expect(replay.newestImage.topics.count == 1)
        #expect(replay.takeDelta().isEmpty)
        try replay.replay([.endTransaction(EndTransactionRecord())], baseOffset: 9, epoch: 1, timestamp: 0)
        #expect(replay.visibleImage.topics.count == 1)
        #expect(replay.visibleImage.provenance.offset == 9)
        #expect(replay.takeDelta().createdTopics == [SampleRecords.firstTopic])
        #expect(replay.transactionStartOffset == nil)
    }

    @Test func `an aborted transaction leaves nothing`() throws {
        var replay = MetadataReplay()
        try replay.replay(SampleRecords.features, baseOffset: 0, epoch: 1, timestamp: 0)
        let before = try replay.newestImage.encodedRecords()
        _ = replay.takeDelta()
        try replay.replay(
            [
                .beginTransaction(BeginTransactionRecord()),
                .topic(TopicRecord(name: "t", topicID: SampleRecords.firstTopic)),
                .abortTransaction(AbortTransactionRecord()),
            ], baseOffset: 7, epoch: 1, timestamp: 0)
        #expect(try replay.newestImage.encodedRecords() == before)
        #expect(replay.newestImage.provenance.offset == 9)
        #expect(replay.takeDelta().isEmpty)
    }

    @Test func `the delta names what changed, in order and once`() throws {
        var replay = MetadataReplay()
        try replay.replay(SampleRecords.all, baseOffset: 0, epoch: 1, timestamp: 0)
        let delta = replay.takeDelta()
        #expect(
            delta.createdTopics == [
                SampleRecords.firstTopic, SampleRecords.secondTopic, KafkaUUID(high: 5, low: 5),
            ])
        #expect(delta.deletedTopics.isEmpty)
        #expect(delta.changedPartitions.map(\.partition) == [0, 1, 0])
        #expect(delta.changedBrokers == [1, 2, 3])
        #expect(delta.changedControllers == [4, 5])
        #expect(delta.changedConfigs.contains(.topic("gone")))
        #expect(delta.areProducerIDsChanged)
        #expect(replay.takeDelta().isEmpty)
        try replay.replay(
            [.removeTopic(RemoveTopicRecord(topicID: SampleRecords.firstTopic))], baseOffset: 99, epoch: 1,
            timestamp: 0)
        let removal = replay.takeDelta()
        #expect(removal.deletedTopics.map(\.name) == ["first.topic"])
        #expect(removal.deletedTopics.map(\.partitionCount) == [2])
        #expect(removal.changedPartitions.isEmpty)
    }

    @Test func `the delta of everything names what the image has`() throws {
        let image = try MetadataImage.replaying(SampleRecords.all)
        let delta = MetadataDelta(everythingIn: image)
        #expect(delta.createdTopics.count == 3)
        #expect(delta.changedPartitions.count == 3)
        #expect(delta.changedBrokers == [1, 2])
        #expect(MetadataDelta(everythingIn: .empty).isEmpty)
    }

    static let contradictions: [[MetadataRecord]] = [
        [.topic(TopicRecord(name: "second", topicID: KafkaUUID(high: 77, low: 7)))],
        [.topic(TopicRecord(name: "other", topicID: SampleRecords.secondTopic))],
        [.partition(PartitionRecord(partitionID: 0, topicID: KafkaUUID(high: 77, low: 7)))],
        [.partition(PartitionRecord(partitionID: -1, topicID: SampleRecords.secondTopic))],
        [
            .partition(
                PartitionRecord(
                    partitionID: 1, topicID: SampleRecords.secondTopic, replicas: [1],
                    directories: [.zero, .zero]))
        ],
        [
            .partition(
                PartitionRecord(
                    partitionID: 1, topicID: SampleRecords.secondTopic, replicas: [1], leaderRecoveryState: 7))
        ],
        [.partitionChange(PartitionChangeRecord(partitionID: 9, topicID: SampleRecords.secondTopic))],
        [.partitionChange(PartitionChangeRecord(partitionID: 0, topicID: KafkaUUID(high: 77, low: 7)))],
        [
            .partitionChange(
                PartitionChangeRecord(partitionID: 0, topicID: SampleRecords.secondTopic, replicas: [1, 2]))
        ],
        [.removeTopic(RemoveTopicRecord(topicID: KafkaUUID(high: 77, low: 7)))],
        [.clearElr(ClearElrRecord(topicName: "nothing"))],
        [.unregisterBroker(UnregisterBrokerRecord(brokerID: 77, brokerEpoch: 1))],
        [.fenceBroker(FenceBrokerRecord(id: 1, epoch: 11))],
        [.brokerRegistrationChange(BrokerRegistrationChangeRecord(brokerID: 1, brokerEpoch: 10, fenced: 5))],
        [.unregisterController(UnregisterControllerRecord(controllerID: 77))],
        [.removeAccessControlEntry(RemoveAccessControlEntryRecord(id: .zero))],
        [.producerIDs(ProducerIdsRecord(nextProducerID: 1))],
        [.endTransaction(EndTransactionRecord())],
        [.abortTransaction(AbortTransactionRecord())],
        [.beginTransaction(BeginTransactionRecord()), .beginTransaction(BeginTransactionRecord())],
    ]

    @Test(arguments: contradictions.indices)
    func `a record that contradicts the state is an error`(index: Int) throws {
        var replay = MetadataReplay()
        try replay.replay(SampleRecords.all, baseOffset: 0, epoch: 1, timestamp: 0)
        #expect(throws: MetadataError.self) {
            try replay.replay(Self.contradictions[index], baseOffset: 100, epoch: 1, timestamp: 0)
        }
    }

    @Test func `a record is refused cut at every length and with bytes behind it`() throws {
        let value = try SampleRecords.topics[3].encoded(at: .latestStable)
        for length in 0..<value.count {
            #expect(throws: MetadataError.self) {
                try Array(value[..<length]).withUnsafeBytes { _ = try MetadataRecord(decoding: $0) }
            }
        }
        #expect(throws: MetadataError.self) {
            try (value + [0]).withUnsafeBytes { _ = try MetadataRecord(decoding: $0) }
        }
    }

    @Test(arguments: [7, 8, 12, 16, 17, 22, 23, 29, 30] as [Int16])
    func `a snapshot can be written at every level`(level: Int16) throws {
        var image = MetadataReplay(try MetadataImage.replaying(SampleRecords.all))
        try image.replay(
            .featureLevel(FeatureLevelRecord(name: "metadata.version", featureLevel: level)), offset: 200)
        let snapshot = try image.newestImage.encodedRecords()
        let restored = try MetadataImage.replaying(
            try snapshot.map { try $0.withUnsafeBytes { try MetadataRecord(decoding: $0) } })
        #expect(try restored.encodedRecords() == snapshot)
    }
}
