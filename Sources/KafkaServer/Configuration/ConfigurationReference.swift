// SPDX-License-Identifier: Apache-2.0

/// `docs/configuration.md`, made from the tables of keys.
package enum ConfigurationReference {
    /// The whole file.
    package static func markdown() -> String {
        var lines = [introduction]
        for section in ConfigurationKeys.brokerSections {
            lines += ["", "## \(section.title)", ""] + brokerTable(section.definitions)
        }
        lines += ["", topicIntroduction, ""] + topicTable()
        lines += ["", groupIntroduction, ""] + dynamicTable(ConfigurationKeys.groupKeys)
        lines += ["", clientMetricsIntroduction, ""] + dynamicTable(ConfigurationKeys.clientMetricsKeys)
        lines += ["", legacyIntroduction, "", "| Key | What becomes of it |", "|---|---|"]
        lines += ConfigurationSettings.legacyReference.map { name, outcome in
            let names = name.split(separator: ", ").map { "`\($0)`" }.joined(separator: ", ")
            return "| \(names) | \(outcome) |"
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static let introduction = """
        # Configuration

        <!-- Made from Sources/KafkaServer/Configuration by `make docs`; a test compares. Do not edit. -->

        A broker reads one Java `.properties` file, and `--override key=value` outweighs the file. The commented
        [config/server.properties](../config/server.properties) shows the keys that most people need. Without any
        setting at all the broker is a complete node by itself: broker and controller in one, on port 9092.

        - A value that is not allowed stops the start. Each problem takes one line with the key, the value and what is
          allowed.
        - Unknown keys, keys that nothing acts on yet, and keys that have no effect here are accepted with one line of
          warning each.
        - Where several keys set the same thing, the finer unit counts: `log.retention.ms` before
          `log.retention.minutes` before `log.retention.hours`, `log.roll.ms` before `log.roll.hours`,
          `log.roll.jitter.ms` before `log.roll.jitter.hours`. `log.dirs` counts before `log.dir`, and without
          `log.flush.interval.ms` the value of `log.flush.scheduler.interval.ms` counts.
        - `listener.name.<listener>.<key>` sets a key for one listener, and
          `listener.name.<listener>.<mechanism>.<key>` for one SASL mechanism of it. They are known; those that act are
          `max.connections` and `max.connection.creation.rate` of a listener, which can change while the broker runs.
        - Defaults are those of Apache Kafka 4.4, except of `node.id`, `process.roles` and `controller.listener.names`,
          which have none there, of `num.network.threads`, which is 3 there, and of `socket.send.buffer.bytes`, which is
          102400 there.
        - Files may be UTF-8 or ISO-8859-1.

        **Mode** says how a key can be changed: *read-only* needs a restart, *per-broker* can be changed for one
        running broker, *cluster-wide* also for all of them. **Acts** says whether this broker acts on the key:
        *yes*, *not yet*, or *no* where the key concerns something that only Apache Kafka has. Keys in *italics* are
        internal, for tests and tuning.

        What changes while the broker runs takes effect before the request is answered, and again at the next start:

        - **Numbers of threads** change by steps from half to double. `num.network.threads`: new reactors take new
          connections at once; a connection stays on its reactor, and reactors that are too many serve those they have and
          go with the last of them. `background.threads` that are too many end with the work they are at.
        - **`listeners`** are added, removed and moved to other ports, each name with its protocol in
          `listener.security.protocol.map`, which may change along with them. Clients are told of them a moment later (by
          Apache Kafka 4.4 after a restart), unless `advertised.listeners` is set, which names them all and cannot
          change. The listener between brokers and those of `advertised.listeners` cannot be removed, and the protocol of a
          listener that exists cannot change. A port that cannot be bound refuses the request. Connections of a listener
          that is removed end once what they have asked is answered, those of one that moves stay. At a start, a listener
          that was set and cannot be used any more costs a line in the log, and the file's takes its place.
        - **Limits on connections**: where `max.connections` is lowered, the connections that were used least recently end.
          Other limits that are lowered leave those that are there.
        """

    private static let topicIntroduction = """
        ## Topics

        A topic's own setting counts before what was set for the running broker, what was set for all running brokers,
        the file, and the default. The broker's key is the one that gives all topics their default.
        """

    private static let groupIntroduction = """
        ## Groups

        A group's own setting counts before the broker's `group.*` key, between the bounds that the broker sets.
        """

    private static let clientMetricsIntroduction = """
        ## Client metrics

        Subscriptions to the metrics of clients are not served yet, so nothing acts on these.
        """

    private static let legacyIntroduction = """
        ## Keys of older versions

        Files from the ZooKeeper era start a single node. Each of these keys costs one line of warning. Where a
        successor is set too, the successor counts.
        """

    private static func brokerTable(_ definitions: [ConfigurationDefinition]) -> [String] {
        ["| Key | Type | Default | Allowed | Mode | Acts | Meaning |", "|---|---|---|---|---|---|---|"]
            + definitions.map { key in
                row([
                    name(key), key.type.name, defaultText(key), allowed(key), key.mode.name, support(key),
                    key.documentation,
                ])
            }
    }

    private static func topicTable() -> [String] {
        ["| Key | Type | Default | Allowed | Broker's key | Acts | Meaning |", "|---|---|---|---|---|---|---|"]
            + ConfigurationKeys.topicKeys.map { key in
                let synonyms = ConfigurationKeys.brokerSynonyms(ofTopicKey: key.name).map { "`\($0.name)`" }
                return row([
                    name(key), key.type.name, defaultText(key), allowed(key), synonyms.joined(separator: ", "),
                    support(key), key.documentation,
                ])
            }
    }

    private static func dynamicTable(_ definitions: [ConfigurationDefinition]) -> [String] {
        ["| Key | Type | Default | Allowed | Meaning |", "|---|---|---|---|---|"]
            + definitions.map { key in
                row([name(key), key.type.name, defaultText(key), allowed(key), key.documentation])
            }
    }

    private static func row(_ cells: [String]) -> String {
        "|" + cells.map { $0.isEmpty ? " |" : " \($0) |" }.joined()
    }

    private static func name(_ key: ConfigurationDefinition) -> String {
        key.isInternal ? "*`\(key.name)`*" : "`\(key.name)`"
    }

    private static func defaultText(_ key: ConfigurationDefinition) -> String {
        switch key.defaultValue.text {
        case nil: "none"
        case "": "empty"
        case let text?: "`\(text)`"
        }
    }

    private static func allowed(_ key: ConfigurationDefinition) -> String {
        key.constraint.allowed ?? ""
    }

    private static func support(_ key: ConfigurationDefinition) -> String {
        switch key.support {
        case .acts: "yes"
        case .later: "not yet"
        case .noEffect: "no"
        }
    }
}
