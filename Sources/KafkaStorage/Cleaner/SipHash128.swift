// SPDX-License-Identifier: Apache-2.0

/// SipHash-2-4 with a result of 128 bits (Aumasson and Bernstein; the 128-bit variant of their reference).
///
/// The cleaner knows a key only by its hash, so two keys of one hash would cost a record. 128 bits make that impossible
/// by chance, and the secret, drawn anew for every cleaning, impossible on purpose: who does not know it cannot make
/// keys collide. Apache Kafka takes MD5 here, which is slower and for which collisions are made in seconds; the hash
/// never reaches a file, so that each broker may have its own. About a nanosecond for each byte of a short key.
struct SipHash128 {
    /// A hash, in the two halves in which the reference writes it (each little-endian).
    struct Hash: Equatable, Sendable {
        var low: UInt64
        var high: UInt64
    }

    private let key0: UInt64
    private let key1: UInt64

    init(key0: UInt64, key1: UInt64) {
        self.key0 = key0
        self.key1 = key1
    }

    func hash(_ bytes: UnsafeRawBufferPointer) -> Hash {
        var state = State(key0, key1)
        let tail = bytes.count & ~7
        var position = 0
        while position < tail {
            state.absorb(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)))
            position += 8
        }
        var last = UInt64(truncatingIfNeeded: bytes.count) << 56
        var shift: UInt64 = 0
        while position < bytes.count {
            last |= UInt64(bytes[position]) << shift
            shift += 8
            position += 1
        }
        state.absorb(last)
        return state.finish()
    }

    private struct State {
        var v0: UInt64
        var v1: UInt64
        var v2: UInt64
        var v3: UInt64

        @inline(__always)
        init(_ key0: UInt64, _ key1: UInt64) {
            v0 = key0 ^ 0x736F_6D65_7073_6575
            v1 = key1 ^ 0x646F_7261_6E64_6F6D ^ 0xEE
            v2 = key0 ^ 0x6C79_6765_6E65_7261
            v3 = key1 ^ 0x7465_6462_7974_6573
        }

        @inline(__always)
        mutating func absorb(_ word: UInt64) {
            v3 ^= word
            round()
            round()
            v0 ^= word
        }

        @inline(__always)
        mutating func finish() -> Hash {
            v2 ^= 0xEE
            for _ in 0..<4 { round() }
            let low = v0 ^ v1 ^ v2 ^ v3
            v1 ^= 0xDD
            for _ in 0..<4 { round() }
            return Hash(low: low, high: v0 ^ v1 ^ v2 ^ v3)
        }

        @inline(__always)
        private mutating func round() {
            v0 &+= v1
            v1 = Self.rotate(v1, 13) ^ v0
            v0 = Self.rotate(v0, 32)
            v2 &+= v3
            v3 = Self.rotate(v3, 16) ^ v2
            v0 &+= v3
            v3 = Self.rotate(v3, 21) ^ v0
            v2 &+= v1
            v1 = Self.rotate(v1, 17) ^ v2
            v2 = Self.rotate(v2, 32)
        }

        @inline(__always)
        private static func rotate(_ value: UInt64, _ count: UInt64) -> UInt64 {
            (value &<< count) | (value &>> (64 &- count))
        }
    }
}
