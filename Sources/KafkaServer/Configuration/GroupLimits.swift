// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaMetadata

/// What a broker allows groups to set for themselves, beyond what each key demands (KIP-848, KIP-932, KIP-1071).
struct GroupLimits {
    private let layers: ConfigurationLayers

    init(_ layers: ConfigurationLayers) { self.layers = layers }

    /// The group's keys and the broker's that bound them; nil where only the other end is bounded.
    private static let bounds: [(key: String, minimum: String?, maximum: String?)] = [
        (
            "consumer.session.timeout.ms", "group.consumer.min.session.timeout.ms",
            "group.consumer.max.session.timeout.ms"
        ),
        (
            "consumer.heartbeat.interval.ms", "group.consumer.min.heartbeat.interval.ms",
            "group.consumer.max.heartbeat.interval.ms"
        ),
        (
            "consumer.assignment.interval.ms", "group.consumer.min.assignment.interval.ms",
            "group.consumer.max.assignment.interval.ms"
        ),
        ("share.session.timeout.ms", "group.share.min.session.timeout.ms", "group.share.max.session.timeout.ms"),
        (
            "share.heartbeat.interval.ms", "group.share.min.heartbeat.interval.ms",
            "group.share.max.heartbeat.interval.ms"
        ),
        (
            "share.assignment.interval.ms", "group.share.min.assignment.interval.ms",
            "group.share.max.assignment.interval.ms"
        ),
        (
            "share.record.lock.duration.ms", "group.share.min.record.lock.duration.ms",
            "group.share.max.record.lock.duration.ms"
        ),
        (
            "share.delivery.count.limit", "group.share.min.delivery.count.limit",
            "group.share.max.delivery.count.limit"
        ),
        (
            "share.partition.max.record.locks", "group.share.min.partition.max.record.locks",
            "group.share.max.partition.max.record.locks"
        ),
        (
            "streams.session.timeout.ms", "group.streams.min.session.timeout.ms",
            "group.streams.max.session.timeout.ms"
        ),
        (
            "streams.heartbeat.interval.ms", "group.streams.min.heartbeat.interval.ms",
            "group.streams.max.heartbeat.interval.ms"
        ),
        (
            "streams.assignment.interval.ms", "group.streams.min.assignment.interval.ms",
            "group.streams.max.assignment.interval.ms"
        ),
        ("streams.num.standby.replicas", nil, "group.streams.max.standby.replicas"),
        ("streams.num.warmup.replicas", nil, "group.streams.max.warmup.replicas"),
        ("streams.task.offset.interval.ms", "group.streams.min.task.offset.interval.ms", nil),
    ]

    /// A session must outlast the time between two heartbeats.
    private static let pairs = ["consumer", "share", "streams"].map {
        (session: "\($0).session.timeout.ms", heartbeat: "\($0).heartbeat.interval.ms")
    }

    /// Throws INVALID_CONFIG where a group must not have these settings, all of its own.
    func check(_ values: [(key: String, value: String)]) throws(APIError) {
        let own = Dictionary(values.map { ($0.key, $0.value) }) { _, last in last }
        for bound in Self.bounds {
            guard let value = own[bound.key].flatMap(Self.number) else { continue }
            if let minimum = bound.minimum.flatMap(brokerValue), value < minimum {
                throw APIError(
                    .invalidConfig, "\(bound.key) must be greater than or equal to \(bound.minimum ?? "")=\(minimum)")
            }
            if let maximum = bound.maximum.flatMap(brokerValue), value > maximum {
                throw APIError(
                    .invalidConfig, "\(bound.key) must be less than or equal to \(bound.maximum ?? "")=\(maximum)")
            }
        }
        for pair in Self.pairs where own[pair.session] != nil || own[pair.heartbeat] != nil {
            guard let session = value(pair.session, own), let heartbeat = value(pair.heartbeat, own) else { continue }
            if session <= heartbeat {
                throw APIError(
                    .invalidConfig, "\(pair.session)=\(session) must be greater than \(pair.heartbeat)=\(heartbeat)")
            }
        }
    }

    /// The group's own value, else the broker's.
    private func value(_ key: String, _ own: [String: String]) -> Int64? {
        own[key].flatMap(Self.number) ?? brokerValue("group.\(key)")
    }

    private static func number(_ text: String) -> Int64? { Int64(text.trimmedBlanks) }

    /// nil for a key that this release does not have.
    private func brokerValue(_ key: String) -> Int64? {
        guard let definition = ConfigurationKeys.broker(key) else { return nil }
        for occurrence in layers.occurrences(of: [ConfigurationSynonym(key)]) {
            if case .integer(let number)? = try? definition.parse(occurrence.text) { return number }
        }
        return nil
    }
}
