// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaMetadata
import KafkaProtocol
import KafkaServer
import Logging
import Testing

@Suite struct DescribeConfigsHandlerTests {
    private typealias Resource = DescribeConfigsRequest.DescribeConfigsResource

    private static let image = Result {
        try imageWith(
            topics: ["plain", "changed"],
            configs: [
                (.topic("changed"), "retention.ms", "5"), (.clusterDefault, "message.max.bytes", "6"),
                (.broker(7), "message.max.bytes", "7"),
                (ConfigResource(.group, "g"), "share.isolation.level", "read_committed"),
                (ConfigResource(.clientMetrics, "m"), "interval.ms", "100"),
            ])
    }

    private func answer(
        _ resources: [(kind: Int8, name: String, keys: [String]?)], version: Int16 = 4, synonyms: Bool = false,
        documentation: Bool = false
    ) throws -> [DescribeConfigsResponse.DescribeConfigsResult] {
        let request = DescribeConfigsRequest(
            resources: resources.map {
                Resource(resourceType: $0.kind, resourceName: $0.name, configurationKeys: $0.keys)
            },
            includeSynonyms: synonyms, includeDocumentation: documentation)
        let configuration = try BrokerConfiguration([
            "node.id": "7", "log.retention.hours": "1", "ssl.key.password": "x",
        ])
        let response = DescribeConfigsHandler.answer(
            request, version: version, configuration: configuration, image: try Self.image.get(),
            loggers: LoggerLevels(root: .info))
        // Every answer must fit its version.
        var writer = ByteWriter()
        try response.encode(into: &writer, version: version)
        return response.results
    }

    @Test func `a topic has its own values, and the broker's for the rest`() throws {
        let results = try answer([(2, "plain", nil), (2, "changed", []), (2, "changed", ["retention.ms", "nonsense"])])
        #expect(results.map(\.errorCode) == [0, 0, 0])
        #expect(results.map(\.configs.count) == [36, 36, 1])
        let plain = results[0].configs.first { $0.name == "retention.ms" }
        #expect(plain?.value == "3600000")
        #expect(plain?.configSource == 4)
        #expect(results[2].configs[0].value == "5")
        #expect(results[2].configs[0].configSource == 1)
        #expect(results[0].configs.first { $0.name == "max.message.bytes" }?.value == "7")
        #expect(results[0].configs.first { $0.name == "max.message.bytes" }?.configSource == 2)
    }

    @Test func `synonyms and documentation come when they are asked for`() throws {
        let without = try answer([(2, "changed", ["retention.ms"])])[0].configs[0]
        #expect(without.synonyms.isEmpty && without.documentation == nil)
        #expect(without.configType == 5)
        let with = try answer([(2, "changed", ["retention.ms"])], synonyms: true, documentation: true)[0].configs[0]
        #expect(with.synonyms.map(\.name) == ["retention.ms", "log.retention.hours", "log.retention.hours"])
        #expect(with.synonyms.map(\.value) == ["5", "1", "168"])
        #expect(with.synonyms.map(\.source) == [1, 4, 5])
        #expect(with.documentation?.isEmpty == false)
    }

    @Test func `version 0 says whether a value is the default, and later ones where it is from`() throws {
        let keys = ["retention.ms", "segment.bytes"]
        for version in DescribeConfigsHandler.servedVersions {
            let entries = try answer([(2, "changed", keys)], version: version)[0].configs
            #expect(entries.map(\.isDefault) == [false, version == 0])
            #expect(entries.map(\.configSource) == [1, 5])
        }
    }

    @Test func `this broker and the defaults of all brokers are described, other brokers are not`() throws {
        let results = try answer([
            (4, "7", nil), (4, "", nil), (4, "8", nil), (4, "seven", nil), (4, "07", ["node.id"]),
        ])
        #expect(results.map(\.errorCode) == [0, 0, 42, 42, 0])
        #expect(results[0].configs.count > 350)
        #expect(results[0].configs.first { $0.name == "node.id" }?.value == "7")
        let password = results[0].configs.first { $0.name == "ssl.key.password" }
        #expect(password?.isSensitive == true && password?.value == nil && password?.configSource == 4)
        #expect(results[1].configs.map(\.name) == ["message.max.bytes"])
        #expect(results[1].configs[0].value == "6")
        #expect(results[1].configs[0].configSource == 3)
        #expect(results[2].errorMessage == "Unexpected broker id, expected 7 or empty string, but received 8")
        #expect(results[4].configs.map(\.value) == ["7"])
    }

    @Test func `groups and client metrics are described`() throws {
        let results = try answer(
            [(32, "g", ["share.isolation.level"]), (32, "other", nil), (16, "m", nil), (32, "", nil), (16, "", nil)])
        #expect(results.map(\.errorCode) == [0, 0, 0, 42, 42])
        #expect(results[0].configs[0].value == "read_committed")
        #expect(results[0].configs[0].configSource == 8)
        #expect(results[1].configs.count == 27)
        #expect(results[2].configs.map(\.name) == ["interval.ms", "match", "metrics"])
        #expect(results[2].configs.map(\.configSource) == [7, 5, 5])
    }

    @Test(
        arguments: [
            (2, "absent", 3, nil), (2, "", 17, "Topic name is invalid: the empty string is not allowed"),
            (8, "8", 42, "Unexpected broker id, expected 7, but received 8"),
            (0, "x", 42, "Unsupported resource type: 0"),
            (-1, "x", 42, "Unsupported resource type: -1"),
        ] as [(Int8, String, Int16, String?)])
    func `what cannot be described is an error of its resource`(
        kind: Int8, name: String, code: Int16, message: String?
    ) throws {
        let results = try answer([(kind, name, nil), (2, "plain", nil)])
        #expect(results.map(\.errorCode) == [code, 0])
        #expect(results[0].errorMessage == message)
        #expect(results[0].resourceType == kind && results[0].resourceName == name)
        #expect(results[0].configs.isEmpty)
    }

    @Test func `a request cannot ask for an endless answer`() throws {
        let results = try answer(Array(repeating: (4, "7", ["node.id"]), count: 5000))
        #expect(results.first?.errorCode == 0)
        #expect(results.last?.errorCode == 42)
        #expect(results.reduce(0) { $0 + $1.configs.count } < 2000)
    }
}
