// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaRuntime

/// Reads the entries of a log file from front to back through one buffer.
///
/// The buffer holds one batch, 256 KiB at least. A batch over `trustedSize` is first checksummed piece by piece, and
/// only if that is right loaded as a whole: a damaged length cannot make the tool take memory. The file is read up to
/// the size it had at the start, so that a running broker may go on appending to it.
struct LogFileStream: ~Copyable {
    /// How the file went on behind the last whole entry.
    enum Ending: Equatable {
        /// It did not.
        case complete
        /// With the beginning of an entry, as a crash leaves it.
        case torn
        /// With zeros, as a broker leaves a file that it is writing, and a crash one that had space reserved.
        case zeros
        /// With something that is no entry.
        case corrupt(RecordError)
    }

    struct Entry {
        /// Where in the file it begins.
        let position: Int64
        let header: LogEntryHeader
        let isChecksumValid: Bool
        /// The whole entry; of one too large to be trusted and with a wrong checksum only the front, 61 bytes at least
        /// where it has as many. Valid until the next entry is asked for.
        let bytes: UnsafeRawBufferPointer
        var isWhole: Bool { bytes.count == header.sizeInBytes }
    }

    private static let windowSize = 256 << 10
    private static let trustedSize = 16 << 20

    /// Where the next entry begins; at the end, how many bytes were whole entries.
    private(set) var position: Int64
    private(set) var ending = Ending.complete
    /// Where reading stops.
    let end: Int64
    private let file: any File
    private var buffer: UnsafeMutableRawBufferPointer
    /// The part of the file that is in the buffer.
    private var window: Range<Int64> = 0..<0

    /// Reads from `start` up to `end`.
    init(_ file: any File, from start: Int64 = 0, to end: Int64) {
        self.file = file
        self.end = end
        position = start
        buffer = .allocate(byteCount: Self.windowSize, alignment: 16)
    }

    deinit { buffer.deallocate() }

    /// The next whole entry; nil at the end, which `ending` describes.
    mutating func next() throws(FileError) -> Entry? {
        let left = end - position
        let front = try load(position, Int(min(left, Int64(RecordBatchHeader.size))))
        let header: LogEntryHeader
        do throws(RecordError) {
            header = try LogEntryHeader(parsing: front)
        } catch {
            return try finish(error)
        }
        guard Int64(header.sizeInBytes) <= left else {
            ending = .torn
            return nil
        }
        let entryPosition = position
        let bytes: UnsafeRawBufferPointer
        let isChecksumValid: Bool
        if header.sizeInBytes <= Self.trustedSize {
            bytes = try load(position, header.sizeInBytes)
            isChecksumValid = Self.verify(bytes, header)
        } else {
            isChecksumValid = try verify(header)
            bytes = try load(position, isChecksumValid ? header.sizeInBytes : RecordBatchHeader.size)
        }
        // A file that has become shorter in the meantime.
        guard bytes.count == header.sizeInBytes || !isChecksumValid else { return try finish(.torn) }
        position += Int64(header.sizeInBytes)
        return Entry(position: entryPosition, header: header, isChecksumValid: isChecksumValid, bytes: bytes)
    }

    private mutating func finish(_ error: RecordError) throws(FileError) -> Entry? {
        if position == end { return try finish(.complete) }
        if try isZeroToEnd() { return try finish(.zeros) }
        if case .truncated = error { return try finish(.torn) }
        return try finish(.corrupt(error))
    }

    private mutating func finish(_ ending: Ending) throws(FileError) -> Entry? {
        self.ending = ending
        return nil
    }

    /// The bytes from `start` on, `count` of them or as many as the file still has.
    private mutating func load(_ start: Int64, _ count: Int) throws(FileError) -> UnsafeRawBufferPointer {
        if start < window.lowerBound || start + Int64(count) > window.upperBound {
            resize(for: count)
            let wanted = Int(min(Int64(buffer.count), end - start))
            let target = UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted])
            let filled = try file.read(into: target, at: start)
            window = start..<(start + Int64(filled))
        }
        let offset = Int(start - window.lowerBound)
        let available = min(count, Int(window.upperBound - start))
        return UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[offset..<(offset + available)])
    }

    /// Makes the buffer as large as needed, and small again after a large entry.
    private mutating func resize(for count: Int) {
        let wanted = max(count, Self.windowSize)
        guard buffer.count < wanted || (buffer.count > wanted && buffer.count > 4 * Self.windowSize) else { return }
        buffer.deallocate()
        buffer = .allocate(byteCount: wanted, alignment: 16)
    }

    private static func verify(_ entry: UnsafeRawBufferPointer, _ header: LogEntryHeader) -> Bool {
        guard entry.count == header.sizeInBytes else { return false }
        do throws(RecordError) {
            return header.magic == 2
                ? try RecordBatch(bytes: entry).isCRCValid : try LegacyMessage(parsing: entry).isCRCValid
        } catch {
            return false
        }
    }

    /// The checksum of an entry at the position, read piece by piece.
    private mutating func verify(_ header: LogEntryHeader) throws(FileError) -> Bool {
        let front = ByteReader(try load(position, RecordBatchHeader.size))
        var reader = front
        let entryEnd = position + Int64(header.sizeInBytes)
        let crcPosition = header.magic == 2 ? 17 : 12
        guard (try? reader.skip(crcPosition)) != nil, let stored = try? reader.readUInt32() else { return false }
        var covered = position + Int64(header.magic == 2 ? RecordBatchHeader.checksumStart : 16)
        var computed: UInt32 = 0
        while covered < entryEnd {
            let piece = try load(covered, Int(min(Int64(Self.windowSize), entryEnd - covered)))
            if piece.isEmpty { return false }
            computed =
                header.magic == 2
                ? CRC32C.checksum(piece, continuing: computed)
                : LegacyChecksum.checksum(piece, continuing: computed)
            covered += Int64(piece.count)
        }
        return computed == stored
    }

    private mutating func isZeroToEnd() throws(FileError) -> Bool {
        var start = position
        while start < end {
            let piece = try load(start, Int(min(Int64(Self.windowSize), end - start)))
            if piece.isEmpty || piece.contains(where: { $0 != 0 }) { return false }
            start += Int64(piece.count)
        }
        return true
    }
}
