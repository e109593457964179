// SPDX-License-Identifier: Apache-2.0
import DispatchRuntime
import Foundation
import KafkaRuntime
import Testing

@Suite struct PosixFileSystemTests {
    private let directory: TemporaryDirectory
    private let files = PosixFileSystem()

    init() throws { directory = try TemporaryDirectory() }

    private func kind(of body: () throws -> Void) -> FileError.Kind? {
        do {
            try body()
            return nil
        } catch { return (error as? FileError)?.kind }
    }

    @Test func `written bytes are read back at their position`() throws {
        let file = try files.open(directory.file("a"), .createNew)
        try file.write([1, 2, 3, 4], at: 10)
        #expect(try file.size() == 14)
        #expect(try file.readBytes(at: 8, count: 100) == [0, 0, 1, 2, 3, 4])
        try file.truncate(to: 11)
        try file.sync()
        #expect(try file.readBytes(at: 0, count: 100).count == 11)
    }

    @Test func `open modes make, require or refuse an existing file`() throws {
        let path = directory.file("modes")
        #expect(kind { _ = try files.open(path, .read) } == .notFound)
        #expect(kind { _ = try files.open(path, .readWrite) } == .notFound)
        #expect(kind { _ = try files.open(path, .readWriteCreate) } == nil)
        #expect(kind { _ = try files.open(path, .createNew) } == .alreadyExists)
        #expect(kind { _ = try files.open(path + "/below", .read) } == .notADirectory)
    }

    @Test func `every call on a closed file throws`() throws {
        let file = try files.open(directory.file("closed"), .createNew)
        try file.write([1], at: 0)
        file.close()
        file.close()
        #expect(kind { _ = try file.size() } == .inputOutput)
        #expect(kind { _ = try file.readBytes(at: 0, count: 1) } == .inputOutput)
        #expect(kind { try file.write([1], at: 0) } == .inputOutput)
        #expect(kind { try file.truncate(to: 0) } == .inputOutput)
        #expect(kind { try file.sync() } == .inputOutput)
    }

    #if os(Linux)
        @Test func `a gathered write finds out that there is no space`() throws {
            let file = try files.open("/dev/full", .readWrite)
            let bytes = [UInt8](repeating: 1, count: 100)
            let found = bytes.withUnsafeBytes { bytes in
                let pieces = [
                    UnsafeRawBufferPointer(rebasing: bytes[..<40]), UnsafeRawBufferPointer(rebasing: bytes[40...]),
                ]
                return kind { try pieces.withUnsafeBufferPointer { try file.write(gathering: $0, at: 0) } }
            }
            #expect(found == .noSpace)
        }
    #endif

    @Test func `reserving blocks does not change the size`() throws {
        let file = try files.open(directory.file("reserved"), .createNew)
        try file.write([1, 2], at: 0)
        file.reserve(offset: 0, length: 1 << 20)
        #expect(try file.size() == 2)
    }

    @Test func `directories are made with their parents, listed in byte order and removed with their contents`() throws
    {
        let top = directory.file("x")
        try files.createDirectory(top + "/y/z")
        try files.createDirectory(top + "/y/z")
        for name in ["b", "a", "B", "é", "10", "9"] { _ = try files.open(top + "/" + name, .createNew) }
        #expect(try files.list(top) == ["10", "9", "B", "a", "b", "y", "é"])
        try files.syncDirectory(top)
        try files.removeTree(top)
        #expect(try files.status(top) == nil)
        try files.removeTree(top)
    }

    @Test func `removing a tree does not follow symbolic links`() throws {
        let kept = directory.file("kept")
        try files.createDirectory(kept)
        _ = try files.open(kept + "/file", .createNew)
        let tree = directory.file("tree")
        try files.createDirectory(tree)
        #expect(symlink(kept, tree + "/link") == 0)
        try files.removeTree(tree)
        #expect(try files.list(kept) == ["file"])
    }

    @Test func `a directory cannot be made where a file is`() throws {
        let path = directory.file("taken")
        _ = try files.open(path, .createNew)
        #expect(kind { try files.createDirectory(path) } == .alreadyExists)
        #expect(kind { try files.createDirectory(path + "/below") } == .notADirectory)
    }

    @Test func `status tells size, kind and the time that was set`() throws {
        let path = directory.file("status")
        try files.open(path, .createNew).write([1, 2, 3], at: 0)
        try files.setModified(path, milliseconds: 1_577_994_283_622)
        let expected = FileStatus(size: 3, isDirectory: false, modifiedMilliseconds: 1_577_994_283_622)
        #expect(try files.status(path) == expected)
        #expect(try files.status(directory.path)?.isDirectory == true)
    }

    @Test func `rename replaces the target and remove refuses what is not there`() throws {
        try files.open(directory.file("new"), .createNew).write([1], at: 0)
        _ = try files.open(directory.file("old"), .createNew)
        try files.rename(directory.file("new"), to: directory.file("old"))
        #expect(try files.readFile(directory.file("old")) == [1])
        #expect(try files.readFile(directory.file("new")) == nil)
        #expect(kind { try files.rename(directory.file("new"), to: directory.file("old")) } == .notFound)
        #expect(kind { try files.remove(directory.file("new")) } == .notFound)
    }

    @Test func `a replaced file holds the new content and leaves no temporary file`() throws {
        let path = directory.file("checkpoint")
        try files.replaceFile(path, with: [1, 2, 3])
        try files.replaceFile(path, with: [4])
        #expect(try files.readFile(path) == [4])
        #expect(try files.list(directory.path) == ["checkpoint"])
    }

    @Test func `the volume has room`() throws {
        let space = try files.space(directory.path)
        #expect(space.usable > 0)
        #expect(space.total >= space.usable)
    }

    @Test func `just written data is resident`() throws {
        let file = try files.open(directory.file("resident"), .createNew)
        try file.write([UInt8](repeating: 1, count: 300_000), at: 0)
        #expect(file.isResident(offset: 0, count: 300_000))
        #expect(file.isResident(offset: 299_999, count: 1))
    }
}

@Suite struct PosixFileLockTests {
    private let directory: TemporaryDirectory
    private let files = PosixFileSystem()

    init() throws { directory = try TemporaryDirectory() }

    /// Tries the classic POSIX record lock, Java's, in another process.
    private func otherProcessCanLock(_ path: String) throws -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "python3", "-c",
            """
            import fcntl, sys
            f = open(sys.argv[1], "r+b")
            try: fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError: sys.exit(7)
            """, path,
        ]
        try process.run()
        process.waitUntilExit()
        try #require([0, 7].contains(process.terminationStatus))
        return process.terminationStatus == 0
    }

    @Test func `a second lock in this process is refused until the first is released`() throws {
        let path = directory.file(".lock")
        let first = try files.lock(path)
        #expect(throws: FileError(.locked, operation: "lock", path: path)) { try files.lock(path) }
        first.release()
        first.release()
        try files.lock(path).release()
    }

    @Test func `another process is kept out, also after this one was refused a second lock`() throws {
        let path = directory.file(".lock")
        let lock = try files.lock(path)
        #expect(throws: FileError.self) { try files.lock(path) }
        // Closing any descriptor of the file would lose a classic lock.
        files.closeAfterOpening(path)
        #expect(try !otherProcessCanLock(path))
        lock.release()
        #expect(try otherProcessCanLock(path))
    }
}

extension PosixFileSystem {
    fileprivate func closeAfterOpening(_ path: String) { try? open(path, .read).close() }
}
