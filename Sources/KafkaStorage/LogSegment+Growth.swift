// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime

/// What stands behind the last batch of a segment that is being written: reserved blocks, and zeros (decision 0026).
extension LogSegment {
    /// Segments smaller than this reserve no blocks.
    static let reserveThreshold: Int64 = 256 << 10

    /// The most zeros that a write brings.
    static let paddingMax = 64 << 10

    /// Never written to (hence unsafe).
    private nonisolated(unsafe) static let zeros: UnsafeRawBufferPointer = {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: paddingMax, alignment: 4_096)
        memory.initializeMemory(as: UInt8.self, repeating: 0)
        return UnsafeRawBufferPointer(memory)
    }()

    // MARK: Reserving

    /// Small segments reserve nothing, growing ones as much as they hold up to the setting: a thousand idle
    /// partitions must not hold gigabytes. Nor do those that are synced all the time: a sync has to write down which of
    /// the reserved blocks are in use by now.
    func reserveAhead(_ file: any File, at position: Int64, _ count: Int) {
        guard position + Int64(count) > reservedEnd, position - syncedSize >= Self.reserveThreshold else { return }
        let step = min(settings.reserveAheadBytes, position)
        guard step > count else { return }
        let start = max(reservedEnd, position)
        file.reserve(offset: start, length: step)
        reservedEnd = start + step
    }

    // MARK: Padding

    /// How many bytes go into one call that begins at `position`, where more follow.
    func pieceBytes(at position: Int64) -> Int {
        let limit = max(settings.writePieceBytes, 1)
        guard growthUnit > 0, growthUnit <= limit else { return limit }
        return limit / growthUnit * growthUnit - Int(position % Int64(growthUnit))
    }

    /// How many zeros a write from `position` up to `end` goes on with. None as long as little waits for a sync: zeros must
    /// not cost a log that is synced all the time a second write. Apache Kafka opens no file above 2 GiB.
    func paddingBytes(from position: Int64, to end: Int64) -> Int {
        let unit = Int64(growthUnit)
        guard unit > 0, end > paddedEnd, position - syncedSize >= 4 * unit, suffix.isEmpty else { return 0 }
        return Int(max(min((end + unit - 1) / unit * unit, Int64(Int32.max)) - end, 0))
    }

    /// Writes the last piece of what is appended together, and zeros behind it.
    func write(last bytes: UnsafeRawBufferPointer, at position: Int64, _ file: any File) throws(FileError) {
        guard paddingBytes(from: position, to: position + Int64(bytes.count)) > 0 else {
            return try file.write(bytes, at: position)
        }
        let pieces = UnsafeMutableBufferPointer<UnsafeRawBufferPointer>.allocate(capacity: 2)
        defer { pieces.deallocate() }
        pieces.initialize(repeating: bytes)
        try write(gathering: pieces, bytes.count, at: position, file)
    }

    /// Writes all of `pieces` but the last, which is free, `count` bytes together, and zeros behind them.
    func write(
        gathering pieces: UnsafeMutableBufferPointer<UnsafeRawBufferPointer>, _ count: Int, at position: Int64,
        _ file: any File
    ) throws(FileError) {
        let padding = paddingBytes(from: position, to: position + Int64(count))
        if padding > 0 {
            pieces[pieces.count - 1] = UnsafeRawBufferPointer(rebasing: Self.zeros[..<padding])
            // Also where it fails: some of the zeros may be in the file.
            paddedEnd = position + Int64(count + padding)
            do throws(FileError) {
                return try file.write(gathering: UnsafeBufferPointer(pieces), at: position)
            } catch {
                // There may be room for the batches alone, which come first.
                guard error.kind == .noSpace else { throw error }
            }
        }
        try file.write(gathering: UnsafeBufferPointer(rebasing: pieces.dropLast()), at: position)
    }

    // MARK: Trimming

    /// Cuts off what stands behind the last batch, for good.
    func trimTail() throws(FileError) {
        if max(reservedEnd, paddedEnd) > size { try cut(to: size) }
    }

    /// Cuts off zeros. Done before each sync, so that there are zeros only behind batches that wait for one: whatever lies
    /// below a recovery point is as long as its file, also after a loss of power.
    func trimPadding() throws(FileError) {
        if paddedEnd > size, deferred.isEmpty { try cut(to: size) }
    }

    /// Cuts the file, and with it what is reserved behind.
    func cut(to end: Int64) throws(FileError) {
        try openFile().truncate(to: end)
        reservedEnd = 0
        paddedEnd = 0
    }
}
