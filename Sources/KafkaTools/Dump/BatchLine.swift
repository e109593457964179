// SPDX-License-Identifier: Apache-2.0
import KafkaRecords

/// The line of a batch.
struct BatchLine {
    let options: DumpOptions
    let output: TextSink

    func print(_ header: RecordBatchHeader, _ entry: LogFileStream.Entry) {
        let attributes = header.attributes
        field("baseOffset: ", header.baseOffset)
        field(" lastOffset: ", header.lastOffset)
        if options.form != .v1 { field(" count: ", header.recordsCount) }
        field(" baseSequence: ", header.baseSequence)
        field(" lastSequence: ", header.lastSequence)
        field(" producerId: ", header.producerID)
        field(" producerEpoch: ", header.producerEpoch)
        field(" partitionLeaderEpoch: ", header.partitionLeaderEpoch)
        output.text(" isTransactional: \(attributes.isTransactional)")
        if options.form != .v1 { output.text(" isControl: \(attributes.isControl)") }
        if options.form == .current {
            output.text(" deleteHorizonMs: \(JavaText.optionalLong(header.deleteHorizon))")
        }
        printTail(
            timestampType: attributes.timestampType.name, timestamp: header.maxTimestamp,
            codec: DumpText.codec(attributes.compression, attributes.rawValue, options.form), crc: header.crc, entry)
    }

    func print(_ message: LegacyMessage, _ entry: LogFileStream.Entry) {
        field("offset: ", message.offset)
        printTail(
            timestampType: DumpText.timestampType(message.timestampType), timestamp: message.timestamp,
            codec: DumpText.codec(message.compression, Int16(entry.bytes[17]), options.form), crc: message.crc, entry)
    }

    private func printTail(
        timestampType: String, timestamp: Int64, codec: String, crc: UInt32, _ entry: LogFileStream.Entry
    ) {
        field(" position: ", entry.position)
        field(" \(timestampType): ", timestamp)
        // In 1.x the verdict stood in front of the size.
        if options.form == .v1 { output.text(" isvalid: \(entry.isChecksumValid)") }
        field(" size: ", entry.header.sizeInBytes)
        field(" magic: ", entry.header.magic)
        output.text(" compresscodec: \(codec)")
        field(" crc: ", crc)
        if options.form != .v1 { output.text(" isvalid: \(entry.isChecksumValid)") }
        output.endLine()
    }

    private func field(_ name: String, _ value: some BinaryInteger) {
        output.text(name)
        output.number(value)
    }
}

/// How the tool of each generation spells values.
enum DumpText {
    /// `none`, `gzip`, …; before 4.x in capitals. A codec that nobody has defined shows its number.
    static func codec(_ type: CompressionType?, _ attributes: Int16, _ form: DumpOptions.Form) -> String {
        guard let type else { return "unknown(\(attributes & 7))" }
        return form == .current ? type.name : type.name.uppercased()
    }

    static func timestampType(_ type: TimestampType?) -> String { type?.name ?? "NoTimestampType" }
}

/// Texts that are what Java's `toString` gives.
enum JavaText {
    static func optionalLong(_ value: Int64?) -> String { value.map { "OptionalLong[\($0)]" } ?? "OptionalLong.empty" }
}
