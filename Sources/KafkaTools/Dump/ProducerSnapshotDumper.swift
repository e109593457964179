// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaRuntime

/// Prints a snapshot of producer states (`.snapshot`): int16 version 1, uint32 CRC-32C of what follows, int32 number
/// of entries, entries of 46 bytes.
struct ProducerSnapshotDumper {
    let options: DumpOptions
    let files: any FileSystem
    let output: TextSink
    let errors: TextSink

    private static let version: Int16 = 1
    private static let entrySize = 46
    /// Where the bytes under the checksum begin.
    private static let checksumStart = 6
    private static let sizeMax = 1 << 30

    private struct Entry {
        let producerID: Int64
        let epoch: Int16
        let lastSequence: Int32
        let lastOffset: Int64
        let offsetDelta: Int32
        let timestamp: Int64
        let coordinatorEpoch: Int32
        let firstOffset: Int64

        init(_ reader: inout ByteReader) throws(WireError) {
            producerID = try reader.readInt64()
            epoch = try reader.readInt16()
            lastSequence = try reader.readInt32()
            lastOffset = try reader.readInt64()
            offsetDelta = try reader.readInt32()
            timestamp = try reader.readInt64()
            coordinatorEpoch = try reader.readInt32()
            firstOffset = try reader.readInt64()
        }
    }

    func dump(_ path: LogDumper.Path) throws(FileError) -> Bool {
        let bytes = try files.readFile(path.given, limit: Self.sizeMax)
        guard let bytes else { throw FileError(.notFound, operation: "open", path: path.given) }
        let problem = bytes.withUnsafeBytes { dump($0) }
        if let problem { errors.line("\(path.given): \(problem)") }
        return problem == nil
    }

    /// Returns what is wrong with the snapshot; then nothing has been printed.
    private func dump(_ bytes: UnsafeRawBufferPointer) -> String? {
        var reader = ByteReader(bytes)
        do throws(WireError) {
            let version = try reader.readInt16()
            guard version == Self.version else { return "the snapshot has version \(version), not \(Self.version)" }
            let stored = try reader.readUInt32()
            let computed = CRC32C.checksum(UnsafeRawBufferPointer(rebasing: bytes[Self.checksumStart...]))
            guard stored == computed else {
                return "the snapshot is corrupt: its checksum is \(stored), computed \(computed)"
            }
            let count = Int(try reader.readInt32())
            guard count >= 0, reader.remaining == count * Self.entrySize else {
                return "the snapshot is corrupt: \(count) entries do not take \(reader.remaining) bytes"
            }
            for _ in 0..<count { print(try Entry(&reader)) }
            return nil
        } catch {
            return "the snapshot is corrupt: \(error)"
        }
    }

    private func print(_ entry: Entry) {
        output.text("producerId: \(entry.producerID) producerEpoch: \(entry.epoch)")
        output.text(" coordinatorEpoch: \(entry.coordinatorEpoch) currentTxnFirstOffset: ")
        let firstOffset = entry.firstOffset < 0 ? nil : entry.firstOffset
        switch options.form {
        case .current: output.text("\(JavaText.optionalLong(firstOffset)) lastTimestamp: \(entry.timestamp)")
        case .v2_4, .v1: output.text(firstOffset.map { "Some(\($0))" } ?? "None")
        }
        guard entry.lastOffset >= 0 else {
            // The generation of 2.4 ends the line with a space.
            if options.form != .current { output.text(" ") }
            return output.endLine()
        }
        let firstSequence =
            entry.lastSequence < 0
            ? entry.lastSequence : RecordBatchHeader.decrementSequence(entry.lastSequence, by: entry.offsetDelta)
        output.text(" firstSequence: \(firstSequence) lastSequence: \(entry.lastSequence)")
        output.text(" lastOffset: \(entry.lastOffset) offsetDelta: \(entry.offsetDelta)")
        output.line(" timestamp: \(entry.timestamp)")
    }
}
