// SPDX-License-Identifier: Apache-2.0
import CPlatform
package import KafkaRuntime

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The operating system's files.
package struct PosixFileSystem: FileSystem {
    private static let filePermissions: mode_t = 0o644
    private static let directoryPermissions: mode_t = 0o755
    /// Directories inside directories that `removeTree` follows; deeper ones cannot be named within PATH_MAX anyway.
    private static let depthMax = 512

    package init() {}

    package var growthUnit: Int { Platform.growthUnit }

    package func open(_ path: String, _ mode: OpenMode) throws(FileError) -> any File {
        let flags: Int32 =
            switch mode {
            case .read: O_RDONLY
            case .readWrite: O_RDWR
            case .readWriteCreate: O_RDWR | O_CREAT
            case .createNew: O_RDWR | O_CREAT | O_EXCL
            }
        let descriptor = try openDescriptor(path, flags)
        return PosixFile(descriptor: descriptor, path: path)
    }

    private func openDescriptor(_ path: String, _ flags: Int32) throws(FileError) -> Int32 {
        do throws(Errno) {
            return try Syscall.retry { systemOpen(path, flags | O_CLOEXEC, Self.filePermissions) }
        } catch { throw error.fileError("open", path) }
    }

    package func status(_ path: String) throws(FileError) -> FileStatus? {
        var information = stat()
        do throws(Errno) {
            try Syscall.check { stat(path, &information) }
        } catch {
            if error.code == ENOENT || error.code == ENOTDIR { return nil }
            throw error.fileError("stat", path)
        }
        let modified = Platform.modificationTime(of: information)
        return FileStatus(
            size: Int64(information.st_size), isDirectory: information.st_mode & S_IFMT == S_IFDIR,
            modifiedMilliseconds: Int64(modified.tv_sec) * 1_000 + Int64(modified.tv_nsec) / 1_000_000)
    }

    package func createDirectory(_ path: String) throws(FileError) {
        do throws(Errno) {
            try Syscall.check { mkdir(path, Self.directoryPermissions) }
        } catch {
            if error.code == EEXIST, try status(path)?.isDirectory == true { return }
            let parent = parentDirectory(of: path)
            guard error.code == ENOENT, parent != path, parent != "." else { throw error.fileError("mkdir", path) }
            try createDirectory(parent)
            do throws(Errno) {
                try Syscall.check { mkdir(path, Self.directoryPermissions) }
            } catch {
                // Another thread may have made it meanwhile.
                if error.code != EEXIST { throw error.fileError("mkdir", path) }
            }
        }
    }

    package func list(_ path: String) throws(FileError) -> [String] {
        guard let directory = opendir(path) else { throw Errno(code: errno).fileError("opendir", path) }
        defer { closedir(directory) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(directory) else {
                if errno != 0 { throw Errno(code: errno).fileError("readdir", path) }
                break
            }
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    package func rename(_ source: String, to target: String) throws(FileError) {
        do throws(Errno) { try Syscall.check { systemRename(source, target) } } catch {
            throw error.fileError("rename", source)
        }
    }

    package func remove(_ path: String) throws(FileError) {
        do throws(Errno) { try Syscall.check { unlink(path) } } catch { throw error.fileError("unlink", path) }
    }

    package func removeTree(_ path: String) throws(FileError) { try removeTree(path, depth: 0) }

    private func removeTree(_ path: String, depth: Int) throws(FileError) {
        guard depth < Self.depthMax else {
            throw FileError(.inputOutput, operation: "remove (nested too deeply)", path: path)
        }
        var information = stat()
        do throws(Errno) {
            try Syscall.check { lstat(path, &information) }
        } catch {
            if error.code == ENOENT { return }
            throw error.fileError("lstat", path)
        }
        // A symbolic link is removed itself, what it points to stays.
        let isDirectory = information.st_mode & S_IFMT == S_IFDIR
        if isDirectory {
            for name in try list(path) { try removeTree(path + "/" + name, depth: depth + 1) }
        }
        do throws(Errno) {
            try Syscall.check { isDirectory ? rmdir(path) : unlink(path) }
        } catch {
            if error.code != ENOENT { throw error.fileError(isDirectory ? "rmdir" : "unlink", path) }
        }
    }

    package func syncDirectory(_ path: String) throws(FileError) {
        let descriptor = try openDescriptor(path, O_RDONLY | O_DIRECTORY)
        defer { Syscall.closeDescriptor(descriptor) }
        do throws(Errno) { try Syscall.check { fsync(descriptor) } } catch { throw error.fileError("fsync", path) }
    }

    package func setModified(_ path: String, milliseconds: Int64) throws(FileError) {
        let seconds = milliseconds >= 0 ? milliseconds / 1_000 : (milliseconds - 999) / 1_000
        let time = timespec(tv_sec: Int(seconds), tv_nsec: Int((milliseconds - seconds * 1_000) * 1_000_000))
        let times = [time, time]
        do throws(Errno) { try Syscall.check { utimensat(AT_FDCWD, path, times, 0) } } catch {
            throw error.fileError("utimensat", path)
        }
    }

    package func lock(_ path: String) throws(FileError) -> any FileLock { try PosixFileLock.take(path) }

    package func space(_ path: String) throws(FileError) -> (usable: Int64, total: Int64) {
        var information = statvfs()
        do throws(Errno) { try Syscall.check { statvfs(path, &information) } } catch {
            throw error.fileError("statvfs", path)
        }
        let unit = UInt64(information.f_frsize)
        func bytes(_ blocks: UInt64) -> Int64 {
            Int64(clamping: blocks.multipliedReportingOverflow(by: unit).partialValue)
        }
        return (bytes(UInt64(information.f_bavail)), bytes(UInt64(information.f_blocks)))
    }
}

// The methods of the same name would hide these.
private func systemOpen(_ path: String, _ flags: Int32, _ permissions: mode_t) -> Int32 {
    open(path, flags, permissions)
}

private func systemRename(_ source: String, _ target: String) -> Int32 { rename(source, target) }
