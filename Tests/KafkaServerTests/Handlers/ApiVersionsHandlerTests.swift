// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaServer
import Testing

/// ApiVersions (key 18).
@Suite struct ApiVersionsHandlerTests {
    private func request(_ version: Int16, name: String = "test", software: String = "1.0") -> ApiVersionsRequest {
        version >= 3
            ? ApiVersionsRequest(clientSoftwareName: name, clientSoftwareVersion: software) : ApiVersionsRequest()
    }

    @Test(arguments: 0...5 as ClosedRange<Int16>)
    func `lists what is served`(version: Int16) throws {
        let broker = try TestBroker()
        let answer = try broker.call(request(version), version: version)
        #expect(answer.errorCode == 0)
        let served = RequestRouter.served(unstable: false)
        #expect(answer.apiKeys.map(\.apiKey) == served.map(\.key.rawValue))
        #expect(answer.apiKeys.map(\.minVersion) == served.map(\.versions.lowerBound))
        #expect(answer.apiKeys.map(\.maxVersion) == served.map(\.versions.upperBound))
        #expect(answer.apiKeys.first { $0.apiKey == APIKey.produce.rawValue }?.minVersion == 0)
        #expect(answer.apiKeys.first { $0.apiKey == APIKey.initProducerID.rawValue }?.maxVersion == 5)
        guard version >= 3 else { return }
        let metadata = answer.finalizedFeatures.first { $0.name == "metadata.version" }
        #expect(metadata?.maxVersionLevel ?? 0 > 0)
        #expect(answer.finalizedFeatures.allSatisfy { $0.maxVersionLevel > 0 })
        #expect(answer.finalizedFeaturesEpoch >= 0)
        #expect(answer.supportedFeatures.contains { $0.name == "metadata.version" })
        // Clients before version 4 cannot read a lowest level of 0 (KAFKA-17011).
        #expect(answer.supportedFeatures.contains { $0.minVersion == 0 } == (version >= 4))
    }

    @Test func `unstable versions are listed on demand`() throws {
        let broker = try TestBroker(["unstable.api.versions.enable": "true"])
        let answer = try broker.call(request(3), version: 3)
        #expect(answer.apiKeys.first { $0.apiKey == APIKey.initProducerID.rawValue }?.maxVersion == 6)
    }

    @Test(arguments: [6, 7, 99, Int16.max, -1, Int16.min])
    func `a version it does not know is answered in version 0`(version: Int16) throws {
        let broker = try TestBroker()
        let connection = broker.connect()
        var writer = ByteWriter()
        writer.writeInt32(Int32(10 + 1 + 5))
        writer.writeInt16(18)
        writer.writeInt16(version)
        writer.writeInt32(77)
        writer.writeInt16(0)
        // Headers of newer versions have tagged fields; what follows may be anything.
        writer.write([0, 1, 2, 3, 4, 5])
        try connection.send(writer.toArray())
        let answer = try connection.receive(ApiVersionsResponse.self, version: 0, correlationID: 77)
        #expect(ErrorCode(answer.errorCode) == .unsupportedVersion)
        #expect(answer.apiKeys.map(\.apiKey) == [18])
        #expect(answer.apiKeys[0].minVersion == 0 && answer.apiKeys[0].maxVersion == 5)
        // The connection serves on.
        #expect(try connection.call(request(5), version: 5).errorCode == 0)
    }

    @Test(arguments: [("", "1"), ("a", ""), ("a b", "1"), ("-a", "1"), ("a-", "1"), ("ä", "1"), ("a", "1_0")])
    func `software must have a decent name`(name: String, software: String) throws {
        let broker = try TestBroker()
        for version in 3...5 as ClosedRange<Int16> {
            let answer = try broker.call(request(version, name: name, software: software), version: version)
            #expect(ErrorCode(answer.errorCode) == .invalidRequest)
        }
    }

    @Test func `clients that look for another cluster or node are told so`() throws {
        let broker = try TestBroker(["node.id": "3"])
        let metadata = try broker.call(MetadataRequest(topics: []))
        let cluster = try #require(metadata.clusterID)
        for (clusterID, nodeID, isRight) in [
            (nil, -1, true), (cluster, 3, true), (cluster, -1, true), (nil, 3, true), ("other", -1, false),
            (nil, 4, false), (cluster, 4, false), ("other", 3, false),
        ] as [(String?, Int32, Bool)] {
            var asked = request(5)
            asked.clusterID = clusterID
            asked.nodeID = nodeID
            let answer = try broker.call(asked, version: 5)
            #expect(ErrorCode(answer.errorCode) == (isRight ? .none : .rebootstrapRequired))
        }
    }
}
