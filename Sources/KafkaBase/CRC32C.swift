// SPDX-License-Identifier: Apache-2.0
private import CPlatform

/// CRC-32C (Castagnoli), the checksum of record batches and producer snapshots.
///
/// Folds by carry-less multiplication where the CPU does that four at a time, 16 bytes a cycle. Otherwise uses the
/// instruction for this checksum where there is one, in three interleaved streams because it takes three cycles and can
/// start every cycle, 8 bytes a cycle; otherwise slicing-by-eight in Swift. The choice is made once, at first use.
public enum CRC32C {
    /// Polynomial 0x1EDC6F41, bits reversed.
    private static let polynomial: UInt32 = 0x82F6_3B78

    private static let hasInstruction = cplatform_has_crc32c() != 0

    /// The checksum of `bytes`, or of what came before with `bytes` appended when `previous` is given.
    public static func checksum(_ bytes: UnsafeRawBufferPointer, continuing previous: UInt32 = 0) -> UInt32 {
        guard let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return previous }
        let state = ~previous
        if bytes.count >= foldedMin, let factors = folding { return ~folded(state, base, bytes.count, factors) }
        return hasInstruction
            ? ~interleaved(state, base, bytes.count)
            : ~sliced(state, base, bytes.count)
    }

    public static func checksum(_ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { checksum($0) } }

    /// The portable form, for machines without the instruction and for tests of the other against it.
    package static func portableChecksum(_ bytes: UnsafeRawBufferPointer, continuing previous: UInt32 = 0) -> UInt32 {
        guard let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return previous }
        return ~sliced(~previous, base, bytes.count)
    }

    /// As `checksum`, without folding, for tests on machines that fold.
    package static func unfoldedChecksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        guard let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return 0 }
        return hasInstruction ? ~interleaved(~0, base, bytes.count) : ~sliced(~0, base, bytes.count)
    }

    // MARK: Folding

    /// The fewest bytes that are folded: the four blocks that it begins with.
    private static let foldedMin = 256

    /// nil where the CPU cannot.
    ///
    /// The checksum is what is left of the message, a polynomial, when it is divided by P: bits that stand n bits before
    /// others may be replaced by those bits times x^n mod P where the others are. All are reversed here. A product is
    /// then one bit short, hence the shift to the left, and a factor of 32 bits in 64 counts as if times x^32.
    private static let folding: cplatform_crc32c_factors? =
        cplatform_has_folding() == 0
        ? nil
        : cplatform_crc32c_factors(by256: factors(bytes: 256), by64: factors(bytes: 64), by16: factors(bytes: 16))

    /// For the first 64 of 128 bits, which stand 64 bits before the second, and for those.
    private static func factors(bytes: Int) -> (UInt64, UInt64) {
        (UInt64(power(bytes * 8 + 64 - 32)) << 1, UInt64(power(bytes * 8 - 32)) << 1)
    }

    /// x^n mod P, bits reversed.
    private static func power(_ n: Int) -> UInt32 { shifted(0x8000_0000, n) }

    /// A polynomial times x^n mod P, bits reversed: what a register becomes that is fed n zero bits.
    private static func shifted(_ register: UInt32, _ n: Int) -> UInt32 {
        var register = register
        for _ in 0..<n { register = (register >> 1) ^ (register & 1 == 1 ? polynomial : 0) }
        return register
    }

    private static func folded(
        _ initial: UInt32, _ start: UnsafePointer<UInt8>, _ count: Int, _ factors: cplatform_crc32c_factors
    ) -> UInt32 {
        let blocks = count / 64
        let state = withUnsafePointer(to: factors) { cplatform_crc32c_fold(initial, start, blocks, $0) }
        return cplatform_crc32c_update(state, start + blocks * 64, count - blocks * 64)
    }

    // MARK: Three streams

    /// Words of eight bytes per stream in one round, and the table that moves a register past that many bytes.
    private struct Stride: Sendable {
        let words: Int
        let shift: ShiftTable

        init(words: Int) {
            self.words = words
            shift = ShiftTable(zeroBytes: words * 8)
        }
    }

    private static let longStride = Stride(words: 512)
    private static let shortStrideWords = 32
    private static let shortStride = Stride(words: shortStrideWords)

    private static func interleaved(_ initial: UInt32, _ start: UnsafePointer<UInt8>, _ count: Int) -> UInt32 {
        var crc = initial
        var bytes = start
        var left = count
        func consume(_ stride: Stride) {
            let streamBytes = stride.words * 8
            while left >= streamBytes * 3 {
                var second: UInt32 = 0
                var third: UInt32 = 0
                cplatform_crc32c_update3(bytes, stride.words, &crc, &second, &third)
                crc = stride.shift.apply(stride.shift.apply(crc) ^ second) ^ third
                bytes += streamBytes * 3
                left -= streamBytes * 3
            }
        }
        if left >= shortStrideWords * 24 {
            consume(longStride)
            consume(shortStride)
        }
        return cplatform_crc32c_update(crc, bytes, left)
    }

    /// The linear map that feeding a fixed number of zero bytes applies to a register, as four byte-indexed tables.
    ///
    /// In memory that is never given back: an array would be retained for every batch.
    private struct ShiftTable: @unchecked Sendable {
        // Written before anybody else sees it.
        private let table: UnsafePointer<UInt32>

        init(zeroBytes: Int) {
            // Column i is what the register 1 << i becomes; computed by feeding the zeros bit by bit.
            let columns = (0..<32).map { shifted(1 << $0, zeroBytes * 8) }
            let table = UnsafeMutablePointer<UInt32>.allocate(capacity: 1024)
            for entry in 0..<1024 {
                let position = entry / 256
                table[entry] = (0..<8).reduce(UInt32(0)) { sum, bit in
                    entry % 256 & (1 << bit) != 0 ? sum ^ columns[position * 8 + bit] : sum
                }
            }
            self.table = UnsafePointer(table)
        }

        @inline(__always)
        func apply(_ register: UInt32) -> UInt32 {
            table[Int(register & 0xFF)] ^ table[256 + Int((register >> 8) & 0xFF)]
                ^ table[512 + Int((register >> 16) & 0xFF)] ^ table[768 + Int(register >> 24)]
        }
    }

    // MARK: Slicing by eight

    private static let slices: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for entry in 0..<256 {
            var register = UInt32(entry)
            for _ in 0..<8 { register = (register >> 1) ^ (register & 1 == 1 ? polynomial : 0) }
            tables[entry] = register
        }
        for slice in 1..<8 {
            for entry in 0..<256 {
                let previous = tables[(slice - 1) * 256 + entry]
                tables[slice * 256 + entry] = (previous >> 8) ^ tables[Int(previous & 0xFF)]
            }
        }
        return tables
    }()

    private static func sliced(_ initial: UInt32, _ start: UnsafePointer<UInt8>, _ count: Int) -> UInt32 {
        slices.withUnsafeBufferPointer { table in
            var crc = initial
            var bytes = start
            var left = count
            while left >= 8 {
                let word = UnsafeRawPointer(bytes).loadUnaligned(as: UInt64.self).littleEndian ^ UInt64(crc)
                crc = 0
                for index in 0..<8 {
                    crc ^= table[(7 - index) * 256 + Int((word >> UInt64(index * 8)) & 0xFF)]
                }
                bytes += 8
                left -= 8
            }
            while left > 0 {
                crc = (crc >> 8) ^ table[Int((crc ^ UInt32(bytes.pointee)) & 0xFF)]
                bytes += 1
                left -= 1
            }
            return crc
        }
    }
}
