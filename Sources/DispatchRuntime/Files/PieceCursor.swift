// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// How far a gathered write has got: the operating system may take fewer pieces, or less of one, than it was offered.
struct PieceCursor {
    /// Pieces in one call. The operating systems take at least 1,024 (`IOV_MAX`); these stand on the stack.
    static let vectorsMax = 128

    private let pieces: UnsafeBufferPointer<UnsafeRawBufferPointer>
    /// The first piece that is not written whole; never an empty one.
    private var index = 0
    /// Bytes of it that are written.
    private var done = 0

    init(_ pieces: UnsafeBufferPointer<UnsafeRawBufferPointer>) {
        self.pieces = pieces
        advance(0)
    }

    var isAtEnd: Bool { index == pieces.count }

    /// Notes that `count` more bytes are written.
    mutating func advance(_ count: Int) {
        done += count
        while index < pieces.count, done >= pieces[index].count {
            done -= pieces[index].count
            index += 1
        }
        precondition(index < pieces.count || done == 0, "more is written than there was")
    }

    /// Calls `body` with what comes next, as far as it goes into one call.
    func withVectors<R>(_ body: (UnsafeBufferPointer<iovec>) -> R) -> R {
        withUnsafeTemporaryAllocation(of: iovec.self, capacity: Self.vectorsMax) { vectors in
            var used = 0
            for place in index..<min(pieces.count, index + Self.vectorsMax) {
                let piece = pieces[place]
                let start = place == index ? done : 0
                guard let base = piece.baseAddress, piece.count > start else { continue }
                vectors[used] = iovec(
                    iov_base: UnsafeMutableRawPointer(mutating: base + start), iov_len: piece.count - start)
                used += 1
            }
            return body(UnsafeBufferPointer(rebasing: vectors[..<used]))
        }
    }
}
