// SPDX-License-Identifier: Apache-2.0

/// The rules for names of topics.
package enum TopicName {
    /// The longest name, so that the directory of a deleted partition still fits into 255 bytes.
    package static let lengthLimit = 249

    /// Why `name` cannot be a topic's name, in Kafka's words after "Topic name is invalid: "; nil where it can.
    package static func invalidity(of name: String) -> String? {
        if name.isEmpty { return "the empty string is not allowed" }
        if name == "." || name == ".." { return "'\(name)' is not allowed" }
        if name.utf8.count > lengthLimit {
            return "the length of '\(name)' is longer than the max allowed length \(lengthLimit)"
        }
        if !name.utf8.allSatisfy(isLegal) {
            return "'\(name)' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"
        }
        return nil
    }

    private static func isLegal(_ character: UInt8) -> Bool {
        switch character {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    /// The name as it appears in metric names, where `.` and `_` are the same character. Two topics of one cluster must
    /// not share it.
    package static func collisionKey(of name: String) -> String {
        String(decoding: name.utf8.map { $0 == UInt8(ascii: ".") ? UInt8(ascii: "_") : $0 }, as: UTF8.self)
    }

    /// Whether another name can have the same collision key.
    package static func canCollide(_ name: String) -> Bool {
        name.utf8.contains { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "_") }
    }

    /// The topic that holds the metadata log. It is not in the image, and no topic may take its name.
    package static let clusterMetadata = "__cluster_metadata"

    /// Topics of the broker itself, marked as internal towards clients.
    package static let internalNames = ["__consumer_offsets", "__share_group_state", "__transaction_state"]

    package static func isInternal(_ name: String) -> Bool { internalNames.contains(name) }
}
