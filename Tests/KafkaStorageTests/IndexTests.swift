// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime
import Testing

@testable import KafkaStorage

@Suite struct OffsetIndexTests {
    private let files = InMemoryFileSystem(durability: .immediate)

    private func index(_ entries: Int, maximumBytes: Int = 1 << 20, base: Int64 = 100) throws -> OffsetIndex {
        var index = OffsetIndex(path: "/index", baseOffset: base, maximumBytes: maximumBytes)
        try index.create(files)
        for number in 0..<entries {
            if index.needsRoom { try index.writePending(files) }
            index.append(offset: base + Int64(number + 1) * 10, position: Int64(number + 1) * 1000)
        }
        return index
    }

    @Test func `the file is a hole of full size until it is trimmed`() throws {
        var index = try index(3, maximumBytes: 1003)
        #expect(try files.status("/index")?.size == 1000)
        try index.trim(files)
        #expect(
            try files.readFile("/index") == [
                0, 0, 0, 10, 0, 0, 3, 232, 0, 0, 0, 20, 0, 0, 7, 208, 0, 0, 0, 30, 0, 0, 11, 184,
            ])
    }

    @Test(arguments: [0, 1, 2, 127, 128, 129, 300, 1024, 1025, 5000])
    func `lookup finds the greatest entry not above the target`(count: Int) throws {
        var index = try index(count)
        for target in stride(from: Int64(95), to: 100 + Int64(count + 3) * 10, by: count > 300 ? 97 : 3) {
            let number = min(max((target - 100) / 10, 0), Int64(count))
            let found = try index.lookup(target, files)
            #expect(found == .init(offset: 100 + (number == 0 ? 0 : number * 10), position: number * 1000), "\(target)")
        }
    }

    @Test func `who reads on finds the next entries in memory`() throws {
        var index = try index(5_000)
        try index.trim(files)
        let first = try index.lookup(100 + 15_000, files)
        // Reading the file would show that it is cut.
        try files.open("/index", .readWrite).truncate(to: 0)
        for step in Int64(0)..<50 {
            let found = try index.lookup(first.offset + step * 10 + 9, files)
            #expect(found == .init(offset: first.offset + step * 10, position: first.position + step * 1000))
        }
        #expect(index.count == 5_000)
        #expect(try index.lookup(100 + 45_000, files) == .init(offset: 100, position: 0))
        #expect(index.count == 0)
    }

    @Test(arguments: UInt64(0)..<30)
    func `lookups between changes find what a list of the entries has`(seed: UInt64) throws {
        let random = SeededRandom(seed: seed)
        var index = try index(0, maximumBytes: 1 << 20)
        var entries: [OffsetIndex.Entry] = []
        func last(upTo offset: Int64) -> OffsetIndex.Entry {
            entries.last { $0.offset <= offset } ?? .init(offset: 100, position: 0)
        }
        for _ in 0..<300 {
            let end = entries.last ?? .init(offset: 100, position: 0)
            switch random.below(10) {
            case 0..<3:
                for step in 1...(1 + random.below(300)) {
                    if index.needsRoom { try index.writePending(files) }
                    let entry = OffsetIndex.Entry(offset: end.offset + step * 3, position: end.position + step * 7)
                    index.append(offset: entry.offset, position: entry.position)
                    entries.append(entry)
                }
            case 3: try index.writePending(files)
            case 4:
                if random.below(2) == 0 {
                    index.release()
                } else {
                    let offset = max(100, end.offset - random.below(1_500))
                    try index.truncate(to: offset, files)
                    entries.removeAll { $0.offset >= offset }
                }
            default:
                var offset = 99 + random.below(end.offset - 90)
                for _ in 0..<20 {
                    #expect(try index.lookup(offset, files) == last(upTo: offset))
                    offset += random.below(40)
                }
            }
        }
        #expect(entries.count > 600)
    }

    @Test func `an index that was trimmed and opened again has the same entries`() throws {
        var index = try index(400)
        try index.trim(files)
        var again = OffsetIndex(path: "/index", baseOffset: 100, maximumBytes: 1 << 20)
        #expect(try again.lastEntry(files) == .init(offset: 4100, position: 400_000))
        #expect(again.count == 400)
        again.append(offset: 5000, position: 500_000)
        try again.writePending(files)
        #expect(try files.status("/index")?.size == 1 << 20)
        #expect(try again.lookup(4999, files) == .init(offset: 4100, position: 400_000))
        #expect(try again.lookup(5000, files) == .init(offset: 5000, position: 500_000))
    }

    @Test(arguments: [1, 2, 100, 128, 129, 333])
    func `zeros behind the entries are not counted`(count: Int) throws {
        var index = try index(count)
        try index.writePending(files)
        var again = OffsetIndex(path: "/index", baseOffset: 100, maximumBytes: 1 << 20)
        try again.load(files)
        #expect(again.count == count)
        #expect(try again.lastEntry(files).offset == 100 + Int64(count) * 10)
    }

    @Test func `a missing file has no entries`() throws {
        var index = OffsetIndex(path: "/none", baseOffset: 7, maximumBytes: 800)
        #expect(try index.lookup(50, files) == .init(offset: 7, position: 0))
        #expect(try index.lastEntry(files) == .init(offset: 7, position: 0))
    }

    @Test func `it is full when no entry fits any more`() throws {
        var index = try index(4, maximumBytes: 47)
        #expect(!index.isFull)
        index.append(offset: 999, position: 9999)
        #expect(index.isFull)
    }

    @Test(arguments: [(0, 0), (109, 0), (110, 0), (111, 1), (2000, 189), (4101, 400)])
    func `truncation drops the entries at and above the offset`(offset: Int64, kept: Int) throws {
        var index = try index(400)
        try index.truncate(to: offset, files)
        #expect(index.count == kept)
        #expect(try index.lastEntry(files).offset == (kept == 0 ? 100 : 100 + Int64(kept) * 10))
        index.append(offset: 9000, position: 900_000)
        #expect(try index.lookup(9000, files).position == 900_000)
        try index.trim(files)
        #expect(try files.status("/index")?.size == Int64(kept + 1) * 8)
    }

    @Test func `a full disk gives an error and loses no entry`() throws {
        var index = try index(560)
        files.setCapacity(0)
        #expect(throws: FileError.self) {
            for _ in 0..<5 { try index.writePending(files) }
        }
        files.setCapacity(nil)
        #expect(try index.lookup(1000, files).offset == 1000)
        #expect(index.count == 560)
    }

    @Test func `a check finds entries that do not ascend or point beyond the segment`() throws {
        var index = try index(10)
        try index.trim(files)
        try index.check(segmentBytes: 10_001, files)
        #expect(throws: FileError.self) { try index.check(segmentBytes: 10_000, files) }
        let file = try files.open("/index", .readWrite)
        try file.write([0, 0, 0, 0], at: 40)
        #expect(throws: FileError.self) { try index.check(segmentBytes: 10_001, files) }
        try file.truncate(to: 77)
        #expect(throws: FileError.self) { try index.check(segmentBytes: 10_001, files) }
    }

    @Test func `an append that does not ascend is a programmer error`() async {
        await #expect(processExitsWith: .failure) {
            let files = InMemoryFileSystem()
            var index = OffsetIndex(path: "/index", baseOffset: 0, maximumBytes: 800)
            try index.create(files)
            index.append(offset: 5, position: 10)
            index.append(offset: 5, position: 20)
        }
    }
}

@Suite struct TimeIndexTests {
    private let files = InMemoryFileSystem(durability: .immediate)

    private func index(_ stamps: [(Int64, Int64)], maximumBytes: Int = 1200) throws -> TimeIndex {
        var index = TimeIndex(path: "/timeindex", baseOffset: 100, maximumBytes: maximumBytes)
        try index.create(files)
        for (timestamp, offset) in stamps { index.appendIfGrown(timestamp: timestamp, offset: offset) }
        return index
    }

    @Test func `a check finds entries that do not ascend, and zeros`() throws {
        for stamps in [[(258, 101)], [(258, 101), (65536, 110)], [(1, 100)]] as [[(Int64, Int64)]] {
            var index = try index(stamps)
            try index.trim(files)
            try index.check(files)
            let file = try files.open("/timeindex", .readWrite)
            try file.write([UInt8](repeating: 0, count: 12), at: Int64(stamps.count - 1) * 12)
            #expect(throws: FileError.self) { try index.check(files) }
        }
    }

    @Test func `entries are twelve bytes of timestamp and relative offset`() throws {
        var index = try index([(258, 101), (65536, 110)])
        #expect(try files.status("/timeindex")?.size == 1200)
        try index.trim(files)
        #expect(
            try files.readFile("/timeindex") == [
                0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 10,
            ])
    }

    @Test func `only growing timestamps get an entry`() throws {
        var index = try index([(10, 101), (10, 102), (9, 103), (11, 104)])
        #expect(index.count == 2)
        #expect(try index.lastEntry(files) == .init(timestamp: 11, offset: 104))
        index.appendIfGrown(timestamp: -1, offset: 105)
        #expect(index.count == 2)
    }

    @Test func `one place is kept for the last entry of the segment`() throws {
        var index = try index([(1, 101), (2, 102), (3, 103)], maximumBytes: 40)
        #expect(index.count == 2)
        #expect(index.isFull)
        index.appendIfGrown(timestamp: 9, offset: 109, closing: true)
        #expect(index.count == 3)
        index.appendIfGrown(timestamp: 10, offset: 110, closing: true)
        #expect(index.count == 3)
        #expect(try index.lastEntry(files) == .init(timestamp: 9, offset: 109))
    }

    @Test(arguments: [(9, -1, 100), (10, 10, 101), (15, 10, 101), (20, 20, 105), (99, 20, 105)])
    func `lookup finds the greatest timestamp not above the target`(target: Int64, timestamp: Int64, offset: Int64)
        throws
    {
        var index = try index([(10, 101), (20, 105)])
        #expect(try index.lookup(target, files) == .init(timestamp: timestamp, offset: offset))
    }

    @Test func `truncation drops the entries at and above the offset`() throws {
        var index = try index([(10, 101), (20, 105), (30, 110)])
        try index.truncate(to: 105, files)
        #expect(try index.lastEntry(files) == .init(timestamp: 10, offset: 101))
    }

    @Test func `zeros behind the entries are not counted`() throws {
        var index = try index([(10, 101), (20, 105)])
        try index.writePending(files)
        var again = TimeIndex(path: "/timeindex", baseOffset: 100, maximumBytes: 1200)
        #expect(try again.lastEntry(files) == .init(timestamp: 20, offset: 105))
        #expect(again.count == 2)
    }
}
