// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import Testing

@testable import KafkaServer

@Suite struct TopicTableTests {
    private func topic(_ number: Int, name: String? = nil) -> ReplicaManager.Topic {
        ReplicaManager.Topic(
            name: name ?? "topic-\(number)", id: KafkaUUID(high: UInt64(number), low: 7), isInternal: false,
            partitions: [])
    }

    @Test func `what was put in is found by name and id until it is taken out`() {
        let replicas = ReplicaManager()
        var present: Set<Int> = []
        var state: UInt64 = 1
        for _ in 0..<4_000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let number = Int(state >> 33) % 300
            if present.remove(number) != nil, state >> 20 & 3 != 0 {
                #expect(replicas.remove(id: KafkaUUID(high: UInt64(number), low: 7))?.name == "topic-\(number)")
            } else {
                present.insert(number)
                replicas.replace(topic(number))
            }
        }
        for number in 0..<300 {
            let isThere = present.contains(number)
            #expect((replicas.topic(name: "topic-\(number)") != nil) == isThere)
            #expect((replicas.topic(id: KafkaUUID(high: UInt64(number), low: 7)) != nil) == isThere)
        }
        #expect(replicas.allTopics().map(\.name) == present.map { "topic-\($0)" }.sorted())
    }

    @Test func `the newest topic of a name is found by it`() {
        let replicas = ReplicaManager()
        replicas.replace(topic(1, name: "t"))
        replicas.replace(topic(2, name: "t"))
        #expect(replicas.topic(name: "t")?.id.high == 2)
        _ = replicas.remove(id: KafkaUUID(high: 1, low: 7))
        #expect(replicas.topic(name: "t")?.id.high == 2)
        _ = replicas.remove(id: KafkaUUID(high: 2, low: 7))
        #expect(replicas.topic(name: "t") == nil)
        #expect(replicas.allTopics().isEmpty)
    }

    @Test(arguments: [
        "", "a", "abc", "abcd", "abcdefg", "abcdefgh", "abcdefghi", "abcdefghijklmnop", "ä",
        String(repeating: "x", count: 249),
    ])
    func `names of every length are told apart`(name: String) {
        let replicas = ReplicaManager()
        replicas.replace(topic(1, name: name))
        #expect(replicas.topic(name: name) != nil)
        #expect(replicas.topic(name: name + "b") == nil)
        #expect(replicas.topic(name: String(name.dropLast()) + "?") == nil)
        #expect(replicas.topic(name: "?" + String(name.dropFirst())) == nil)
    }
}
