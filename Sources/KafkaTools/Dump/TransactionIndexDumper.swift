// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaRuntime

/// Prints an index of aborted transactions (`.txnindex`): entries of 34 bytes.
struct TransactionIndexDumper {
    let files: any FileSystem
    let output: TextSink
    let errors: TextSink

    private static let entrySize = 34
    private static let pieceEntries = 2048

    func dump(_ path: LogDumper.Path) throws(FileError) -> Bool {
        let file = try files.open(path.given, .read)
        defer { file.close() }
        let size = try file.size()
        var position: Int64 = 0
        while position + Int64(Self.entrySize) <= size {
            let piece = try file.readBytes(at: position, count: Self.pieceEntries * Self.entrySize)
            let whole = piece.count / Self.entrySize * Self.entrySize
            if whole == 0 { break }
            let error = piece.withUnsafeBytes { dump(UnsafeRawBufferPointer(rebasing: $0[..<whole])) }
            if let error {
                errors.line("\(path.given): \(error)")
                return false
            }
            position += Int64(whole)
        }
        guard position == size else {
            errors.line("\(path.given): \(size - position) bytes at the end are no entry")
            return false
        }
        return true
    }

    private func dump(_ piece: UnsafeRawBufferPointer) -> WireError? {
        var reader = ByteReader(piece)
        do throws(WireError) {
            while reader.remaining > 0 {
                let version = try reader.readInt16()
                let transaction = try AbortedTxn(from: &reader, version: version)
                output.text("version: \(version) producerId: \(transaction.producerID)")
                output.text(" firstOffset: \(transaction.firstOffset) lastOffset: \(transaction.lastOffset)")
                output.line(" lastStableOffset: \(transaction.lastStableOffset)")
            }
            return nil
        } catch {
            return error
        }
    }
}
