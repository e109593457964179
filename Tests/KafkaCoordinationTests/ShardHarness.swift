// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaCoordination
import KafkaProtocol

/// What owns a shard in a broker, without a broker: a log in memory, timers and a clock that the test moves.
struct ShardHarness {
    struct Entry {
        let key: [UInt8]
        let value: [UInt8]?
        let producerID: Int64?
        /// A control record instead of a record with a key.
        let end: TransactionEnd?
    }

    /// What left the shard, in order.
    enum Output {
        case appended(GroupCoordinatorRecord)
        case join(RequestToken, JoinGroupResponse)
        case sync(RequestToken, SyncGroupResponse)
    }

    var configuration = GroupCoordinatorConfiguration()
    private(set) var shard = GroupCoordinatorShard(configuration: GroupCoordinatorConfiguration())
    private(set) var log: [Entry] = []
    private(set) var now: Int64 = 0
    /// What the next append fails with.
    var nextAppendError: ErrorCode?
    var outputs: [Output] = []
    private(set) var timers: [(timer: GroupTimer, deadline: Int64)] = []
    private var lastToken: UInt64 = 0
    private var lastID: UInt64 = 0
    let metadata = TestMetadata()

    init() { load() }

    /// A JoinGroup's surroundings: it has the next id for a new member.
    mutating func joinContext(version: Int16, clientID: String) -> GroupRequestContext {
        lastID += 1
        return context(version: version, clientID: clientID)
    }

    /// A request's surroundings; every request has the next token.
    mutating func context(version: Int16, clientID: String = "") -> GroupRequestContext {
        lastToken += 1
        return GroupRequestContext(
            now: now, apiVersion: version, clientID: clientID, clientHost: "/192.0.2.1",
            freshID: KafkaUUID(high: 0, low: lastID), token: RequestToken(lastToken), metadata: metadata)
    }

    // MARK: Outcomes

    /// Asks the shard and does what its outcome says; nil where the request is parked.
    mutating func ask<Request: GroupRequest>(
        _ request: Request, _ context: GroupRequestContext,
        _ method: (inout GroupCoordinatorShard, Request, GroupRequestContext) -> GroupOutcome<Request.Response>
    ) -> Request.Response? {
        let outcome = method(&shard, request, context)
        if let error = perform(outcome) {
            if case .parked = outcome.reply { return nil }
            return request.answer(failing: .groupAnswer(forAppendError: error), version: context.apiVersion)
        }
        if case .now(let response) = outcome.reply { return response }
        return nil
    }

    /// The error of the append, where there was one.
    private mutating func perform<Response>(_ outcome: GroupOutcome<Response>) -> ErrorCode? {
        if !outcome.records.isEmpty, let error = nextAppendError {
            nextAppendError = nil
            if let ticket = outcome.ticket { _ = perform(shard.appendFailed(ticket, error, now: now)) }
            return error
        }
        for record in outcome.records { append(record, producerID: nil) }
        if let ticket = outcome.ticket { _ = perform(shard.appended(ticket, now: now)) }
        for effect in outcome.effects { perform(effect) }
        return nil
    }

    private mutating func perform(_ effect: GroupEffect) {
        switch effect {
        case .setTimer(let timer, let delay):
            timers.removeAll { $0.timer == timer }
            timers.append((timer, now + delay))
        case .cancelTimer(let timer): timers.removeAll { $0.timer == timer }
        case .completeJoin(let token, let response): outputs.append(.join(token, response))
        case .completeSync(let token, let response): outputs.append(.sync(token, response))
        }
    }

    // MARK: Log

    mutating func append(_ record: GroupCoordinatorRecord, producerID: Int64?) {
        guard let (key, value) = try? record.encoded() else { preconditionFailure("a test's record fits") }
        outputs.append(.appended(record))
        shard.replay(record, offset: Int64(log.count), producerID: producerID)
        log.append(Entry(key: key, value: value, producerID: producerID, end: nil))
    }

    mutating func endTransaction(producerID: Int64, _ end: TransactionEnd) {
        log.append(Entry(key: [], value: nil, producerID: producerID, end: end))
        shard.replayTransactionEnd(producerID: producerID, end)
    }

    /// The broker stops at once and another takes over: the log is all that is left.
    mutating func crash() {
        timers = []
        load()
    }

    private mutating func load() {
        shard = Self.replayed(log, configuration)
        _ = perform(shard.loaded(now: now))
    }

    /// A shard that has read the log, and has not been asked anything.
    static func replayed(_ log: [Entry], _ configuration: GroupCoordinatorConfiguration) -> GroupCoordinatorShard {
        var shard = GroupCoordinatorShard(configuration: configuration)
        for (offset, entry) in log.enumerated() {
            if let end = entry.end {
                shard.replayTransactionEnd(producerID: entry.producerID ?? -1, end)
                continue
            }
            let decoded = entry.key.withUnsafeBytes { key in
                guard let value = entry.value else { return try? GroupCoordinatorRecord.decode(key: key, value: nil) }
                return value.withUnsafeBytes { try? GroupCoordinatorRecord.decode(key: key, value: $0) }
            }
            guard case .record(let record) = decoded else { preconditionFailure("the log holds what was written") }
            shard.replay(record, offset: Int64(offset), producerID: entry.producerID)
        }
        return shard
    }

    // MARK: Time

    /// Moves the clock, firing timers at their times, the earlier set first.
    mutating func wait(_ milliseconds: Int64) {
        let end = now + milliseconds
        while let next = timers.map(\.deadline).min(), next <= end,
            let index = timers.firstIndex(where: { $0.deadline == next })
        {
            now = max(now, next)
            let timer = timers.remove(at: index).timer
            _ = perform(shard.timerFired(timer, now: now))
        }
        now = end
    }

    mutating func expireOffsets() {
        var cursor: String?
        repeat {
            let outcome = shard.expireOffsets(now: now, after: cursor)
            _ = perform(outcome)
            guard case .now(let next) = outcome.reply else { return }
            cursor = next
        } while cursor != nil
    }

    mutating func configure(_ change: (inout GroupCoordinatorConfiguration) -> Void) {
        change(&configuration)
        shard.configuration = configuration
    }

    mutating func unload() {
        timers = []
        for effect in shard.unload() { perform(effect) }
    }
}

/// Topics of one letter, whose ids say which.
struct TestMetadata: GroupMetadataView {
    var version: Int64 { 1 }
    var topicNames: [String] { ["s", "t", "u"] }
    func topicID(named name: String) -> KafkaUUID? {
        topicNames.firstIndex(of: name).map { KafkaUUID(high: 1, low: UInt64($0)) }
    }
    func topicName(of id: KafkaUUID) -> String? {
        id.high == 1 && id.low < 3 ? topicNames[Int(id.low)] : nil
    }
    func partitionCount(of id: KafkaUUID) -> Int? { topicName(of: id) == nil ? nil : 4 }
    func racks(of id: KafkaUUID, partition: Int32) -> [String] { [] }
}
