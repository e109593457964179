// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import DispatchRuntime

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite struct PieceCursorTests {
    /// What a file holds that takes `takes[n]` bytes in the n-th call, and then everything.
    private func written(_ pieces: [[UInt8]], takes: [Int]) -> (bytes: [UInt8], calls: Int) {
        var bytes: [UInt8] = []
        var calls = 0
        let memory = pieces.map { piece in
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: piece.count, alignment: 1)
            copy.copyBytes(from: piece)
            return UnsafeRawBufferPointer(copy)
        }
        defer { for piece in memory { piece.deallocate() } }
        memory.withUnsafeBufferPointer { memory in
            var cursor = PieceCursor(memory)
            while !cursor.isAtEnd {
                let taken = cursor.withVectors { vectors -> Int in
                    #expect(!vectors.isEmpty && vectors.count <= PieceCursor.vectorsMax)
                    let offered = vectors.flatMap {
                        [UInt8](UnsafeRawBufferPointer(start: $0.iov_base, count: Int($0.iov_len)))
                    }
                    let taken = calls < takes.count ? min(takes[calls], offered.count) : offered.count
                    bytes += offered[..<taken]
                    return taken
                }
                cursor.advance(taken)
                calls += 1
            }
        }
        return (bytes, calls)
    }

    @Test func `a write that stops at any byte is continued there`() {
        let pieces: [[UInt8]] = [[], [1], [2, 3, 4], [], [], [5, 6], [7], []]
        for first in 0...7 {
            for second in 0...7 {
                #expect(written(pieces, takes: [first, second]).bytes == [1, 2, 3, 4, 5, 6, 7])
            }
        }
    }

    @Test func `more pieces than a call takes go out in several`() {
        let pieces = (0..<(3 * PieceCursor.vectorsMax)).map { [UInt8(truncatingIfNeeded: $0), 0] }
        let (bytes, calls) = written(pieces, takes: [])
        #expect(bytes == pieces.flatMap { $0 })
        #expect(calls == 3)
    }

    @Test(arguments: [[], [[]], [[], []]] as [[[UInt8]]])
    func `nothing is nothing`(_ pieces: [[UInt8]]) {
        #expect(written(pieces, takes: []).calls == 0)
    }
}
