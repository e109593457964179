// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaMetadata
import KafkaProtocol
import KafkaRuntime
import KafkaServer
import KafkaSimulator
import Testing

/// A cluster whose `metadata.version` is raised while it runs.
@Suite struct MetadataVersionTests {
    @Test func `from an old level to the newest, and everything is there after it`() throws {
        let broker = try TestBroker(["log.dirs": "/data,/more", "metadata.log.dir": "/data"], starts: false)
        var plan = StorageFormatter.Plan(
            clusterID: KafkaUUID(high: 5, low: 6), nodeID: 1, directories: ["/data", "/more"],
            metadataDirectory: "/data")
        plan.bootstrap = BootstrapMetadata(metadataVersion: MetadataVersion(rawValue: 11), otherLevels: [])
        let formatted = try StorageFormatter(
            files: broker.host.runtime.files, random: broker.host.runtime.random, now: 0, comment: "test"
        ).format(plan)
        try broker.start()
        try broker.createTopic("t", partitions: 4)
        try broker.produce(["a"], to: "t")
        let raised = try broker.call(
            UpdateFeaturesRequest(featureUpdates: [
                .init(feature: "metadata.version", maxVersionLevel: MetadataVersion.latestStable.rawValue)
            ]))
        #expect(raised.errorCode == 0)
        try broker.createTopic("u", partitions: 2)
        func check() throws {
            let image = try #require(broker.node.context).metadata.image
            #expect(image.metadataVersion == .latestStable)
            #expect(image.cluster.broker(1)?.directories == formatted.map(\.directoryID).sorted())
            #expect(image.cluster.broker(1)?.isFenced == false)
            var places: Set<KafkaUUID> = []
            image.topics.forEachPartition { _, _, partition in
                if let place = partition.directory(ofReplicaOn: 1) { places.insert(place) }
            }
            #expect(places == Set(formatted.map(\.directoryID)))
            #expect(try broker.records(of: "t") == ["0=a"])
        }
        // The broker tells its directories, and then where its replicas lie.
        _ = try broker.world.run(within: 5_000) { false }
        try check()
        try broker.restart()
        try check()
    }

    @Test func `brokers of a former cluster that are not heard of are fenced`() throws {
        let broker = try TestBroker()
        let metadata = try #require(broker.node.context).metadata
        nonisolated(unsafe) var codes: [Int16] = []
        let clusterID = try #require(broker.node.context).clusterID
        metadata.submit(
            { controller, decision in
                controller.registerBroker(
                    BrokerRegistrationRequest(
                        brokerID: 2, clusterID: clusterID, incarnationID: KafkaUUID(high: 1, low: 2),
                        listeners: [.init(name: "PLAINTEXT", host: "gone", port: 9092, securityProtocol: 0)],
                        features: Feature.all.map {
                            .init(
                                name: $0.name, minSupportedVersion: $0.supportedLevels.lowerBound,
                                maxSupportedVersion: $0.supportedLevels.upperBound)
                        }, logDirs: [KafkaUUID(high: 3, low: 4)]), nextOffset: decision.nextOffset, now: decision.now)
            }, completion: { codes.append((try? $0.get().errorCode) ?? -1) })
        metadata.submit(
            { controller, decision in
                controller.brokerHeartbeat(
                    BrokerHeartbeatRequest(
                        brokerID: 2, brokerEpoch: controller.image.cluster.broker(2)?.epoch ?? -1,
                        currentMetadataOffset: decision.nextOffset, wantFence: false),
                    nextOffset: decision.nextOffset, now: decision.now)
            }, completion: { codes.append((try? $0.get().errorCode) ?? -1) })
        _ = try broker.world.run(within: 1_000) { codes.count == 2 }
        #expect(codes == [0, 0])
        func described() throws -> [Int32] {
            try broker.call(DescribeClusterRequest(endpointType: 1)).brokers.map(\.brokerID)
        }
        #expect(try described() == [1, 2])
        try broker.restart()
        #expect(try described() == [1, 2])
        _ = try broker.world.run(within: 15_000) { false }
        #expect(try described() == [1])
        try broker.createTopic("t", partitions: 4)
    }
}
