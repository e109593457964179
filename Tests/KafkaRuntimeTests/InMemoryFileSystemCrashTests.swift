// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime
import Synchronization
import Testing

/// SplitMix64.
final class TestRandom: RandomSource {
    private let state: Mutex<UInt64>

    init(seed: UInt64) { state = Mutex(seed) }

    func next() -> UInt64 {
        state.withLock { state in
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }
}

/// What a crash takes, what it tears and what it must leave.
@Suite struct InMemoryFileSystemCrashTests {
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

    /// What `look` sees after crashes with many seeds, each of a world that `prepare` has made.
    private func outcomes<R: Hashable>(
        seeds: Range<UInt64> = 0..<200, _ prepare: (InMemoryFileSystem) throws -> Void,
        _ look: (InMemoryFileSystem) throws -> R
    ) throws -> Set<R> {
        var found: Set<R> = []
        for seed in seeds {
            let files = InMemoryFileSystem()
            try prepare(files)
            files.crash(.some(random: TestRandom(seed: seed)))
            found.insert(try look(files))
        }
        return found
    }

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
        files.crash(.some(random: TestRandom(seed: seed)))
        let bytes = try #require(try files.readFile("/f"))
        #expect((6_000...12_000).contains(bytes.count))
        // The third page may hold what stood on the disk before.
        #expect(bytes.prefix(8_192).allSatisfy { $0 <= 2 })
        #expect(bytes.prefix(6_000).allSatisfy { $0 != 0 })
        for sector in 0..<6_000 / 512 { #expect(Set(bytes[sector * 512..<sector * 512 + 512]).count == 1) }
    }

    // MARK: The process alone

    @Test func `what survives the process is still not synced`() throws {
        try write("/a", "content")
        try files.syncDirectory("/")
        files.crash(.everything)
        #expect(try text("/a") == "content")
        try write("/b", "another", sync: true)
        files.crash(.everything)
        files.crash(.nothing)
        #expect(try files.list("/") == ["a"])
        #expect(try text("/a") == "")
    }

    // MARK: Contents

    @Test func `a page is torn at any sectors`() throws {
        let found = try outcomes { files in
            let file = try files.open("/f", .createNew)
            try file.write([UInt8](repeating: 1, count: 4096), at: 0)
            try file.sync()
            try files.syncDirectory("/")
            try file.write([UInt8](repeating: 2, count: 4096), at: 0)
        } _: { files in
            let bytes = try #require(try files.readFile("/f"))
            return try stride(from: 0, to: 4096, by: 512).map { start in
                let sector = Set(bytes[start..<start + 512])
                try #require(sector == [1] || sector == [2])
                return sector == [2]
            }
        }
        // Both whole outcomes, and new sectors behind old ones.
        #expect(found.contains { $0.allSatisfy { $0 } })
        #expect(found.contains { !$0.contains(true) })
        #expect(found.contains { !$0[0] && $0[7] })
        #expect(found.count > 20)
    }

    @Test func `the size and the content of what was appended survive apart from each other`() throws {
        let found = try outcomes { files in
            let file = try files.open("/f", .createNew)
            try files.syncDirectory("/")
            try file.write([UInt8](repeating: 2, count: 8192), at: 0)
        } _: { files in
            let bytes = try #require(try files.readFile("/f"))
            return [bytes.count == 8192, bytes.count == 0, bytes.contains(0), bytes.contains { $0 > 2 }]
        }
        #expect(found.contains([true, false, false, false]))
        #expect(found.contains([false, true, false, false]))
        // The size is new and the content is not, or is what stood on the disk before.
        #expect(found.contains([true, false, true, false]))
        #expect(found.contains { $0[3] })
    }

    @Test func `cutting is not durable before a sync, nor is what was written instead`() throws {
        let found = try outcomes { files in
            let file = try files.open("/f", .createNew)
            try file.write([UInt8](repeating: 1, count: 1024), at: 0)
            try file.sync()
            try files.syncDirectory("/")
            try file.truncate(to: 0)
            try file.write([UInt8](repeating: 2, count: 600), at: 0)
        } _: { files in
            let bytes = try #require(try files.readFile("/f"))
            return bytes.isEmpty ? [] : [bytes.count == 1024 ? 1 : 0, bytes[0], bytes[bytes.count - 1]]
        }
        // As before, as after, empty in between, and the new beginning with the old end.
        #expect(found.contains([1, 1, 1]))
        #expect(found.contains([0, 2, 2]))
        #expect(found.contains([]))
        #expect(found.contains { $0.first == 1 && $0[1] == 2 })
        let file = try files.open("/f", .createNew)
        try files.syncDirectory("/")
        try file.write([1, 2, 3], at: 0)
        try file.sync()
        try file.truncate(to: 1)
        try file.sync()
        files.crash(.nothing)
        #expect(try files.readFile("/f") == [1])
    }

    @Test(arguments: 0..<50 as Range<UInt64>)
    func `what was synced is there whatever the seed`(seed: UInt64) throws {
        let file = try files.open("/f", .createNew)
        let bytes = (0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        try file.write(bytes, at: 0)
        try file.sync()
        try files.syncDirectory("/")
        try file.write([UInt8](repeating: 0, count: 9_000), at: 16_384)
        files.crash(.some(random: TestRandom(seed: seed)))
        #expect(try files.readFile("/f")?.prefix(16_384) == bytes.prefix(16_384))
    }

    // MARK: Names

    @Test func `names of different directories survive apart from each other, in order within one`() throws {
        let found = try outcomes { files in
            try files.createDirectory("/a")
            try files.createDirectory("/b")
            try files.syncDirectory("/")
            for name in ["1", "2"] {
                _ = try files.open("/a/\(name)", .createNew)
                _ = try files.open("/b/\(name)", .createNew)
            }
        } _: { files in
            [try files.list("/a").joined(), try files.list("/b").joined()]
        }
        #expect(found.contains(["12", ""]))
        #expect(found.contains(["", "12"]))
        #expect(found.contains(["12", "12"]))
        // Without a journal, not even those of one directory are in order.
        #expect(found.contains { $0[0] == "2" })
    }

    @Test func `a rename is done or not, whatever the content`() throws {
        let found = try outcomes { files in
            try files.createDirectory("/d")
            try files.syncDirectory("/")
            let target = try files.open("/d/t", .createNew)
            try target.write([1], at: 0)
            try target.sync()
            try files.syncDirectory("/d")
            let file = try files.open("/d/t.tmp", .createNew)
            try file.write([2], at: 0)
            try files.rename("/d/t.tmp", to: "/d/t")
        } _: { files in
            [try files.list("/d").joined(separator: " "), "\(try files.readFile("/d/t") ?? [])"]
        }
        #expect(found.contains(["t", "[1]"]))
        #expect(found.contains(["t", "[2]"]))
        #expect(found.contains(["t t.tmp", "[1]"]))
        // The name is there and its content, which was not synced, is not.
        #expect(found.contains(["t", "[]"]))
        #expect(!found.contains { $0[0] == "t.tmp" || $0[0] == "" })
    }

    @Test func `a rename between directories is never half done`() throws {
        let found = try outcomes { files in
            try files.createDirectory("/a")
            try files.createDirectory("/b")
            _ = try files.open("/a/f", .createNew)
            for name in ["/", "/a", "/b"] { try files.syncDirectory(name) }
            try files.rename("/a/f", to: "/b/f")
            _ = try files.open("/a/g", .createNew)
        } _: { files in
            [try files.list("/a").joined(), try files.list("/b").joined()]
        }
        #expect(found.isSuperset(of: [["f", ""], ["", "f"], ["g", "f"]]))
        #expect(found.allSatisfy { ($0[0].contains("f") ? 1 : 0) + ($0[1].contains("f") ? 1 : 0) == 1 })
        try files.createDirectory("/a")
        try files.createDirectory("/b")
        _ = try files.open("/a/f", .createNew)
        for name in ["/", "/a", "/b"] { try files.syncDirectory(name) }
        try files.rename("/a/f", to: "/b/f")
        try files.syncDirectory("/a")
        files.crash(.nothing)
        #expect(try files.list("/a") == [])
        #expect(try files.list("/b") == ["f"])
    }

    @Test func `removals come back, of a whole tree in parts`() throws {
        let found = try outcomes { files in
            try files.createDirectory("/d")
            for name in ["1", "2"] { _ = try files.open("/d/\(name)", .createNew) }
            try files.syncDirectory("/")
            try files.syncDirectory("/d")
            try files.removeTree("/d")
        } _: { files in
            try files.status("/d") == nil ? "gone" : try files.list("/d").joined()
        }
        #expect(found.isSuperset(of: ["gone", "", "2", "12"]))
    }

    @Test func `a directory that is not durable takes along what was synced in it`() throws {
        try files.createDirectory("/d")
        try write("/d/f", "content", sync: true)
        try files.syncDirectory("/d")
        files.crash(.nothing)
        #expect(try files.list("/") == [])
    }

    @Test func `a file keeps its content under whatever name it has`() throws {
        try write("/a", "first", sync: true)
        try files.syncDirectory("/")
        try files.rename("/a", to: "/b")
        let file = try files.open("/b", .readWrite)
        try file.write(Array("FIRST".utf8), at: 0)
        try file.sync()
        files.crash(.nothing)
        #expect(try files.list("/") == ["a"])
        #expect(try text("/a") == "FIRST")
    }

    // MARK: Failed syncs

    @Test func `pages that a failed sync dropped count as written and are not`() throws {
        var kept: Set<Int> = []
        for seed in 0..<20 as Range<UInt64> {
            let files = InMemoryFileSystem()
            files.setFaultRandom(TestRandom(seed: seed))
            let file = try files.open("/f", .createNew)
            try file.write([UInt8](repeating: 1, count: 10 * 4096), at: 0)
            try file.sync()
            try files.syncDirectory("/")
            try file.write([UInt8](repeating: 2, count: 10 * 4096), at: 0)
            files.failCall(after: 0, with: .inputOutput)
            #expect(throws: FileError.self) { try file.sync() }
            // Who reads sees nothing of it, and who syncs again is told that all is well.
            #expect(try file.readBytes(at: 0, count: 40_960).allSatisfy { $0 == 2 })
            try file.sync()
            files.crash(seed % 2 == 0 ? .nothing : .everything)
            let bytes = try #require(try files.readFile("/f"))
            kept.insert(bytes.count { $0 == 2 } / 4096)
        }
        #expect(kept.contains { $0 < 10 })
        #expect(kept.count > 2)
    }

    @Test func `a dropped page that is written again is synced again`() throws {
        for seed in 0..<20 as Range<UInt64> {
            let files = InMemoryFileSystem()
            files.setFaultRandom(TestRandom(seed: seed))
            let file = try files.open("/f", .createNew)
            try files.syncDirectory("/")
            try file.write([UInt8](repeating: 2, count: 4096), at: 0)
            files.failCall(after: 0, with: .inputOutput)
            #expect(throws: FileError.self) { try file.sync() }
            try file.write([3], at: 0)
            try file.sync()
            files.crash(.nothing)
            #expect(try files.readFile("/f") == [3] + [UInt8](repeating: 2, count: 4095))
        }
    }

    @Test func `without a source of chance a failed sync leaves all to be written`() throws {
        let file = try files.open("/f", .createNew)
        try files.syncDirectory("/")
        try file.write([2], at: 0)
        files.failCall(after: 0, with: .inputOutput)
        #expect(throws: FileError.self) { try file.sync() }
        try file.sync()
        files.crash(.nothing)
        #expect(try files.readFile("/f") == [2])
    }

    @Test func `the same seed leaves the same`() throws {
        func run() throws -> [String] {
            let files = InMemoryFileSystem()
            for number in 0..<20 {
                try files.createDirectory("/d\(number)")
                let file = try files.open("/d\(number)/f", .createNew)
                try file.write([UInt8](repeating: UInt8(number), count: 3_000 * number), at: 0)
                if number % 3 == 0 { try files.syncDirectory("/d\(number)") }
            }
            files.crash(.some(random: TestRandom(seed: 3)))
            return try files.list("/").map { "\($0) \(try files.readFile("/\($0)/f") ?? [])" }
        }
        #expect(try run() == run())
    }
}
