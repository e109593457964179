// SPDX-License-Identifier: Apache-2.0
package import KafkaBase
package import KafkaRuntime

/// `partition.metadata`: says which topic a partition directory belongs to, beyond its name.
///
///     version: 0
///     topic_id: <22 characters>
///
/// As Kafka writes it, there is no newline at the end.
package enum PartitionMetadataFile {
    /// Both lines.
    private static let sizeMin = 43

    package static func encode(_ topicID: KafkaUUID) -> [UInt8] { Array("version: 0\ntopic_id: \(topicID)".utf8) }

    /// The topic's id; nil where there is no file, or only a part of it, as a power failure leaves one that was new.
    package static func read(_ path: String, _ files: any FileSystem) throws(StorageError) -> KafkaUUID? {
        guard let bytes = try storing({ () throws(FileError) in try files.readFile(path, limit: 4096) }),
            bytes.count >= sizeMin, !bytes.contains(0)
        else { return nil }
        return try parse(bytes, path: path)
    }

    static func parse(_ bytes: [UInt8], path: String) throws(StorageError) -> KafkaUUID {
        let text = String(decoding: bytes, as: UTF8.self)
        var values: [Substring: Substring] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            values[line[..<colon]] = line[line.index(after: colon)...].drop { $0 == " " }
        }
        guard values["version"] == "0" else { throw .corrupt(path: path, position: 0, reason: "version is not 0") }
        guard let id = values["topic_id"].flatMap({ KafkaUUID($0) }), !id.isZero else {
            throw .corrupt(path: path, position: 0, reason: "no topic_id")
        }
        return id
    }
}
