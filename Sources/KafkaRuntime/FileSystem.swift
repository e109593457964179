// SPDX-License-Identifier: Apache-2.0

/// Why a file operation failed.
public struct FileError: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Kind: Equatable, Sendable {
        case notFound
        case alreadyExists
        case permissionDenied
        /// ENOSPC, EDQUOT or EFBIG: there would be room if something were removed, or a limit raised.
        case noSpace
        /// The file is locked by another process.
        case locked
        case tooManyOpenFiles
        case readOnlyFileSystem
        case notADirectory
        case directoryNotEmpty
        /// The name is longer than the file system takes.
        case nameTooLong
        /// EIO and everything else.
        case inputOutput
    }

    public let kind: Kind
    /// `errno`, or 0 where the error did not come from the operating system.
    public let code: Int32
    /// The call that failed, for example `pwrite`.
    public let operation: String
    public let path: String

    public init(_ kind: Kind, code: Int32 = 0, operation: String, path: String) {
        self.kind = kind
        self.code = code
        self.operation = operation
        self.path = path
    }

    public var description: String {
        "\(operation) \(path): \(kind)" + (code == 0 ? "" : " (errno \(code))")
    }
}

public enum OpenMode: Sendable {
    /// The file must exist.
    case read
    /// The file must exist.
    case readWrite
    /// Made when it does not exist.
    case readWriteCreate
    /// Must not exist yet.
    case createNew
}

public struct FileStatus: Equatable, Sendable {
    public let size: Int64
    public let isDirectory: Bool
    /// Milliseconds since 1970.
    public let modifiedMilliseconds: Int64

    public init(size: Int64, isDirectory: Bool, modifiedMilliseconds: Int64) {
        self.size = size
        self.isDirectory = isDirectory
        self.modifiedMilliseconds = modifiedMilliseconds
    }
}

/// Files and directories. Paths are absolute or relative to the process's directory, with `/` between parts.
///
/// Every call may block and is retried on EINTR by the implementation. An implementation is safe to call from any
/// thread. Names become durable by `syncDirectory`, contents by `File.sync`.
public protocol FileSystem: Sendable {
    func open(_ path: String, _ mode: OpenMode) throws(FileError) -> any File
    /// nil when nothing is there.
    func status(_ path: String) throws(FileError) -> FileStatus?
    /// Makes the directory and its parents; succeeds when it exists.
    func createDirectory(_ path: String) throws(FileError)
    /// The names in the directory, sorted by their bytes, without `.` and `..`.
    func list(_ path: String) throws(FileError) -> [String]
    /// Renames, replacing what was at `target`.
    func rename(_ source: String, to target: String) throws(FileError)
    /// Removes a file; throws `notFound` when there is none.
    func remove(_ path: String) throws(FileError)
    /// Removes a directory with everything in it; succeeds when there is none.
    func removeTree(_ path: String) throws(FileError)
    /// Makes the directory's names durable.
    func syncDirectory(_ path: String) throws(FileError)
    /// Sets a file's modification time.
    func setModified(_ path: String, milliseconds: Int64) throws(FileError)
    /// Takes an exclusive lock that lasts until the returned lock is released or the process ends; throws `locked`.
    func lock(_ path: String) throws(FileError) -> any FileLock
    /// Bytes free for this process and in total, of the volume that holds `path`.
    func space(_ path: String) throws(FileError) -> (usable: Int64, total: Int64)
    /// Where it is cheaper for a growing file to end at a multiple of so many bytes, with zeros that later writes replace,
    /// that number; 0 where it is best to write what there is and nothing else.
    var growthUnit: Int { get }
}

extension FileSystem {
    public var growthUnit: Int { 0 }
}

public protocol FileLock: AnyObject, Sendable {
    func release()
}

/// An open file. Reads and writes are positional and may run from several threads at once.
public protocol File: AnyObject, Sendable {
    var path: String { get }
    func size() throws(FileError) -> Int64
    /// Reads up to `buffer.count` bytes; returns fewer only at the end of the file.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(FileError) -> Int
    /// Writes all of `bytes`; on an error an unknown part of them may have been written.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(FileError)
    /// Writes all of `pieces`, one behind the other, as `write` would if they lay in one stretch: on an error an unknown
    /// part of that may have been written, which may end inside of a piece.
    func write(gathering pieces: UnsafeBufferPointer<UnsafeRawBufferPointer>, at offset: Int64) throws(FileError)
    /// Reserves blocks ahead without changing the size; a hint that may do nothing.
    func reserve(offset: Int64, length: Int64)
    /// Sets the size; growing fills with zeros (sparse).
    func truncate(to size: Int64) throws(FileError)
    /// Makes contents and size durable. Blocks.
    func sync() throws(FileError)
    /// Whether the range can be read without waiting for the disk, as far as can be told cheaply.
    func isResident(offset: Int64, count: Int) -> Bool
    /// Closes now. Calls after it throw; without it the file closes when the last reference goes.
    func close()
}

extension File {
    /// One call for each piece, for files that have nothing better.
    public func write(
        gathering pieces: UnsafeBufferPointer<UnsafeRawBufferPointer>, at offset: Int64
    ) throws(FileError) {
        var position = offset
        for piece in pieces {
            try write(piece, at: position)
            position += Int64(piece.count)
        }
    }

    /// Reads exactly `count` bytes, or as many as the file has from `offset` on.
    public func readBytes(at offset: Int64, count: Int) throws(FileError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        var failure: FileError?
        bytes.withUnsafeMutableBytes { buffer in
            do throws(FileError) { filled = try read(into: buffer, at: offset) } catch { failure = error }
        }
        if let failure { throw failure }
        bytes.removeLast(count - filled)
        return bytes
    }

    public func write(_ bytes: [UInt8], at offset: Int64) throws(FileError) {
        var failure: FileError?
        bytes.withUnsafeBytes { buffer in
            do throws(FileError) { try write(buffer, at: offset) } catch { failure = error }
        }
        if let failure { throw failure }
    }
}
