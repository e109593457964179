// SPDX-License-Identifier: Apache-2.0
import KafkaBase
package import KafkaMetadata
package import KafkaProtocol
import KafkaRuntime

/// DescribeConfigs (key 32): the keys of topics, brokers, groups and client metrics with their values.
///
/// v0 says only whether a value is the default · v1 its source, and synonyms on request · v3 types, and documentation on
/// request · v4 flexible. The levels of this broker's loggers are resource type 8.
///
/// The answers of one request are built once per distinct resource without own settings and shared, and end at
/// `entriesMax`: a request of a few bytes per resource must not make gigabytes of answer.
package struct DescribeConfigsHandler: RequestHandler, Sendable {
    package static let servedVersions: ClosedRange<Int16> = 0...4

    package static func handle(
        _ request: DescribeConfigsRequest, _ context: RequestContext,
        _ ticket: () -> ReplyTicket<DescribeConfigsResponse>
    ) -> Reply<DescribeConfigsResponse> {
        let (broker, version) = (context.broker, context.version)
        @Sendable func answer() -> DescribeConfigsResponse {
            Self.answer(
                request, version: version, configuration: broker.configuration, image: broker.metadata.image,
                loggers: broker.loggerLevels)
        }
        let keys = request.resources.reduce(0) { $0 + ($1.configurationKeys?.count ?? 0) }
        if request.resources.count <= resourcesAtOnceMax, keys <= keysAtOnceMax { return .answer(answer()) }
        let ticket = ticket()
        broker.runtime.queues.runBlocking { ticket.complete(answer()) }
        return .later
    }

    /// So many resources, and keys named of them, are answered on the reactor; more of them in the background, because
    /// other connections would wait meanwhile.
    private static let resourcesAtOnceMax = 16
    private static let keysAtOnceMax = 4_096

    /// The most keys that one request may look through; what comes after is refused.
    static let entriesMax = 500_000

    private typealias Entry = DescribeConfigsResponse.DescribeConfigsResourceResult
    private typealias Resource = DescribeConfigsRequest.DescribeConfigsResource

    private let request: DescribeConfigsRequest
    private let version: Int16
    private let nodeID: Int32
    private let image: MetadataImage
    private let layers: ConfigurationLayers
    private let loggers: LoggerLevels
    /// Entries of resources without settings of their own, by kind, and of the brokers, by name.
    private var shared: [ConfigResource: [Entry]] = [:]
    private var entriesLeft = entriesMax

    /// Answers `request` for the node with `configuration` from `image`.
    package static func answer(
        _ request: DescribeConfigsRequest, version: Int16, configuration: BrokerConfiguration, image: MetadataImage,
        loggers: LoggerLevels
    ) -> DescribeConfigsResponse {
        var handler = DescribeConfigsHandler(request, version, configuration, image, loggers)
        return DescribeConfigsResponse(results: request.resources.map { handler.result($0) })
    }

    private init(
        _ request: DescribeConfigsRequest, _ version: Int16, _ configuration: BrokerConfiguration,
        _ image: MetadataImage, _ loggers: LoggerLevels
    ) {
        self.request = request
        self.version = version
        self.image = image
        self.loggers = loggers
        nodeID = configuration.nodeID
        layers = ConfigurationLayers(configuration, image: image)
    }

    private mutating func result(_ resource: Resource) -> DescribeConfigsResponse.DescribeConfigsResult {
        var result = DescribeConfigsResponse.DescribeConfigsResult(
            errorMessage: nil, resourceType: resource.resourceType, resourceName: resource.resourceName)
        do throws(APIError) {
            let entries = entriesLeft > 0 ? try entries(of: resource) : []
            entriesLeft = max(0, entriesLeft - entries.count)
            guard entriesLeft > 0 else {
                throw APIError(.invalidRequest, "Too many configurations in one request: ask for fewer resources.")
            }
            result.configs = selected(resource, from: entries)
        } catch {
            result.errorCode = error.code.rawValue
            result.errorMessage = error.message
        }
        return result
    }

    /// The keys that were asked for: no list, or an empty one, is all.
    private func selected(_ resource: Resource, from entries: [Entry]) -> [Entry] {
        guard let keys = resource.configurationKeys, !keys.isEmpty else { return entries }
        let wanted = Set(keys)
        return entries.filter { wanted.contains($0.name) }
    }

    private mutating func entries(of resource: Resource) throws(APIError) -> [Entry] {
        let kind = ConfigResource.Kind(rawValue: resource.resourceType)
        let name = resource.resourceName
        switch kind {
        case .topic:
            if let reason = TopicName.invalidity(of: name) {
                throw APIError(.invalidTopicException, "Topic name is invalid: \(reason)")
            }
            guard image.topics.id(ofTopic: name) != nil else { throw APIError(.unknownTopicOrPartition) }
            return entries(.topic, name) { layers, overrides in layers.describeTopic(overrides: overrides) }
        case .broker: return try brokerEntries(name)
        case .group:
            if name.isEmpty { throw APIError(.invalidRequest, "Group name must not be empty") }
            return entries(.group, name) { layers, overrides in layers.describeGroup(overrides: overrides) }
        case .clientMetrics:
            if name.isEmpty {
                throw APIError(.invalidRequest, "Client metrics subscription name must not be empty")
            }
            return entries(.clientMetrics, name) { layers, overrides in
                layers.describeClientMetrics(overrides: overrides)
            }
        case .brokerLogger: return try loggerEntries(name)
        case nil:
            throw APIError(.invalidRequest, "Unsupported resource type: \(resource.resourceType)")
        }
    }

    /// The entries of a resource whose settings are in the image. Those without any look the same.
    private mutating func entries(
        _ kind: ConfigResource.Kind, _ name: String,
        _ describe: (ConfigurationLayers, [String: String]) -> [ConfigurationDescription]
    ) -> [Entry] {
        let overrides = ConfigurationLayers.values(image, ConfigResource(kind, name))
        if !overrides.isEmpty { return describe(layers, overrides).map(entry) }
        let unset = ConfigResource(kind, "")
        if let entries = shared[unset] { return entries }
        let entries = describe(layers, [:]).map(entry)
        shared[unset] = entries
        return entries
    }

    /// Throws INVALID_REQUEST unless `name` is this broker's.
    private func checkBroker(_ name: String, expected: String) throws(APIError) {
        guard let id = Int32(name) else {
            throw APIError(.invalidRequest, "Broker id must be an integer, but it is: \(name.printable)")
        }
        guard id == nodeID else {
            throw APIError(.invalidRequest, "Unexpected broker id, expected \(expected), but received \(name)")
        }
    }

    private func loggerEntries(_ name: String) throws(APIError) -> [Entry] {
        if name.isEmpty { throw APIError(.invalidRequest, "Broker id must not be empty") }
        try checkBroker(name, expected: "\(nodeID)")
        return loggers.all.map { logger in
            Entry(
                name: logger.name, value: BrokerLoggerChange.name(of: logger.level), readOnly: false,
                configSource: ConfigurationValueSource.dynamicBrokerLogger.rawValue, isSensitive: false,
                documentation: nil)
        }
    }

    private mutating func brokerEntries(_ name: String) throws(APIError) -> [Entry] {
        if !name.isEmpty { try checkBroker(name, expected: "\(nodeID) or empty string") }
        let resource = name.isEmpty ? ConfigResource.clusterDefault : .broker(nodeID)
        if let entries = shared[resource] { return entries }
        let entries = (name.isEmpty ? layers.describeDefaultBroker() : layers.describeBroker()).map(entry)
        shared[resource] = entries
        return entries
    }

    private func entry(_ key: ConfigurationDescription) -> Entry {
        Entry(
            name: key.name, value: key.value, readOnly: key.isReadOnly,
            // Later versions have the source instead, and must not have this one.
            isDefault: version == 0 && key.isDefault, configSource: key.source.rawValue, isSensitive: key.isSensitive,
            synonyms: request.includeSynonyms
                ? key.synonyms.map { .init(name: $0.name, value: $0.value, source: $0.source.rawValue) } : [],
            configType: key.typeID, documentation: request.includeDocumentation ? key.documentation : nil)
    }
}
