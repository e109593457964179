// SPDX-License-Identifier: Apache-2.0
internal import DequeModule
internal import KafkaBase
package import KafkaMetadata
internal import KafkaProtocol
internal import KafkaRaft
internal import KafkaRecords
package import KafkaRuntime
internal import KafkaStorage
internal import Logging
internal import Synchronization

/// The cluster's metadata: owns the raft node and the log behind it, decides changes, and makes them visible when they
/// are committed.
///
/// A change goes *decide → records → append → sync → publish*. Decisions see what earlier ones made, committed or not;
/// everybody else sees committed state only. Syncs run elsewhere and cover every change appended before they began.
///
/// Confined to `queue`, which is what makes it `@unchecked Sendable`.
package final class MetadataQuorum: @unchecked Sendable {
    /// Makes a committed change visible: called in order on the queue, before the answer to whoever asked for it.
    typealias Publisher = (MetadataImage, MetadataDelta) -> Void

    /// Changes that may wait for their commit at once.
    private static let waitingMaximum = 10_000
    private static let tickInterval: Int64 = 60_000

    struct Waiting {
        /// Committed once this offset is.
        let endOffset: Int64
        let image: MetadataImage
        let delta: MetadataDelta
        let bytes: Int64
        let complete: (APIError?) -> Void
    }

    package let queue: any SerialQueue
    let runtime: Runtime
    let log: Logger
    let store: MetadataStore
    let publisher: Publisher
    let onFatal: @Sendable (String) -> Void
    var node: RaftNode
    /// What decides, on the newest state, committed or not.
    var controller: Controller
    /// What was published last.
    var published = MetadataImage.empty
    var waiting: Deque<Waiting> = []
    /// The offset a sync is under way for, and the one the next must reach.
    var syncUnderWay: Int64?
    var syncWanted: Int64 = 0
    /// Bytes of the log behind the newest snapshot when it was opened.
    private var replayedBytes: Int64 = 0
    var isStarting = true
    var isStopped = false
    /// Whether this node decides changes; readable from anywhere.
    let isActiveController = Atomic<Bool>(false)
    /// Why nothing can be decided any more.
    var failure: String?

    /// Opens the metadata log and replays it. Runs on `queue`, before anything else does.
    ///
    /// - Throws: what makes the log or a snapshot unreadable.
    init(
        configuration: RaftNode.Configuration, settings: ControllerSettings, directory: String,
        logConfiguration: LogConfiguration, runtime: Runtime, queue: any SerialQueue, log: Logger,
        publisher: @escaping Publisher,
        onFatal: @escaping @Sendable (String) -> Void
    ) throws {
        self.queue = queue
        self.runtime = runtime
        self.log = log
        self.publisher = publisher
        self.onFatal = onFatal
        store = try MetadataStore(
            directory: directory, configuration: logConfiguration, runtime: runtime, log: log)
        var recovered = RaftNode.Recovered()
        controller = Controller(
            settings, state: try Self.recover(store, &recovered, &replayedBytes),
            now: runtime.clock.monotonicMilliseconds)
        node = try RaftNode(configuration, recovered: recovered)
    }

    // MARK: Start

    /// Reads the newest snapshot and the log behind it.
    ///
    /// - Parameter replayedBytes: gets the size of what lies behind the snapshot.
    private static func recover(
        _ store: MetadataStore, _ recovered: inout RaftNode.Recovered, _ replayedBytes: inout Int64
    ) throws -> MetadataReplay {
        var replay = MetadataReplay()
        recovered.quorumState = try store.quorumState()
        recovered.logStartOffset = store.log.logStartOffset
        recovered.logEndOffset = store.log.logEndOffset
        recovered.logEpoch = store.log.latestEpoch
        recovered.logBytes = store.log.size
        let ids = try store.snapshotIDs()
        let (older, damaged) = try store.olderSnapshots(ids.dropLast())
        recovered.snapshots = older
        var next = recovered.logStartOffset
        guard next <= ids.last?.endOffset ?? 0 else {
            throw RaftError.corruptLog(
                offset: next, reason: "the log begins there, and no snapshot has what came before")
        }
        if let newest = ids.last {
            let read = try store.readSnapshot(newest) { (value) throws(RaftError) in
                try Self.replay(value, offset: -1, onto: &replay)
            }
            recovered.snapshots.append(read.stored)
            recovered.control = read.control
            replay.finishBatch(
                lastOffset: newest.endOffset - 1, epoch: newest.epoch,
                timestamp: read.stored.lastContainedTimestamp)
            store.delete(damaged)
            next = max(next, newest.endOffset)
        }
        try store.forEachBatch(from: next) { batch in
            replayedBytes += Int64(batch.header.sizeInBytes)
            if batch.isControl {
                recovered.control.observe(try batch.controlRecords())
            } else {
                try batch.forEachValue { (value, offset) throws(RaftError) in
                    try Self.replay(value, offset: offset, onto: &replay)
                }
            }
            replay.finishBatch(
                lastOffset: batch.header.lastOffset, epoch: batch.epoch, timestamp: batch.timestamp)
        }
        return replay
    }

    private static func replay(
        _ value: UnsafeRawBufferPointer, offset: Int64, onto replay: inout MetadataReplay
    ) throws(RaftError) {
        do throws(MetadataError) {
            try replay.replay(try MetadataRecord(decoding: value), offset: offset)
        } catch {
            throw .corruptLog(offset: offset, reason: "\(error)")
        }
    }

    /// Wins the election: everything that the log held is durable then, and so it is committed.
    ///
    /// Before, what is at its end may be gone at the next start: a change whose sync failed, or that nobody synced.
    /// Nothing may be done to the logs for its sake.
    ///
    /// Runs on the queue and waits for its own syncs.
    func lead() throws {
        queue.assertCurrent()
        let now = runtime.clock.wallMilliseconds
        perform(try node.start(now: now))
        guard node.isActiveLeader else { throw startFailure() }
        try controller.replay([], baseOffset: node.logEndOffset, epoch: node.epoch, timestamp: now)
        _ = controller.takeDelta()
    }

    /// What the log held, all of it committed. Not before `lead` has returned.
    var committedImage: MetadataImage {
        precondition(node.isActiveLeader, "what is committed is known once the node leads")
        return controller.visibleImage
    }

    /// Publishes what the log held, and takes changes from now on. Runs on the queue, after `lead`.
    func start() {
        queue.assertCurrent()
        let now = runtime.clock.wallMilliseconds
        published = committedImage
        publisher(published, MetadataDelta(everythingIn: published))
        isStarting = false
        isActiveController.store(true, ordering: .relaxed)
        // Not up to the end of the log: it may end inside a transaction, which a snapshot there would lose.
        let applied = published.provenance
        perform(
            node.applied(
                upTo: applied.offset + 1, epoch: applied.epoch, bytes: replayedBytes, timestamp: applied.timestamp,
                now: now))
        scheduleTick()
        scheduleFencing()
    }

    /// Sees to it that brokers that are not heard of are fenced: those of a cluster of several that this node's directory
    /// was part of.
    private func scheduleFencing() {
        let settings = controller.settings
        let isNeeded = controller.image.cluster.allBrokers.contains { !$0.isFenced && $0.id != settings.nodeID }
        guard isNeeded else { return }
        queue.schedule(after: max(settings.sessionTimeoutMilliseconds / 4, 1)) { [weak self] in
            guard let self, !self.isStopped, self.node.isActiveLeader else { return }
            self.fenceExpired()
            self.scheduleFencing()
        }
    }

    private func fenceExpired() {
        for _ in controller.image.cluster.allBrokers where waiting.count < Self.waitingMaximum {
            guard let result = controller.fenceExpiredBroker(now: runtime.clock.monotonicMilliseconds) else { return }
            log.warning("broker fenced, it is not heard of", metadata: ["broker": "\(result.response)"])
            commit(result.records, result.atomicity) { _ in }
        }
    }

    private func scheduleTick() {
        queue.schedule(after: Self.tickInterval) { [weak self] in
            guard let self, !self.isStopped else { return }
            self.perform(self.node.tick(now: self.runtime.clock.wallMilliseconds))
            self.scheduleTick()
        }
    }

    /// Ends the leadership. What was asked for and is not committed fails.
    func stop() {
        queue.assertCurrent()
        guard !isStopped else { return }
        isStopped = true
        isActiveController.store(false, ordering: .relaxed)
        perform(node.shutdown())
        try? store.log.close()
    }

    /// Commits records while the broker starts, before anybody else can ask for changes: waits for the sync.
    func commitAtStart<Response>(
        _ records: [MetadataRecord], _ atomicity: ControllerResult<Response>.Atomicity
    ) throws {
        precondition(waiting.isEmpty, "nothing else is under way at the start")
        var outcome: APIError?
        isStarting = true
        commit(records, atomicity) { outcome = $0 }
        isStarting = false
        if let outcome { throw failure == nil ? outcome : startFailure() }
    }

    private func startFailure() -> StartError {
        StartError(failure.map { "the metadata log failed: \($0)" } ?? "this node cannot lead the metadata quorum")
    }

    // MARK: Changes

    /// What a decision came to: the records that make the change, and the answer once they are committed.
    package typealias Decision<Response: Sendable> =
        @Sendable (inout Controller, DecisionContext) -> ControllerResult<Response>

    /// Where and when a decision is made.
    package struct DecisionContext: Sendable {
        /// The offset of the first record that is decided on.
        package let nextOffset: Int64
        /// Milliseconds of the clock that never goes back.
        package let now: Int64
        /// The level of `kraft.version`, which the quorum's own records hold.
        package let kraftVersion: Int16
    }

    /// Has a change decided and made. `completion` runs on the queue once the change is committed and published, or when
    /// it failed.
    ///
    package func submit<Response: Sendable>(
        _ decide: @escaping Decision<Response>,
        completion: @escaping @Sendable (Result<Response, APIError>) -> Void
    ) {
        queue.async { [self] in
            guard !isStopped, node.isActiveLeader else { return completion(.failure(APIError(.notController))) }
            guard waiting.count < Self.waitingMaximum else {
                return completion(.failure(APIError(.throttlingQuotaExceeded)))
            }
            let result = decide(
                &controller,
                DecisionContext(
                    nextOffset: node.logEndOffset, now: runtime.clock.monotonicMilliseconds,
                    kraftVersion: node.control.kraftVersion.rawValue))
            commit(result.records, result.atomicity) { fault in
                completion(fault.map { .failure($0) } ?? .success(result.response))
            }
        }
    }

    /// Appends the records of one decision.
    ///
    /// - Parameter complete: called once, on the queue.
    func commit<Response>(
        _ records: [MetadataRecord], _ atomicity: ControllerResult<Response>.Atomicity,
        complete: @escaping (APIError?) -> Void
    ) {
        queue.assertCurrent()
        guard !records.isEmpty else {
            // The answer may rest on a change that is not committed yet.
            guard let last = waiting.last else { return complete(nil) }
            waiting.append(
                Waiting(
                    endOffset: last.endOffset, image: last.image, delta: MetadataDelta(), bytes: 0,
                    complete: complete))
            return
        }
        let now = runtime.clock.wallMilliseconds
        let version = controller.image.metadataVersion
        var effects: [RaftEffect] = []
        let baseOffset = node.logEndOffset
        let endOffset: Int64
        do {
            let values = try records.map { try $0.encoded(at: version) }
            endOffset = try node.append(
                values, atomicity == .oneBatch ? .oneBatch : .severalBatches, now: now, into: &effects)
        } catch {
            log.error("metadata change refused", metadata: ["reason": "\(error)"])
            return complete(APIError(.unknownServerError, "\(error)"))
        }
        do throws(MetadataError) {
            try controller.replay(records, baseOffset: baseOffset, epoch: node.epoch, timestamp: now)
        } catch {
            // The decision made records that contradict the state it was shown: a defect, not an operating error.
            preconditionFailure("a decision made records that cannot be replayed: \(error)")
        }
        waiting.append(
            Waiting(
                endOffset: endOffset, image: controller.state.visibleImage, delta: controller.takeDelta(),
                bytes: effects.reduce(0) { sum, effect in
                    if case .append(let batch) = effect { return sum + Int64(batch.bytes.count) }
                    return sum
                }, complete: complete))
        perform(effects)
    }
}
