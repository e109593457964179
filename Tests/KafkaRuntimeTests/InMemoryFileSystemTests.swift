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

    private struct Xorshift: RandomSource {
        let seed: UInt64
        // A constant source is random enough for drawing one outcome.
        func next() -> UInt64 { seed }
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

    @Test func `a map is the file's memory`() throws {
        let file = try files.open("/f", .createNew)
        try file.write([1, 2, 3, 4], at: 0)
        #expect(throws: FileError.self) { _ = try file.map(length: 5) }
        try file.truncate(to: 10_000)
        let map = try file.map(length: 9_000)
        #expect(map.bytes.count == 9_000)
        #expect(map.bytes[2] == 3)
        try file.write([9], at: 8_000)
        #expect(map.bytes[8_000] == 9)
        map.bytes[5] = 77
        #expect(try file.readBytes(at: 5, count: 1) == [77])
        try file.truncate(to: 4)
        try file.truncate(to: 100)
        #expect(try file.readBytes(at: 5, count: 1) == [0])
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

    // MARK: Crashes

    @Test func `a crash takes what was not synced`() throws {
        try files.createDirectory("/d")
        try write("/d/synced", "keep", sync: true)
        try write("/d/unsynced", "lose")
        try files.syncDirectory("/")
        try files.syncDirectory("/d")
        try write("/d/unnamed", "name not synced", sync: true)
        let file = try files.open("/d/synced", .readWrite)
        try file.write(Array("KEEP and more".utf8), at: 0)
        files.crash(.nothing)
        #expect(try text("/d/synced") == "keep")
        #expect(try text("/d/unsynced") == "")
        #expect(try files.status("/d/unnamed") == nil)
        #expect(throws: FileError.self) { try file.write([1], at: 0) }
    }

    @Test func `a crash undoes renames and removals that were not synced`() throws {
        try write("/a", "a", sync: true)
        try write("/b", "b", sync: true)
        try files.syncDirectory("/")
        try files.rename("/a", to: "/c")
        try files.remove("/b")
        files.crash(.nothing)
        #expect(try files.list("/") == ["a", "b"])
        #expect(try text("/b") == "b")
    }

    @Test func `the death of a process alone takes nothing`() throws {
        try write("/a", "content")
        files.crash(.everything)
        #expect(try text("/a") == "content")
    }

    @Test(arguments: 0..<64)
    func `a crash in between leaves old or new pages and a size between`(seed: UInt64) throws {
        let file = try files.open("/f", .createNew)
        try file.write([UInt8](repeating: 1, count: 6_000), at: 0)
        try file.sync()
        try files.syncDirectory("/")
        try file.write([UInt8](repeating: 2, count: 12_000), at: 0)
        files.crash(.some(random: Xorshift(seed: seed &* 0x9E37_79B9)))
        let bytes = try #require(try files.readFile("/f"))
        #expect((6_000...12_000).contains(bytes.count))
        #expect(bytes.allSatisfy { $0 <= 2 })
        #expect(bytes.prefix(6_000).allSatisfy { $0 != 0 })
    }

    @Test func `what is mapped is lost like what is written, and kept like it`() throws {
        let file = try files.open("/f", .createNew)
        try file.truncate(to: 4096)
        try file.sync()
        try files.syncDirectory("/")
        let map = try file.map(length: 4096)
        map.bytes[0] = 5
        try map.sync()
        map.bytes[1] = 6
        files.crash(.nothing)
        #expect(try files.readFile("/f")?.prefix(2) == [5, 0])
        map.bytes[2] = 9
        #expect(try files.readFile("/f")?[2] == 0)
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
