// SPDX-License-Identifier: Apache-2.0
public import KafkaBase
public import KafkaRecords
public import KafkaRuntime

/// Why the log refused or could not do something.
public enum StorageError: Error, Sendable, CustomStringConvertible {
    /// A file operation failed. What was begun has been undone.
    case io(FileError)
    /// A file does not hold what its format says; `position` is a byte position in it.
    case corrupt(path: String, position: Int64, reason: String)
    /// A read, a truncation or a new log start outside of what the log holds. `end` is exclusive.
    case offsetOutOfRange(requested: Int64, start: Int64, end: Int64)
    /// A failure that could not be undone took the log out of service; it says what had failed.
    case offline(path: String, reason: String)
    /// The log was closed or deleted.
    case closed(path: String)
    /// Records were refused for the reasons given, in order of their place in the batch.
    case invalidRecords(ErrorCode, message: String, records: [InvalidRecord])
    /// Any other refusal, with the code a client is told and a sentence for people.
    case kafka(ErrorCode, String)

    /// The protocol's code for it.
    public var errorCode: ErrorCode {
        switch self {
        case .io, .offline, .closed: .kafkaStorageError
        case .corrupt: .corruptMessage
        case .offsetOutOfRange: .offsetOutOfRange
        case .invalidRecords(let code, _, _), .kafka(let code, _): code
        }
    }

    /// Whether a file is gone or does not hold what it should: what can be made from other files then is.
    var isDamage: Bool {
        switch self {
        case .corrupt: true
        case .io(let error): error.kind == .notFound
        default: false
        }
    }

    /// For a person: with paths, positions and reasons.
    public var description: String {
        switch self {
        case .io(let error): "\(error)"
        case .corrupt(let path, let position, let reason): "\(path) is corrupt at byte \(position): \(reason)"
        case .offsetOutOfRange(let requested, let start, let end):
            "offset \(requested) is outside of \(start)..<\(end)"
        case .offline(let path, let reason): "\(path) is offline: \(reason)"
        case .closed(let path): "\(path) is closed"
        case .invalidRecords(let code, let message, _): "\(code): \(message)"
        case .kafka(let code, let message): "\(code): \(message)"
        }
    }
}

extension FileError {
    /// Whether it says that the directory has failed, rather than that something is used up or one name is bad: what is
    /// in memory may then differ from what is on disk, and nobody knows in which file.
    var meansFailedDirectory: Bool {
        switch kind {
        case .inputOutput, .readOnlyFileSystem, .notFound, .permissionDenied, .notADirectory: true
        case .noSpace, .tooManyOpenFiles, .locked, .alreadyExists, .directoryNotEmpty, .nameTooLong: false
        }
    }
}

/// Runs file operations and turns their failure into a `StorageError`.
@inline(__always)
func storing<R>(_ body: () throws(FileError) -> R) throws(StorageError) -> R {
    do throws(FileError) { return try body() } catch { throw .io(error) }
}
