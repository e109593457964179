// SPDX-License-Identifier: Apache-2.0
internal import DispatchRuntime
internal import KafkaBase
internal import KafkaRuntime
internal import KafkaServer

/// The configuration of an embedded broker, under Kafka's own key names (docs/configuration.md).
public struct BrokerOptions: Sendable, ExpressibleByDictionaryLiteral {
    private var properties: Properties

    /// How often the broker's metrics (docs/metrics.md) are handed to the back end that the program has bootstrapped
    /// swift-metrics with, at least a millisecond; nil hands over none. Whoever sets it has bootstrapped before the broker
    /// is made. Independent of `metrics.listener`.
    public var metricsInterval: Duration?

    /// Keys with their values as they would stand in a properties file.
    public init(_ settings: [String: String]) {
        properties = Properties(
            entries: settings.sorted { $0.key < $1.key }.map { Properties.Entry(key: $0.key, value: $0.value) })
    }

    public init(dictionaryLiteral elements: (String, String)...) {
        properties = Properties(entries: elements.map { Properties.Entry(key: $0.0, value: $0.1) })
    }

    /// The keys of a Java properties file.
    ///
    /// - Throws: `BrokerError.configuration` when it cannot be read.
    public init(contentsOfFile path: String) throws(BrokerError) {
        do {
            guard let bytes = try DispatchRuntime.makeFileSystem().readFile(path, limit: 16 << 20) else {
                throw BrokerError.configuration("\(path): no such file")
            }
            properties = try Properties(parsing: bytes)
        } catch let error as BrokerError {
            throw error
        } catch {
            throw .configuration("\(path): \(error)")
        }
    }

    public subscript(key: String) -> String? {
        get { properties[key] }
        set { if let newValue { properties.set(key, to: newValue) } }
    }

    mutating func setDefault(_ key: String, _ value: String) {
        if properties[key] == nil { properties.set(key, to: value) }
    }

    func load() throws(BrokerError) -> BrokerConfiguration.Loaded {
        do throws(ConfigurationError) {
            return try BrokerConfiguration.load(properties)
        } catch {
            throw .configuration("\(error)")
        }
    }
}

/// Why an embedded broker could not be made or started.
public enum BrokerError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The configuration is wrong; says which keys and what they may be.
    case configuration(String)
    /// Starting failed; says what was tried and what to do.
    case start(String)
    /// The broker ran and cannot go on.
    case failed(String)

    public var description: String {
        switch self {
        case .configuration(let reason), .start(let reason), .failed(let reason): reason
        }
    }
}
