// SPDX-License-Identifier: Apache-2.0
internal import DequeModule
internal import KafkaBase
internal import KafkaCoordination
internal import KafkaProtocol
internal import KafkaReplication
internal import KafkaRuntime
internal import Logging

/// One partition of `__consumer_offsets` that this broker leads: the state of its groups, what was decided and is not
/// written yet, and who waits for what was written to be committed.
///
/// A request goes *decide → records → append → replay → answer behind the high watermark*. Commits that wait on the queue
/// together share one append, because none of them decides by what another changes; whatever else is asked sees the
/// state behind them. Where an append fails nothing of it is replayed.
///
/// Confined to `queue`, which is what makes it `@unchecked Sendable`.
final class GroupShardRuntime: @unchecked Sendable {
    enum Phase {
        case loading(LoadCancellation)
        case active
        /// The partition's log cannot be read.
        case failed
        case unloaded
    }

    /// An answer that waits for the high watermark to reach `endOffset`.
    struct Waiting {
        let endOffset: Int64
        /// Milliseconds of the steady clock.
        let deadline: Int64
        let answer: () -> Void
        let fail: (ErrorCode) -> Void
    }

    let index: Int32
    let queue: any SerialQueue
    let environment: GroupShardEnvironment
    var phase: Phase
    /// The leader epoch it was loaded in, or a later one.
    var leaderEpoch: Int32
    var shard: GroupCoordinatorShard
    var metadata: any GroupMetadataView
    /// The broker's settings and those of single groups, as they are now.
    var configuration: GroupCoordinatorConfiguration {
        didSet { shard.configuration = configuration }
    }
    /// The partition; nil until it is loaded.
    var partition: Partition?
    var gathered: [Gathered] = []
    /// About the size of the batch that `gathered` makes.
    var gatheredBytes = 0
    var isAppendScheduled = false
    var waiting: Deque<Waiting> = []
    var isWatching = false
    /// The offset behind the last record that was written or loaded.
    var lastWritten: Int64 = 0
    var timers: [GroupTimer: TimerToken] = [:]
    var joins: [RequestToken: ReplyTicket<JoinGroupResponse>] = [:]
    var syncs: [RequestToken: ReplyTicket<SyncGroupResponse>] = [:]
    /// Topics that were deleted while the shard was loading.
    var missedDeletions: [String] = []
    var waitingTimer: TimerToken?
    private var nextToken: UInt64 = 0
    private var expiryTimer: TimerToken?

    init(
        index: Int32, leaderEpoch: Int32, configuration: GroupCoordinatorConfiguration,
        metadata: any GroupMetadataView, queue: any SerialQueue, environment: GroupShardEnvironment
    ) {
        self.index = index
        self.leaderEpoch = leaderEpoch
        self.configuration = configuration
        self.metadata = metadata
        self.queue = queue
        self.environment = environment
        shard = GroupCoordinatorShard(configuration: configuration)
        phase = .unloaded
    }

    var name: TopicPartition { TopicPartition(topic: OffsetsTopic.name, partition: index) }
    var now: Int64 { environment.runtime.clock.wallMilliseconds }

    /// Why no request can be served now; nil where they can.
    var refusal: ErrorCode? {
        switch phase {
        case .loading: .coordinatorLoadInProgress
        case .active: nil
        case .failed, .unloaded: .notCoordinator
        }
    }

    /// What there is to count; nil where the shard is given up.
    var report: GroupShardReport? {
        switch phase {
        case .loading: GroupShardReport(state: .loading, snapshot: nil)
        case .active: GroupShardReport(state: .active, snapshot: shard.snapshot)
        case .failed: GroupShardReport(state: .failed, snapshot: nil)
        case .unloaded: nil
        }
    }

    // MARK: Requests

    /// Has `request` decided and answered.
    func serve<Response>(_ request: GroupOperation<Response>) {
        queue.assertCurrent()
        if let refusal { return request.refuse(refusal) }
        if request.kind != .commit { append() }
        nextToken += 1
        let token = RequestToken(nextToken)
        let context = GroupRequestContext(
            now: now, apiVersion: request.version, clientID: request.client.clientID,
            clientHost: "/" + request.client.host, freshID: environment.runtime.random.uuid(), token: token,
            metadata: metadata)
        let outcome = request.decide(&shard, context)
        let decided =
            switch outcome.reply {
            case .now(let response):
                Gathered(
                    outcome.withoutReply, answer: { request.complete(response) }, fail: { request.refuse($0) })
            case .parked:
                // An effect answers it, also where the records cannot be written.
                Gathered(outcome.withoutReply, answer: {}, fail: { _ in })
            }
        if case .parked = outcome.reply { request.park(self, token) }
        gather(decided)
        if request.kind == .commit { scheduleAppend() } else { append() }
    }

    // MARK: Timers and changes from outside

    func timerFired(_ timer: GroupTimer) {
        timers[timer] = nil
        guard case .active = phase else { return }
        change({ $0.timerFired(timer, now: $1) }) { [weak self] _ in
            // The group must not stay as it is for ever because the disk was full for a moment.
            self?.set(timer, after: Self.retryDelay)
        }
    }

    /// Has the shard change by itself. `failed` is told where that could not be written.
    func change(
        _ decide: (inout GroupCoordinatorShard, Int64) -> GroupOutcome<Void>,
        failed: @escaping (ErrorCode) -> Void = { _ in }
    ) {
        append()
        gather(Gathered(decide(&shard, now), answer: {}, fail: failed))
        append()
    }

    func metadataChanged(_ view: any GroupMetadataView, deletedTopics: [String]) {
        metadata = view
        shard.lastMetadata = view
        guard !deletedTopics.isEmpty else { return }
        guard case .active = phase else {
            missedDeletions += deletedTopics
            return
        }
        change { $0.topicsDeleted(deletedTopics, now: $1) }
    }

    // MARK: Expiry of offsets

    func scheduleExpiry() {
        expiryTimer = queue.schedule(after: environment.settings.offsetsRetentionCheckInterval) { [weak self] in
            self?.expire(after: nil)
        }
    }

    /// Looks at the next groups; lets others use the queue between two looks.
    private func expire(after cursor: String?) {
        guard case .active = phase else { return }
        append()
        let outcome = shard.expireOffsets(now: now, after: cursor)
        gather(Gathered(outcome.withoutReply, cause: .expiry, answer: {}, fail: { _ in }))
        append()
        if case .now(let next?) = outcome.reply {
            queue.async { [weak self] in self?.expire(after: next) }
        } else {
            scheduleExpiry()
        }
    }

    // MARK: Unloading

    /// Gives everything up: another broker coordinates these groups now, or nobody does.
    func unload() {
        if case .loading(let cancellation) = phase { cancellation.set() }
        phase = .unloaded
        if let expiryTimer { queue.cancel(expiryTimer) }
        expiryTimer = nil
        stopWatching()
        let failed = gathered.map(\.fail) + waiting.map(\.fail)
        gathered = []
        waiting = []
        for fail in failed { fail(.notCoordinator) }
        dropTimers()
        for effect in shard.unload() { answerAtOnce(effect) }
        // Whoever the group does not know any more must not wait for ever either.
        for token in joins.keys.sorted(by: { $0.rawValue < $1.rawValue }) {
            joins[token]?.complete(GroupAnswers.failedJoin(.notCoordinator))
        }
        for token in syncs.keys.sorted(by: { $0.rawValue < $1.rawValue }) {
            syncs[token]?.complete(GroupAnswers.failedSync(.notCoordinator))
        }
        joins = [:]
        syncs = [:]
        shard = GroupCoordinatorShard(configuration: configuration)
    }
}
