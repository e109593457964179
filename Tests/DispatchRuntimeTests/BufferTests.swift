// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime
import Testing

@testable import DispatchRuntime

@Suite struct BufferPoolTests {
    @Test(arguments: [(0, 512), (1, 512), (512, 512), (513, 1_024), (65_536, 65_536), (65_537, 131_072)])
    func `buffers have the size of the next power of two`(minimum: Int, size: Int) {
        var pool = BufferPool()
        let buffer = pool.acquire(minimum)
        #expect(buffer?.count == size)
        if let buffer { pool.release(buffer) }
        #expect(keptBytes(&pool) == size)
    }

    @Test func `a released buffer is used again`() throws {
        var pool = BufferPool()
        let first = try acquire(100_000, &pool)
        pool.release(first)
        let second = try acquire(70_000, &pool)
        #expect(first.baseAddress == second.baseAddress)
        #expect(keptBytes(&pool) == 0)
        pool.release(second)
    }

    @Test func `no more than eight megabytes are kept, and trimming keeps less`() throws {
        var pool = BufferPool()
        let buffers = try (0..<20).map { _ in try acquire(1 << 20, &pool) }
        for buffer in buffers { pool.release(buffer) }
        #expect(keptBytes(&pool) == 8 << 20)
        pool.trim(to: 2 << 20)
        #expect(keptBytes(&pool) == 2 << 20)
        let huge = try acquire(5 << 20, &pool)
        pool.release(huge)
        #expect(keptBytes(&pool) == 2 << 20)
        pool.trim(to: 0)
        #expect(keptBytes(&pool) == 0)
    }

    // The expectation macro cannot hold a value that is not copyable.
    private func acquire(_ size: Int, _ pool: inout BufferPool) throws -> UnsafeMutableRawBufferPointer {
        let buffer = pool.acquire(size)
        return try #require(buffer)
    }

    private func keptBytes(_ pool: inout BufferPool) -> Int { pool.keptBytes }
}

@Suite struct InputBufferTests {
    @Test func `an announced length alone reserves no more than four megabytes`() {
        var pool = BufferPool()
        var input = InputBuffer()
        let head = pattern(100)
        let hasMemory = head.withUnsafeBytes { input.append($0, needed: 100 << 20, pool: &pool) }
        #expect(hasMemory)
        #expect(input.room.count <= 4 << 20)
        #expect(!input.isWorthShowing)
        #expect(Array(input.bytes) == head)
        input.release(pool: &pool)
    }

    @Test func `it grows as the bytes arrive, and never past what is needed`() {
        var pool = BufferPool()
        var input = InputBuffer()
        let content = pattern(9 << 20)
        _ = content.withUnsafeBytes { bytes in
            input.append(UnsafeRawBufferPointer(rebasing: bytes[..<10]), needed: bytes.count, pool: &pool)
        }
        while !input.isWorthShowing {
            let grown = input.makeRoom(1, pool: &pool)
            #expect(grown)
            let start = input.count
            let count = input.room.count
            input.room.copyBytes(from: content[start..<(start + count)])
            input.filled(count)
        }
        #expect(input.count == content.count)
        #expect(input.bytes.elementsEqual(content))
        input.release(pool: &pool)
    }

    @Test func `a small rest does not hold a large buffer`() {
        var pool = BufferPool()
        var input = InputBuffer()
        let content = pattern(1 << 20)
        _ = content.withUnsafeBytes { input.append($0, pool: &pool) }
        _ = input.consume(content.count - 7, needed: 20, pool: &pool)
        #expect(input.bytes.elementsEqual(content.suffix(7)))
        let kept = pool.keptBytes
        #expect(kept == 1 << 20)
        #expect(input.room.count == 13)
        _ = input.consume(7, needed: 0, pool: &pool)
        #expect(input.isEmpty)
        #expect(input.room.count == 0)
    }
}

@Suite struct SocketTableTests {
    private final class Target: ReactorSocket {}

    @Test func `a token finds its socket until it is removed, and never the next one`() {
        var table = SocketTable()
        let (first, second, third) = (Target(), Target(), Target())
        let tokens = [table.insert(first), table.insert(second)]
        #expect(table[tokens[0]] === first)
        #expect(table[tokens[1]] === second)
        table.remove(tokens[0])
        table.remove(tokens[0])
        #expect(table[tokens[0]] == nil)
        let reused = table.insert(third)
        #expect(table[reused] === third)
        #expect(table[tokens[0]] == nil)
        #expect(table[tokens[1]] === second)
    }
}
