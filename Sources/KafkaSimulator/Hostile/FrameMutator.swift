// SPDX-License-Identifier: Apache-2.0
import KafkaRecords

/// Makes hostile frames out of valid requests: changed bits, lengths and counts, cut, stretched and spliced bytes, wrong
/// frame lengths.
package struct FrameMutator: Sendable {
    /// Values that lengths, counts, offsets and ids like to stumble over.
    private static let edges: [Int64] = [
        0, 1, -1, -2, 127, 128, 255, 256, 32_767, 32_768, 65_535, 65_536, 1 << 20, Int64(Int32.max), Int64(Int32.min),
        1 << 32, .max, .min,
    ]

    private var random: Xoshiro256
    /// Frames are not made longer than this.
    private let sizeMax: Int
    /// Frames and batches made so far that differ from what they were made of.
    package private(set) var mutated = 0

    package init(seed: UInt64, sizeMax: Int = 16_384) {
        random = Xoshiro256(seed: seed)
        self.sizeMax = sizeMax
    }

    package mutating func draw(_ bound: Int) -> Int { random.value(in: 0...bound - 1) }

    /// A whole frame, its length in front, made of `request` and pieces of `other`.
    package mutating func frame(from request: [UInt8], and other: [UInt8]) -> [UInt8] {
        var bytes = request
        // One in sixteen stays as it is: hostile input must not hide that valid input still works.
        if draw(16) > 0 {
            for _ in 0...draw(3) { mutate(&bytes, other) }
        }
        if bytes.count > sizeMax { bytes.removeLast(bytes.count - sizeMax) }
        let length = announcedLength(of: bytes)
        if bytes != request || length != bytes.count { mutated += 1 }
        return withUnsafeBytes(of: length.bigEndian) { Array($0) } + bytes
    }

    /// A record batch with changes anywhere but in its magic, and then the length and checksum that belong to it.
    mutating func damage(_ batch: [UInt8]) -> [UInt8] {
        var bytes = batch
        for _ in 0...draw(2) {
            var tail = Array(bytes[RecordBatchHeader.checksumStart...])
            mutate(&tail, Array(batch[RecordBatchHeader.size...]))
            bytes.replaceSubrange(RecordBatchHeader.checksumStart..., with: tail)
        }
        while bytes.count < RecordBatchHeader.size { bytes.append(0) }
        let length = UInt32(bytes.count - RecordBatchHeader.overhead)
        for index in 0..<4 { bytes[8 + index] = UInt8(truncatingIfNeeded: length >> UInt32(8 * (3 - index))) }
        bytes.withUnsafeMutableBytes { BatchPatch.recomputeChecksum($0) }
        if bytes != batch { mutated += 1 }
        return bytes
    }

    /// The right length, except for one frame in two hundred.
    private mutating func announcedLength(of bytes: [UInt8]) -> Int32 {
        guard draw(200) == 0 else { return Int32(bytes.count) }
        switch draw(4) {
        case 0: return Int32(truncatingIfNeeded: Self.edges[draw(Self.edges.count)])
        case 1: return Int32(bytes.count) - 1
        case 2: return Int32(bytes.count) + 1
        default: return Int32(truncatingIfNeeded: random.next())
        }
    }

    private mutating func mutate(_ bytes: inout [UInt8], _ other: [UInt8]) {
        guard !bytes.isEmpty else {
            bytes = other
            return
        }
        let at = position(in: bytes)
        switch draw(12) {
        case 0, 1, 2: bytes[at] ^= 1 << UInt8(draw(8))
        case 3: bytes[at] = UInt8(truncatingIfNeeded: random.next())
        case 4: bytes[at] = [0, 1, 0x7F, 0x80, 0xFF][draw(5)]
        case 5: overwrite(&bytes, at: at, size: 2)
        case 6: overwrite(&bytes, at: at, size: 4)
        case 7: overwrite(&bytes, at: at, size: 8)
        case 8: bytes.removeLast(draw(bytes.count))
        case 9: bytes.removeSubrange(at..<min(bytes.count, at + 1 + draw(8)))
        case 10: splice(&bytes, at: at, other)
        default:
            let piece = bytes[at..<min(bytes.count, at + 1 + draw(64))]
            bytes.insert(contentsOf: piece, at: at)
        }
    }

    /// Half of the time near the front, where lengths and counts stand.
    private mutating func position(in bytes: [UInt8]) -> Int {
        draw(2) == 0 ? draw(bytes.count) : draw(min(bytes.count, 64))
    }

    private mutating func overwrite(_ bytes: inout [UInt8], at start: Int, size: Int) {
        let value = Self.edges[draw(Self.edges.count)] &+ Int64(draw(3) - 1)
        for index in 0..<min(size, bytes.count - start) {
            bytes[start + index] = UInt8(truncatingIfNeeded: value >> Int64(8 * (size - 1 - index)))
        }
    }

    private mutating func splice(_ bytes: inout [UInt8], at start: Int, _ other: [UInt8]) {
        guard !other.isEmpty else { return }
        let from = draw(other.count)
        bytes.replaceSubrange(start..., with: other[from...])
    }
}
