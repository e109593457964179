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

/// An exclusive record lock over a whole file: the kind that Java's `FileChannel.lock` takes, so that this broker and
/// Apache Kafka exclude each other from a log directory.
///
/// Such a lock does not exclude its own process, and the classic kind is lost when *any* descriptor of the file is
/// closed there. So locked files are noted in a table of the process, which is consulted before the file is opened, and
/// where the platform has locks that belong to the open file, those are taken: they exclude the classic kind, too.
final class PosixFileLock: FileLock {
    private struct FileIdentity: Hashable {
        let device: UInt64
        let inode: UInt64

        init(_ information: stat) {
            device = UInt64(truncatingIfNeeded: information.st_dev)
            inode = UInt64(truncatingIfNeeded: information.st_ino)
        }
    }

    private static let heldByThisProcess = Mutex<Set<FileIdentity>>([])

    private let identity: FileIdentity
    /// nil when released.
    private let descriptor: Mutex<Int32?>

    private init(identity: FileIdentity, descriptor: Int32) {
        self.identity = identity
        self.descriptor = Mutex(descriptor)
    }

    deinit { release() }

    /// Makes the file when it does not exist.
    static func take(_ path: String) throws(FileError) -> PosixFileLock {
        try heldByThisProcess.withLock { held throws(FileError) in
            var information = stat()
            if stat(path, &information) == 0, held.contains(FileIdentity(information)) {
                throw FileError(.locked, operation: "lock", path: path)
            }
            let descriptor: Int32
            do throws(Errno) {
                descriptor = try Syscall.retry { open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644 as mode_t) }
            } catch { throw error.fileError("open", path) }
            do throws(Errno) {
                try Platform.lockExclusively(descriptor)
                try Syscall.check { fstat(descriptor, &information) }
            } catch {
                Syscall.closeDescriptor(descriptor)
                // POSIX leaves open which of the two says that another process holds the lock.
                guard error.code == EAGAIN || error.code == EACCES else { throw error.fileError("lock", path) }
                throw FileError(.locked, code: error.code, operation: "lock", path: path)
            }
            let identity = FileIdentity(information)
            held.insert(identity)
            return PosixFileLock(identity: identity, descriptor: descriptor)
        }
    }

    func release() {
        Self.heldByThisProcess.withLock { held in
            let open = descriptor.withLock { descriptor in
                defer { descriptor = nil }
                return descriptor
            }
            guard let open else { return }
            held.remove(identity)
            Syscall.closeDescriptor(open)
        }
    }
}
