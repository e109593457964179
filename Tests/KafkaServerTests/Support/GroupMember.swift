// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaServer
import KafkaSimulator
import Testing

/// A member of a classic group, as a client library would be one: with a connection of its own.
final class GroupMember {
    static let protocolType = "consumer"

    let broker: TestBroker
    let connection: TestConnection
    let group: String
    let version: Int16
    var instanceID: String?
    private(set) var memberID = ""
    private(set) var generation: Int32 = -1
    private(set) var leader = ""
    private(set) var assignment: [UInt8] = []
    private var joining: Int32?
    private var syncing: Int32?

    init(_ broker: TestBroker, group: String = "g", version: Int16 = 9, instanceID: String? = nil) {
        self.broker = broker
        self.group = group
        self.version = version
        self.instanceID = instanceID
        connection = broker.connect()
    }

    var isLeader: Bool { !memberID.isEmpty && leader == memberID }
    private var syncVersion: Int16 { min(version, SyncGroupHandler.servedVersions.upperBound) }
    private var shortVersion: Int16 { min(version, HeartbeatHandler.servedVersions.upperBound) }

    // MARK: Joining

    func joinRequest(sessionTimeout: Int32 = 10_000) -> JoinGroupRequest {
        JoinGroupRequest(
            groupID: group, sessionTimeoutMs: sessionTimeout, rebalanceTimeoutMs: 20_000, memberID: memberID,
            groupInstanceID: version >= 5 ? instanceID : nil, protocolType: Self.protocolType,
            protocols: [.init(name: "range", metadata: [0, 1, 0, 0, 0, 0, 0, 0, 0, 0])])
    }

    /// Sends JoinGroup and, where the broker wants to give the id first, sends it again with the id. Returns without the
    /// answer.
    func beginJoin(sessionTimeout: Int32 = 10_000) throws {
        if version >= 4, memberID.isEmpty, instanceID == nil {
            let first = try connection.call(joinRequest(sessionTimeout: sessionTimeout), version: version)
            #expect(ErrorCode(first.errorCode) == .memberIDRequired)
            memberID = first.memberID
        }
        joining = try connection.send(joinRequest(sessionTimeout: sessionTimeout), version: version)
    }

    @discardableResult
    func finishJoin(within milliseconds: Int64 = 60_000) throws -> JoinGroupResponse {
        let response = try connection.receive(
            JoinGroupResponse.self, version: version, correlationID: try #require(joining), within: milliseconds)
        if response.errorCode == 0 {
            memberID = response.memberID
            generation = response.generationID
            leader = response.leader
        }
        return response
    }

    // MARK: Assignments

    func beginSync(_ assignments: [(member: String, bytes: [UInt8])] = []) throws {
        syncing = try connection.send(
            SyncGroupRequest(
                groupID: group, generationID: generation, memberID: memberID,
                groupInstanceID: syncVersion >= 3 ? instanceID : nil, protocolType: Self.protocolType,
                protocolName: "range", assignments: assignments.map { .init(memberID: $0.member, assignment: $0.bytes) }
            ),
            version: syncVersion)
    }

    @discardableResult
    func finishSync() throws -> SyncGroupResponse {
        let response = try connection.receive(
            SyncGroupResponse.self, version: syncVersion, correlationID: try #require(syncing))
        if response.errorCode == 0 { assignment = response.assignment }
        return response
    }

    /// Joins alone and gets `bytes` assigned.
    func enter(_ bytes: [UInt8] = [1, 2, 3]) throws {
        try beginJoin()
        #expect(try finishJoin().errorCode == 0)
        try beginSync([(memberID, bytes)])
        #expect(try finishSync().errorCode == 0)
    }

    // MARK: Living

    func heartbeat() throws -> ErrorCode {
        let response = try connection.call(
            HeartbeatRequest(
                groupID: group, generationID: generation, memberID: memberID,
                groupInstanceID: shortVersion >= 3 ? instanceID : nil), version: shortVersion)
        return ErrorCode(response.errorCode)
    }

    func commit(_ offset: Int64, topic: String = "t", partition: Int32 = 0, version: Int16 = 9) throws -> ErrorCode {
        let response = try connection.call(
            Requests.commit(offset, group: group, topic: topic, partition: partition, memberID, generation),
            version: version)
        return ErrorCode(try #require(response.topics.first?.partitions.first).errorCode)
    }

    func leave() throws -> ErrorCode {
        let version = min(version, LeaveGroupHandler.servedVersions.upperBound)
        let response = try connection.call(
            version < 3
                ? LeaveGroupRequest(groupID: group, memberID: memberID)
                : LeaveGroupRequest(groupID: group, members: [.init(memberID: memberID, groupInstanceID: instanceID)]),
            version: version)
        return ErrorCode(response.members.first?.errorCode ?? response.errorCode)
    }
}

extension Requests {
    static func commit(
        _ offset: Int64, group: String = "g", topic: String = "t", partition: Int32 = 0, _ memberID: String = "",
        _ generation: Int32 = -1, metadata: String? = ""
    ) -> OffsetCommitRequest {
        OffsetCommitRequest(
            groupID: group, generationIDOrMemberEpoch: generation, memberID: memberID,
            topics: [
                .init(
                    name: topic,
                    partitions: [
                        .init(partitionIndex: partition, committedOffset: offset, committedMetadata: metadata)
                    ])
            ])
    }

    static func committed(
        group: String = "g", topic: String = "t", partition: Int32 = 0, version: Int16 = 9
    ) -> OffsetFetchRequest {
        version < 8
            ? OffsetFetchRequest(groupID: group, topics: [.init(name: topic, partitionIndexes: [partition])])
            : OffsetFetchRequest(groups: [
                .init(groupID: group, topics: [.init(name: topic, partitionIndexes: [partition])])
            ])
    }
}

extension TestBroker {
    /// Has the broker make `__consumer_offsets`.
    func findCoordinator(of group: String = "g") throws {
        let response = try call(FindCoordinatorRequest(key: group), version: 3)
        #expect(response.errorCode == 0, "\(response.errorMessage ?? "")")
    }

    /// The offset that a group has committed, −1 for none; waits while the group is loaded.
    func committed(group: String = "g", topic: String = "t", partition: Int32 = 0) throws -> Int64 {
        for _ in 0..<100 {
            let response = try call(
                Requests.committed(group: group, topic: topic, partition: partition), version: 9)
            let found = try #require(response.groups.first)
            if ErrorCode(found.errorCode) == .coordinatorLoadInProgress {
                try world.advance(by: 50)
                continue
            }
            #expect(found.errorCode == 0)
            return found.topics.first?.partitions.first?.committedOffset ?? -1
        }
        Issue.record("the group is never loaded")
        return -1
    }
}
