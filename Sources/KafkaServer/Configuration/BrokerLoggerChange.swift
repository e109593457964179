// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaMetadata
internal import KafkaProtocol
internal import Logging

/// What IncrementalAlterConfigs asks of this broker's loggers (resource type 8, KIP-412).
struct BrokerLoggerChange {
    /// The levels by Kafka's names.
    private static let levels: [(name: String, level: Logger.Level)] = [
        ("DEBUG", .debug), ("ERROR", .error), ("FATAL", .critical), ("INFO", .info), ("TRACE", .trace),
        ("WARN", .warning),
    ]

    /// Kafka's name of a level.
    static func name(of level: Logger.Level) -> String {
        // Kafka has nothing between INFO and WARN.
        levels.first { $0.level == level }?.name ?? "INFO"
    }

    /// By logger; nil takes its own level away.
    private let changes: [(logger: String, level: Logger.Level?)]

    /// Reads the changes for one resource.
    ///
    /// Throws INVALID_REQUEST where they make no sense, INVALID_CONFIG for loggers and levels that do not exist.
    init(
        _ configs: [IncrementalAlterConfigsRequest.AlterableConfig], _ levels: LoggerLevels
    ) throws(APIError) {
        var seen: Set<String> = []
        var changes: [(logger: String, level: Logger.Level?)] = []
        for config in configs {
            if !seen.insert(config.name).inserted {
                throw APIError(.invalidRequest, "Error due to duplicate config keys")
            }
            changes.append((config.name, try Self.level(config, levels)))
        }
        self.changes = changes
    }

    private static func level(
        _ config: IncrementalAlterConfigsRequest.AlterableConfig, _ levels: LoggerLevels
    ) throws(APIError) -> Logger.Level? {
        let logger = config.name
        func checkExists() throws(APIError) {
            guard levels.contains(logger) else {
                throw APIError(.invalidConfig, "Logger \(logger.printable) does not exist!")
            }
        }
        switch ConfigurationOperation(rawValue: config.configOperation) {
        case .set:
            guard let value = config.value else {
                throw APIError(.invalidRequest, "Null value not supported for : \(logger.printable)")
            }
            try checkExists()
            guard let level = Self.levels.first(where: { $0.name == value })?.level else {
                throw APIError(
                    .invalidConfig,
                    "Cannot set the log level of \(logger) to \(value.printable) as it is not a supported log level. "
                        + "Valid log levels are \(Self.levels.map(\.name).joined(separator: ", "))")
            }
            return level
        case .delete:
            try checkExists()
            if logger == LoggerLevels.root {
                throw APIError(.invalidRequest, "Removing the log level of the \(logger) logger is not allowed")
            }
            return nil
        case .append, .subtract:
            throw APIError(.invalidRequest, "Lists cannot be edited for the BROKER_LOGGER resource")
        case nil:
            throw APIError(.invalidRequest, "Unknown operation type \(config.configOperation)")
        }
    }

    /// Makes the changes take effect, at once.
    func apply(to levels: LoggerLevels) {
        for change in changes { levels.set(change.logger, to: change.level) }
    }
}
