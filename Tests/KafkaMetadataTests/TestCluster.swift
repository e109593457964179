// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaMetadata
import KafkaProtocol
import Testing

/// A controller with brokers, whose decisions are replayed at once as if each were a batch of its own.
struct TestCluster {
    static let clusterID = "4L6g3nShT-eMCtK--X86sw"
    var controller: Controller
    var nextOffset: Int64 = 0
    var now: Int64 = 0
    private var generator = SeededGenerator(seed: 42)

    init(
        brokers: [Int32] = [1], metadataVersion: MetadataVersion = .latestStable,
        features: [(name: String, level: Int16)] = [], adjust: (inout ControllerSettings) -> Void = { _ in }
    ) throws {
        var settings = ControllerSettings(nodeID: 1, clusterID: Self.clusterID)
        adjust(&settings)
        controller = Controller(settings, state: MetadataReplay(), now: 0)
        let bootstrap = BootstrapMetadata(metadataVersion: metadataVersion, otherLevels: features)
        try commit(bootstrap.activationRecords(controller.state).records)
        for broker in brokers { try addBroker(broker) }
    }

    var image: MetadataImage { controller.image }

    /// Encodes, decodes and replays the records, so that every decision also proves its records' form.
    mutating func commit(_ records: [MetadataRecord]) throws {
        guard !records.isEmpty else { return }
        var decoded: [MetadataRecord] = []
        for record in records {
            let bytes = try record.encoded(at: image.metadataVersion)
            decoded.append(try bytes.withUnsafeBytes { try MetadataRecord(decoding: $0) })
        }
        try controller.replay(decoded, baseOffset: nextOffset, epoch: 1, timestamp: now)
        nextOffset += Int64(records.count)
    }

    mutating func random() -> UInt64 { generator.next() }

    static func directory(_ broker: Int32, _ index: Int = 0) -> KafkaUUID {
        KafkaUUID(high: UInt64(broker) + 1_000, low: UInt64(index) + 1)
    }

    func registration(
        _ broker: Int32, incarnation: UInt64 = 1, directories: Int = 1, rack: String? = nil
    ) -> BrokerRegistrationRequest {
        var request = BrokerRegistrationRequest()
        request.brokerID = broker
        request.clusterID = Self.clusterID
        request.incarnationID = KafkaUUID(high: UInt64(broker), low: incarnation)
        request.listeners = [.init(name: "PLAINTEXT", host: "localhost", port: 9092, securityProtocol: 0)]
        request.features = Feature.all.map {
            .init(
                name: $0.name, minSupportedVersion: $0.supportedLevels.lowerBound,
                maxSupportedVersion: $0.supportedLevels.upperBound)
        }
        request.rack = rack
        request.logDirs = (0..<directories).map { Self.directory(broker, $0) }
        return request
    }

    @discardableResult
    mutating func register(_ request: BrokerRegistrationRequest) throws -> BrokerRegistrationResponse {
        let result = controller.registerBroker(request, nextOffset: nextOffset, now: now)
        try commit(result.records)
        return result.response
    }

    @discardableResult
    mutating func heartbeat(
        _ broker: Int32, offset: Int64? = nil, fence: Bool = false, shutDown: Bool = false
    ) throws -> BrokerHeartbeatResponse {
        var request = BrokerHeartbeatRequest()
        request.brokerID = broker
        request.brokerEpoch = image.cluster.broker(broker)?.epoch ?? -1
        request.currentMetadataOffset = offset ?? nextOffset - 1
        request.wantFence = fence
        request.wantShutDown = shutDown
        let result = controller.brokerHeartbeat(request, nextOffset: nextOffset, now: now)
        try commit(result.records)
        return result.response
    }

    /// Registers and unfences.
    mutating func addBroker(_ broker: Int32, directories: Int = 1, rack: String? = nil) throws {
        try register(registration(broker, directories: directories, rack: rack))
        try heartbeat(broker)
    }

    @discardableResult
    mutating func createTopics(
        _ topics: [CreateTopicsRequest.CreatableTopic], validateOnly: Bool = false, schema: TestSchema = TestSchema()
    ) throws -> CreateTopicsResponse {
        var generator = self.generator
        let result = controller.createTopics(
            CreateTopicsRequest(topics: topics, validateOnly: validateOnly), schema: schema
        ) { generator.next() }
        self.generator = generator
        try commit(result.records)
        return result.response
    }

    @discardableResult
    mutating func createTopic(
        _ name: String, partitions: Int32 = 1, replicationFactor: Int16 = 1
    ) throws -> CreateTopicsResponse.CreatableTopicResult {
        let topic = CreateTopicsRequest.CreatableTopic(
            name: name, numPartitions: partitions, replicationFactor: replicationFactor)
        return try #require(try createTopics([topic]).topics.first)
    }

    func partition(_ topic: String, _ index: Int32 = 0) throws -> PartitionRegistration {
        try #require(image.topics.partition(TopicPartition(topic: topic, partition: index)))
    }
}

extension ErrorCode {
    /// As it stands in an answer.
    init(_ raw: Int16) { self = ErrorCode(rawValue: raw) ?? .unknownServerError }
}

/// Knows two keys: `number`, which must be one, and `list`.
struct TestSchema: ConfigurationSchema {
    func validate(
        _ values: [(key: String, value: String)], of resource: ConfigResource, image: MetadataImage
    ) -> APIError? {
        for (key, value) in values where key == "number" && Int(value) == nil {
            return APIError(.invalidConfig, "Invalid value \(value) for configuration number")
        }
        return values.contains { $0.key == "unknown" }
            ? APIError(.invalidConfig, "Unknown topic config name: unknown") : nil
    }

    func isList(_ key: String, of kind: ConfigResource.Kind) -> Bool { key == "list" }

    func defaultValue(of key: String, of kind: ConfigResource.Kind) -> String? { key == "list" ? "a" : nil }

    func effectiveTopicConfigs(
        overrides: [(key: String, value: String)], image: MetadataImage
    ) -> [CreateTopicsResponse.CreatableTopicConfigs] {
        overrides.map { .init(name: $0.key, value: $0.value, configSource: 1) }
    }
}

/// splitmix64.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
