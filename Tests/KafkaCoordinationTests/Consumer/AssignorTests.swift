// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import Testing

@testable import KafkaCoordination

/// What an assignment is asked for and gives, as text: topics `a=3 b=2` (partitions), members `m1:ab` or `m1/i1:ab`
/// (instance, subscribed topics), assignments `m1=a0,a1 m2=b0`.
enum AssignmentText {
    static func id(_ name: Character) -> KafkaUUID { KafkaUUID(high: 7, low: UInt64(name.asciiValue ?? 0)) }

    static func input(topics: String, members: String, previous: String = "") -> AssignmentInput {
        let topicNames = topics.split(separator: " ").map { $0.first ?? "?" }
        let counts = topics.split(separator: " ").map { Int32($0.dropFirst(2)) ?? 0 }
        let before = assignments(previous)
        let members = members.split(separator: " ").map { text in
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            let names = parts[0].split(separator: "/").map(String.init)
            let subscribed = parts[1].compactMap { topicNames.firstIndex(of: $0) }.sorted()
            return AssignmentInput.Member(
                id: names[0], instanceID: names.count > 1 ? names[1] : nil, topics: subscribed,
                previous: before[names[0]] ?? TopicPartitionSet())
        }
        return AssignmentInput(
            topics: zip(topicNames, counts).map { AssignmentInput.Topic(id: id($0), partitionCount: $1) },
            members: members)
    }

    static func assignments(_ text: String) -> [String: TopicPartitionSet] {
        var result: [String: TopicPartitionSet] = [:]
        for entry in text.split(separator: " ") {
            let parts = entry.split(separator: "=", omittingEmptySubsequences: false)
            let pairs = parts[1].split(separator: ",").map { (id($0.first ?? "?"), [Int32($0.dropFirst()) ?? -1]) }
            result[String(parts[0])] = TopicPartitionSet(pairs)
        }
        return result
    }

    static func describe(_ assignment: TopicPartitionSet) -> String {
        assignment.topics.flatMap { topic in
            topic.partitions.map { String(UnicodeScalar(UInt8(topic.id.low))) + String($0) }
        }.joined(separator: ",")
    }

    static func describe(_ result: [TopicPartitionSet], of input: AssignmentInput) -> String {
        zip(input.members, result).map { $0.id + "=" + describe($1) }.joined(separator: " ")
    }
}

@Suite struct RangeAssignorTests {
    @Test(arguments: [
        ("a=3 b=3", "m1:ab m2:ab", "m1=a0,a1,b0,b1 m2=a2,b2"),
        ("a=3 b=2", "m1:ab m2:ab", "m1=a0,a1,b0 m2=a2,b1"),
        ("a=2", "m1:a m2:a m3:a", "m1=a0 m2=a1 m3="),
        ("a=3 b=3 c=2", "m1:ab m2:c m3:bc", "m1=a0,a1,a2,b0,b1 m2=c0 m3=b2,c1"),
        ("a=4", "m1:a m2/z:a m3/y:a", "m1=a3 m2=a2 m3=a0,a1"),
        ("a=4", "m1: m2:a", "m1= m2=a0,a1,a2,a3"),
        ("a=0", "m1:a", "m1="),
        ("a=5", "", ""),
    ])
    func `runs of partitions go to members in order`(topics: String, members: String, expected: String) {
        let input = AssignmentText.input(topics: topics, members: members)
        #expect(AssignmentText.describe(ServerAssignor.range.assign(input), of: input) == expected)
    }
}

@Suite struct UniformAssignorTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let topics: String
        let members: String
        let previous: String
        let expected: String
        var testDescription: String { "\(topics) | \(members) | \(previous)" }
    }

    @Test(arguments: [
        Case(topics: "a=3 b=2", members: "m1:ab m2:ab", previous: "", expected: "m1=a0,a2,b1 m2=a1,b0"),
        // A third member takes what is over.
        Case(
            topics: "a=3 b=3", members: "m1:ab m2:ab m3:ab", previous: "m1=a0,a1,a2 m2=b0,b1,b2",
            expected: "m1=a0,a1 m2=b0,b1 m3=a2,b2"),
        // Nobody gives up anything when one leaves.
        Case(
            topics: "a=3 b=3", members: "m1:ab m2:ab", previous: "m1=a0,a1 m2=b0,b1",
            expected: "m1=a0,a1,a2 m2=b0,b1,b2"),
        // Who has one more keeps it, though it does not come first.
        Case(topics: "a=3", members: "m1:a m2:a", previous: "m1=a0 m2=a1,a2", expected: "m1=a0 m2=a1,a2"),
        Case(topics: "a=1", members: "m1:a m2:a", previous: "m2=a0", expected: "m1= m2=a0"),
        // Partitions and topics that are gone are forgotten.
        Case(topics: "a=2", members: "m1:a m2:a", previous: "m1=a0,a5,x1 m2=a1,x0", expected: "m1=a0 m2=a1"),
        // Two that claim the same.
        Case(topics: "a=2", members: "m1:a m2:a", previous: "m1=a0 m2=a0", expected: "m1=a0 m2=a1"),
        Case(topics: "a=2", members: "m1: m2:", previous: "m1=a0", expected: "m1= m2="),
        // Different subscriptions.
        Case(topics: "a=3 b=1", members: "m1:a m2:ab m3:b", previous: "", expected: "m1=a0,a2 m2=a1 m3=b0"),
        Case(
            topics: "a=4 b=2", members: "m1:ab m2:b", previous: "m1=a0,a1,a2,a3,b0 m2=b1",
            expected: "m1=a0,a1,a2,a3 m2=b0,b1"),
        Case(topics: "a=2 b=2", members: "m1:a m2:b", previous: "m1=b0 m2=b1,a0", expected: "m1=a0,a1 m2=b0,b1"),
    ])
    func `partitions are spread and stay`(_ example: Case) {
        let input = AssignmentText.input(
            topics: example.topics, members: example.members, previous: example.previous)
        #expect(AssignmentText.describe(ServerAssignor.uniform.assign(input), of: input) == example.expected)
    }
}

/// What must hold of every assignment, on random groups.
@Suite struct AssignorPropertyTests {
    static func randomInput(_ random: inout TestRandom, isHomogeneous: Bool) -> AssignmentInput {
        let topics = (0..<random.below(8)).map {
            AssignmentInput.Topic(
                id: KafkaUUID(high: 1, low: UInt64($0)), partitionCount: Int32(random.below(13)))
        }
        let common = topics.indices.filter { _ in random.chance(70) }
        var members: [AssignmentInput.Member] = []
        for index in 0..<(1 + random.below(9)) {
            let subscribed = isHomogeneous ? common : topics.indices.filter { _ in random.chance(50) }
            members.append(
                AssignmentInput.Member(
                    id: "m\(index)", instanceID: random.chance(30) ? "i\(random.below(100))-\(index)" : nil,
                    topics: subscribed))
        }
        return AssignmentInput(topics: topics, members: members)
    }

    /// The same group later: members have come and gone, topics have grown.
    static func changed(
        _ input: AssignmentInput, _ assignment: [TopicPartitionSet], _ random: inout TestRandom, isHomogeneous: Bool
    ) -> AssignmentInput {
        var topics = input.topics
        for index in topics.indices where random.chance(20) { topics[index].partitionCount += Int32(random.below(4)) }
        var members: [AssignmentInput.Member] = []
        for (member, previous) in zip(input.members, assignment) where !random.chance(25) {
            var member = member
            member.previous = previous
            if !isHomogeneous, random.chance(20) { member.topics = topics.indices.filter { _ in random.chance(50) } }
            members.append(member)
        }
        if members.isEmpty || random.chance(50) {
            let subscribed = isHomogeneous ? input.members[0].topics : topics.indices.filter { _ in random.chance(50) }
            let number = random.below(1_000_000)
            members.append(AssignmentInput.Member(id: "m\(number)-new", topics: subscribed))
            members.sort { $0.id < $1.id }
        }
        return AssignmentInput(topics: topics, members: members)
    }

    static func checkComplete(_ result: [TopicPartitionSet], of input: AssignmentInput) {
        #expect(result.count == input.members.count)
        for (index, topic) in input.topics.enumerated() {
            let subscribers = input.members.indices.filter { input.members[$0].topics.contains(index) }
            let assigned = result.flatMap { $0.partitions(of: topic.id) }.sorted()
            let expected = subscribers.isEmpty ? [] : Array(0..<topic.partitionCount)
            #expect(assigned == expected)
            for member in input.members.indices where !subscribers.contains(member) {
                #expect(result[member].partitions(of: topic.id).isEmpty)
            }
        }
    }

    @Test(arguments: ServerAssignor.allCases, [true, false])
    func `every partition is assigned once, to one who subscribes to it`(
        assignor: ServerAssignor, isHomogeneous: Bool
    ) {
        var random = TestRandom(seed: 11)
        for _ in 0..<150 {
            var input = Self.randomInput(&random, isHomogeneous: isHomogeneous)
            for _ in 0..<4 {
                let result = assignor.assign(input)
                Self.checkComplete(result, of: input)
                #expect(result == assignor.assign(input))
                input = Self.changed(input, result, &random, isHomogeneous: isHomogeneous)
            }
        }
    }

    @Test func `equal subscriptions give loads within one and the fewest moves`() {
        var random = TestRandom(seed: 12)
        for _ in 0..<150 {
            var input = Self.randomInput(&random, isHomogeneous: true)
            for _ in 0..<4 {
                let result = ServerAssignor.uniform.assign(input)
                let loads = result.map(\.count)
                #expect((loads.max() ?? 0) - (loads.min() ?? 0) <= 1)
                #expect(
                    zip(input.members, result).reduce(0) { $0 + $1.1.intersection($1.0.previous).count }
                        == Self.mostRetained(input, total: loads.reduce(0, +)))
                input = Self.changed(input, result, &random, isHomogeneous: true)
            }
        }
    }

    /// How many partitions can stay where they are when loads are to differ by one at most.
    static func mostRetained(_ input: AssignmentInput, total: Int) -> Int {
        let (quota, larger) = total.quotientAndRemainder(dividingBy: input.members.count)
        let held = input.members.map { member in
            member.previous.filter { id, partition in
                guard let index = input.topicIndex(of: id), member.topics.contains(index) else { return false }
                return partition < input.topics[index].partitionCount
            }.count
        }
        return held.reduce(0) { $0 + min($1, quota) } + min(larger, held.count { $0 > quota })
    }

    @Test func `different subscriptions leave nobody with two more than one who could have them`() {
        var random = TestRandom(seed: 13)
        for _ in 0..<150 {
            var input = Self.randomInput(&random, isHomogeneous: false)
            for _ in 0..<4 {
                let result = ServerAssignor.uniform.assign(input)
                Self.checkBalanced(result, of: input)
                input = Self.changed(input, result, &random, isHomogeneous: false)
            }
        }
    }

    static func checkBalanced(_ result: [TopicPartitionSet], of input: AssignmentInput) {
        for owner in input.members.indices {
            for topic in result[owner].topics {
                let index = input.topicIndex(of: topic.id) ?? -1
                for other in input.members.indices where input.members[other].topics.contains(index) {
                    #expect(result[owner].count - result[other].count <= 1)
                }
            }
        }
    }

    @Test(arguments: [true, false])
    func `nothing moves when nothing has changed`(isHomogeneous: Bool) {
        var random = TestRandom(seed: 14)
        for _ in 0..<100 {
            let input = Self.randomInput(&random, isHomogeneous: isHomogeneous)
            let result = ServerAssignor.uniform.assign(input)
            var members = input.members
            for index in members.indices { members[index].previous = result[index] }
            let again = AssignmentInput(topics: input.topics, members: members)
            #expect(ServerAssignor.uniform.assign(again) == result)
        }
    }

    @Test(arguments: ServerAssignor.allCases, [true, false])
    func `a thousand members share ten thousand partitions`(assignor: ServerAssignor, isHomogeneous: Bool) {
        let topics = (0..<100).map {
            AssignmentInput.Topic(id: KafkaUUID(high: 0, low: UInt64($0 + 2)), partitionCount: 100)
        }
        let members = (1000..<2000).map { number in
            AssignmentInput.Member(
                id: "member-\(number)",
                topics: isHomogeneous ? Array(topics.indices) : topics.indices.filter { ($0 + number) % 5 != 0 })
        }
        let input = AssignmentInput(topics: topics, members: members)
        let result = assignor.assign(input)
        #expect(result.reduce(0) { $0 + $1.count } == 10_000)
        if assignor == .uniform { #expect(result.allSatisfy { $0.count == 10 }) }
    }
}

@Suite struct TopicPartitionSetTests {
    @Test func `sets are sorted and have no repetitions`() {
        let low = KafkaUUID(high: 0, low: 1)
        let high = KafkaUUID(high: 0, low: 2)
        let set = TopicPartitionSet([(high, [3, 1, 3]), (low, []), (low, [2]), (high, [0])])
        #expect(set.topics.map(\.id) == [low, high])
        #expect(set.partitions(of: high) == [0, 1, 3])
        #expect(set.count == 4)
    }

    @Test func `set algebra agrees with that of plain sets`() {
        var random = TestRandom(seed: 5)
        func build() -> (TopicPartitionSet, Set<Int>) {
            var pairs: [(KafkaUUID, [Int32])] = []
            var plain: Set<Int> = []
            for _ in 0..<random.below(12) {
                let (topic, partition) = (random.below(4), random.below(5))
                pairs.append((KafkaUUID(high: 0, low: UInt64(topic)), [Int32(partition)]))
                plain.insert(topic * 100 + partition)
            }
            return (TopicPartitionSet(pairs), plain)
        }
        func flat(_ set: TopicPartitionSet) -> Set<Int> {
            Set(set.topics.flatMap { topic in topic.partitions.map { Int(topic.id.low) * 100 + Int($0) } })
        }
        for _ in 0..<500 {
            let (one, onePlain) = build()
            let (other, otherPlain) = build()
            #expect(flat(one.union(other)) == onePlain.union(otherPlain))
            #expect(flat(one.intersection(other)) == onePlain.intersection(otherPlain))
            #expect(flat(one.subtracting(other)) == onePlain.subtracting(otherPlain))
            #expect(one.isSubset(of: other) == onePlain.isSubset(of: otherPlain))
            #expect(one.isDisjoint(with: other) == onePlain.isDisjoint(with: otherPlain))
            #expect((one == other) == (onePlain == otherPlain))
        }
    }
}
