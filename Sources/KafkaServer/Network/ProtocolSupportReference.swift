// SPDX-License-Identifier: Apache-2.0
internal import KafkaProtocol

/// Writes docs/protocol-support.md from the code: what ApiVersions advertises.
package enum ProtocolSupportReference {
    package static var markdown: String {
        var lines = [
            "# Protocol support",
            "",
            "Generated from `RequestRouter` and the protocol schemas; a test compares it with the code.",
            "*Served* is what ApiVersions advertises. *Known* is what the schemas hold: both directions of these versions",
            "can be encoded and decoded, by the broker's own clients and tools, too. A dash means that the API is not",
            "served; requests for it end the connection, as for every API that a broker does not list (SaslHandshake",
            "alone is answered: with ILLEGAL_SASL_STATE).",
            "",
            "| Key | API | Known | Served |",
            "|--:|---|---|---|",
        ]
        for key in APIKey.allCases {
            lines.append(
                "| \(key.rawValue) | \(key.name) | \(text(key.versions)) | \(served(key)) |")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func served(_ key: APIKey) -> String {
        guard let versions = RequestRouter.handler(of: key)?.servedVersions else { return "—" }
        guard let unstable = key.firstUnstableVersion, versions.contains(unstable) else { return text(versions) }
        let stable = versions.lowerBound...(unstable - 1)
        return "\(text(stable)); \(unstable) with `unstable.api.versions.enable=true`"
    }

    private static func text(_ versions: ClosedRange<Int16>) -> String {
        versions.lowerBound == versions.upperBound
            ? "\(versions.lowerBound)" : "\(versions.lowerBound)–\(versions.upperBound)"
    }
}
