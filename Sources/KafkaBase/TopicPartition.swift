// SPDX-License-Identifier: Apache-2.0

/// A partition by its topic's name.
public struct TopicPartition: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let topic: String
    public let partition: Int32

    public init(topic: String, partition: Int32) {
        self.topic = topic
        self.partition = partition
    }

    /// `<topic>-<partition>`, which is also the name of the partition's directory.
    public var description: String { "\(topic)-\(partition)" }

    public static func < (left: TopicPartition, right: TopicPartition) -> Bool {
        left.topic == right.topic ? left.partition < right.partition : left.topic < right.topic
    }

    /// Reads a directory name; nil where it has no dash followed by a number, or an empty topic.
    public init?(directoryName: some StringProtocol) {
        guard let dash = directoryName.lastIndex(of: "-"), dash != directoryName.startIndex else { return nil }
        let digits = directoryName[directoryName.index(after: dash)...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }), let number = Int32(digits) else {
            return nil
        }
        self.init(topic: String(directoryName[..<dash]), partition: number)
    }
}
