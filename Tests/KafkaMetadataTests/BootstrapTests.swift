// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaMetadata
import KafkaProtocol
import Testing

@Suite struct BootstrapTests {
    private func types(_ records: [MetadataRecord]) -> [MetadataRecordType] { records.map(\.type) }

    @Test func `an empty log begins with the feature levels in a transaction`() throws {
        let bootstrap = BootstrapMetadata(
            metadataVersion: .latestStable, otherLevels: [("a", 0), ("group.version", 1)])
        let records = bootstrap.activationRecords(MetadataReplay()).records
        #expect(types(records) == [.beginTransaction, .featureLevel, .featureLevel, .endTransaction])
        let image = try MetadataImage.replaying(records)
        #expect(image.metadataVersion == .latestStable)
        #expect(image.features.level(of: "group.version") == 1)
    }

    @Test(arguments: [(21, 0), (22, 1), (30, 1)] as [(Int16, Int16)])
    func `a new cluster allows consumer groups from level 22 on`(version: Int16, level: Int16) throws {
        let version = MetadataVersion(rawValue: version)
        let name = Feature.groupVersion.name
        func image(_ levels: [String: Int16]) throws -> MetadataImage {
            try .replaying(BootstrapMetadata(release: version, levels: levels).records)
        }
        #expect(try image([:]).features.level(of: name) == level)
        #expect(try image([name: 0]).features.all.map(\.name) == [MetadataVersion.featureName])
        #expect(try image([name: 1]).features.level(of: name) == 1)
        #expect(try image(["transaction.version": 2]).features.level(of: name) == level)
        #expect(try MetadataImage.replaying(BootstrapMetadata.standard.records).features.level(of: name) == 1)
    }

    @Test func `levels before transactions begin with the bare records`() {
        let bootstrap = BootstrapMetadata(metadataVersion: MetadataVersion(rawValue: 12), otherLevels: [])
        #expect(types(bootstrap.activationRecords(MetadataReplay()).records) == [.featureLevel])
    }

    @Test func `a log that has begun gets nothing more`() throws {
        var state = MetadataReplay()
        let first = BootstrapMetadata.standard.activationRecords(state).records
        try state.replay(first, baseOffset: 0, epoch: 1, timestamp: 0)
        #expect(BootstrapMetadata.standard.activationRecords(state).records.isEmpty)
        try state.replay([.beginTransaction(BeginTransactionRecord())], baseOffset: 9, epoch: 1, timestamp: 0)
        #expect(types(BootstrapMetadata.standard.activationRecords(state).records) == [.abortTransaction])
    }

    @Test func `a bootstrap that a crash cut short is done again`() throws {
        let whole = BootstrapMetadata.standard.activationRecords(MetadataReplay()).records
        for count in 1..<whole.count {
            var state = MetadataReplay()
            try state.replay(Array(whole[..<count]), baseOffset: 0, epoch: 1, timestamp: 0)
            let rest = BootstrapMetadata.standard.activationRecords(state).records
            let expected: [MetadataRecordType] = [
                .abortTransaction, .beginTransaction, .featureLevel, .featureLevel, .endTransaction,
            ]
            #expect(types(rest) == expected)
            try state.replay(rest, baseOffset: Int64(count), epoch: 2, timestamp: 0)
            #expect(state.visibleImage.features.finalizedMetadataVersion == .latestStable)
        }
    }

    @Test func `records of a file count only when they finalise a metadata.version`() throws {
        #expect(BootstrapMetadata(records: []) == nil)
        #expect(BootstrapMetadata(records: SampleRecords.members) == nil)
        let read = try #require(BootstrapMetadata(records: SampleRecords.features))
        #expect(read.metadataVersion == .latestStable)
        #expect(try read.encodedRecords().count == SampleRecords.features.count)
    }

    @Test func `levels that this release does not know stop it`() throws {
        func unsupported(_ name: String, _ level: Int16) throws -> [String] {
            Feature.unsupported(
                in: try .replaying([
                    .featureLevel(FeatureLevelRecord(name: "metadata.version", featureLevel: 30)),
                    .featureLevel(FeatureLevelRecord(name: name, featureLevel: level)),
                ])
            ).map(\.name)
        }
        #expect(try unsupported("metadata.version", 31) == ["metadata.version"])
        #expect(try unsupported("metadata.version", 6) == ["metadata.version"])
        #expect(try unsupported("metadata.version", 7) == [])
        #expect(try unsupported("transaction.version", 2) == [])
        #expect(try unsupported("transaction.version", 3) == ["transaction.version"])
        #expect(try unsupported("later.version", 1) == ["later.version"])
    }
}

@Suite struct MetadataVersionTests {
    @Test(arguments: [
        ("4.3-IV0", 30), ("3.0-IV1", 1), ("3.3-IV3", 7), ("3.9", 21), ("4.0", 25), ("30", 30), ("4.3", 30), ("3.3", 7),
    ])
    func `is read by level, number or release`(text: String, level: Int16) {
        #expect(MetadataVersion(text)?.rawValue == level)
    }

    @Test(arguments: ["", "0", "31", "4.3-IV9", "5.0", "3.", "-1", "x"])
    func `refuses what is not a level`(text: String) {
        #expect(MetadataVersion(text) == nil)
    }

    @Test func `names its level`() {
        #expect(MetadataVersion.latestStable.description == "4.3-IV0")
        #expect(MetadataVersion(rawValue: 99).description == "99")
        #expect(MetadataVersion(rawValue: 0).description == "0")
    }

    @Test(
        arguments: [
            (6, 0, 0, 0), (7, 1, 1, 0), (8, 2, 1, 0), (16, 2, 1, 0), (17, 3, 2, 1), (22, 3, 2, 1), (23, 3, 2, 2),
            (29, 3, 2, 2), (30, 4, 3, 2),
        ] as [(Int16, Int16, Int16, Int16)])
    func `decides the versions of records`(level: Int16, broker: Int16, change: Int16, partition: Int16) {
        let version = MetadataVersion(rawValue: level)
        #expect(version.registerBrokerRecordVersion == broker)
        #expect(version.registrationChangeRecordVersion == change)
        #expect(version.partitionRecordVersion == partition)
    }
}

@Suite struct ProducerIDTests {
    @Test func `blocks of a thousand ids follow one another`() throws {
        var cluster = try TestCluster(brokers: [1, 2])
        for (broker, start) in [(1, 0), (2, 1_000), (1, 2_000)] as [(Int32, Int64)] {
            let epoch = try #require(cluster.image.cluster.broker(broker)?.epoch)
            let result = cluster.controller.allocateProducerIDs(
                AllocateProducerIdsRequest(brokerID: broker, brokerEpoch: epoch))
            #expect(result.response.producerIDStart == start)
            #expect(result.response.producerIDLen == 1_000)
            try cluster.commit(result.records)
        }
        #expect(cluster.image.nextProducerID == 3_000)
    }

    @Test func `a stale broker gets none, and ids never wrap`() throws {
        var cluster = try TestCluster()
        let stale = cluster.controller.allocateProducerIDs(AllocateProducerIdsRequest(brokerID: 1, brokerEpoch: 0))
        #expect(stale.response.errorCode == ErrorCode.staleBrokerEpoch.rawValue)
        #expect(stale.records.isEmpty)
        try cluster.commit([.producerIDs(ProducerIdsRecord(nextProducerID: .max - 5))])
        let epoch = try #require(cluster.image.cluster.broker(1)?.epoch)
        let last = cluster.controller.allocateProducerIDs(AllocateProducerIdsRequest(brokerID: 1, brokerEpoch: epoch))
        #expect(last.response.errorCode == ErrorCode.unknownServerError.rawValue)
        #expect(last.records.isEmpty)
    }
}
