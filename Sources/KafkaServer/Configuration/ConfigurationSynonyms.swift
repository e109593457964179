// SPDX-License-Identifier: Apache-2.0

/// A broker key that gives a topic key, or another broker key, its value.
package struct ConfigurationSynonym: Sendable, Equatable {
    package let name: String
    /// What the synonym's value is multiplied by: hours and minutes become milliseconds.
    package let factor: Int64

    init(_ name: String, times factor: Int64 = 1) {
        self.name = name
        self.factor = factor
    }

    /// The value of the synonym in the unit of the key that it stands for. Values past the range of 64 bits stop at
    /// its end, and a negative number of hours or minutes is -1.
    func converted(_ value: ConfigurationValue) -> ConfigurationValue {
        guard factor != 1, case .integer(let number) = value else { return value }
        if number < 0 { return .integer(-1) }
        let (product, overflow) = number.multipliedReportingOverflow(by: factor)
        return .integer(overflow ? .max : product)
    }
}

extension ConfigurationKeys {
    private static let minute: Int64 = 60_000
    private static let hour: Int64 = 3_600_000

    /// The broker keys that give the topic key `name` its default, the first one set counting. None for keys that
    /// only topics have.
    package static func brokerSynonyms(ofTopicKey name: String) -> [ConfigurationSynonym] {
        switch name {
        case "segment.ms": synonyms(ofBrokerKey: "log.roll.ms")
        case "segment.jitter.ms": synonyms(ofBrokerKey: "log.roll.jitter.ms")
        case "retention.ms": synonyms(ofBrokerKey: "log.retention.ms")
        case "flush.ms": synonyms(ofBrokerKey: "log.flush.interval.ms")
        case "segment.index.bytes": [ConfigurationSynonym("log.index.size.max.bytes")]
        case "flush.messages": [ConfigurationSynonym("log.flush.interval.messages")]
        case "max.message.bytes": [ConfigurationSynonym("message.max.bytes")]
        case "file.delete.delay.ms": [ConfigurationSynonym("log.segment.delete.delay.ms")]
        case "min.cleanable.dirty.ratio": [ConfigurationSynonym("log.cleaner.min.cleanable.ratio")]
        case "delete.retention.ms", "min.compaction.lag.ms", "max.compaction.lag.ms":
            [ConfigurationSynonym("log.cleaner." + name)]
        case "segment.bytes", "retention.bytes", "index.interval.bytes", "cleanup.policy", "preallocate",
            "message.timestamp.type", "message.timestamp.before.max.ms", "message.timestamp.after.max.ms",
            "local.retention.ms", "local.retention.bytes":
            [ConfigurationSynonym("log." + name)]
        case "remote.copy.lag.ms", "remote.copy.lag.bytes": [ConfigurationSynonym("log." + name)]
        case "unclean.leader.election.enable", "min.insync.replicas", "compression.type",
            "compression.gzip.level", "compression.lz4.level", "compression.zstd.level":
            [ConfigurationSynonym(name)]
        default: []
        }
    }

    /// The keys that give the broker key `name` its value, the first one set counting: itself, and for some keys
    /// others with another unit.
    package static func synonyms(ofBrokerKey name: String) -> [ConfigurationSynonym] {
        switch name {
        case "log.roll.ms", "log.roll.hours":
            [ConfigurationSynonym("log.roll.ms"), ConfigurationSynonym("log.roll.hours", times: hour)]
        case "log.roll.jitter.ms", "log.roll.jitter.hours":
            [ConfigurationSynonym("log.roll.jitter.ms"), ConfigurationSynonym("log.roll.jitter.hours", times: hour)]
        case "log.retention.ms", "log.retention.minutes", "log.retention.hours":
            [
                ConfigurationSynonym("log.retention.ms"),
                ConfigurationSynonym("log.retention.minutes", times: minute),
                ConfigurationSynonym("log.retention.hours", times: hour),
            ]
        case "log.flush.interval.ms":
            [ConfigurationSynonym("log.flush.interval.ms"), ConfigurationSynonym("log.flush.scheduler.interval.ms")]
        default: [ConfigurationSynonym(name)]
        }
    }
}
