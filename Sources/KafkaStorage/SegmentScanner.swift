// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaRuntime

/// Reads a log file from its first byte on and checks every batch in it, in constant memory.
///
/// A batch is good when its header makes sense, it lies whole in the file, its checksum is right, and its offsets
/// follow those before it. The walk ends at the first that is not.
struct SegmentScanner: ~Copyable {
    /// Why the walk ended before the end of the file.
    struct Damage: Sendable {
        let position: Int64
        let reason: String
        /// The batch begins before the one before it ends: either of them may be the one that is damaged.
        var breaksOrder = false
    }

    private let file: any File
    private let fileSize: Int64
    private let baseOffset: Int64
    private let window: UnsafeMutableRawBufferPointer
    private var windowStart: Int64 = 0
    private var filled = 0
    private var position: Int64
    private var expectedOffset: Int64
    private(set) var damage: Damage?

    /// - Parameter start: where the walk begins: at a batch.
    init(_ file: any File, fileSize: Int64, baseOffset: Int64, windowBytes: Int = 1 << 20, start: Int64 = 0) {
        self.file = file
        position = start
        self.fileSize = fileSize
        self.baseOffset = baseOffset
        expectedOffset = baseOffset
        let size = Int(min(Int64(windowBytes), max(fileSize - start, Int64(SegmentEntry.prefixSize))))
        window = .allocate(byteCount: size, alignment: 16)
    }

    deinit { window.deallocate() }

    /// The next good batch, with its bytes where they fit the window; nil at the end, or where something is damaged.
    /// The bytes are valid until the next call.
    mutating func next() throws(StorageError) -> (entry: SegmentEntry, bytes: UnsafeRawBufferPointer?)? {
        guard damage == nil, position < fileSize else { return nil }
        let prefix = try load(min(SegmentEntry.prefixSize, Int(fileSize - position)))
        let entry: SegmentEntry
        do throws(RecordError) {
            entry = try SegmentEntry(parsing: prefix, position: position)
            guard entry.end <= fileSize else {
                throw .truncated(needed: entry.size, available: Int(fileSize - position))
            }
            if entry.baseOffset < expectedOffset {
                damage = Damage(position: position, reason: "offsets out of order", breaksOrder: true)
                return nil
            }
            guard entry.lastOffset - baseOffset <= Int64(Int32.max) else {
                throw .invalidBatch(.wrongOffsetRange)
            }
        } catch {
            return stop("\(error)")
        }
        let whole = entry.size <= window.count ? try load(entry.size) : nil
        if let reason = try defect(of: entry, whole) { return stop(reason) }
        position = entry.end
        expectedOffset = entry.nextOffset
        return (entry, whole)
    }

    private mutating func stop(_ reason: String) -> (entry: SegmentEntry, bytes: UnsafeRawBufferPointer?)? {
        damage = Damage(position: position, reason: reason)
        return nil
    }

    /// Why the checksum does not hold; nil where it does.
    private mutating func defect(
        of entry: SegmentEntry, _ whole: UnsafeRawBufferPointer?
    ) throws(StorageError) -> String? {
        if let batch = entry.batch {
            let computed = try checksum(of: entry, whole)
            return computed == batch.crc ? nil : "checksum is \(batch.crc), computed \(computed)"
        }
        let bytes: [UInt8]
        if let whole { bytes = [UInt8](whole) } else { bytes = try read(entry) }
        return bytes.withUnsafeBytes { bytes in
            do throws(RecordError) {
                try LegacyMessage(parsing: bytes).verifyCRC()
                return nil
            } catch {
                return "\(error)"
            }
        }
    }

    /// CRC-32C over what it covers, in pieces where the batch is larger than the window.
    private mutating func checksum(
        of entry: SegmentEntry, _ whole: UnsafeRawBufferPointer?
    ) throws(StorageError) -> UInt32 {
        let start = RecordBatchHeader.checksumStart
        if let whole { return CRC32C.checksum(UnsafeRawBufferPointer(rebasing: whole[start...])) }
        var crc: UInt32 = 0
        var done = start
        while done < entry.size {
            let count = min(window.count, entry.size - done)
            filled = 0
            let piece = try readWindow(at: entry.position + Int64(done), count: count)
            guard piece.count == count else { return ~crc }
            crc = CRC32C.checksum(piece, continuing: crc)
            done += count
        }
        return crc
    }

    private func read(_ entry: SegmentEntry) throws(StorageError) -> [UInt8] {
        try storing { () throws(FileError) in try file.readBytes(at: entry.position, count: entry.size) }
    }

    // MARK: Window

    /// `count` bytes from `position` on, fewer where the file has become shorter.
    private mutating func load(_ count: Int) throws(StorageError) -> UnsafeRawBufferPointer {
        if position < windowStart || position + Int64(count) > windowStart + Int64(filled) {
            let size = min(window.count, Int(min(fileSize - position, Int64(Int.max))))
            let bytes = try readWindow(at: position, count: size)
            windowStart = position
            filled = bytes.count
        }
        let start = Int(position - windowStart)
        return UnsafeRawBufferPointer(rebasing: window[start..<min(start + count, max(filled, start))])
    }

    private func readWindow(at offset: Int64, count: Int) throws(StorageError) -> UnsafeRawBufferPointer {
        let target = UnsafeMutableRawBufferPointer(rebasing: window[..<count])
        let read = try storing { () throws(FileError) in try file.read(into: target, at: offset) }
        return UnsafeRawBufferPointer(rebasing: target[..<read])
    }
}
