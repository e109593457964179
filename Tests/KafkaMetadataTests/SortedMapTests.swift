// SPDX-License-Identifier: Apache-2.0
import KafkaMetadata
import Testing

@Suite struct SortedMapTests {
    @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
    func `behaves as a dictionary and iterates in order`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var map = SortedMap<Int, Int>()
        var model: [Int: Int] = [:]
        var copies: [(SortedMap<Int, Int>, [Int: Int])] = []
        for step in 0..<3_000 {
            let key = Int(generator.next() % 700)
            switch generator.next() % 10 {
            case 0...5:
                map[key] = step
                model[key] = step
            case 6, 7:
                #expect(map.removeValue(forKey: key) == model.removeValue(forKey: key))
            case 8:
                map.update(key) { $0 += 1 }
                model[key]? += 1
            default:
                #expect(map[key] == model[key])
            }
            if step % 500 == 0 { copies.append((map, model)) }
        }
        copies.append((map, model))
        for (map, model) in copies {
            #expect(map.count == model.count)
            #expect(map.map(\.key) == model.keys.sorted())
            #expect(map.map(\.value) == model.keys.sorted().map { model[$0] })
            #expect(map.keys == model.keys.sorted())
        }
    }

    @Test func `a copy does not see what comes after it`() {
        var map = SortedMap<String, Int>()
        for index in 0..<200 { map["key\(index)"] = index }
        let copy = map
        map["key7"] = -1
        map["key8"] = nil
        map["new"] = 1
        #expect(copy["key7"] == 7)
        #expect(copy["key8"] == 8)
        #expect(copy["new"] == nil)
        #expect(copy.count == 200)
        #expect(map.count == 200)
    }

    @Test func `equality does not depend on the way that led there`() {
        var ascending = SortedMap<Int, Int>()
        for key in 0..<500 { ascending[key] = key }
        var descending = SortedMap<Int, Int>()
        for key in (0..<500).reversed() { descending[key] = key }
        #expect(ascending == descending)
        descending[499] = 0
        #expect(ascending != descending)
    }

    @Test(arguments: [(-1, 0), (0, 0), (1, 2), (398, 398), (399, nil)] as [(Int, Int?)])
    func `iteration can begin at a key or behind a missing one`(from: Int, first: Int?) {
        var map = SortedMap<Int, Int>()
        for key in 0..<200 { map[key * 2] = key }
        #expect(map.entries(from: from).first { _ in true }?.key == first)
    }

    @Test func `an empty map has nothing`() {
        var map = SortedMap<Int, Int>()
        #expect(map.isEmpty)
        #expect(map[1] == nil)
        #expect(map.removeValue(forKey: 1) == nil)
        #expect(map.entries(from: 0).first { _ in true } == nil)
        map[1] = 1
        map[1] = nil
        #expect(map.isEmpty)
        #expect(map == SortedMap())
    }
}
