// SPDX-License-Identifier: Apache-2.0

/// Keys of older Kafka versions: what became of them.
///
/// Files from the ZooKeeper era (up to 3.9), and in part from 0.7, start a single node: what has a successor is
/// carried over unless the successor is set too, the rest is left out. Each such key costs one line of warning.
extension ConfigurationSettings {
    /// Keys with a successor whose values mean the same.
    private static let renamed: [(old: String, new: [String])] = [
        ("log.default.flush.interval.ms", ["log.flush.interval.ms"]),
        ("log.default.flush.scheduler.interval.ms", ["log.flush.scheduler.interval.ms"]),
        (
            "log.message.timestamp.difference.max.ms",
            ["log.message.timestamp.before.max.ms", "log.message.timestamp.after.max.ms"]
        ),
    ]

    /// Keys without a successor, and why they are not needed.
    private static let dropped: [(name: String, reason: String)] = [
        ("replica.lag.max.messages", "followers are judged by replica.lag.time.max.ms alone"),
        ("inter.broker.protocol.version", "versions are negotiated"),
        ("log.message.format.version", "records are always stored in the current format"),
        ("log.message.downconversion.enable", "old consumers are always served"),
        ("controlled.shutdown.max.retries", "the controller directs the shutdown"),
        ("controlled.shutdown.retry.backoff.ms", "the controller directs the shutdown"),
        ("leader.imbalance.per.broker.percentage", "every imbalance counts"),
        ("broker.id.generation.enable", "ids are not handed out; set node.id"),
        ("reserved.broker.max.id", "ids are not handed out; set node.id"),
        ("control.plane.listener.name", "there is no separate control plane"),
        ("quota.producer.default", "client quotas are kept in the cluster's metadata"),
        ("quota.consumer.default", "client quotas are kept in the cluster's metadata"),
    ]

    /// Beginnings of keys without a successor.
    private static let droppedPrefixes: [(prefix: String, reason: String)] = [
        ("zookeeper.", "there is no ZooKeeper; this node keeps the cluster's metadata itself"),
        ("password.encoder.", "secrets are no longer kept in ZooKeeper"),
        ("kafka.csv.metrics.", "there is no CSV reporter"),
    ]

    /// What becomes of each obsolete key, for the documentation.
    static var legacyReference: [(name: String, outcome: String)] {
        let translated = [
            ("broker.id", "taken as `node.id`; -1 is ignored"),
            ("host.name, port", "taken into `listeners` as one PLAINTEXT listener"),
            ("advertised.host.name, advertised.port", "taken into `advertised.listeners`"),
            ("log.cleanup.interval.mins", "taken as `log.retention.check.interval.ms`"),
        ]
        return translated
            + renamed.map { ($0.old, "taken as " + $0.new.map { "`\($0)`" }.joined(separator: " and ")) }
            + droppedPrefixes.map { ($0.prefix + "*", "ignored: \($0.reason)") }
            + dropped.map { ($0.name, "ignored: \($0.reason)") }
    }

    /// Replaces obsolete keys by their successors and removes those without. Returns a warning for each.
    mutating func translateLegacyKeys() -> [ConfigurationWarning] {
        var warnings: [ConfigurationWarning] = []
        translateAddresses(&warnings)
        translateNodeID(&warnings)
        translateMinutes(&warnings)
        for (old, new) in ConfigurationSettings.renamed where contains(old) {
            rename(old, new, &warnings)
        }
        for name in names {
            let exact = ConfigurationSettings.dropped.first { $0.name == name }?.reason
            let family = ConfigurationSettings.droppedPrefixes.first { name.hasPrefix($0.prefix) }?.reason
            if let reason = exact ?? family { drop(name, "is obsolete and ignored: \(reason)", &warnings) }
        }
        return warnings
    }

    private mutating func rename(_ old: String, _ new: [String], _ warnings: inout [ConfigurationWarning]) {
        guard let setting = self[old] else { return }
        let targets = new.filter { !contains($0) }
        for target in targets { set(target, setting.value, from: .translated(from: old)) }
        let outcome =
            targets.isEmpty
            ? "is obsolete and ignored, because \(new.joined(separator: " and ")) is set"
            : "is obsolete: taken as \(targets.joined(separator: " and "))"
        drop(old, outcome, &warnings)
    }

    /// `broker.id` is still a key, but `node.id` is what counts.
    private mutating func translateNodeID(_ warnings: inout [ConfigurationWarning]) {
        guard let setting = self["broker.id"] else { return }
        if setting.value.trimmedBlanks == "-1" {
            drop("broker.id", "asks for an automatic id, which no longer exists: set node.id", &warnings)
        } else if !contains("node.id") {
            set("node.id", setting.value, from: .translated(from: "broker.id"))
            warnings.append(
                ConfigurationWarning(
                    name: "broker.id", message: "is obsolete: taken as node.id", origin: setting.origin))
        }
    }

    /// `host.name`, `port` and their `advertised.` forms name one PLAINTEXT listener.
    private mutating func translateAddresses(_ warnings: inout [ConfigurationWarning]) {
        let host = self["host.name"]?.value.trimmedBlanks
        let port = self["port"]?.value.trimmedBlanks
        let forms = [
            ("host.name", "port", "listeners", "", "9092"),
            ("advertised.host.name", "advertised.port", "advertised.listeners", host ?? "", port ?? "9092"),
        ]
        for (hostKey, portKey, target, defaultHost, defaultPort) in forms {
            let given = [hostKey, portKey].filter(contains)
            guard let first = given.first else { continue }
            let replaces = !contains(target)
            if replaces {
                let host = self[hostKey]?.value.trimmedBlanks ?? defaultHost
                let port = self[portKey]?.value.trimmedBlanks ?? defaultPort
                let address = host.contains(":") && !host.hasPrefix("[") ? "[\(host)]" : host
                set(target, "PLAINTEXT://\(address):\(port)", from: .translated(from: first))
            }
            for name in given {
                drop(
                    name,
                    replaces
                        ? "is obsolete: taken into \(target)" : "is obsolete and ignored, because \(target) is set",
                    &warnings)
            }
        }
    }

    /// 0.7 counted the search for old segments in minutes.
    private mutating func translateMinutes(_ warnings: inout [ConfigurationWarning]) {
        let old = "log.cleanup.interval.mins"
        guard let setting = self[old], !contains("log.retention.check.interval.ms") else {
            rename(old, ["log.retention.check.interval.ms"], &warnings)
            return
        }
        // A value that is no number goes over as it is, to be refused there.
        let minutes = Int64(setting.value.trimmedBlanks)
        let (milliseconds, overflow) = (minutes ?? 0).multipliedReportingOverflow(by: 60_000)
        let value = minutes == nil || overflow ? setting.value : String(milliseconds)
        set("log.retention.check.interval.ms", value, from: .translated(from: old))
        drop(old, "is obsolete: taken as log.retention.check.interval.ms", &warnings)
    }

    private mutating func drop(_ name: String, _ message: String, _ warnings: inout [ConfigurationWarning]) {
        let origin = remove(name)?.origin
        warnings.append(ConfigurationWarning(name: name, message: message, origin: origin))
    }
}
