// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaServer
import KafkaSimulator
import Testing

/// Classic groups from the first question to the last answer, over the wire and in virtual time.
@Suite struct ClassicGroupTests {
    private static let quick = ["group.initial.rebalance.delay.ms": "100"]

    private func makeBroker(_ settings: [String: String] = [:]) throws -> TestBroker {
        let broker = try TestBroker(Self.quick.merging(settings) { $1 })
        try broker.createTopic("t", partitions: 2)
        try broker.findCoordinator()
        return broker
    }

    @Test(arguments: JoinGroupHandler.servedVersions)
    func `a member joins, is assigned, lives and leaves`(version: Int16) throws {
        let broker = try makeBroker()
        let member = GroupMember(broker, version: version)
        try member.enter([7, 8])
        #expect(member.isLeader)
        #expect(member.generation == 1)
        #expect(member.assignment == [7, 8])
        #expect(try member.heartbeat() == .none)
        #expect(try member.leave() == .none)
        #expect(try member.heartbeat() == .unknownMemberID)
    }

    @Test func `two members share a generation`() throws {
        let broker = try makeBroker()
        let (first, second) = (GroupMember(broker), GroupMember(broker))
        try first.beginJoin()
        try second.beginJoin()
        let joined = [try first.finishJoin(), try second.finishJoin()]
        #expect(joined.map(\.generationID) == [1, 1])
        #expect(Set(joined.map(\.leader)).count == 1)
        #expect(joined.map(\.members.count).sorted() == [0, 2])
        let (leader, follower) = first.isLeader ? (first, second) : (second, first)
        try follower.beginSync()
        try leader.beginSync([(first.memberID, [1]), (second.memberID, [2])])
        #expect(try leader.finishSync().errorCode == 0)
        #expect(try follower.finishSync().errorCode == 0)
        #expect(first.assignment == [1] && second.assignment == [2])
    }

    @Test func `a newcomer has the others come back`() throws {
        let broker = try makeBroker()
        let first = GroupMember(broker)
        try first.enter()
        let second = GroupMember(broker)
        try second.beginJoin()
        try broker.world.advance(by: 50)
        #expect(second.connection.waitingAnswers == 0)
        #expect(try first.heartbeat() == .rebalanceInProgress)
        try first.beginJoin()
        #expect(try first.finishJoin().generationID == 2)
        #expect(try second.finishJoin().generationID == 2)
    }

    @Test func `who sends no heartbeat is removed, and its partitions go to the others`() throws {
        let broker = try makeBroker()
        let (silent, living) = (GroupMember(broker), GroupMember(broker))
        try silent.beginJoin(sessionTimeout: 6_000)
        try living.beginJoin(sessionTimeout: 30_000)
        _ = try silent.finishJoin()
        _ = try living.finishJoin()
        let leader = silent.isLeader ? silent : living
        let other = silent.isLeader ? living : silent
        try other.beginSync()
        try leader.beginSync([(silent.memberID, [1]), (living.memberID, [2])])
        _ = try silent.finishSync()
        _ = try living.finishSync()
        try broker.world.advance(by: 5_000)
        #expect(try living.heartbeat() == .none)
        try broker.world.advance(by: 1_500)
        #expect(try living.heartbeat() == .rebalanceInProgress)
        try living.beginJoin()
        let joined = try living.finishJoin()
        #expect(joined.members.map(\.memberID) == [living.memberID])
        #expect(try silent.heartbeat() == .unknownMemberID)
    }

    @Test func `a static member keeps its place over a restart of its process`() throws {
        let broker = try makeBroker()
        let before = GroupMember(broker, instanceID: "i1")
        try before.enter([5])
        before.connection.close()
        try broker.world.advance(by: 1_000)
        let after = GroupMember(broker, instanceID: "i1")
        try after.beginJoin()
        let joined = try after.finishJoin()
        #expect(joined.errorCode == 0)
        #expect(joined.generationID == 1, "no rebalance")
        try after.beginSync()
        #expect(try after.finishSync().assignment == [5])
        let fenced = try GroupMemberProbe.heartbeat(broker, before)
        #expect(fenced == .fencedInstanceID)
    }

    @Test func `a group without a coordinator's topic has no coordinator`() throws {
        let broker = try TestBroker()
        let response = try broker.call(JoinGroupRequest(groupID: "g", sessionTimeoutMs: 10_000), version: 3)
        #expect(ErrorCode(response.errorCode) == .notCoordinator)
    }

    @Test func `who waits is sent elsewhere when the broker stops`() throws {
        let broker = try makeBroker(["group.initial.rebalance.delay.ms": "30000"])
        let member = GroupMember(broker)
        try member.beginJoin()
        try broker.world.advance(by: 10)
        try broker.shutdown()
        #expect(ErrorCode(try member.finishJoin().errorCode) == .notCoordinator)
    }

    @Test func `a client that goes away while it waits does no harm`() throws {
        let broker = try makeBroker(["group.initial.rebalance.delay.ms": "3000"])
        let (gone, stays) = (GroupMember(broker), GroupMember(broker))
        try gone.beginJoin(sessionTimeout: 6_000)
        try stays.beginJoin(sessionTimeout: 30_000)
        try broker.world.advance(by: 10)
        gone.connection.close()
        let joined = try stays.finishJoin()
        #expect(joined.errorCode == 0)
    }

    @Test func `a group survives the kill of the broker`() throws {
        let broker = try makeBroker()
        let member = GroupMember(broker)
        try member.enter([9])
        #expect(try member.commit(42) == .none)
        try broker.crash(.process)
        #expect(try broker.committed() == 42)
        // The member goes on as if nothing had happened, over a new connection.
        #expect(try GroupMemberProbe.heartbeat(broker, member) == .none)
    }
}

/// Asks for a member over another connection than its own.
enum GroupMemberProbe {
    static func heartbeat(_ broker: TestBroker, _ member: GroupMember) throws -> ErrorCode {
        let response = try broker.call(
            HeartbeatRequest(
                groupID: member.group, generationID: member.generation, memberID: member.memberID,
                groupInstanceID: member.instanceID), version: 4)
        return ErrorCode(response.errorCode)
    }
}
