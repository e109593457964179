// SPDX-License-Identifier: Apache-2.0

/// What a set of dynamic configurations belongs to.
package struct ConfigResource: Hashable, Comparable, Sendable, CustomStringConvertible {
    package enum Kind: Int8, Sendable {
        case topic = 2
        case broker = 4
        case brokerLogger = 8
        case clientMetrics = 16
        case group = 32
    }

    /// Kept as it stands in records: kinds of later releases must survive a snapshot.
    package let rawKind: Int8
    package let name: String

    package init(rawKind: Int8, name: String) {
        self.rawKind = rawKind
        self.name = name
    }

    package init(_ kind: Kind, _ name: String) { self.init(rawKind: kind.rawValue, name: name) }

    package static func topic(_ name: String) -> ConfigResource { ConfigResource(.topic, name) }
    package static func broker(_ id: Int32) -> ConfigResource { ConfigResource(.broker, "\(id)") }
    /// The defaults for every broker of the cluster.
    package static let clusterDefault = ConfigResource(.broker, "")

    /// nil for a kind that this release does not know.
    package var kind: Kind? { Kind(rawValue: rawKind) }

    package static func < (left: ConfigResource, right: ConfigResource) -> Bool {
        left.rawKind == right.rawKind ? left.name < right.name : left.rawKind < right.rawKind
    }

    package var description: String {
        let kindName =
            switch kind {
            case .topic: "topic"
            case .broker: name.isEmpty ? "all brokers" : "broker"
            case .brokerLogger: "broker logger"
            case .clientMetrics: "client metrics"
            case .group: "group"
            case nil: "resource of kind \(rawKind)"
            }
        return name.isEmpty ? kindName : "\(kindName) \(name)"
    }
}
