// SPDX-License-Identifier: Apache-2.0

extension TopicConfiguration {
    /// The defaults that the broker's settings give to topics.
    init(_ reader: inout ConfigurationReader) {
        self.init()
        for definition in ConfigurationKeys.topic {
            let synonyms = ConfigurationKeys.brokerSynonyms(ofTopicKey: definition.name)
            guard let synonym = synonyms.first(where: { reader.isSet($0.name) }) else { continue }
            let value = synonym.converted(reader.value(synonym.name))
            set(definition.name, to: value)
            if case .integer(let number) = value, let violation = TopicConfiguration.violation(definition, number) {
                reader.refuse(synonym.name, violation)
            }
        }
        if compactionLagMin > compactionLagMax {
            reader.refuse(
                "log.cleaner.min.compaction.lag.ms",
                "must not be more than log.cleaner.max.compaction.lag.ms=\(compactionLagMax)")
        }
        // Any negative retention means for ever.
        if retentionTime < 0 { retentionTime = -1 }
        if retentionBytes < 0 { retentionBytes = -1 }
    }

    /// What is wrong with a broker key whose own table entry allows more than its topic key does.
    private static func violation(_ topicKey: ConfigurationDefinition, _ number: Int64) -> String? {
        if topicKey.name == "retention.ms" {
            return number == 0 ? "must be at least 1, or -1 for ever" : nil
        }
        if case .atLeast(let minimum) = topicKey.constraint, number < minimum { return "must be at least \(minimum)" }
        return nil
    }
}
