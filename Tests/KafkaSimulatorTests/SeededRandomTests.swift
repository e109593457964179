// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime
import KafkaSimulator
import Testing

@Suite struct SeededRandomTests {
    @Test func `SplitMix64 yields the published sequence`() {
        var source = SplitMix64(seed: 0)
        #expect(source.next() == 0xE220_A839_7B1D_CDAF)
        #expect(source.next() == 0x6E78_9E6A_A1B9_65F4)
        #expect(source.next() == 0x06C4_5D18_8009_454F)
    }

    @Test func `xoshiro256 yields the published sequence`() {
        var source = Xoshiro256(state: (1, 2, 3, 4))
        #expect((0..<4).map { _ in source.next() } == [11_520, 0, 1_509_978_240, 1_215_971_899_390_074_240])
    }

    @Test func `a seed always gives the same values and another seed others`() {
        let first = SeededRandom(seed: 7)
        let same = SeededRandom(seed: 7)
        let other = SeededRandom(seed: 8)
        let values = (0..<100).map { _ in first.next() }
        #expect(values == (0..<100).map { _ in same.next() })
        #expect(values != (0..<100).map { _ in other.next() })
    }

    @Test func `values of a range reach both of its ends and nothing else`() {
        var source = Xoshiro256(seed: 3)
        let values = Set((0..<1_000).map { _ in source.value(in: -2...3 as ClosedRange<Int64>) })
        #expect(values == [-2, -1, 0, 1, 2, 3])
        #expect(source.value(in: 5...5 as ClosedRange<Int>) == 5)
        _ = source.value(in: Int64.min...Int64.max)
    }

    @Test func `chances come out as often as asked`() {
        var source = Xoshiro256(seed: 11)
        let hits = (0..<10_000).count { _ in source.chance(1, in: 4) }
        #expect((2_300...2_700).contains(hits))
        #expect(!(0..<1_000).contains { _ in source.chance(0, in: 4) })
    }
}
