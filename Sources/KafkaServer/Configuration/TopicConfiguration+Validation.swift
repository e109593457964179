// SPDX-License-Identifier: Apache-2.0
package import KafkaBase
import KafkaStorage

/// A topic configuration that was refused.
package struct TopicConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What the client is told.
    package let message: String

    package init(message: String) { self.message = message }

    /// The code that goes with the message.
    package var errorCode: ErrorCode { .invalidConfig }

    package var description: String { message }
}

extension TopicConfiguration {
    /// Checks one override. Throws for a key that topics do not have, a null value, and a value that the key does not
    /// allow.
    @discardableResult
    package static func validate(
        name: String, value: String?
    ) throws(TopicConfigurationError) -> ConfigurationValue {
        guard let definition = ConfigurationKeys.topic(name) else {
            throw TopicConfigurationError(message: "Unknown topic config name: \(name.printable)")
        }
        guard let value else {
            throw TopicConfigurationError(message: "Null value not supported for topic configs: \(name)")
        }
        do throws(ConfigurationViolation) {
            return try definition.parse(value)
        } catch {
            throw TopicConfigurationError(
                message: "Invalid value \(value.printable) for configuration \(name): must be \(error.allowed)")
        }
    }

    /// Checks all overrides that a topic is to have, each by itself and against each other and `defaults`.
    package static func validate(
        _ overrides: some Sequence<(key: String, value: String?)>, defaults: TopicConfiguration
    ) throws(TopicConfigurationError) {
        var configuration = defaults
        for (name, text) in overrides {
            let value = try validate(name: name, value: text)
            if name == "remote.storage.enable", value == .boolean(true) {
                throw TopicConfigurationError(
                    message: "Invalid value true for configuration remote.storage.enable: "
                        + "tiered storage is not enabled in this cluster")
            }
            if name == "internal.segment.bytes", case .integer(let bytes) = value, bytes < 1 {
                throw TopicConfigurationError(
                    message: "Invalid value \(bytes) for configuration internal.segment.bytes: must be at least 1")
            }
            configuration.set(name, to: value)
        }
        let (shortest, longest) = (configuration.log.minCompactionLagMs, configuration.log.maxCompactionLagMs)
        if shortest > longest {
            throw TopicConfigurationError(
                message: "min.compaction.lag.ms=\(shortest) must not be more than max.compaction.lag.ms=\(longest)")
        }
    }

    /// This configuration with a topic's overrides on top.
    ///
    /// Overrides come from the metadata log, where they were checked before they were written, perhaps by another
    /// version: keys and values that mean nothing here are passed over.
    package func applying(_ overrides: some Sequence<(key: String, value: String)>) -> TopicConfiguration {
        var result = self
        var internalSegmentBytes: ConfigurationValue?
        for (name, text) in overrides {
            guard let definition = ConfigurationKeys.topic(name), let value = try? definition.parse(text) else {
                continue
            }
            if name == "internal.segment.bytes" { internalSegmentBytes = value } else { result.set(name, to: value) }
        }
        // It outweighs segment.bytes, whichever comes first.
        if let internalSegmentBytes { result.set("internal.segment.bytes", to: internalSegmentBytes) }
        return result
    }
}
