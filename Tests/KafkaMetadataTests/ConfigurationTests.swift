// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaMetadata
import KafkaProtocol
import Testing

@Suite struct ConfigurationTests {
    private func alter(
        _ cluster: inout TestCluster, _ type: Int8, _ name: String, _ changes: [(String, Int8, String?)],
        validateOnly: Bool = false
    ) throws -> [IncrementalAlterConfigsResponse.AlterConfigsResourceResponse] {
        let resource = IncrementalAlterConfigsRequest.AlterConfigsResource(
            resourceType: type, resourceName: name,
            configs: changes.map { .init(name: $0.0, configOperation: $0.1, value: $0.2) })
        let result = cluster.controller.incrementalAlterConfigs(
            IncrementalAlterConfigsRequest(resources: [resource], validateOnly: validateOnly), schema: TestSchema())
        try cluster.commit(result.records)
        return result.response.responses
    }

    @Test func `values are set, appended to, subtracted from and deleted`() throws {
        var cluster = try TestCluster()
        try cluster.createTopic("t")
        let topic = ConfigResource.topic("t")
        #expect(try alter(&cluster, 2, "t", [("number", 0, "5"), ("list", 2, "b,a,c")]).map(\.errorCode) == [0])
        #expect(cluster.image.config("number", of: topic) == "5")
        #expect(cluster.image.config("list", of: topic) == "a,b,c")
        #expect(try alter(&cluster, 2, "t", [("list", 3, "a,c"), ("number", 1, nil)]).map(\.errorCode) == [0])
        #expect(cluster.image.config("list", of: topic) == "b")
        #expect(cluster.image.config("number", of: topic) == nil)
    }

    @Test func `what stays the same needs no record, except for brokers`() throws {
        var cluster = try TestCluster()
        try cluster.createTopic("t")
        for (type, name, expected) in [(2, "t", 0), (4, "1", 1), (4, "", 1)] as [(Int8, String, Int64)] {
            _ = try alter(&cluster, type, name, [("number", 0, "5")])
            let offset = cluster.nextOffset
            _ = try alter(&cluster, type, name, [("number", 0, "5")])
            #expect(cluster.nextOffset - offset == expected)
        }
    }

    static let refusals: [(Int8, String, [(String, Int8, String?)], ErrorCode)] = [
        (2, "unknown", [("number", 0, "5")], .unknownTopicOrPartition),
        (2, "", [("number", 0, "5")], .invalidRequest),
        (2, "a b", [("number", 0, "5")], .invalidTopicException),
        (4, "x", [("number", 0, "5")], .invalidRequest),
        (4, "-1", [("number", 0, "5")], .invalidRequest),
        (4, "9", [("number", 0, "5")], .brokerIDNotRegistered),
        (4, "01", [("number", 0, "5")], .invalidRequest),
        (4, "+1", [("number", 0, "5")], .invalidRequest),
        (16, "", [("number", 0, "5")], .invalidRequest),
        (32, "", [("number", 0, "5")], .invalidRequest),
        (32, String(repeating: "g", count: 32_768), [("number", 0, "5")], .invalidRequest),
        (4, "1", [(String(repeating: "k", count: 32_768), 0, "5")], .invalidConfig),
        (8, "1", [("number", 0, "5")], .invalidRequest),
        (3, "1", [("number", 0, "5")], .invalidRequest),
        (2, "t", [("number", 0, "x")], .invalidConfig),
        (2, "t", [("unknown", 0, "x")], .invalidConfig),
        (2, "t", [("number", 0, nil)], .invalidRequest),
        (2, "t", [("number", 9, "5")], .invalidRequest),
        (2, "t", [("number", 2, "5")], .invalidConfig),
        (2, "t", [("number", 0, "5"), ("number", 1, nil)], .invalidRequest),
    ]

    @Test(arguments: refusals.indices)
    func `a change that cannot stand is refused whole`(index: Int) throws {
        var cluster = try TestCluster()
        try cluster.createTopic("t")
        let offset = cluster.nextOffset
        let (type, name, changes, code) = Self.refusals[index]
        let results = try alter(&cluster, type, name, changes + [("fine", 0, "1")])
        #expect(results.map(\.errorCode) == [code.rawValue])
        #expect(results[0].errorMessage != nil)
        #expect(results[0].resourceName == name)
        #expect(cluster.nextOffset == offset)
    }

    @Test func `with eligible leader replicas all brokers have one minimum of replicas in sync`() throws {
        let key = "min.insync.replicas"
        var plain = try TestCluster()
        #expect(try alter(&plain, 4, "1", [(key, 0, "2")]).map(\.errorCode) == [0])
        var cluster = try TestCluster(features: [("eligible.leader.replicas.version", 1)])
        let refused = [ErrorCode.invalidConfig.rawValue]
        #expect(try alter(&cluster, 4, "1", [(key, 0, "2")]).map(\.errorCode) == refused)
        #expect(try alter(&cluster, 4, "", [(key, 0, "2")]).map(\.errorCode) == [0])
        #expect(try alter(&cluster, 4, "", [(key, 1, nil)]).map(\.errorCode) == refused)
    }

    @Test func `validate-only changes nothing`() throws {
        var cluster = try TestCluster()
        #expect(try alter(&cluster, 4, "", [("number", 0, "5")], validateOnly: true).map(\.errorCode) == [0])
        #expect(cluster.image.configs.isEmpty)
    }

    @Test func `a resource that is named twice is refused once`() throws {
        let cluster = try TestCluster()
        let resource = IncrementalAlterConfigsRequest.AlterConfigsResource(
            resourceType: 4, resourceName: "1", configs: [.init(name: "number", configOperation: 0, value: "1")])
        let result = cluster.controller.incrementalAlterConfigs(
            IncrementalAlterConfigsRequest(resources: [resource, resource]), schema: TestSchema())
        #expect(result.response.responses.map(\.errorCode) == [ErrorCode.invalidRequest.rawValue])
        #expect(result.records.isEmpty)
    }

    @Test func `the old AlterConfigs deletes what it does not name`() throws {
        var cluster = try TestCluster()
        try cluster.createTopic("t")
        _ = try alter(&cluster, 2, "t", [("number", 0, "5"), ("other", 0, "1")])
        let resource = AlterConfigsRequest.AlterConfigsResource(
            resourceType: 2, resourceName: "t", configs: [.init(name: "number", value: "6")])
        let result = cluster.controller.alterConfigs(
            AlterConfigsRequest(resources: [resource]), schema: TestSchema())
        try cluster.commit(result.records)
        #expect(result.response.responses.map(\.errorCode) == [0])
        #expect(cluster.image.configs(of: .topic("t")).map(\.key) == ["number"])
        #expect(cluster.image.config("number", of: .topic("t")) == "6")
    }
}
