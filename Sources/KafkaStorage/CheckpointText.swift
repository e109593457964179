// SPDX-License-Identifier: Apache-2.0
package import KafkaBase
package import KafkaRuntime

/// The shape that all of Kafka's checkpoint files share: a version line (`0`), a line with the number of entries,
/// then one entry a line.
///
/// Written so that a crash leaves the old or the new content. An empty file has no entries; anything else that does
/// not fit the shape is an error that names the line.
package enum CheckpointText {
    static func write(_ lines: [String], to path: String, _ files: any FileSystem) throws(FileError) {
        try files.replaceFile(path, with: encode(lines))
    }

    static func encode(_ lines: [String]) -> [UInt8] {
        var text = "0\n\(lines.count)\n"
        for line in lines {
            text += line
            text += "\n"
        }
        return Array(text.utf8)
    }

    /// The entries, split at spaces into `fields` parts; an empty list where there is no file.
    static func read(_ path: String, fields: Int, _ files: any FileSystem) throws(StorageError) -> [[Substring]] {
        guard let bytes = try storing({ () throws(FileError) in try files.readFile(path) }) else { return [] }
        return try parse(bytes, fields: fields, path: path)
    }

    static func parse(_ bytes: [UInt8], fields: Int, path: String) throws(StorageError) -> [[Substring]] {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .corrupt(path: path, position: 0, reason: "not UTF-8")
        }
        var lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        if lines.last == "" { lines.removeLast() }
        guard let version = lines.first else { return [] }
        guard version == "0" else {
            throw .corrupt(path: path, position: 0, reason: "line 1: version '\(version)' is not 0")
        }
        guard lines.count >= 2, let count = Int(lines[1]), count >= 0 else {
            throw .corrupt(path: path, position: 0, reason: "line 2: no number of entries")
        }
        guard lines.count - 2 == count else {
            throw .corrupt(path: path, position: 0, reason: "\(count) entries announced, \(lines.count - 2) found")
        }
        var entries: [[Substring]] = []
        entries.reserveCapacity(count)
        for (index, line) in lines.dropFirst(2).enumerated() {
            let parts = line.split(separator: " ")
            guard parts.count == fields else {
                throw .corrupt(path: path, position: 0, reason: "line \(index + 3): malformed")
            }
            entries.append(parts)
        }
        return entries
    }
}

/// `leader-epoch-checkpoint`: `epoch startOffset` a line, both ascending strictly.
enum LeaderEpochCheckpoint {
    static func encode(_ entries: [EpochEntry]) -> [UInt8] {
        CheckpointText.encode(entries.map { "\($0.epoch) \($0.startOffset)" })
    }

    static func read(_ path: String, _ files: any FileSystem) throws(StorageError) -> [EpochEntry] {
        var entries: [EpochEntry] = []
        for (index, parts) in try CheckpointText.read(path, fields: 2, files).enumerated() {
            guard let epoch = Int32(parts[0]), let offset = Int64(parts[1]), epoch >= 0, offset >= 0 else {
                throw .corrupt(path: path, position: 0, reason: "line \(index + 3): malformed")
            }
            if let last = entries.last, epoch <= last.epoch || offset <= last.startOffset {
                throw .corrupt(path: path, position: 0, reason: "line \(index + 3): not ascending")
            }
            entries.append(EpochEntry(epoch: epoch, startOffset: offset))
        }
        return entries
    }
}

/// `recovery-point-offset-checkpoint` and its like: `topic partition offset` a line.
package enum OffsetCheckpoint {
    /// Writes the offsets, ordered by partition.
    package static func write(
        _ offsets: [TopicPartition: Int64], to path: String, _ files: any FileSystem
    ) throws(StorageError) {
        let lines = offsets.sorted { $0.key < $1.key }.map { "\($0.key.topic) \($0.key.partition) \($0.value)" }
        try storing { () throws(FileError) in try CheckpointText.write(lines, to: path, files) }
    }

    package static func read(
        _ path: String, _ files: any FileSystem
    ) throws(StorageError) -> [TopicPartition: Int64] {
        var offsets: [TopicPartition: Int64] = [:]
        for (index, parts) in try CheckpointText.read(path, fields: 3, files).enumerated() {
            guard let partition = Int32(parts[1]), let offset = Int64(parts[2]) else {
                throw .corrupt(path: path, position: 0, reason: "line \(index + 3): malformed")
            }
            offsets[TopicPartition(topic: String(parts[0]), partition: partition)] = offset
        }
        return offsets
    }
}
