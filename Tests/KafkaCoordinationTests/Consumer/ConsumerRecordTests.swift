// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import Testing

@testable import KafkaCoordination

/// The bytes of a consumer group's records, written down by hand from the schemas of Kafka 4 (types 3, 5 to 8 and 16).
@Suite struct ConsumerRecordTests {
    static let group = ConsumerGroup(groupID: "g")
    static let partitions = TopicPartitionSet([(KafkaUUID(high: 1, low: 2), [0, 3])])
    static let topic = "0000000000000001" + "0000000000000002"

    static var member: ConsumerMember {
        var member = ConsumerMember(memberID: "m")
        member.rackID = "r"
        member.clientID = "c"
        member.clientHost = "/h"
        member.rebalanceTimeoutMilliseconds = 300_000
        member.subscribedTopics = ["a", "b"]
        member.serverAssignor = "range"
        member.memberEpoch = 5
        member.previousMemberEpoch = 4
        member.state = .unrevokedPartitions
        member.assigned = partitions
        member.pendingRevocation = TopicPartitionSet([(KafkaUUID(high: 1, low: 2), [7])])
        member.assignmentEpochs = PartitionEpochs(member.assigned.union(member.pendingRevocation)) { $1 == 0 ? 5 : 4 }
        return member
    }

    static var classicMember: ConsumerMember {
        var member = ConsumerMember(memberID: "m")
        member.instanceID = "i"
        member.subscribedRegex = "x.*"
        member.classicProtocol = .init(
            sessionTimeoutMilliseconds: 30_000, offers: [.init(name: "range", metadata: [1, 2])])
        return member
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let record: GroupCoordinatorRecord
        let key: String
        let value: String?
    }

    static let cases: [Case] = [
        Case(
            testDescription: "epoch with hash", record: group.epochRecord(7, hash: 258), key: "0003000167",
            value: "0000" + "00000007" + "01" + "0008" + "0000000000000102"),
        Case(
            testDescription: "epoch without hash", record: group.epochRecord(7, hash: 0), key: "0003000167",
            value: "0000" + "00000007" + "00"),
        Case(
            testDescription: "member", record: group.subscriptionRecord(of: member), key: "00050001670001" + "6d",
            value: "0000" + "00" + "0272" + "0263" + "032f68" + "0302610262" + "00" + "000493e0" + "0672616e6765"
                + "01" + "000100"),
        Case(
            testDescription: "member of the classic protocol", record: group.subscriptionRecord(of: classicMember),
            key: "000500016700016d",
            value: "0000" + "0269" + "00" + "01" + "01" + "01" + "04782e2a" + "ffffffff" + "00" + "01" + "0011" + "01"
                + "00007530" + "02" + "0672616e6765" + "030102" + "00" + "00"),
        Case(
            testDescription: "target epoch", record: group.targetRecord(epoch: 6, timestamp: 0), key: "0006000167",
            value: "0000" + "00000006" + "00"),
        Case(
            testDescription: "target of a member", record: group.targetRecord(of: "m", partitions),
            key: "000700016700016d",
            value: "0000" + "02" + topic + "03" + "00000000" + "00000003" + "00" + "00"),
        Case(
            testDescription: "current assignment", record: group.currentRecord(of: member), key: "000800016700016d",
            value: "0000" + "00000005" + "00000004" + "01" + "02" + topic + "03" + "00000000" + "00000003"
                + "010009" + "03" + "00000005" + "00000004" + "02" + topic + "02" + "00000007" + "010005" + "02"
                + "00000004" + "00"),
        Case(
            testDescription: "pattern",
            record: group.regexRecord("a.*", .init(topics: ["ab"], version: 3, timestamp: 4)),
            key: "00100001670003" + "612e2a",
            value: "0000" + "02" + "036162" + "0000000000000003" + "0000000000000004" + "00"),
        Case(testDescription: "pattern gone", record: group.regexRecord("a", nil), key: "0010000167000161", value: nil),
    ]

    static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    @Test(arguments: cases)
    func `a record has the bytes that Kafka writes`(_ example: Case) throws {
        let bytes = try example.record.encoded()
        #expect(Self.hex(bytes.key) == example.key)
        #expect(bytes.value.map(Self.hex) == example.value)
    }

    @Test(arguments: [member, classicMember])
    func `a member is read as it was written`(_ member: ConsumerMember) throws {
        var world = ConsumerWorld()
        try world.write(Self.group.currentRecord(of: member))
        try world.write(Self.group.subscriptionRecord(of: member))
        #expect(world.group?.members["m"] == member)
    }

    @Test(arguments: [nil, [], [9]])
    func `where a record names no epoch for each partition, the member's own counts`(epochs: [Int32]?) throws {
        let group = try replayed(
            ConsumerGroupCurrentMemberAssignmentValue(
                memberEpoch: 6,
                assignedPartitions: [
                    .init(topicID: .zero, partitions: [1, 2], assignmentEpochs: epochs),
                    .init(topicID: KafkaUUID(high: 0, low: 1), partitions: [3], assignmentEpochs: [4]),
                ]))
        #expect(group.members["m"]?.assignmentEpochs.epoch(of: .zero, 1) == 6)
        #expect(group.members["m"]?.assignmentEpochs.epoch(of: .zero, 2) == 6)
        #expect(group.members["m"]?.assignmentEpochs.epoch(of: KafkaUUID(high: 0, low: 1), 3) == 4)
        #expect(group.members["m"]?.assignmentEpochs.epoch(of: .zero, 3) == nil)
    }

    @Test func `the epochs of a static member that has left for a while are not below 0`() throws {
        let group = try replayed(
            ConsumerGroupCurrentMemberAssignmentValue(
                memberEpoch: -2, assignedPartitions: [.init(topicID: .zero, partitions: [1])]))
        #expect(group.members["m"]?.assignmentEpochs.epoch(of: .zero, 1) == 0)
    }

    private func replayed(_ value: ConsumerGroupCurrentMemberAssignmentValue) throws -> ConsumerGroup {
        var world = ConsumerWorld()
        try world.write(
            .consumerGroupCurrentMember(.init(groupID: ConsumerWorld.groupID, memberID: "m"), value))
        return try #require(world.group)
    }

    @Test func `a deleted group leaves nothing`() throws {
        var world = ConsumerWorld()
        try world.write(Self.group.subscriptionRecord(of: Self.member))
        try world.write(Self.group.epochRecord(3, hash: 0))
        try world.write(Self.group.targetRecord(of: "m", Self.partitions))
        try world.write(Self.group.targetRecord(epoch: 3, timestamp: 0))
        try world.write(Self.group.currentRecord(of: Self.member))
        try world.write(Self.group.regexRecord("a", .init(topics: [], version: 0, timestamp: 0)))
        #expect(world.group?.owner(of: KafkaUUID(high: 1, low: 2), 7) == "m")
        for record in world.group?.tombstones ?? [] { try world.write(record) }
        #expect(world.group == nil)
        let live = Dictionary(world.log.map { ($0.key, $0.value) }) { $1 }.filter { $0.value != nil }
        #expect(live.isEmpty)
    }

    @Test func `the hash of topics changes with each thing that an assignment depends on`() {
        var topics = TestTopics()
        let none = MetadataHash.compute(topics: ["a"], topics)
        #expect(none == 0)
        topics.partitions = ["a": 2]
        let two = MetadataHash.compute(topics: ["a"], topics)
        topics.partitions = ["a": 3]
        let three = MetadataHash.compute(topics: ["a"], topics)
        topics.racks = ["a": ["r1"]]
        let rack = MetadataHash.compute(topics: ["a"], topics)
        topics.racks = ["a": ["r1", "r2"]]
        let racks = MetadataHash.compute(topics: ["a"], topics)
        #expect(Set([none, two, three, rack, racks]).count == 5)
        #expect(racks == MetadataHash.compute(topics: ["a", "b"], topics))
    }
}

@Suite struct ConsumerGroupDescribeTests {
    @Test func `a group is described with both kinds of members`() throws {
        var trace = ConsumerTrace()
        _ = try trace.run(
            """
            topics a=2
            join m1 a rack=r1 assignor=range
            cjoin c1 a
            """)
        let group = trace.world.shard.consumerGroupDescribe("g", trace.world.topics)
        #expect(group.errorCode == 0)
        #expect(group.groupState == "Reconciling")
        #expect((group.groupEpoch, group.assignmentEpoch) == (2, 2))
        #expect(group.assignorName == "range")
        #expect(group.members.map(\.memberID) == ["c1", "m1"])
        #expect(group.members.map(\.memberType) == [0, 1])
        #expect(group.members.map(\.rackID) == [nil, "r1"])
        #expect(group.members[1].assignment.topicPartitions.map(\.topicName) == ["a"])
        #expect(group.members[1].assignment.topicPartitions.map(\.partitions) == [[0, 1]])
        #expect(group.members[1].targetAssignment.topicPartitions.map(\.partitions) == [[1]])
        trace.world.topics.partitions = [:]
        let later = trace.world.shard.consumerGroupDescribe("g", trace.world.topics)
        #expect(later.members[1].assignment.topicPartitions.isEmpty)
    }

    @Test func `only consumer groups are described`() throws {
        var trace = ConsumerTrace()
        #expect(trace.world.shard.consumerGroupDescribe("g", trace.world.topics).errorCode == 69)
        _ = try trace.run("classic 3 m1:a:a0")
        #expect(trace.world.shard.consumerGroupDescribe("g", trace.world.topics).errorCode == 69)
    }

    @Test func `a group sets its own timeouts within limits`() {
        var configuration = ConsumerGroupConfiguration()
        #expect(configuration.sessionTimeout(of: "g") == 45_000)
        #expect(configuration.heartbeatInterval(of: "g") == 5_000)
        configuration.overrides["g"] = .init(sessionTimeoutMilliseconds: 50_000, heartbeatIntervalMilliseconds: 99_000)
        #expect(configuration.sessionTimeout(of: "g") == 50_000)
        #expect(configuration.heartbeatInterval(of: "g") == 15_000)
        #expect(configuration.sessionTimeout(of: "other") == 45_000)
    }
}
