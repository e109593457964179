// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaServer
import KafkaSimulator
import Testing

/// Groups of the consumer protocol (KIP-848) over the wire and in virtual time.
@Suite struct ConsumerGroupTests {
    private func makeBroker(_ settings: [String: String] = [:]) throws -> TestBroker {
        let broker = try TestBroker(settings)
        try broker.createTopic("t", partitions: 4)
        try broker.findCoordinator()
        return broker
    }

    private func beat(
        _ broker: TestBroker, _ member: String, epoch: Int32, joins: Bool = false,
        owns: [ConsumerGroupHeartbeatRequest.TopicPartitions]? = nil
    ) throws -> ConsumerGroupHeartbeatResponse {
        try broker.call(
            ConsumerGroupHeartbeatRequest(
                groupID: "g", memberID: member, memberEpoch: epoch, rebalanceTimeoutMs: joins ? 10_000 : -1,
                subscribedTopicNames: joins ? ["t"] : nil, topicPartitions: joins ? [] : owns))
    }

    @Test func `one member gets everything, commits and is described`() throws {
        let broker = try makeBroker()
        let joined = try beat(broker, "m1", epoch: 0, joins: true)
        #expect(joined.errorCode == 0, "\(joined.errorMessage ?? "")")
        #expect(joined.memberEpoch > 0)
        #expect(joined.heartbeatIntervalMs == 5_000)
        let assigned = try #require(joined.assignment?.topicPartitions.first)
        #expect(assigned.partitions.sorted() == [0, 1, 2, 3])
        let committed = try broker.call(Requests.commit(11, "m1", joined.memberEpoch), version: 9)
        #expect(committed.topics[0].partitions[0].errorCode == 0)
        let stale = try broker.call(Requests.commit(12, "m1", joined.memberEpoch + 7), version: 9)
        #expect(ErrorCode(stale.topics[0].partitions[0].errorCode) == .staleMemberEpoch)
        #expect(try broker.committed() == 11)
        let described = try broker.call(ConsumerGroupDescribeRequest(groupIDs: ["g", "missing"]))
        #expect(described.groups[0].groupState == "Stable")
        #expect(described.groups[0].members.map(\.memberID) == ["m1"])
        #expect(described.groups[0].members.first?.clientHost.hasPrefix("/") == true)
        #expect(ErrorCode(described.groups[1].errorCode) == .groupIDNotFound)
        let listed = try broker.call(ListGroupsRequest(typesFilter: ["consumer"]))
        #expect(listed.groups.map(\.groupType) == ["consumer"])
    }

    @Test func `a group survives the kill of the broker`() throws {
        let broker = try makeBroker()
        let joined = try beat(broker, "m1", epoch: 0, joins: true)
        try broker.crash(.process)
        try broker.world.advance(by: 200)
        let after = try beat(broker, "m1", epoch: joined.memberEpoch)
        #expect(after.errorCode == 0, "\(after.errorMessage ?? "")")
        #expect(after.memberEpoch == joined.memberEpoch)
    }

    @Test func `who is silent for longer than its session is out`() throws {
        let broker = try makeBroker()
        let joined = try beat(broker, "m1", epoch: 0, joins: true)
        try broker.world.advance(by: 46_000)
        let after = try beat(broker, "m1", epoch: joined.memberEpoch)
        #expect(ErrorCode(after.errorCode) == .unknownMemberID)
    }

    @Test func `a group's own session timeout holds at once`() throws {
        let broker = try makeBroker()
        let altered = try broker.call(
            IncrementalAlterConfigsRequest(resources: [
                .init(
                    resourceType: 32, resourceName: "g",
                    configs: [.init(name: "consumer.session.timeout.ms", configOperation: 0, value: "60000")])
            ]))
        #expect(altered.responses.map(\.errorCode) == [0])
        let joined = try beat(broker, "m1", epoch: 0, joins: true)
        try broker.world.advance(by: 50_000)
        #expect(try beat(broker, "m1", epoch: joined.memberEpoch).errorCode == 0)
    }

    @Test(arguments: [
        (Int8(4), "", "group.consumer.assignment.interval.ms"), (32, "g", "consumer.assignment.interval.ms"),
    ])
    func `the time between assignments can be changed while the broker runs`(
        type: Int8, resource: String, key: String
    ) throws {
        let broker = try makeBroker(["group.consumer.assignment.interval.ms": "0"])
        func set(_ value: String) throws -> ErrorCode {
            let altered = try broker.call(
                IncrementalAlterConfigsRequest(resources: [
                    .init(
                        resourceType: type, resourceName: resource,
                        configs: [.init(name: key, configOperation: 0, value: value)])
                ]))
            return ErrorCode(try #require(altered.responses.first).errorCode)
        }
        func joined(_ member: String) throws -> Int32 {
            let response = try beat(broker, member, epoch: 0, joins: true)
            #expect(response.errorCode == 0, "\(response.errorMessage ?? "")")
            return response.memberEpoch
        }
        let first = try joined("m1")
        #expect(try joined("m2") == first + 1)
        #expect(try set("10000") == .none)
        // The last assignment stands for a while, with which the member has nothing.
        #expect(try joined("m3") == first + 1)
        #expect(try set("0") == .none)
        #expect(try joined("m4") == first + 3)
        #expect(try set("20000") == (type == 4 ? .invalidRequest : .invalidConfig))
    }

    @Test func `groups stay where they are when partitions are added to their topic`() throws {
        let broker = try makeBroker(["offsets.topic.num.partitions": "3"])
        for group in 0..<10 {
            let response = try broker.call(Requests.commit(Int64(group), group: "g\(group)"), version: 9)
            #expect(response.topics[0].partitions[0].errorCode == 0)
        }
        let added = try broker.call(
            CreatePartitionsRequest(topics: [.init(name: "__consumer_offsets", count: 7, assignments: nil)]))
        #expect(added.results.map(\.errorCode) == [0])
        try broker.world.advance(by: 100)
        #expect(broker.log.complaints.count == 1)
        #expect(broker.log.contains("partitions were added to the topic of the groups"))
        for group in 0..<10 { #expect(try broker.committed(group: "g\(group)") == Int64(group)) }
    }

    @Test func `the protocol can be switched off`() throws {
        let broker = try makeBroker(["group.coordinator.rebalance.protocols": "classic"])
        #expect(ErrorCode(try beat(broker, "m1", epoch: 0, joins: true).errorCode) == .unsupportedVersion)
    }
}
