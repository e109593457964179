// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime

extension RuntimeConformance {
    /// Files and directories.
    package static var files: [ConformanceCase] {
        [
            fileCase("open modes", opensByMode),
            fileCase("reads end at the end of the file", readsToEnd),
            fileCase("a write behind the end leaves zeros", fillsGaps),
            fileCase("a gathered write leaves no gap", gathers),
            fileCase("truncate shortens and lengthens", truncates),
            fileCase("rename replaces", renames),
            fileCase("list is sorted by bytes and complete", lists),
            fileCase("directories are made with their parents, and again", makesDirectories),
            fileCase("remove and removeTree", removes),
            fileCase("status", tellsStatus),
            fileCase("an open file survives rename and remove", keepsOpenFile),
            fileCase("a closed file throws", throwsWhenClosed),
            fileCase("locks exclude each other until released", locks),
            fileCase("replaceFile and readFile", replaces),
            fileCase("space", tellsSpace),
        ]
    }

    private static func fileCase(
        _ name: String, _ body: @escaping @Sendable (any FileSystem, String) throws -> Void
    ) -> ConformanceCase {
        ConformanceCase("files: \(name)") { world in try body(world.runtime.files, world.directory) }
    }

    /// Runs `body`, which must throw an error of `kind`.
    private static func expectError(
        _ kind: FileError.Kind, _ what: String, _ body: () throws(FileError) -> Void
    ) throws(ConformanceFailure) {
        do throws(FileError) {
            try body()
        } catch {
            return try expectEqual(error.kind, kind, what)
        }
        throw ConformanceFailure("\(what): succeeded, but should throw \(kind)")
    }

    private static func opensByMode(_ files: any FileSystem, _ directory: String) throws {
        let path = directory + "/f"
        try expectError(.notFound, "read") { () throws(FileError) in _ = try files.open(path, .read) }
        try expectError(.notFound, "readWrite") { () throws(FileError) in _ = try files.open(path, .readWrite) }
        try files.open(path, .readWriteCreate).write([1, 2, 3], at: 0)
        try expectEqual(try files.open(path, .readWriteCreate).size(), 3, "size after opening with create again")
        try expectError(.alreadyExists, "createNew") { () throws(FileError) in _ = try files.open(path, .createNew) }
        try expectEqual(try files.open(path, .read).readBytes(at: 0, count: 10), [1, 2, 3], "content")
        let nowhere = directory + "/none/f"
        try expectError(.notFound, "no directory") { () throws(FileError) in _ = try files.open(nowhere, .createNew) }
        let below = path + "/g"
        try expectError(.notADirectory, "file as directory") { () throws(FileError) in
            _ = try files.open(below, .createNew)
        }
    }

    private static func readsToEnd(_ files: any FileSystem, _ directory: String) throws {
        let file = try files.open(directory + "/f", .createNew)
        let bytes = pattern(10_000)
        try file.write(bytes, at: 0)
        try expectEqual(try file.readBytes(at: 9_990, count: 100), Array(bytes[9_990...]), "bytes at the end")
        try expectEqual(try file.readBytes(at: 10_000, count: 5), [], "bytes behind the end")
        try expectEqual(try file.readBytes(at: 77, count: 5_000), Array(bytes[77..<5_077]), "bytes in the middle")
        try file.write([], at: 3)
        try expectEqual(try file.size(), 10_000, "size after an empty write")
    }

    private static func fillsGaps(_ files: any FileSystem, _ directory: String) throws {
        let file = try files.open(directory + "/f", .createNew)
        try file.write([9], at: 5_000)
        try expectEqual(try file.size(), 5_001, "size")
        try expect(
            try file.readBytes(at: 0, count: 5_001) == [UInt8](repeating: 0, count: 5_000) + [9], "the gap is not zero")
    }

    private static func gathers(_ files: any FileSystem, _ directory: String) throws {
        let file = try files.open(directory + "/f", .createNew)
        let bytes = pattern(300_000)
        // Empty pieces, more of them than go into one call, and one that is large.
        let sizes = [0, 1, 0, 4_096] + (0..<300).map { $0 * 7 % 900 } + [0, 100_000, 0]
        var pieces: [UnsafeRawBufferPointer] = []
        var count = 0
        try bytes.withUnsafeBytes { bytes in
            // The pieces lie apart.
            for size in sizes {
                pieces.append(UnsafeRawBufferPointer(rebasing: bytes[count..<(count + size)]))
                count += size
            }
            try pieces.withUnsafeBufferPointer { try file.write(gathering: $0, at: 3) }
            try pieces.withUnsafeBufferPointer { pieces in
                try file.write(gathering: UnsafeBufferPointer(rebasing: pieces[..<0]), at: 9)
                try file.write(gathering: UnsafeBufferPointer(rebasing: pieces[..<1]), at: 9)
                try file.write(gathering: UnsafeBufferPointer(rebasing: pieces[1..<2]), at: 0)
            }
        }
        try expectEqual(try file.size(), Int64(count) + 3, "size")
        let found = try file.readBytes(at: 0, count: count + 10)
        try expect(found == [bytes[0], 0, 0] + bytes[..<count], "content")
    }

    private static func truncates(_ files: any FileSystem, _ directory: String) throws {
        let file = try files.open(directory + "/f", .createNew)
        try file.write(pattern(9_000), at: 0)
        try file.truncate(to: 4_097)
        try expectEqual(try file.size(), 4_097, "size")
        try file.truncate(to: 9_000)
        try expectEqual(
            try file.readBytes(at: 0, count: 9_000),
            Array(pattern(9_000)[..<4_097]) + [UInt8](repeating: 0, count: 4_903),
            "content after cutting and growing")
        file.reserve(offset: 9_000, length: 100_000)
        try expectEqual(try file.size(), 9_000, "size after reserving")
    }

    private static func renames(_ files: any FileSystem, _ directory: String) throws {
        try files.open(directory + "/a", .createNew).write([1], at: 0)
        try files.open(directory + "/b", .createNew).write([2, 2], at: 0)
        try files.rename(directory + "/a", to: directory + "/b")
        try expectEqual(try files.list(directory), ["b"], "names")
        try expectEqual(try files.readFile(directory + "/b"), [1], "content")
        try files.createDirectory(directory + "/d")
        try files.open(directory + "/d/inner", .createNew).write([3], at: 0)
        try files.rename(directory + "/d", to: directory + "/e")
        try expectEqual(try files.readFile(directory + "/e/inner"), [3], "content in a renamed directory")
        try expectError(.notFound, "renaming nothing") { () throws(FileError) in
            try files.rename(directory + "/x", to: directory + "/y")
        }
    }

    private static func lists(_ files: any FileSystem, _ directory: String) throws {
        for name in ["b", "a", "ä", "B", "10", "9", ".hidden"] {
            _ = try files.open(directory + "/" + name, .createNew)
        }
        try files.createDirectory(directory + "/c")
        try expectEqual(try files.list(directory), [".hidden", "10", "9", "B", "a", "b", "c", "ä"], "names")
        try expectEqual(try files.list(directory + "/c"), [], "names in an empty directory")
        try expectError(.notFound, "no directory") { () throws(FileError) in _ = try files.list(directory + "/none") }
        try expectError(.notADirectory, "a file") { () throws(FileError) in _ = try files.list(directory + "/a") }
    }

    private static func makesDirectories(_ files: any FileSystem, _ directory: String) throws {
        let deep = directory + "/one/two/three"
        try files.createDirectory(deep)
        try files.createDirectory(deep)
        try files.syncDirectory(deep)
        try expectEqual(try files.status(deep)?.isDirectory, true, "whether it is a directory")
    }

    private static func removes(_ files: any FileSystem, _ directory: String) throws {
        _ = try files.open(directory + "/f", .createNew)
        try files.remove(directory + "/f")
        try expectError(.notFound, "removing again") { () throws(FileError) in try files.remove(directory + "/f") }
        try files.createDirectory(directory + "/tree/branch")
        _ = try files.open(directory + "/tree/branch/leaf", .createNew)
        try files.removeTree(directory + "/tree")
        try files.removeTree(directory + "/tree")
        try expectEqual(try files.list(directory), [], "names")
    }

    private static func tellsStatus(_ files: any FileSystem, _ directory: String) throws {
        let path = directory + "/f"
        try expectEqual(try files.status(path), nil, "status of nothing")
        try files.open(path, .createNew).write([1, 2, 3, 4], at: 0)
        try files.setModified(path, milliseconds: 1_600_000_000_123)
        let expected = FileStatus(size: 4, isDirectory: false, modifiedMilliseconds: 1_600_000_000_123)
        try expectEqual(try files.status(path), expected, "status")
        try expectEqual(try files.status(directory)?.isDirectory, true, "whether a directory is one")
    }

    private static func keepsOpenFile(_ files: any FileSystem, _ directory: String) throws {
        let file = try files.open(directory + "/f", .createNew)
        try file.write([1, 2], at: 0)
        try files.rename(directory + "/f", to: directory + "/g")
        try file.write([3], at: 2)
        try expectEqual(try files.readFile(directory + "/g"), [1, 2, 3], "content after the rename")
        try files.remove(directory + "/g")
        try expectEqual(try file.readBytes(at: 0, count: 9), [1, 2, 3], "content after the removal")
    }

    private static func throwsWhenClosed(_ files: any FileSystem, _ directory: String) throws {
        let file = try files.open(directory + "/f", .createNew)
        try file.write([1], at: 0)
        file.close()
        file.close()
        let empty = UnsafeMutableBufferPointer<UnsafeRawBufferPointer>.allocate(capacity: 2)
        defer { empty.deallocate() }
        empty.initialize(repeating: UnsafeRawBufferPointer(start: nil, count: 0))
        let twoEmptyPieces = UnsafeBufferPointer(empty)
        let calls: [(String, () throws(FileError) -> Void)] = [
            ("size", { () throws(FileError) in _ = try file.size() }),
            ("read", { () throws(FileError) in _ = try file.readBytes(at: 0, count: 1) }),
            ("write", { () throws(FileError) in try file.write([2], at: 0) }),
            ("gathered write", { () throws(FileError) in try file.write(gathering: twoEmptyPieces, at: 0) }),
            ("truncate", { () throws(FileError) in try file.truncate(to: 0) }),
            ("sync", { () throws(FileError) in try file.sync() }),
        ]
        for (name, call) in calls {
            do throws(FileError) { try call() } catch { continue }
            throw ConformanceFailure("\(name) of a closed file succeeded")
        }
    }

    private static func locks(_ files: any FileSystem, _ directory: String) throws {
        let path = directory + "/.lock"
        let first = try files.lock(path)
        try expectError(.locked, "locking twice") { () throws(FileError) in _ = try files.lock(path) }
        first.release()
        first.release()
        let second = try files.lock(path)
        // A lock released late must not take a later holder's lock away.
        first.release()
        try expectError(.locked, "locking the second time") { () throws(FileError) in _ = try files.lock(path) }
        second.release()
    }

    private static func replaces(_ files: any FileSystem, _ directory: String) throws {
        let path = directory + "/checkpoint"
        try expectEqual(try files.readFile(path), nil, "content of nothing")
        try files.replaceFile(path, with: [1, 2, 3])
        try files.replaceFile(path, with: [4])
        try expectEqual(try files.readFile(path), [4], "content")
        try expectEqual(try files.list(directory), ["checkpoint"], "names")
    }

    private static func tellsSpace(_ files: any FileSystem, _ directory: String) throws {
        let space = try files.space(directory)
        try expect(space.usable > 0 && space.total >= space.usable, "\(space) cannot be")
    }
}
