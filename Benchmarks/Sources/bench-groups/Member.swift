// SPDX-License-Identifier: Apache-2.0
import Foundation
import KafkaProtocol

/// A member of a classic group. Every step is split in two, so that a thousand members can wait at once.
final class Member {
    static let joinVersion: Int16 = 9
    static let syncVersion: Int16 = 5

    let client: Client
    let group: String
    private(set) var memberID = ""
    private(set) var generation: Int32 = -1
    private(set) var members: [String] = []
    private(set) var isLeader = false

    init(port: UInt16, group: String) throws {
        client = try Client(port: port)
        self.group = group
    }

    private var joinRequest: JoinGroupRequest {
        JoinGroupRequest(
            groupID: group, sessionTimeoutMs: 60_000, rebalanceTimeoutMs: 60_000, memberID: memberID,
            protocolType: "consumer", protocols: [.init(name: "range", metadata: [UInt8](repeating: 0, count: 30))])
    }

    func beginJoin() throws {
        if memberID.isEmpty {
            // The broker gives the id first.
            memberID = try client.call(joinRequest, version: Self.joinVersion).memberID
        }
        try client.send(joinRequest, version: Self.joinVersion)
    }

    func finishJoin() throws {
        let joined = try client.receive(JoinGroupResponse.self, version: Self.joinVersion)
        guard joined.errorCode == 0 else { throw BenchmarkError("JoinGroup: error \(joined.errorCode)") }
        generation = joined.generationID
        isLeader = joined.leader == joined.memberID
        members = joined.members.map(\.memberID)
    }

    private func awaitRebalance() throws {
        let rebalanceInProgress: Int16 = 27
        let request = HeartbeatRequest(groupID: group, generationID: generation, memberID: memberID)
        while try client.call(request, version: 4).errorCode != rebalanceInProgress {}
    }

    func beginSync() throws {
        let assignments: [SyncGroupRequest.SyncGroupRequestAssignment] =
            isLeader ? members.map { .init(memberID: $0, assignment: [UInt8](repeating: 0, count: 40)) } : []
        try client.send(
            SyncGroupRequest(
                groupID: group, generationID: generation, memberID: memberID, protocolType: "consumer",
                protocolName: "range", assignments: assignments), version: Self.syncVersion)
    }

    func finishSync() throws {
        let synced = try client.receive(SyncGroupResponse.self, version: Self.syncVersion)
        guard synced.errorCode == 0 else { throw BenchmarkError("SyncGroup: error \(synced.errorCode)") }
    }

    /// What went over the wire for each member in a rebalance.
    struct Exchanges {
        var joins: [Exchange] = []
        var syncs: [Exchange] = []
    }

    /// One rebalance of all `members`, from the first JoinGroup to the last assignment. The members of a new group come
    /// together in the time that its first rebalance waits; a group that is stable is balanced anew when its leader asks,
    /// which therefore comes first.
    @discardableResult
    static func balance(_ members: [Member]) throws -> Exchanges {
        var exchanges = Exchanges()
        let leaders = members.filter(\.isLeader)
        let others = members.filter { !$0.isLeader }
        for leader in leaders { try leader.beginJoin() }
        // Others hear of it by their heartbeats; who came before would be told that nothing has changed.
        if !leaders.isEmpty { try others.first?.awaitRebalance() }
        for member in others { try member.beginJoin() }
        let members = leaders + others
        for member in members {
            try member.finishJoin()
            exchanges.joins.append(member.client.last)
        }
        for member in members { try member.beginSync() }
        for member in members {
            try member.finishSync()
            exchanges.syncs.append(member.client.last)
        }
        return exchanges
    }

    /// Balances groups of one member each, side by side.
    static func balanceAlone(_ members: [Member]) throws {
        for member in members { try member.beginJoin() }
        for member in members { try member.finishJoin() }
        for member in members { try member.beginSync() }
        for member in members { try member.finishSync() }
    }
}
