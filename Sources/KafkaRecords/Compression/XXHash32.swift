// SPDX-License-Identifier: Apache-2.0

/// xxHash of 32 bits with seed 0: the checksum in the header of an LZ4 frame.
enum XXHash32 {
    private static let primes: (UInt32, UInt32, UInt32, UInt32, UInt32) = (
        0x9E37_79B1, 0x85EB_CA77, 0xC2B2_AE3D, 0x27D4_EB2F, 0x1656_67B1
    )

    static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var position = 0
        var hash: UInt32
        if bytes.count >= 16 {
            var lanes = SIMD4<UInt32>(primes.0 &+ primes.1, primes.1, 0, 0 &- primes.0)
            while position + 16 <= bytes.count {
                for lane in 0..<4 {
                    let mixed = lanes[lane] &+ word(bytes, position + lane * 4) &* primes.1
                    lanes[lane] = rotate(mixed, 13) &* primes.0
                }
                position += 16
            }
            hash = rotate(lanes[0], 1) &+ rotate(lanes[1], 7) &+ rotate(lanes[2], 12) &+ rotate(lanes[3], 18)
        } else {
            hash = primes.4
        }
        hash &+= UInt32(truncatingIfNeeded: bytes.count)
        while position + 4 <= bytes.count {
            hash = rotate(hash &+ word(bytes, position) &* primes.2, 17) &* primes.3
            position += 4
        }
        while position < bytes.count {
            hash = rotate(hash &+ UInt32(bytes[position]) &* primes.4, 11) &* primes.0
            position += 1
        }
        hash = (hash ^ (hash >> 15)) &* primes.1
        hash = (hash ^ (hash >> 13)) &* primes.2
        return hash ^ (hash >> 16)
    }

    private static func word(_ bytes: UnsafeRawBufferPointer, _ position: Int) -> UInt32 {
        UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self))
    }

    private static func rotate(_ value: UInt32, _ count: UInt32) -> UInt32 {
        (value << count) | (value >> (32 - count))
    }
}
