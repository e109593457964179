// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime
import Testing

@testable import KafkaStorage

/// The parts of the cleaner that need no log.
@Suite struct CleanerPartsTests {
    /// From `openssl mac -macopt hexkey:000102…0f -macopt size:16 SIPHASH` over the bytes 0, 1, 2 …
    @Test(arguments: [
        (0, "A3817F04BA25A8E66DF67214C7550293"), (1, "DA87C1D86B99AF44347659119B22FC45"),
        (7, "A1F1EBBED8DBC153C0B84AA61FF08239"), (8, "3B62A9BA6258F5610F83E264F31497B4"),
        (15, "5493E99933B0A8117E08EC0F97CFC3D9"), (16, "6EE2A4CA67B054BBFD3315BF85230577"),
        (63, "5150D1772F50834A503E069A973FBD7C"),
    ])
    func `the hash is SipHash-2-4-128`(length: Int, expected: String) {
        let hasher = SipHash128(key0: 0x0706_0504_0302_0100, key1: 0x0F0E_0D0C_0B0A_0908)
        let hash = (0..<length).map { UInt8($0) }.withUnsafeBytes { hasher.hash($0) }
        let bytes =
            withUnsafeBytes(of: hash.low.littleEndian) { Array($0) }
            + withUnsafeBytes(of: hash.high.littleEndian) { Array($0) }
        let text = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }.joined()
        #expect(text == expected)
    }

    private func put(_ key: String, _ offset: Int64, _ map: OffsetMap) -> Bool {
        Array(key.utf8).withUnsafeBytes { map.put($0, offset) }
    }

    private func get(_ key: String, _ map: OffsetMap) -> Int64 {
        Array(key.utf8).withUnsafeBytes { map.offset(of: $0) }
    }

    @Test func `the map gives the last offset of a key and nothing for others`() {
        let map = OffsetMap(bytes: 1 << 20, keysMax: 5000, loadFactor: 0.9, hasher: SipHash128(key0: 1, key1: 2))
        for round in 0..<3 {
            for key in 0..<1500 { #expect(put("key \(key)", Int64(round * 1500 + key), map)) }
        }
        #expect(map.count == 1500)
        for key in 0..<1500 { #expect(get("key \(key)", map) == Int64(3000 + key)) }
        for key in 1500..<3000 { #expect(get("key \(key)", map) == -1) }
        #expect(put("", 5000, map))
        #expect(get("", map) == 5000)
        #expect(put("zero", 0, map) && get("zero", map) == 0)
    }

    @Test func `a full map takes no new key but later offsets of those it has`() {
        let map = OffsetMap(bytes: 240, keysMax: 1000, loadFactor: 0.5, hasher: SipHash128(key0: 3, key1: 4))
        #expect(map.slotCount == 10)
        #expect(map.capacity == 5)
        for key in 0..<5 { #expect(put("\(key)", Int64(key), map)) }
        #expect(!put("more", 5, map))
        #expect(put("0", 6, map))
        #expect(get("0", map) == 6)
        #expect(get("more", map) == -1)
    }

    /// Bytes allowed, keys there can be, load factor; slots, keys it takes.
    @Test(arguments: [
        (Int64(128 << 20), Int64(100), 0.9, 113, 101), (Int64(128 << 20), 10_000_000, 0.9, 5_592_405, 5_033_164),
        (1, 1000, 0.9, 2, 1), (240, 1000, 5.0, 10, 9), (240, 1000, -1.0, 10, 1), (24_000, 0, 1.0, 3, 2),
    ])
    func `a map is as large as it needs to be and may be`(
        bytes: Int64, keys: Int64, factor: Double, slots: Int, capacity: Int
    ) {
        let map = OffsetMap(bytes: bytes, keysMax: keys, loadFactor: factor, hasher: SipHash128(key0: 0, key1: 0))
        #expect(map.slotCount == slots)
        #expect(map.capacity == capacity)
    }

    // MARK: Groups

    /// Segments as base:size:indexes, limits; groups by their bases.
    @Test(arguments: [
        ("0:100:10 10:100:10 20:100:10", Int64(1000), Int64(100), "0,10,20"),
        ("0:100:10 10:100:10 20:100:10", 200, 100, "0,10 20"),
        ("0:500:10 10:1:1 20:1:1", 200, 100, "0 10,20"),
        ("0:100:60 10:100:60 20:100:10", 1000, 100, "0 10,20"),
        ("0:1:1 10:1:1 2147483658:1:1", 1000, 100, "0 10 2147483658"),
        ("0:1:1 2147483640:1:1 2147483647:1:1", 1000, 100, "0,2147483640 2147483647"),
        ("0:0:0 3000000000:0:0 6000000000:5:1", 1000, 100, "0,3000000000 6000000000"),
        ("7:1:1", 0, 0, "7"), ("", 10, 10, ""),
    ])
    func `neighbours are put together while they fit`(
        segments: String, maxBytes: Int64, maxIndex: Int64, expected: String
    ) throws {
        let world = TestWorld()
        let parsed = segments.split(separator: " ").map { $0.split(separator: ":").map { Int64($0)! } }
        var given: [SegmentToClean] = []
        var indexes: [Int64: Int64] = [:]
        for (place, one) in parsed.enumerated() {
            let end = place + 1 < parsed.count ? parsed[place + 1][0] : one[0] + 10
            indexes[one[0]] = one[2]
            let parameters = LogSegment.Parameters(
                indexBytes: 100, indexIntervalBytes: 10, rollJitterMs: 0, preallocatedBytes: 0, now: 0,
                settings: LogSettings())
            given.append(
                SegmentToClean(
                    segment: LogSegment(
                        baseOffset: one[0], directory: "/none", size: one[1], parameters, world.files),
                    path: "", baseOffset: one[0], size: one[1], endOffset: end))
        }
        let groups = try SegmentGroup.make(given[...], maxBytes: maxBytes, maxIndexBytes: maxIndex) { segment in
            SegmentGroup.IndexSizes(offset: indexes[segment.baseOffset]!, time: 0)
        }
        let found = groups.map { $0.map { "\($0.baseOffset)" }.joined(separator: ",") }.joined(separator: " ")
        #expect(found == expected)
    }

    // MARK: Throttle

    @Test func `the throttle makes up for what was moved and saves nothing up`() {
        var throttle = IOThrottle(rate: 1000)
        #expect(throttle.moved(500, now: 0) == 500)
        #expect(throttle.moved(100, now: 100_000_000) == 500)
        #expect(throttle.moved(1, now: 10_000_000_000) == 1)
        #expect(throttle.moved(0, now: 10_000_000_000) == 0)
        throttle.rate = .greatestFiniteMagnitude
        #expect(throttle.moved(1 << 40, now: 20_000_000_000) == 0)
        throttle.rate = 1e-9
        #expect(throttle.moved(1 << 40, now: 30_000_000_000) == 3_600_000)
    }
}
