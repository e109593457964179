// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRaft
import KafkaRecords
import KafkaRuntime

/// Prints a segment's `.log`, or a `.checkpoint` of the metadata log, which has the same format.
struct LogDumper {
    let options: DumpOptions
    let files: any FileSystem
    let output: TextSink
    let errors: TextSink

    /// Records may inflate to as much as a batch can say; they are walked in a window.
    private static let inflateLimit = Int(Int32.max)

    /// What brokers here leave behind the last batch of a segment that they are writing is shorter.
    private static let paddingMax = 64 << 10

    /// The file as given, in full, and its name alone.
    struct Path {
        let given: String
        let absolute: String
        var name: String { String(given[(given.lastIndex(of: "/").map(given.index(after:)) ?? given.startIndex)...]) }
    }

    /// Where the walk over the records stands.
    private struct Walk {
        var lastOffset: Int64?
        var isDamaged = false
    }

    /// Prints the file; returns whether it was sound as far as a crash can be excused.
    func dump(_ path: Path, _ findings: inout DumpFindings) throws(FileError) -> Bool {
        let file = try files.open(path.given, .read)
        defer { file.close() }
        printHeading(path)
        let size = try file.size()
        var stream = LogFileStream(file, to: options.readsWholeLog ? size : min(size, Int64(options.maxBytes)))
        // Kafka 4.3 and later expects every log to begin with offset 0.
        var walk = Walk(lastOffset: options.form == .current ? -1 : nil)
        while let entry = try stream.next() { dump(entry, path, &walk, &findings) }
        printEnding(stream.ending, invalidBytes: stream.end - stream.position, at: stream.position, path)
        if case .corrupt = stream.ending, options.readsWholeLog { return false }
        return !walk.isDamaged
    }

    private func printHeading(_ path: Path) {
        if path.name == "bootstrap.checkpoint" { return output.line("KRaft bootstrap snapshot") }
        if path.name.hasSuffix(SnapshotID.fileSuffix) {
            guard let id = SnapshotID(fileName: path.name) else {
                return errors.line("\(path.given): the name is not that of a snapshot")
            }
            return output.line("Snapshot end offset: \(id.endOffset), epoch: \(id.epoch)")
        }
        guard let start = SegmentDumper.baseOffset(path.name) else {
            return errors.line("\(path.given): the name does not begin with an offset")
        }
        output.line(options.form == .current ? "Log starting offset: \(start)" : "Starting offset: \(start)")
    }

    private func printEnding(_ ending: LogFileStream.Ending, invalidBytes: Int64, at position: Int64, _ path: Path) {
        guard options.readsWholeLog, ending != .complete else { return }
        if ending == .zeros, invalidBytes < Self.paddingMax {
            return errors.line(
                "\(path.given): \(invalidBytes) zeros follow the last batch; a broker that is writing leaves them for the next"
            )
        }
        output.line("Found \(invalidBytes) invalid bytes at the end of \(path.name)")
        if case .corrupt(let error) = ending {
            errors.line("\(path.given): no batch at position \(position): \(error)")
        }
    }

    private func dump(_ entry: LogFileStream.Entry, _ path: Path, _ walk: inout Walk, _ findings: inout DumpFindings) {
        do throws(RecordError) {
            if entry.header.magic == 2 {
                try dumpBatch(entry, path, &walk, &findings)
            } else {
                try dumpMessage(entry, path, &walk, &findings)
            }
        } catch {
            walk.isDamaged = true
            errors.line("\(path.given): the batch at position \(entry.position) is damaged: \(error)")
        }
    }

    private func dumpBatch(
        _ entry: LogFileStream.Entry, _ path: Path, _ walk: inout Walk, _ findings: inout DumpFindings
    ) throws(RecordError) {
        let header = try RecordBatchHeader(parsing: entry.bytes)
        let line = BatchLine(options: options, output: output)
        if options.form != .v1 || !options.walksRecords { line.print(header, entry) }
        guard options.walksRecords else { return }
        let batch = try RecordBatch(bytes: entry.bytes)
        let recordLine = RecordLine(options: options, output: output, errors: errors)
        var reader = try batch.makeReader(inflateLimit: Self.inflateLimit, recordLimit: Self.inflateLimit)
        while let record = try reader.next() {
            note(record.offset, path, &walk, &findings)
            if !recordLine.print(record, of: header, entry) { walk.isDamaged = true }
        }
    }

    private func dumpMessage(
        _ entry: LogFileStream.Entry, _ path: Path, _ walk: inout Walk, _ findings: inout DumpFindings
    ) throws(RecordError) {
        let message = try LegacyMessage(parsing: entry.bytes)
        let line = BatchLine(options: options, output: output)
        if options.form != .v1 || !options.walksRecords { line.print(message, entry) }
        guard options.walksRecords else { return }
        let recordLine = RecordLine(options: options, output: output, errors: errors)
        var isDamaged = false
        try LegacyMessageSet.forEachMessage(
            in: message, checksums: .ignore, inflateLimit: RecordReader.defaultInflateLimit
        ) { (record) throws(RecordError) in
            note(record.offset, path, &walk, &findings)
            if !recordLine.print(record, wrapper: message, entry) { isDamaged = true }
        }
        if isDamaged { walk.isDamaged = true }
    }

    private func note(_ offset: Int64, _ path: Path, _ walk: inout Walk, _ findings: inout DumpFindings) {
        if let last = walk.lastOffset, offset != last &+ 1 { findings.gaps.add(path.absolute, last, offset) }
        walk.lastOffset = offset
    }
}
