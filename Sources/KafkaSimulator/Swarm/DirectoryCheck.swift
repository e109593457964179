// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaRuntime
import KafkaStorage

/// Checks what a broker that was stopped cleanly has left in a log directory, file by file, without the code that wrote
/// it: names, batches and their offsets, the entries of the indexes, the checkpoints.
struct DirectoryCheck {
    private struct Segment {
        let base: Int64
        /// Offsets and positions of its batches.
        var batches: [(position: Int64, base: Int64, last: Int64, maxTimestamp: Int64)] = []
        var size: Int64 = 0
    }

    let files: InMemoryFileSystem
    let directory: String
    private var findings: [String] = []
    private var ends: [String: (start: Int64, end: Int64)] = [:]

    init(files: InMemoryFileSystem, directory: String) {
        self.files = files
        self.directory = directory
    }

    mutating func run(mayCompact: (String) -> Bool) -> [String] {
        do {
            let names = try files.list(directory)
            for required in ["meta.properties", ".kafka_cleanshutdown", "recovery-point-offset-checkpoint"]
            where !names.contains(required) { find(required, "is missing") }
            for name in names {
                if name.hasSuffix(".tmp") { find(name, "is left over") }
                // Nobody recovers a log that is set aside: it is as the last crash left it.
                let isGivenUp = name.hasSuffix("-delete") || name.hasSuffix("-stray")
                guard try files.status("\(directory)/\(name)")?.isDirectory == true, !isGivenUp else { continue }
                let topic = name.split(separator: "-").dropLast().joined(separator: "-")
                try checkLog(name, mayCompact: mayCompact(topic))
            }
            for checkpoint in [
                "recovery-point-offset-checkpoint", "log-start-offset-checkpoint", "replication-offset-checkpoint",
            ] where names.contains(checkpoint) { try checkCheckpoint(checkpoint) }
        } catch {
            find("", "cannot be read: \(error)")
        }
        return findings
    }

    private mutating func find(_ name: String, _ what: String) { findings.append("\(directory)/\(name) \(what)") }

    // MARK: One log

    private mutating func checkLog(_ log: String, mayCompact: Bool) throws {
        let names = try files.list("\(directory)/\(log)")
        let suffixes = [".log", ".index", ".timeindex", ".txnindex", ".snapshot", ".deleted", ".checkpoint"]
        let others = ["partition.metadata", "leader-epoch-checkpoint", "quorum-state"]
        for name in names where !others.contains(name) && !suffixes.contains(where: name.hasSuffix) {
            find("\(log)/\(name)", "does not belong there")
        }
        var next: Int64?
        var first: Int64?
        for name in names where name.hasSuffix(".log") {
            guard let base = Int64(name.dropLast(4)), name.count == 24 else {
                find("\(log)/\(name)", "is no name of a segment")
                continue
            }
            let segment = try readSegment("\(log)/\(name)", base)
            if let next, next != base, !(mayCompact && base > next) {
                find("\(log)/\(name)", "follows a segment that ends at \(next)")
            }
            let digits = name.dropLast(4)
            for suffix in ["index", "timeindex"] where !names.contains("\(digits).\(suffix)") {
                find("\(log)/\(digits).\(suffix)", "is missing")
            }
            // Those of an empty segment are not read, and so may lose their size with the power.
            if segment.size > 0 {
                try checkIndex("\(log)/\(digits).index", segment)
                try checkTimeIndex("\(log)/\(digits).timeindex", segment)
            }
            if first == nil { first = base }
            next = max(base, (segment.batches.last?.last ?? base - 1) + 1)
        }
        guard let first, let next else { return find(log, "has no segment") }
        ends[log] = (first, next)
    }

    private mutating func readSegment(_ name: String, _ base: Int64) throws -> Segment {
        var segment = Segment(base: base)
        let bytes = try files.readFile("\(directory)/\(name)") ?? []
        segment.size = Int64(bytes.count)
        var next = base
        bytes.withUnsafeBytes { bytes in
            var cursor = BatchCursor(bytes)
            do throws(RecordError) {
                while true {
                    let position = cursor.position
                    guard let (_, entry) = try cursor.next() else { break }
                    let batch = try RecordBatch(bytes: entry)
                    try batch.verifyCRC()
                    if batch.header.baseOffset < next {
                        find(name, "has offset \(batch.header.baseOffset) behind \(next - 1) at \(position)")
                    }
                    next = batch.header.nextOffset
                    segment.batches.append(
                        (
                            Int64(position), batch.header.baseOffset, batch.header.lastOffset,
                            batch.header.maxTimestamp
                        ))
                }
            } catch {
                find(name, "is damaged at \(cursor.position): \(error)")
            }
            if cursor.position != bytes.count { find(name, "ends with \(bytes.count - cursor.position) stray bytes") }
        }
        return segment
    }

    private mutating func checkIndex(_ name: String, _ segment: Segment) throws {
        let bytes = try files.readFile("\(directory)/\(name)") ?? []
        if bytes.count % 8 != 0 { find(name, "has \(bytes.count) bytes") }
        var before: (offset: Int64, position: Int64) = (-1, -1)
        bytes.withUnsafeBytes { bytes in
            for at in stride(from: 0, to: bytes.count - bytes.count % 8, by: 8) {
                let offset =
                    segment.base + Int64(Int32(bigEndian: bytes.loadUnaligned(fromByteOffset: at, as: Int32.self)))
                let position = Int64(Int32(bigEndian: bytes.loadUnaligned(fromByteOffset: at + 4, as: Int32.self)))
                if offset <= before.offset || position < before.position {
                    find(name, "has entry \(offset) at \(position) behind \(before)")
                }
                before = (offset, position)
                guard let batch = segment.batches.first(where: { $0.position == position }) else {
                    find(name, "points to \(position), where no batch begins")
                    continue
                }
                if !(batch.base...batch.last).contains(offset) {
                    find(name, "says that offset \(offset) is at \(position), where \(batch.base)...\(batch.last) are")
                }
            }
        }
    }

    private mutating func checkTimeIndex(_ name: String, _ segment: Segment) throws {
        let bytes = try files.readFile("\(directory)/\(name)") ?? []
        if bytes.count % 12 != 0 { find(name, "has \(bytes.count) bytes") }
        var before: (timestamp: Int64, offset: Int64) = (-2, -1)
        bytes.withUnsafeBytes { bytes in
            for at in stride(from: 0, to: bytes.count - bytes.count % 12, by: 12) {
                let timestamp = Int64(bigEndian: bytes.loadUnaligned(fromByteOffset: at, as: Int64.self))
                let offset =
                    segment.base + Int64(Int32(bigEndian: bytes.loadUnaligned(fromByteOffset: at + 8, as: Int32.self)))
                if timestamp < before.timestamp || offset < before.offset {
                    find(name, "has entry (\(timestamp), \(offset)) behind \(before)")
                }
                before = (timestamp, offset)
                // All before the entry's offset, that one too, are no younger.
                let younger = segment.batches.contains { $0.last <= offset && $0.maxTimestamp > timestamp }
                if younger { find(name, "says \(timestamp) for offset \(offset), but younger ones stand before it") }
            }
        }
    }

    // MARK: Checkpoints

    private mutating func checkCheckpoint(_ name: String) throws {
        let text = String(decoding: try files.readFile("\(directory)/\(name)") ?? [], as: UTF8.self)
        let lines = text.split(separator: "\n")
        guard lines.count >= 2, lines[0] == "0", Int(lines[1]) == lines.count - 2 else {
            return find(name, "is no checkpoint: \(lines.prefix(3))")
        }
        for line in lines.dropFirst(2) {
            let fields = line.split(separator: " ")
            guard fields.count == 3, let offset = Int64(fields[2]) else {
                find(name, "has the line \(line)")
                continue
            }
            guard let log = ends["\(fields[0])-\(fields[1])"] else { continue }
            if offset < 0 || offset > log.end {
                find(name, "says \(offset) for \(fields[0])-\(fields[1]), which ends at \(log.end)")
            }
            if name == "recovery-point-offset-checkpoint", offset != log.end {
                find(name, "says \(offset) for \(fields[0])-\(fields[1]), which was closed at \(log.end)")
            }
        }
    }
}
