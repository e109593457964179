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

    @Test func `a connection finds its last topic again until it changes`() throws {
        let replicas = ReplicaManager()
        var recent = ReplicaManager.RecentTopic()
        func find(_ name: String, id: KafkaUUID = .zero) -> KafkaUUID? {
            var name = name
            return name.withUTF8 {
                replicas.topic(name: UnsafeRawBufferPointer($0), id: id, recent: &recent)?.id
            }
        }
        let (first, second, other) = (topic(1, name: "t"), topic(2, name: "t"), topic(3, name: "other"))
        #expect(find("t") == nil)
        replicas.replace(first)
        for _ in 0..<2 { #expect(find("t") == first.id) }
        #expect(find("other") == nil)
        replicas.replace(other)
        #expect(find("t") == first.id)
        #expect(find("other") == other.id)
        #expect(find("", id: first.id) == first.id)
        replicas.replace(second)
        #expect(find("t") == second.id)
        #expect(find("", id: second.id) == second.id)
        _ = replicas.remove(id: second.id)
        #expect(find("t") == nil)
        #expect(find("", id: second.id) == nil)
    }

    @Test func `the last topic stays as long as it is held, and no longer`() throws {
        weak var watched: ReplicaManager.Topic?
        var recent: ReplicaManager.RecentTopic
        do {
            let made = ReplicaManager.Topic(
                name: "t", id: KafkaUUID(high: 1, low: 7), isInternal: true, partitions: [nil])
            watched = made
            recent = ReplicaManager.RecentTopic(made)
        }
        let held = try #require(recent.held)
        #expect(held.name == "t")
        #expect(held.isInternal)
        #expect(held.partition(0) == nil)
        #expect(held.faultForMissing(0) == .notLeaderOrFollower)
        #expect(held.faultForMissing(1) == .unknownTopicOrPartition)
        #expect(watched != nil)
        recent = ReplicaManager.RecentTopic()
        #expect(watched == nil)
    }
}
