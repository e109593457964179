// SPDX-License-Identifier: Apache-2.0
import Foundation
import KafkaBase
import KafkaServer
import Testing

@Suite struct ConfigurationDocumentationTests {
    private static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// With `SWIFTKAFKA_REWRITE_DOCS=1` in the environment this writes the file instead of comparing it.
    @Test func `docs configuration md is what the tables say`() throws {
        let file = Self.root.appending(path: "docs/configuration.md")
        let expected = ConfigurationReference.markdown()
        if ProcessInfo.processInfo.environment["SWIFTKAFKA_REWRITE_DOCS"] == "1" {
            try expected.write(to: file, atomically: true, encoding: .utf8)
        }
        let isCurrent = try String(contentsOf: file, encoding: .utf8) == expected
        #expect(isCurrent, "docs/configuration.md is out of date: run make docs")
    }

    @Test func `every key is in the documentation`() {
        let text = ConfigurationReference.markdown()
        let keys =
            ConfigurationKeys.brokerSections.flatMap(\.definitions) + ConfigurationKeys.topicKeys
            + ConfigurationKeys.groupKeys
        for key in keys { #expect(text.contains("`\(key.name)`"), "\(key.name)") }
    }

    private static func sample() throws -> [UInt8] {
        Array(try Data(contentsOf: root.appending(path: "config/server.properties")))
    }

    @Test func `config server properties starts without a warning`() throws {
        let loaded = try BrokerConfiguration.load(Properties(parsing: Self.sample()), hostName: "host")
        #expect(loaded.warnings.isEmpty)
        #expect(loaded.configuration.storage.logDirectories == ["/tmp/swiftkafka-logs"])
        #expect(loaded.configuration.network.listeners.map(\.name) == ["PLAINTEXT"])
    }

    /// A line `#key=value` shows the default, except for the examples that the text around them announces.
    @Test func `the commented keys of config server properties are known and show their defaults`() throws {
        let examples = [
            "metrics.listener", "num.network.threads", "advertised.listeners", "broker.rack", "log.flush.interval.ms",
        ]
        let lines = String(decoding: try Self.sample(), as: UTF8.self).split(separator: "\n")
            .filter { $0.hasPrefix("#") && !$0.hasPrefix("# ") && $0.contains("=") }
        #expect(lines.count > 30)
        for line in lines {
            let entry = try #require(try Properties(parsing: Array(line.dropFirst().utf8)).entries.first)
            if entry.key.hasPrefix("log.level.") { continue }
            let key = try #require(ConfigurationKeys.broker(entry.key), "\(entry.key)")
            #expect(key.support == .acts, "\(entry.key)")
            if !examples.contains(entry.key) {
                #expect(try key.parse(entry.value) == key.defaultValue, "\(entry.key)")
            }
        }
    }
}
