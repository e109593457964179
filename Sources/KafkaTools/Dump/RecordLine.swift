// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaRaft
import KafkaRecords

/// The line of a record. Its functions return false where a part of the record could not be made out.
struct RecordLine {
    let options: DumpOptions
    let output: TextSink
    let errors: TextSink

    func print(_ record: RecordView, of header: RecordBatchHeader, _ entry: LogFileStream.Entry) -> Bool {
        let attributes = header.attributes
        if !options.skipsRecordMetadata {
            printStart(record.offset, attributes.timestampType.name, record.timestamp, entry)
            if options.form == .v1 {
                output.text(" isvalid: \(entry.isChecksumValid)")
                printSizes(record.key, record.value)
                output.text(" magic: 2 compresscodec: ")
                output.text(DumpText.codec(attributes.compression, attributes.rawValue, options.form))
                output.text(" producerId: \(header.producerID) producerEpoch: \(header.producerEpoch)")
            } else {
                printSizes(record.key, record.value)
            }
            output.text(" sequence: ")
            output.number(record.sequence)
            if options.form == .v1 { output.text(" isTransactional: \(attributes.isTransactional)") }
            printHeaderKeys(record.headers)
        }
        defer { output.endLine() }
        if attributes.isControl {
            return options.skipsRecordMetadata ? true : printControl(record)
        }
        return printData(offset: record.offset, key: record.key, value: record.value)
    }

    func print(_ record: LegacyRecord, wrapper: LegacyMessage, _ entry: LogFileStream.Entry) -> Bool {
        let message = record.message
        if !options.skipsRecordMetadata {
            printStart(record.offset, DumpText.timestampType(record.timestampType), record.timestamp, entry)
            if options.form == .v1 { output.text(" isvalid: \(message.isCRCValid)") }
            printSizes(record.key, record.value)
            switch options.form {
            case .current: output.text(" isValid: \(message.isCRCValid) crc: \(message.crc)")
            case .v2_4: output.text(" crc: \(message.crc) isvalid: \(message.isCRCValid)")
            case .v1:
                output.text(" magic: \(message.magic) compresscodec: ")
                output.text(DumpText.codec(wrapper.compression, Int16(entry.bytes[17]), options.form))
                output.text(" crc: \(message.crc)")
            }
        }
        defer { output.endLine() }
        return printData(offset: record.offset, key: record.key, value: record.value)
    }

    private func printStart(_ offset: Int64, _ timestampType: String, _ timestamp: Int64, _ entry: LogFileStream.Entry)
    {
        output.text(options.form == .v1 ? "offset: " : "| offset: ")
        output.number(offset)
        if options.form == .v1 {
            output.text(" position: ")
            output.number(entry.position)
        }
        output.text(" ")
        output.text(timestampType)
        output.text(": ")
        output.number(timestamp)
    }

    private func printSizes(_ key: UnsafeRawBufferPointer?, _ value: UnsafeRawBufferPointer?) {
        output.text(options.form == .current ? " keySize: " : " keysize: ")
        output.number(key?.count ?? -1)
        output.text(options.form == .current ? " valueSize: " : " valuesize: ")
        output.number(value?.count ?? -1)
    }

    private func printHeaderKeys(_ headers: RecordHeaders) {
        output.text(" headerKeys: [")
        var isFirst = true
        for header in headers {
            if !isFirst { output.text(",") }
            isFirst = false
            output.utf8(header.keyBytes)
        }
        output.text("]")
    }

    private func printData(
        offset: Int64, key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?
    ) -> Bool {
        guard options.printsData else { return true }
        // The bar stands in front of what comes first.
        var prefix = options.skipsRecordMetadata ? (options.form == .v1 ? "" : "| ") : " "
        func part(_ name: String, _ print: () -> Void) {
            output.text(prefix)
            output.text(name)
            print()
            prefix = " "
        }
        let decoded = options.decoder.decode(offset: offset, key: key, value: value, form: options.form)
        if let key = decoded.key { part("key: ") { decoded.print(key, to: output) } }
        if let payload = decoded.payload { part("payload: ") { decoded.print(payload, to: output) } }
        for problem in decoded.problems { errors.line("record at offset \(offset): \(problem)") }
        return decoded.problems.isEmpty
    }

    private func printControl(_ record: RecordView) -> Bool {
        do throws(RecordError) {
            if let marker = try EndTransactionMarker(key: record.key, value: record.value) {
                output.text(" endTxnMarker: \(marker.type.name) coordinatorEpoch: \(marker.coordinatorEpoch)")
                return true
            }
            let id = try ControlRecordType.id(inKey: record.key)
            if options.form == .current { return try printRaftControl(record, id) }
            // Before KRaft there were no other types.
            output.text(" controlType: UNKNOWN(\(id))")
            return true
        } catch {
            errors.line("record at offset \(record.offset): \(error)")
            return false
        }
    }

    private func printRaftControl(_ record: RecordView, _ id: Int16) throws(RecordError) -> Bool {
        do throws(WireError) {
            switch try KRaftControlRecord(key: record.key, value: record.value) {
            case .leaderChange(let message):
                output.text(" LeaderChange: \(message.json(version: message.version))")
            case .snapshotHeader(let message):
                output.text(" SnapshotHeader \(message.json(version: message.version))")
            case .snapshotFooter(let message):
                output.text(" SnapshotFooter \(message.json(version: message.version))")
            case .kraftVersion(let message):
                output.text(" KRaftVersion \(message.json(version: message.version))")
            case .voters(let message):
                output.text(" KRaftVoters \(message.json(version: message.version))")
            case nil:
                output.text(" controlType: UNKNOWN(\(id))")
            }
            return true
        } catch {
            errors.line("record at offset \(record.offset): \(error)")
            return false
        }
    }
}
