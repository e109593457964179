// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime
import Testing

@testable import KafkaStorage

@Suite struct TransactionIndexTests {
    private let files = InMemoryFileSystem(durability: .immediate)
    private let path = "/100.txnindex"

    /// Transactions of one record each, with their markers at base + 1, base + 3 and so on.
    private func entries(_ count: Int, base: Int64 = 100) -> [AbortedTransaction] {
        (0..<Int64(count)).map {
            AbortedTransaction(
                producerID: $0 % 3, firstOffset: base + 2 * $0, lastOffset: base + 2 * $0 + 1,
                lastStableOffset: base + 2 * $0 + 2)
        }
    }

    private func index(_ count: Int) throws -> TransactionIndex {
        var index = TransactionIndex()
        for entry in entries(count) { try index.append([entry], path, files) }
        return index
    }

    private func load(within segment: Range<Int64> = 100..<100_000) throws -> TransactionIndex {
        var index = TransactionIndex()
        index.noteFile()
        try index.load(path, within: segment, files)
        return index
    }

    @Test func `the layout is Kafka's`() throws {
        var index = TransactionIndex()
        try index.append(
            [AbortedTransaction(producerID: 4097, firstOffset: 5, lastOffset: 260, lastStableOffset: 261)], path, files)
        #expect(
            try files.readFile(path) == [
                0, 0, 0, 0, 0, 0, 0, 0, 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0, 0, 0, 0, 1, 5,
            ])
    }

    @Test func `there is no file before the first entry`() throws {
        var index = TransactionIndex()
        try index.append([], path, files)
        try index.trim(path, files)
        var found: [AbortedTransaction] = []
        #expect(try !index.collect(from: 0, upTo: .max, into: &found, path, files))
        #expect(try files.status(path) == nil)
    }

    @Test(arguments: [1, 2, 127, 128, 129, 700])
    func `what was written is found, from any offset and up to any`(count: Int) throws {
        let all = entries(count)
        for index in [try index(count), try load()] {
            for from in stride(from: Int64(99), to: 104 + 2 * Int64(count), by: max(1, count / 20)) {
                for end in [from + 1, from + 7, 100 + Int64(count), .max] {
                    var found: [AbortedTransaction] = []
                    let isComplete = try index.collect(from: from, upTo: end, into: &found, path, files)
                    #expect(found == all.filter { $0.lastOffset >= from && $0.firstOffset < end }, "\(from) \(end)")
                    #expect(isComplete == all.contains { $0.lastOffset >= from && $0.lastStableOffset >= end })
                }
            }
        }
    }

    @Test(arguments: [0, 1, 5, 130, 300])
    func `truncation drops the markers at and above the offset`(kept: Int) throws {
        var index = try index(300)
        try index.truncate(to: 100 + 2 * Int64(kept) + 1, path, files)
        #expect(index.count == kept)
        #expect(try files.status(path)?.size == Int64(kept * 34))
        #expect(try load().count == kept)
        try index.append(
            [AbortedTransaction(producerID: 9, firstOffset: 900, lastOffset: 901, lastStableOffset: 902)], path, files)
        #expect(try load().count == kept + 1)
    }

    @Test func `leftovers of a segment of the same name are overwritten, and cut off`() throws {
        _ = try index(10)
        var index = TransactionIndex()
        index.noteFile()
        index.removeAll()
        try index.append(Array(entries(2)), path, files)
        #expect(try load().count == 2)
        index.removeAll()
        try index.trim(path, files)
        #expect(try files.status(path) == nil)
    }

    @Test func `a failed write leaves no entry`() throws {
        var index = try index(2)
        files.setFault { _, operation, _ in operation == .write ? .noSpace : nil }
        #expect(throws: FileError.self) {
            try index.append(
                [AbortedTransaction(producerID: 9, firstOffset: 900, lastOffset: 901, lastStableOffset: 902)], path,
                files)
        }
        files.setFault(nil)
        #expect(index.count == 2)
        try index.trim(path, files)
        #expect(try load().count == 2)
    }

    private func damage(_ change: (inout [UInt8]) -> Void) throws {
        _ = try index(5)
        var bytes = try #require(try files.readFile(path))
        change(&bytes)
        try files.replaceFile(path, with: bytes)
    }

    @Test func `whatever cannot be a list of aborted transactions is told from one`() throws {
        let damages: [(String, (inout [UInt8]) -> Void)] = [
            ("a part of an entry", { $0.removeLast(5) }),
            ("more than whole entries", { $0 += [0] }),
            ("zeros behind the entries", { $0 += [UInt8](repeating: 0, count: 340) }),
            ("only zeros", { $0 = [UInt8](repeating: 0, count: $0.count) }),
            ("zeros in the middle", { $0.replaceSubrange(34..<68, with: [UInt8](repeating: 0, count: 34)) }),
            ("another version", { $0[35] = 1 }),
            ("a negative producer", { $0[36] = 0x80 }),
            ("entries out of order", { $0.replaceSubrange(68..<102, with: $0[0..<34]) }),
            ("a marker before its records", { $0[34 + 25] = 0 }),
            ("a marker of a later segment", { $0[4 * 34 + 23] = 1 }),
        ]
        for (name, change) in damages {
            try damage(change)
            #expect(throws: StorageError.self, "\(name)") { try load(within: 100..<200) }
        }
    }

    @Test func `no flipped bit makes a marker or a version that the check takes`() throws {
        for bit in 0..<(5 * 34 * 8) {
            try damage { $0[bit / 8] ^= 1 << UInt8(bit % 8) }
            // The producer, and small changes of offsets, cannot be told from good ones; all else is.
            if let loaded = try? load(within: 100..<110) {
                #expect(loaded.count == 5)
                #expect(loaded.lastOffset < 110)
            }
        }
    }
}
