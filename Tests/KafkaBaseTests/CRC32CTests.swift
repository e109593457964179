// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import KafkaBase

@Suite struct CRC32CTests {
    /// The check value of the catalogue of CRC algorithms, and the vectors of RFC 3720 (iSCSI), appendix B.4.
    static let vectors: [([UInt8], UInt32)] = [
        (Array("123456789".utf8), 0xE306_9283),
        ([], 0),
        ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
        ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
        (Array(0..<32), 0x46DD_794E),
        ((0..<32).reversed(), 0x113F_DB5C),
    ]

    private static let noise: [UInt8] = {
        var state: UInt32 = 1
        return (0..<70_000).map { _ in
            state = state &* 1_664_525 &+ 1_013_904_223
            return UInt8(truncatingIfNeeded: state >> 24)
        }
    }()

    /// Bit by bit, straight from the polynomial.
    private func reference(_ bytes: some Sequence<UInt8>) -> UInt32 {
        ~bytes.reduce(~0) { register, byte in
            (0..<8).reduce(register ^ UInt32(byte)) { register, _ in
                (register >> 1) ^ (register & 1 == 1 ? 0x82F6_3B78 : 0)
            }
        }
    }

    @Test(arguments: vectors)
    func `has the published values`(bytes: [UInt8], checksum: UInt32) {
        #expect(CRC32C.checksum(bytes) == checksum)
        #expect(bytes.withUnsafeBytes { CRC32C.portableChecksum($0) } == checksum)
    }

    @Test func `all forms agree at every length`() {
        Self.noise.withUnsafeBytes { noise in
            let lengths = (0...4096).filter { length in
                let part = UnsafeRawBufferPointer(rebasing: noise[..<length])
                let expected = CRC32C.portableChecksum(part)
                return CRC32C.checksum(part) != expected || CRC32C.unfoldedChecksum(part) != expected
            }
            #expect(lengths.isEmpty)
        }
    }

    @Test func `all forms agree at every alignment and around every stride`() {
        Self.noise.withUnsafeBytes { noise in
            for start in 0..<16 {
                for length in [
                    1, 7, 8, 255, 256, 319, 511, 512, 767, 768, 769, 1535, 1536, 12_287, 12_288, 12_289, 24_576, 50_001,
                ] {
                    let part = UnsafeRawBufferPointer(rebasing: noise[start..<(start + length)])
                    #expect(CRC32C.checksum(part) == CRC32C.portableChecksum(part))
                    #expect(CRC32C.unfoldedChecksum(part) == CRC32C.portableChecksum(part))
                }
            }
        }
    }

    @Test(arguments: [5, 256, 800, 13_000, 69_999])
    func `is the polynomial's remainder`(length: Int) {
        #expect(CRC32C.checksum(Array(Self.noise[..<length])) == reference(Self.noise[..<length]))
    }

    @Test(arguments: [0, 1, 9, 300, 768, 12_288, 40_000, 70_000])
    func `can be continued`(split: Int) {
        Self.noise.withUnsafeBytes { noise in
            let first = UnsafeRawBufferPointer(rebasing: noise[..<split])
            let second = UnsafeRawBufferPointer(rebasing: noise[split...])
            let whole = CRC32C.checksum(noise)
            #expect(CRC32C.checksum(second, continuing: CRC32C.checksum(first)) == whole)
            #expect(CRC32C.portableChecksum(second, continuing: CRC32C.portableChecksum(first)) == whole)
        }
    }
}
