// SPDX-License-Identifier: Apache-2.0
import KafkaRecords
import KafkaRuntime

/// Reads the batches of a segment for the cleaner, one after the other, and checks each.
///
/// What is not good is an error with its place, never the end: nothing may be taken for absent that is only damaged.
/// Batches larger than the buffer are checked piece by piece before memory is taken for them, so that a damaged length
/// costs none. The file stays open until the reader goes, whatever becomes of its name.
struct SegmentReader: ~Copyable {
    private let file: any File
    private let path: String
    private var scanner: SegmentScanner

    /// - Parameters:
    ///   - size: what the segment holds; bytes behind it are none of the log's.
    ///   - bufferBytes: how much is read at once.
    init(
        path: String, baseOffset: Int64, size: Int64, bufferBytes: Int, _ files: any FileSystem
    ) throws(StorageError) {
        file = try storing { () throws(FileError) in try files.open(path, .read) }
        self.path = path
        scanner = SegmentScanner(file, fileSize: size, baseOffset: baseOffset, windowBytes: bufferBytes)
    }

    deinit { file.close() }

    /// Shows `body` the next batch, or message of an old format, and its bytes, which are valid while it runs; false
    /// at the end. Throws `corrupt` for what is damaged, and for what `body` finds so inside.
    mutating func next(
        _ body: (SegmentEntry, UnsafeRawBufferPointer) throws(RecordError) -> Void
    ) throws(StorageError) -> Bool {
        guard let (entry, bytes) = try scanner.next() else {
            guard let damage = scanner.damage else { return false }
            throw .corrupt(path: path, position: damage.position, reason: damage.reason)
        }
        do throws(RecordError) {
            if let bytes {
                try body(entry, bytes)
                return true
            }
        } catch {
            throw damaged(entry, error)
        }
        let large = try storing { () throws(FileError) in
            try file.readBytes(at: entry.position, count: entry.size)
        }
        guard large.count == entry.size else {
            throw .corrupt(path: path, position: entry.position, reason: "the file became shorter")
        }
        let path = path
        try withBytes(large) { bytes throws(StorageError) in
            do throws(RecordError) { try body(entry, bytes) } catch {
                throw .corrupt(path: path, position: entry.position, reason: "\(error)")
            }
        }
        return true
    }

    private func damaged(_ entry: SegmentEntry, _ error: RecordError) -> StorageError {
        .corrupt(path: path, position: entry.position, reason: "\(error)")
    }
}
