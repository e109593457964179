// SPDX-License-Identifier: Apache-2.0
package import KafkaBase
package import KafkaRecords
package import KafkaRuntime
package import KafkaStorage
internal import Synchronization

/// Told when the end of what consumers may read of a partition has moved.
package protocol PartitionWaiter: AnyObject, Sendable {
    /// Called on whatever thread moved it; must return at once.
    ///
    /// - Parameter bytes: about how much more there is to read.
    func partitionAdvanced(by bytes: Int)

    /// The partition is no longer led by this broker, or gone.
    func partitionLost()
}

/// A replica of a partition on this broker: its log and its part in the partition's leadership.
///
/// Thread-safe. Lock order: the partition's own lock, then the log's; waiters are called without either.
package final class Partition: Sendable {
    package let topicPartition: TopicPartition
    package let topicID: KafkaUUID
    private let state: Mutex<State>

    private struct State: ~Copyable {
        var log: UnifiedLog?
        /// Set when the log could not be opened or its directory has failed.
        var isOffline = false
        /// Set when the partition was deleted; who found it before is still here.
        var isRemoved = false
        var leader: Leadership
        var waiters: [any PartitionWaiter] = []
        /// `flush.messages`: so many records may be in the log without a sync.
        var unsyncedRecordsMax = Int64.max
        var isSyncing = false
        var syncWaiters: [SyncWaiters] = []
    }

    /// Who leads the partition, as the cluster's metadata last said.
    package struct Leadership: Equatable, Sendable {
        package var leaderID: Int32
        package var leaderEpoch: Int32
        package var partitionEpoch: Int32
        package var isLocal: Bool

        package init(leaderID: Int32, leaderEpoch: Int32, partitionEpoch: Int32, isLocal: Bool) {
            self.leaderID = leaderID
            self.leaderEpoch = leaderEpoch
            self.partitionEpoch = partitionEpoch
            self.isLocal = isLocal
        }
    }

    package init(topicPartition: TopicPartition, topicID: KafkaUUID, log: UnifiedLog?, leadership: Leadership) {
        self.topicPartition = topicPartition
        self.topicID = topicID
        state = Mutex(
            State(
                log: log, isOffline: log == nil, leader: leadership,
                unsyncedRecordsMax: log?.configuration.flushMessages ?? .max))
    }

    package var leadership: Leadership { state.withLock { $0.leader } }

    /// The log, also where this broker does not lead the partition; nil while it is offline.
    package var log: UnifiedLog? { state.withLock { $0.isOffline ? nil : $0.log } }

    package func update(_ leadership: Leadership) {
        let lost = state.withLock { state -> [any PartitionWaiter] in
            let wasLocal = state.leader.isLocal
            state.leader = leadership
            guard wasLocal, !leadership.isLocal else { return [] }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in lost { waiter.partitionLost() }
    }

    /// The topic's configuration has changed.
    package func update(_ configuration: LogConfiguration) {
        let log = state.withLock { state in
            state.unsyncedRecordsMax = configuration.flushMessages
            return state.log
        }
        log?.update(configuration)
    }

    /// The directory of the log has failed: every request is told so from now on, and who waits is told at once.
    package func markOffline() {
        let lost = state.withLock { state -> [any PartitionWaiter] in
            state.isOffline = true
            state.log = nil
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in lost { waiter.partitionLost() }
    }

    /// The log could be opened after all.
    package func attach(_ log: UnifiedLog) {
        state.withLock { state in
            guard state.isOffline, !state.isRemoved else { return }
            state.log = log
            state.isOffline = false
            state.unsyncedRecordsMax = log.configuration.flushMessages
        }
    }

    /// The partition is deleted: whoever waits for it is told.
    package func remove() {
        let lost = state.withLock { state -> [any PartitionWaiter] in
            state.isRemoved = true
            state.log = nil
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in lost { waiter.partitionLost() }
    }

    /// The log and epoch to serve a request with.
    ///
    /// - Parameter currentLeaderEpoch: the epoch the client believes in, −1 when it does not say.
    /// - Returns: or the error to answer (KIP-320 fencing).
    package func leaderLog(currentLeaderEpoch: Int32 = -1) -> Result<(log: UnifiedLog, epoch: Int32), PartitionFault> {
        state.withLock { Self.leaderLog($0, currentLeaderEpoch) }
    }

    /// The log to serve a request with, or the error to answer.
    package enum LedLog {
        case log(UnifiedLog, epoch: Int32)
        case fault(ErrorCode)
    }

    /// As `leaderLog`, for those who only need the error's code.
    package func logAsLeader(currentLeaderEpoch: Int32) -> LedLog {
        state.withLock { Self.logAsLeader($0, currentLeaderEpoch) }
    }

    /// What a consumer is told that has read everything up to `offset`, which most ask for that wait for more. nil where
    /// anything else is to be said, and while the log is busy: `logAsLeader` and the log itself say it.
    package func marksAtEnd(
        _ offset: Int64, isolation: ReadIsolation, currentLeaderEpoch: Int32
    ) -> ConsumerMarks? {
        state.withLock { state in
            guard case .log(let log, _) = Self.logAsLeader(state, currentLeaderEpoch) else { return nil }
            return log.marksAtEnd(offset, isolation: isolation)
        }
    }

    private static func leaderLog(
        _ state: borrowing State, _ currentLeaderEpoch: Int32
    ) -> Result<(log: UnifiedLog, epoch: Int32), PartitionFault> {
        switch logAsLeader(state, currentLeaderEpoch) {
        case .log(let log, let epoch): .success((log, epoch))
        case .fault(let code): .failure(.init(code))
        }
    }

    @inline(__always)
    private static func logAsLeader(_ state: borrowing State, _ currentLeaderEpoch: Int32) -> LedLog {
        guard !state.isRemoved else { return .fault(.unknownTopicOrPartition) }
        guard !state.isOffline, let log = state.log else { return .fault(.kafkaStorageError) }
        if currentLeaderEpoch >= 0 {
            if currentLeaderEpoch < state.leader.leaderEpoch { return .fault(.fencedLeaderEpoch) }
            if currentLeaderEpoch > state.leader.leaderEpoch { return .fault(.unknownLeaderEpoch) }
        }
        guard state.leader.isLocal else { return .fault(.notLeaderOrFollower) }
        return .log(log, epoch: state.leader.leaderEpoch)
    }

    /// What an append came to.
    package struct Appended: Sendable {
        package let info: AppendInfo
        /// The topic wants its records synced (`flush.messages`): they are acknowledged, and shown to consumers, once
        /// `sync` has completed.
        package let mustSync: Bool
    }

    /// Appends what a client produced and, unless the records must be synced first, moves the high watermark as far as
    /// the in-sync replicas allow: with this broker the only replica, to the end of the log.
    ///
    /// - Parameters:
    ///   - batches: changed in place: offsets, leader epoch, and timestamps where the topic asks for that.
    ///   - now: milliseconds since 1970.
    ///   - group: where given, the bytes may be written, and the high watermark moved, only when it is committed.
    package func append(
        _ batches: UnsafeMutableRawBufferPointer, origin: AppendOrigin, now: Int64, group: AppendGroup? = nil
    ) -> Result<Appended, PartitionFault> {
        var epoch: Int32 = -1
        var unsyncedMax = Int64.max
        var refusal = ErrorCode.notLeaderOrFollower
        let led = state.withLock { state -> UnifiedLog? in
            unsyncedMax = state.unsyncedRecordsMax
            switch Self.logAsLeader(state, -1) {
            case .log(let log, let leaderEpoch):
                epoch = leaderEpoch
                return log
            case .fault(let code):
                refusal = code
                return nil
            }
        }
        guard let log = led else { return .failure(PartitionFault(refusal)) }
        // A sync writes what was deferred, so that records that wait for one gain nothing from a group.
        let group = unsyncedMax == .max ? group : nil
        let info: AppendInfo
        do throws(StorageError) {
            info = try log.appendAsLeader(
                batches, leaderEpoch: epoch, origin: origin, now: now, group: group?.writes)
        } catch {
            return .failure(PartitionFault(error))
        }
        if unsyncedMax != .max, info.lastOffset + 1 - log.recoveryPoint >= unsyncedMax {
            return .success(Appended(info: info, mustSync: true))
        }
        if let group {
            group.note(self, log, endOffset: info.lastOffset + 1, bytes: batches.count)
        } else {
            advance(log, to: info.lastOffset + 1, bytes: batches.count)
        }
        return .success(Appended(info: info, mustSync: false))
    }

    /// Lets consumers see the records of `log` below `endOffset`.
    func advance(_ log: UnifiedLog, to endOffset: Int64, bytes: Int) {
        log.updateHighWatermark(endOffset)
        notify(bytes: bytes)
    }

    // MARK: Syncing

    /// Syncs that one background thread makes before others that wait for a thread have their turn.
    private static let syncsInARow = 64

    /// Makes everything below `endOffset` durable, then moves the high watermark there. Whoever asks while a sync is
    /// under way shares the next one.
    ///
    /// - Parameters:
    ///   - queue: where `complete` is called. Those of one sync who name the same are told by one piece of work there.
    ///   - complete: called on any thread where no queue is given.
    package func sync(
        upTo endOffset: Int64, on queues: any QueueFactory, tellingOn queue: (any SerialQueue)? = nil,
        complete: @escaping @Sendable (PartitionFault?) -> Void
    ) {
        let waiter = SyncWaiter(endOffset: endOffset, complete: complete)
        let begins = state.withLock { state in
            // There are as many queues as reactors, and mostly the last one asks again.
            if let place = state.syncWaiters.lastIndex(where: { $0.queue === queue }) {
                state.syncWaiters[place].list.append(waiter)
            } else {
                state.syncWaiters.append(SyncWaiters(queue: queue, list: [waiter]))
            }
            defer { state.isSyncing = true }
            return !state.isSyncing
        }
        if begins { queues.runBlocking { self.syncWhileWanted(on: queues) } }
    }

    private func syncWhileWanted(on queues: any QueueFactory) {
        for _ in 0..<Self.syncsInARow {
            syncOnce()
            let goesOn = state.withLock { state in
                state.isSyncing = !state.syncWaiters.isEmpty
                return state.isSyncing
            }
            guard goesOn else { return }
        }
        queues.runBlocking { self.syncWhileWanted(on: queues) }
    }

    private func syncOnce() {
        let (waiting, log) = state.withLock { state in
            defer { state.syncWaiters = [] }
            return (state.syncWaiters, state.log)
        }
        let end = waiting.reduce(0) { $1.list.reduce($0) { max($0, $1.endOffset) } }
        var outcome = log.map { Self.sync($0, upTo: end) } ?? .failed(PartitionFault(.kafkaStorageError))
        if case .failed = outcome, state.withLock({ $0.isRemoved }) {
            outcome = .failed(PartitionFault(.unknownTopicOrPartition))
        }
        if case .durable = outcome { notify(bytes: 1) }
        for group in waiting { group.tell(outcome) }
    }

    private static func sync(_ log: UnifiedLog, upTo end: Int64) -> SyncOutcome {
        do throws(StorageError) {
            let point = try log.flush(upTo: end)
            log.updateHighWatermark(min(end, point))
            return .durable(below: point)
        } catch {
            return .failed(PartitionFault(error))
        }
    }

    private func notify(bytes: Int) {
        let waiters = state.withLock { $0.waiters }
        for waiter in waiters { waiter.partitionAdvanced(by: bytes) }
    }

    // MARK: Waiting

    /// Adds a waiter; false when this broker no longer leads the partition, so that nobody would call it.
    package func add(_ waiter: any PartitionWaiter) -> Bool {
        state.withLock { state in
            guard state.leader.isLocal, !state.isOffline, !state.isRemoved else { return false }
            state.waiters.append(waiter)
            return true
        }
    }

    /// How many wait.
    package var waiterCount: Int { state.withLock { $0.waiters.count } }

    package func remove(_ waiter: any PartitionWaiter) {
        state.withLock { state in
            if let index = state.waiters.firstIndex(where: { $0 === waiter }) { state.waiters.remove(at: index) }
        }
    }
}

/// Why a partition could not serve a request, as the client is told.
package struct PartitionFault: Error, Sendable {
    package let code: ErrorCode
    /// For a person; nil where the code says everything.
    package let message: String?
    /// The records that were refused, where the code is about single records (KIP-467).
    package let recordErrors: [InvalidRecord]

    package init(_ code: ErrorCode, message: String? = nil) {
        self.code = code
        self.message = message
        recordErrors = []
    }

    package init(_ cause: StorageError) {
        code = cause.errorCode
        switch cause {
        case .invalidRecords(_, let message, let records):
            self.message = message
            recordErrors = records
        case .kafka(_, let message):
            self.message = message
            recordErrors = []
        default:
            message = "\(cause)"
            recordErrors = []
        }
    }
}
