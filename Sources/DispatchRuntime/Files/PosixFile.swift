// SPDX-License-Identifier: Apache-2.0
import CPlatform
import KafkaRuntime
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A file descriptor that several threads may use at once.
///
/// Each use is counted, and the descriptor is closed when `close` has been called and the last use has ended: a number
/// that is still in use can never come to mean another file.
final class PosixFile: File {
    private static let closedBit = 1 << 62

    let path: String
    private let descriptor: Int32
    /// The number of uses under way, and `closedBit` once `close` was called.
    private let uses = Atomic<Int>(0)

    init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit {
        // Whoever uses the file holds a reference, so nobody does any more.
        if uses.load(ordering: .acquiring) & Self.closedBit == 0 { Syscall.closeDescriptor(descriptor) }
    }

    // MARK: Uses

    /// Keeps the descriptor open until `endUse`; nil when the file is closed.
    func beginUse() -> Int32? {
        let before = uses.add(1, ordering: .acquiringAndReleasing).oldValue
        guard before & Self.closedBit == 0 else {
            // The closed file's last use, perhaps this one, closes the descriptor.
            endUse()
            return nil
        }
        return descriptor
    }

    func endUse() {
        let before = uses.subtract(1, ordering: .acquiringAndReleasing).oldValue
        if before == Self.closedBit | 1 { finishClosing() }
    }

    func close() {
        let before = uses.bitwiseOr(Self.closedBit, ordering: .acquiringAndReleasing).oldValue
        if before == 0 { finishClosing() }
    }

    /// Several uses that begin after the close may each be the last one; only one closes the descriptor.
    private func finishClosing() {
        let exchanged = uses.compareExchange(
            expected: Self.closedBit, desired: Self.closedBit | Self.finishedBit, ordering: .acquiringAndReleasing)
        if exchanged.exchanged { Syscall.closeDescriptor(descriptor) }
    }

    private static let finishedBit = 1 << 61

    private func using<R>(_ operation: String, _ body: (Int32) throws(Errno) -> R) throws(FileError) -> R {
        guard let descriptor = beginUse() else { throw Errno(code: EBADF).fileError(operation, path) }
        defer { endUse() }
        do throws(Errno) { return try body(descriptor) } catch { throw error.fileError(operation, path) }
    }

    // MARK: File

    func size() throws(FileError) -> Int64 {
        try using("fstat") { descriptor throws(Errno) in
            var information = stat()
            try Syscall.check { fstat(descriptor, &information) }
            return Int64(information.st_size)
        }
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(FileError) -> Int {
        guard let base = buffer.baseAddress else { return 0 }
        return try using("pread") { descriptor throws(Errno) in
            var filled = 0
            while filled < buffer.count {
                let count = try Syscall.retry {
                    cplatform_pread(descriptor, base + filled, buffer.count - filled, off_t(offset) + off_t(filled))
                }
                if count == 0 { break }
                filled += count
            }
            return filled
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(FileError) {
        guard let base = bytes.baseAddress else { return }
        try using("pwrite") { descriptor throws(Errno) in
            var written = 0
            while written < bytes.count {
                let count = try Syscall.retry {
                    cplatform_pwrite(descriptor, base + written, bytes.count - written, off_t(offset) + off_t(written))
                }
                // POSIX allows 0 only for an empty write; a file that takes nothing must not hang the caller.
                if count == 0 { throw Errno(code: EIO) }
                written += count
            }
        }
    }

    func write(gathering pieces: UnsafeBufferPointer<UnsafeRawBufferPointer>, at offset: Int64) throws(FileError) {
        if pieces.count == 1 { return try write(pieces[0], at: offset) }
        var rest = PieceCursor(pieces)
        var position = offset
        try using("pwritev") { descriptor throws(Errno) in
            while !rest.isAtEnd {
                let count = try Syscall.retry {
                    rest.withVectors { cplatform_pwritev(descriptor, $0.baseAddress, Int32($0.count), off_t(position)) }
                }
                // As in `write`.
                if count == 0 { throw Errno(code: EIO) }
                rest.advance(count)
                position += Int64(count)
            }
        }
    }

    func reserve(offset: Int64, length: Int64) {
        guard length > 0, let descriptor = beginUse() else { return }
        defer { endUse() }
        Platform.reserve(descriptor, offset: offset, length: length)
    }

    func truncate(to size: Int64) throws(FileError) {
        try using("ftruncate") { descriptor throws(Errno) in try Syscall.check { ftruncate(descriptor, off_t(size)) } }
    }

    func sync() throws(FileError) {
        try using("fdatasync") { descriptor throws(Errno) in try Platform.syncData(descriptor) }
    }

    func isResident(offset: Int64, count: Int) -> Bool {
        guard count > 0, let descriptor = beginUse() else { return true }
        defer { endUse() }
        return Platform.isResident(descriptor, offset: offset, count: count)
    }

    /// Reads the beginning of the range without waiting for the disk: nil when the page cache does not hold it,
    /// otherwise how many bytes were read, which may be fewer than `buffer.count`.
    func readResident(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(FileError) -> Int? {
        try using("preadv2") { descriptor throws(Errno) in
            try Platform.readResident(descriptor, into: buffer, at: offset)
        }
    }

    /// Waits for the disk until the page cache holds the range, as far as the file has it.
    func fillPageCache(offset: Int64, count: Int) {
        withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 16) { buffer in
            var position = offset
            let end = offset + Int64(count)
            while position < end {
                let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(min(end - position, 64 << 10))])
                // An error will show again where the bytes are really used.
                guard let filled = try? read(into: piece, at: position), filled > 0 else { return }
                position += Int64(filled)
            }
        }
    }
}
