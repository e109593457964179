// SPDX-License-Identifier: Apache-2.0
import KafkaStorage

extension TopicConfiguration {
    /// The defaults that the broker's settings give to topics.
    init(_ reader: inout ConfigurationReader) {
        self.init()
        for definition in ConfigurationKeys.topicKeys {
            let synonyms = ConfigurationKeys.brokerSynonyms(ofTopicKey: definition.name)
            guard let synonym = synonyms.first(where: { reader.isSet($0.name) }) else { continue }
            let value = synonym.converted(reader.value(synonym.name))
            if case .integer(let number) = value, let reason = TopicConfiguration.refusal(definition, number) {
                reader.refuse(synonym.name, reason)
            } else {
                set(definition.name, to: value)
            }
        }
        if log.minCompactionLagMs > log.maxCompactionLagMs {
            reader.refuse(
                "log.cleaner.min.compaction.lag.ms",
                "must not be more than log.cleaner.max.compaction.lag.ms=\(log.maxCompactionLagMs)")
        }
    }

    /// Why a broker key cannot have a value that its topic key does not allow. A broker may be told to keep records
    /// for any negative time, which is for ever.
    private static func refusal(_ topicKey: ConfigurationDefinition, _ number: Int64) -> String? {
        if topicKey.name == "retention.ms" { return number == 0 ? "must be at least 1, or -1 for ever" : nil }
        return topicKey.constraint.allows(.integer(number)) ? nil : "must be \(topicKey.allowed)"
    }
}
