// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords

/// What the append path needs of a topic's configuration, worked out once: the configuration itself is large, and a
/// reference to this is all that is copied for an append.
final class AppendRules: Sendable {
    let client: ProduceRules
    let broker: ProduceRules
    let maxMessageBytes: Int
    let segmentBytes: Int
    let timestampType: TimestampType
    /// The codec that every batch is stored with; nil where producers choose.
    let demandedCompression: CompressionType?
    /// The level for it; nil for the codec's default.
    let demandedLevel: Int32?
    let inflateLimit: Int

    init(_ configuration: LogConfiguration, _ settings: LogSettings) {
        var rules = ProduceRules()
        rules.isCompacted = configuration.cleanupPolicy.contains(.compact)
        rules.timestampType = configuration.messageTimestampType
        rules.timestampBeforeMax = configuration.messageTimestampBeforeMaxMs
        rules.timestampAfterMax = configuration.messageTimestampAfterMaxMs
        rules.inflateLimit = settings.inflateLimitBytes
        client = rules
        rules.source = .broker
        broker = rules
        maxMessageBytes = Int(configuration.maxMessageBytes)
        segmentBytes = Int(configuration.segmentBytes)
        timestampType = configuration.messageTimestampType
        inflateLimit = settings.inflateLimitBytes
        switch configuration.compression {
        case .producer:
            demandedCompression = nil
            demandedLevel = nil
        case .codec(let type):
            demandedCompression = type
            demandedLevel = configuration.level(for: type)
        }
    }

    /// The codec that a batch stored with `current` must be stored with.
    func targetCompression(_ current: CompressionType) -> CompressionType { demandedCompression ?? current }
}
