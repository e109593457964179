// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import OrderedCollections
import Testing

@testable import KafkaCoordination

/// Values that nobody sends who means well, and records that no broker writes.
@Suite struct HostileValueTests {
    /// A client id comes without any check of its bytes; what is no UTF-8 grows to three times its length.
    @Test(arguments: [nil, "i"])
    func `a group is stored whatever its members are called`(instanceID: String?) throws {
        var harness = ShardHarness()
        harness.configure { $0.initialRebalanceDelayMilliseconds = 0 }
        let name = String(repeating: "\u{FFFD}", count: 32_767)
        let long = instanceID.map { _ in String(repeating: "i", count: 32_767) }
        let context = harness.joinContext(version: 6, clientID: name)
        let request = JoinGroupRequest(
            groupID: "g", sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000, groupInstanceID: long,
            protocolType: "consumer", protocols: [.init(name: "range", metadata: [])])
        var memberID = harness.ask(request, context) { $0.joinGroup($1, $2) }?.memberID
        if instanceID == nil {
            var again = request
            again.memberID = try #require(memberID)
            _ = harness.ask(again, harness.joinContext(version: 6, clientID: name)) { $0.joinGroup($1, $2) }
        }
        harness.wait(0)
        memberID = harness.shard.classicGroups["g"]?.members.keys.first
        let sync = SyncGroupRequest(
            groupID: "g", generationID: 1, memberID: try #require(memberID), groupInstanceID: long)
        _ = harness.ask(sync, harness.context(version: 4)) { $0.syncGroup($1, $2) }
        harness.crash()
        #expect(harness.shard.classicGroups["g"]?.members[try #require(memberID)] != nil)
        #expect(try #require(memberID).utf8.count <= 32_767)
    }

    @Test func `a member of a consumer group is stored whatever its client is called`() throws {
        var world = ConsumerWorld()
        var context = world.context()
        context = GroupRequestContext(
            now: context.now, apiVersion: 1, clientID: String(repeating: "\u{FFFD}", count: 32_767), clientHost: "/::1",
            freshID: context.freshID, token: context.token, metadata: world.topics)
        var request = ConsumerGroupHeartbeatRequest(groupID: "g", memberID: "m")
        request.rebalanceTimeoutMs = 1
        request.topicPartitions = []
        request.subscribedTopicNames = ["a"]
        let answer = try world.perform(world.shard.consumerGroupHeartbeat(request, context))
        #expect(answer?.errorCode == 0)
        #expect(try world.reloaded(.whole).consumerGroups["g"]?.members["m"]?.clientID.utf8.count == 32_766)
    }

    @Test func `epochs and times at the ends of their ranges stop nobody`() throws {
        var trace = ConsumerTrace()
        _ = try trace.run("topics a=4\njoin m1 a\njoin m2 a")
        try trace.world.write(.consumerGroupMetadata(.init(groupID: "g"), .init(epoch: .max)))
        try trace.world.write(
            .consumerGroupTarget(.init(groupID: "g"), .init(assignmentEpoch: .max - 1, assignmentTimestamp: .min)))
        var member = try #require(trace.world.group?.members["m1"])
        member.memberEpoch = .max
        member.state = .unrevokedPartitions
        try trace.world.write(try #require(trace.world.group).currentRecord(of: member))
        var request = ConsumerGroupHeartbeatRequest(groupID: "g", memberID: "m1", memberEpoch: .max)
        request.topicPartitions = []
        #expect(try trace.world.heartbeat(request)?.errorCode == 0)
        _ = try trace.run("join m3 a\nleave m2 epoch=-1\njoin m1 a")
        #expect(trace.world.group?.members.count == 2)
    }

    /// JoinGroup has a time for rebalances from version 1 on.
    @Test func `a member of version 0 has its session's time to ask for its assignment`() throws {
        var trace = ConsumerTrace()
        _ = try trace.run("topics a=2\njoin m1 a")
        let request = JoinGroupRequest(
            groupID: "g", sessionTimeoutMs: 30_000, rebalanceTimeoutMs: -1, memberID: "c1", protocolType: "consumer",
            protocols: [.init(name: "range", metadata: try ConsumerTrace.subscription("a", owned: ""))])
        let context = trace.world.context(version: 0)
        _ = try trace.world.perform(trace.world.shard.joinGroup(request, context))
        #expect(trace.world.timers[.consumerSync(groupID: "g", memberID: "c1")] == trace.world.now + 30_000)
    }

    @Test func `who goes on with the consumer protocol is no longer asked to join and sync`() throws {
        var trace = ConsumerTrace()
        _ = try trace.run("topics a=2\njoin m1 a\ncjoin c1 a\njoin c1 a")
        #expect(trace.world.timers[.consumerSync(groupID: "g", memberID: "c1")] == nil)
        #expect(trace.world.group?.members["c1"]?.classicProtocol == nil)
    }
}
