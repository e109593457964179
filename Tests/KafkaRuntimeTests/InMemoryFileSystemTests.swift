// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime
import Testing

@Suite struct InMemoryFileSystemTests {
    private let files = InMemoryFileSystem()

    private func write(_ path: String, _ text: String, sync: Bool = false) throws {
        let file = try files.open(path, .readWriteCreate)
        try file.write(Array(text.utf8), at: 0)
        if sync { try file.sync() }
        file.close()
    }

    private func text(_ path: String) throws -> String? {
        try files.readFile(path).map { String(decoding: $0, as: UTF8.self) }
    }

    // MARK: Files

    @Test func `reads give what was written, holes as zeros, nothing beyond the end`() throws {
        let file = try files.open("/f", .createNew)
        try file.write([1, 2, 3], at: 10_000)
        #expect(try file.size() == 10_003)
        #expect(try file.readBytes(at: 9_998, count: 100) == [0, 0, 1, 2, 3])
        #expect(try file.readBytes(at: 10_003, count: 1) == [])
        #expect(try file.readBytes(at: 0, count: 2) == [0, 0])
    }

    @Test func `writes over page borders are whole`() throws {
        let file = try files.open("/f", .createNew)
        let bytes = (0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        try file.write(bytes, at: 3_000)
        #expect(try file.readBytes(at: 3_000, count: 20_000) == bytes)
        #expect(try file.readBytes(at: 11_111, count: 5) == Array(bytes[8_111..<8_116]))
    }

    @Test func `truncation cuts, and growing again gives zeros`() throws {
        let file = try files.open("/f", .createNew)
        try file.write([UInt8](repeating: 7, count: 10_000), at: 0)
        try file.truncate(to: 5_000)
        try file.truncate(to: 9_000)
        #expect(try file.readBytes(at: 4_998, count: 4) == [7, 7, 0, 0])
        #expect(try file.readBytes(at: 8_999, count: 4) == [0])
    }

    @Test func `modes of opening are kept`() throws {
        #expect(throws: FileError(.notFound, code: 2, operation: "open", path: "/f")) {
            _ = try files.open("/f", .read)
        }
        _ = try files.open("/f", .createNew)
        #expect(throws: FileError(.alreadyExists, code: 17, operation: "open", path: "/f")) {
            _ = try files.open("/f", .createNew)
        }
        let reader = try files.open("/f", .read)
        #expect(throws: FileError.self) { try reader.write([1], at: 0) }
        reader.close()
        #expect(throws: FileError.self) { _ = try reader.size() }
    }

    // MARK: Names

    @Test func `directories are made with their parents, listed in order and removed whole`() throws {
        try files.createDirectory("/a/b/c")
        try files.createDirectory("/a/b/c")
        try write("/a/b/z", "z")
        try write("/a/b/B", "b")
        #expect(try files.list("/a/b") == ["B", "c", "z"])
        #expect(try files.status("/a/b")?.isDirectory == true)
        #expect(try files.status("/a/x") == nil)
        #expect(throws: FileError.self) { try files.createDirectory("/a/b/z/y") }
        #expect(throws: FileError.self) { _ = try files.open("/missing/f", .createNew) }
        try files.removeTree("/a")
        try files.removeTree("/a")
        #expect(try files.list("/") == [])
    }

    @Test func `renaming replaces, and moves whole directories`() throws {
        try write("/old", "new content")
        try write("/target", "old content")
        try files.rename("/old", to: "/target")
        #expect(try text("/target") == "new content")
        #expect(try files.status("/old") == nil)
        try files.createDirectory("/d/e")
        try write("/d/e/f", "deep")
        try files.rename("/d", to: "/moved")
        #expect(try text("/moved/e/f") == "deep")
        #expect(throws: FileError.self) { try files.rename("/target", to: "/moved") }
    }

    @Test func `an open file survives its name`() throws {
        try write("/f", "content")
        let file = try files.open("/f", .read)
        try files.remove("/f")
        #expect(try file.readBytes(at: 0, count: 7) == Array("content".utf8))
        #expect(throws: FileError.self) { try files.remove("/f") }
    }

    @Test func `a lock is exclusive until it is released`() throws {
        let lock = try files.lock("/.lock")
        #expect(throws: FileError.self) { _ = try files.lock("/.lock") }
        lock.release()
        _ = try files.lock("/.lock")
    }

    // MARK: Faults

    @Test func `the chosen call fails, once`() throws {
        files.failCall(after: 2, with: .inputOutput)
        _ = try files.status("/")
        _ = try files.list("/")
        #expect(throws: FileError.self) { _ = try files.status("/") }
        _ = try files.status("/")
        #expect(files.callCount == 4)
        #expect(files.faultCount == 1)
    }

    @Test func `a failed write may leave a part`() throws {
        let file = try files.open("/f", .createNew)
        try file.write([UInt8](repeating: 1, count: 100), at: 0)
        files.failCall(after: 0, with: .inputOutput)
        #expect(throws: FileError.self) { try file.write([UInt8](repeating: 2, count: 100), at: 0) }
        #expect(
            try file.readBytes(at: 0, count: 100) == [UInt8](repeating: 2, count: 50) + [UInt8](repeating: 1, count: 50)
        )
    }

    @Test func `how much of a failing write is done is drawn`() throws {
        var lengths: Set<Int> = []
        for seed in 0..<40 as Range<UInt64> {
            let files = InMemoryFileSystem()
            files.setFaultRandom(TestRandom(seed: seed))
            let file = try files.open("/f", .createNew)
            files.failCall(after: 0, with: .inputOutput)
            #expect(throws: FileError.self) { try file.write([UInt8](repeating: 1, count: 1_000), at: 0) }
            lengths.insert(Int(try file.size()))
        }
        #expect(lengths.count > 20)
        #expect(lengths.allSatisfy { (0...1_000).contains($0) })
    }

    @Test func `a gathered write may be torn at any byte`() throws {
        let bytes = (0..<20).map { UInt8($0 + 1) }
        var found: [Int: [UInt8]] = [:]
        for seed in 0..<400 as Range<UInt64> {
            let files = InMemoryFileSystem()
            files.setFaultRandom(TestRandom(seed: seed))
            let file = try files.open("/f", .createNew)
            let callsBefore = files.callCount
            files.failCall(after: 0, with: .inputOutput)
            #expect(throws: FileError.self) {
                try bytes.withUnsafeBytes { bytes in
                    let pieces = [bytes[0..<1], bytes[1..<8], bytes[8..<8], bytes[8..<20]].map {
                        UnsafeRawBufferPointer(rebasing: $0)
                    }
                    try pieces.withUnsafeBufferPointer { try file.write(gathering: $0, at: 0) }
                }
            }
            #expect(files.callCount == callsBefore + 1)
            let content = try file.readBytes(at: 0, count: 100)
            found[content.count] = content
        }
        #expect(found.keys.sorted() == Array(0...20))
        for (count, content) in found { #expect(content == Array(bytes[..<count])) }
    }

    @Test func `removing a tree may fail in the middle`() throws {
        try files.createDirectory("/d")
        for name in ["a", "b", "c", "d"] { try write("/d/\(name)", name) }
        files.failCall(after: 0, with: .inputOutput)
        #expect(throws: FileError.self) { try files.removeTree("/d") }
        #expect(try files.list("/d") == ["c", "d"])
        try files.removeTree("/d")
        #expect(try files.list("/") == [])
    }

    @Test func `open files are counted and limited`() throws {
        #expect(files.openFileCount == 0)
        let first = try files.open("/a", .createNew)
        var second: (any File)? = try files.open("/a", .read)
        #expect(files.openFileCount == 2)
        files.setOpenFileLimit(2)
        #expect(throws: FileError(.tooManyOpenFiles, code: 24, operation: "open", path: "/a")) {
            _ = try files.open("/a", .read)
        }
        first.close()
        first.close()
        #expect(files.openFileCount == 1)
        second = nil
        #expect(files.openFileCount == 0)
        second = try files.open("/a", .read)
        files.crash(.everything)
        #expect(files.openFileCount == 0)
        second?.close()
        #expect(files.openFileCount == 0)
    }

    @Test func `a reservation takes space, reads as nothing and is given back by cutting`() throws {
        files.setCapacity(10 * 4096)
        let file = try files.open("/f", .createNew)
        try file.write([1], at: 0)
        file.reserve(offset: 4096, length: 4 * 4096)
        #expect(files.usedBytes == 5 * 4096)
        #expect(try file.size() == 1)
        #expect(try file.readBytes(at: 0, count: 9_000) == [1])
        try write("/other", String(repeating: "x", count: 5 * 4096))
        #expect(try files.space("/").usable == 0)
        // What is reserved can be written although the disk is full, and holes in it are zeros.
        try file.write([2], at: 3 * 4096)
        #expect(try file.readBytes(at: 4096, count: 4) == [0, 0, 0, 0])
        #expect(throws: FileError.self) { try file.write([2], at: 5 * 4096) }
        // There is no space for more, so more is not reserved.
        file.reserve(offset: 5 * 4096, length: 4096)
        #expect(files.usedBytes == 10 * 4096)
        try file.truncate(to: 4096)
        #expect(files.usedBytes == 6 * 4096)
        try files.remove("/f")
        #expect(files.usedBytes == 5 * 4096)
    }

    @Test func `a write that finds no space does as much as fits, and a removed file needs none`() throws {
        files.setCapacity(8192)
        let file = try files.open("/f", .createNew)
        #expect(throws: FileError.self) { try file.write([UInt8](repeating: 1, count: 12_000), at: 0) }
        #expect(try file.size() == 6_000)
        try files.remove("/f")
        try file.write([UInt8](repeating: 1, count: 12_000), at: 0)
        #expect(files.usedBytes == 0)
    }

    @Test func `a halt ends everything in the middle until the crash`() throws {
        try files.createDirectory("/d")
        let file = try files.open("/d/f", .createNew)
        try file.truncate(to: 4096)
        files.halt(after: 2)
        try file.write([1, 1], at: 1)
        _ = try files.list("/d")
        #expect(!files.isHalted)
        // A write at the end may be done in part.
        #expect(throws: FileError.self) { try file.write([2, 2, 2, 2], at: 10) }
        #expect(files.isHalted)
        #expect(throws: FileError.self) { try file.write([3], at: 20) }
        #expect(throws: FileError.self) { try files.remove("/d/f") }
        #expect(throws: FileError.self) { try files.removeTree("/d") }
        #expect(throws: FileError.self) { _ = try files.open("/d/g", .createNew) }
        files.crash(.everything)
        #expect(try files.list("/d") == ["f"])
        let bytes = try #require(try files.readFile("/d/f"))
        #expect(bytes[..<4] == [0, 1, 1, 0])
        #expect(bytes[10..<14] == [2, 2, 0, 0])
        #expect(bytes[20] == 0)
        files.halt(after: 3)
        #expect(files.callsUntilHalt == 3)
        files.cancelHalt()
        #expect(files.callsUntilHalt == nil)
        try files.remove("/d/f")
    }

    @Test func `a halt comes behind the call that it waits for`() throws {
        try files.createDirectory("/d")
        files.halt(after: 1) { operation, path in operation == .rename && path == "/d/f" }
        _ = try files.open("/d/f", .createNew)
        _ = try files.list("/d")
        files.withoutHalt {
            try? files.rename("/d/f", to: "/d/g")
            try? files.rename("/d/g", to: "/d/f")
        }
        try files.rename("/d/f", to: "/d/h")
        #expect(!files.isHalted)
        #expect(throws: FileError.self) { try files.rename("/d/h", to: "/d/i") }
        #expect(files.isHalted)
        files.crash(.everything)
        #expect(try files.list("/d") == ["h"])
        files.halt(after: 1)
        files.withoutHalt { for _ in 0..<5 { _ = try? files.list("/d") } }
        _ = try files.list("/d")
        #expect(throws: FileError.self) { try files.list("/d") }
        files.crash(.everything)
        files.halt(after: 0) { _, _ in true }
        files.cancelHalt()
        #expect(try files.list("/d") == ["h"])
    }

    @Test func `a full disk takes no new page and gives back what was removed`() throws {
        files.setCapacity(8192)
        try write("/a", String(repeating: "x", count: 5_000))
        #expect(throws: FileError.self) { try write("/b", "y") }
        #expect(try files.space("/").usable == 0)
        let file = try files.open("/a", .readWrite)
        try file.write([1], at: 8_000)
        try files.remove("/a")
        try write("/b", "y")
        #expect(try files.space("/").usable == 4096)
    }
}
