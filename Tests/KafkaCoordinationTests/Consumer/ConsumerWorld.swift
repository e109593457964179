// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import Testing

@testable import KafkaCoordination

/// Topics named by one letter, whose ids come from their names.
struct TestTopics: GroupMetadataView {
    var version: Int64 = 0
    var partitions: [String: Int] = [:]
    var racks: [String: [String]] = [:]

    static func id(_ name: String) -> KafkaUUID { AssignmentText.id(name.first ?? "?") }

    var topicNames: [String] { partitions.keys.sorted() }
    func topicID(named name: String) -> KafkaUUID? { partitions[name] == nil ? nil : Self.id(name) }
    func topicName(of id: KafkaUUID) -> String? { partitions.keys.first { Self.id($0) == id } }
    func partitionCount(of id: KafkaUUID) -> Int? { topicName(of: id).flatMap { partitions[$0] } }
    func racks(of id: KafkaUUID, partition: Int32) -> [String] { topicName(of: id).flatMap { racks[$0] } ?? [] }
}

/// A shard with its log and timers: what its owner does, without time going by itself. Every record passes through its
/// bytes.
struct ConsumerWorld {
    static let groupID = "g"

    var shard: GroupCoordinatorShard
    var topics = TestTopics()
    var now: Int64 = 1_000_000
    private(set) var log: [(key: [UInt8], value: [UInt8]?)] = []
    private(set) var timers: [GroupTimer: Int64] = [:]
    private(set) var joins: [(RequestToken, JoinGroupResponse)] = []
    private(set) var syncs: [(RequestToken, SyncGroupResponse)] = []
    /// Set to make the next append fail.
    var failsNextAppend = false
    private var tokens: UInt64 = 0

    init(_ configuration: GroupCoordinatorConfiguration = GroupCoordinatorConfiguration()) {
        shard = GroupCoordinatorShard(configuration: configuration)
        _ = shard.loaded(now: now)
    }

    var group: ConsumerGroup? { shard.consumerGroups[Self.groupID] }

    mutating func context(version: Int16 = 1) -> GroupRequestContext {
        tokens += 1
        return GroupRequestContext(
            now: now, apiVersion: version, clientID: "client", clientHost: "/127.0.0.1",
            freshID: KafkaUUID(high: 99, low: tokens), token: RequestToken(tokens), metadata: topics)
    }

    /// Does what an outcome asks for; nil where the append failed or the request is parked.
    mutating func perform<Response>(_ outcome: GroupOutcome<Response>) throws -> Response? {
        if failsNextAppend, !outcome.records.isEmpty {
            failsNextAppend = false
            return nil
        }
        for record in outcome.records {
            let bytes = try record.encoded()
            log.append(bytes)
            try Self.replay(bytes, offset: Int64(log.count), into: &shard)
        }
        for effect in outcome.effects {
            switch effect {
            case .setTimer(let timer, let delay): timers[timer] = now + delay
            case .cancelTimer(let timer): timers[timer] = nil
            case .completeJoin(let token, let response): joins.append((token, response))
            case .completeSync(let token, let response): syncs.append((token, response))
            }
        }
        if let ticket = outcome.ticket { _ = try perform(shard.appended(ticket, now: now)) }
        guard case .now(let response) = outcome.reply else { return nil }
        return response
    }

    /// Puts a record into the log that nobody asked for.
    mutating func write(_ record: GroupCoordinatorRecord) throws {
        _ = try perform(GroupOutcome(.now(()), records: [record]))
    }

    private static func replay(
        _ bytes: (key: [UInt8], value: [UInt8]?), offset: Int64, into shard: inout GroupCoordinatorShard
    ) throws {
        let decoded = try bytes.key.withUnsafeBytes { key in
            if let value = bytes.value {
                return try value.withUnsafeBytes { try GroupCoordinatorRecord.decode(key: key, value: $0) }
            }
            return try GroupCoordinatorRecord.decode(key: key, value: nil)
        }
        guard case .record(let record) = decoded else { throw WireError(.invalidValue(0)) }
        shard.replay(record, offset: offset)
    }

    mutating func heartbeat(
        _ request: ConsumerGroupHeartbeatRequest, version: Int16 = 1
    ) throws -> ConsumerGroupHeartbeatResponse? {
        let context = context(version: version)
        return try perform(shard.consumerGroupHeartbeat(request, context))
    }

    /// - Returns: whether the timer was set.
    @discardableResult
    mutating func fire(_ timer: GroupTimer) throws -> Bool {
        guard timers.removeValue(forKey: timer) != nil else { return false }
        _ = try perform(shard.timerFired(timer, now: now))
        return true
    }

    enum LogView {
        case whole
        /// What compaction leaves: the last record of each key.
        case compacted
    }

    /// The shard as another broker would load it.
    func reloaded(_ view: LogView) throws -> GroupCoordinatorShard {
        var shard = GroupCoordinatorShard(configuration: shard.configuration)
        let last = Dictionary(log.enumerated().map { ($1.key, $0) }) { $1 }
        for (offset, bytes) in log.enumerated() {
            guard view == .whole || last[bytes.key] == offset else { continue }
            try Self.replay(bytes, offset: Int64(offset), into: &shard)
        }
        return shard
    }

    /// The broker stops; another one takes over from the log.
    mutating func fail(over view: LogView) throws {
        shard = try reloaded(view)
        shard.lastMetadata = topics
        timers = [:]
        _ = try perform(shard.loaded(now: now))
    }
}

extension ConsumerGroup {
    /// All that the records say, as text: `Stable 3/3 m1@3 a0,a1 | m2@2 waits a2 gives a3 target a2`.
    var summary: String {
        var parts: [String] = []
        for memberID in memberIDs {
            guard let member = members[memberID] else { continue }
            var text = "\(memberID)@\(member.memberEpoch)"
            switch member.state {
            case .stable: break
            case .unrevokedPartitions: text += " gives"
            case .unreleasedPartitions: text += " waits"
            case .unknown: text += " unknown"
            }
            text += " [\(AssignmentText.describe(member.assigned))]"
            if !member.pendingRevocation.isEmpty { text += " -[\(AssignmentText.describe(member.pendingRevocation))]" }
            let target = target[memberID] ?? TopicPartitionSet()
            if target != member.assigned { text += " target [\(AssignmentText.describe(target))]" }
            if member.classicProtocol != nil { text += " classic" }
            parts.append(text)
        }
        return (["\(stateName) \(groupEpoch)/\(assignmentEpoch)"] + [parts.joined(separator: " | ")])
            .filter { !$0.isEmpty }.joined(separator: " ")
    }
}
