// SPDX-License-Identifier: Apache-2.0
import CPlatform
import KafkaRuntime

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The `errno` of a failed system call.
struct Errno: Error, Equatable {
    let code: Int32

    /// What the operating system says about the code.
    var text: String { strerror(code).map { String(cString: $0) } ?? "error \(code)" }

    var isWouldBlock: Bool { code == EAGAIN || code == EWOULDBLOCK }

    func fileError(_ operation: String, _ path: String) -> FileError {
        FileError(kind, code: code, operation: operation, path: path)
    }

    private var kind: FileError.Kind {
        switch code {
        case ENOENT: .notFound
        case EEXIST: .alreadyExists
        case EACCES, EPERM: .permissionDenied
        case ENOSPC, EDQUOT, EFBIG: .noSpace
        case EMFILE, ENFILE: .tooManyOpenFiles
        case EROFS: .readOnlyFileSystem
        case ENOTDIR: .notADirectory
        case ENOTEMPTY: .directoryNotEmpty
        case ENAMETOOLONG: .nameTooLong
        default: .inputOutput
        }
    }
}

/// The one place where interrupted system calls are repeated and `errno` is read.
enum Syscall {
    /// Calls `body` again while it is interrupted by a signal; throws the `errno` of a negative result.
    @inline(__always)
    static func retry<R: FixedWidthInteger & SignedInteger>(_ body: () -> R) throws(Errno) -> R {
        while true {
            let result = body()
            if result >= 0 { return result }
            let code = errno
            if code != EINTR { throw Errno(code: code) }
        }
    }

    /// The same for calls whose result says nothing beyond success.
    @inline(__always)
    static func check(_ body: () -> Int32) throws(Errno) { _ = try retry(body) }

    /// Closes a descriptor that this process owns. It is gone even when the call is interrupted or fails, so it is
    /// never repeated.
    static func closeDescriptor(_ descriptor: Int32) { _ = close(descriptor) }
}
