// SPDX-License-Identifier: Apache-2.0
package import KafkaBase

/// One voter of the KRaft quorum that keeps `__cluster_metadata` (KIP-595).
///
/// A pure state machine: every input is a call that returns effects, the time comes in with the call, and nothing in
/// here waits or touches a file. The owner performs the effects as `RaftEffect` says and reports what became of them.
///
/// Invariants:
/// - `epoch` never falls and is durable in `quorum-state` before anything is appended in it.
/// - The first batch of an epoch is its LeaderChange control batch.
/// - `highWatermark` never falls, is never above `flushedOffset`, and moves only once a record of the leader's own
///   epoch is replicated on a majority of the voters; records of earlier epochs become final with it.
///
/// A quorum of one is its own majority: it elects itself as soon as it starts and commits what it has made durable.
/// After an unclean end the log is what recovery left of it. Nothing that was committed can be missing, because it was
/// durable before; what was appended and survived without having been committed becomes committed in the new epoch.
package struct RaftNode: Sendable {
    package struct Configuration: Sendable {
        package let nodeID: Int32
        /// The id of the directory that holds the metadata log.
        package let directoryID: KafkaUUID
        /// The ids in `controller.quorum.voters`; not used once the log holds the voters (kraft.version 1).
        package let staticVoters: [Int32]
        /// The most bytes that one batch may have.
        package var batchBytesMax = 8 << 20
        package var snapshots = SnapshotPolicy()

        package init(nodeID: Int32, directoryID: KafkaUUID, staticVoters: [Int32]) {
            self.nodeID = nodeID
            self.directoryID = directoryID
            self.staticVoters = staticVoters
        }
    }

    /// What was found on disk after the log's own recovery.
    package struct Recovered: Sendable {
        /// nil where there is no `quorum-state`.
        package var quorumState: QuorumState?
        package var logStartOffset: Int64 = 0
        package var logEndOffset: Int64 = 0
        /// The epoch of the log's last batch; nil when the log is empty.
        package var logEpoch: Int32?
        /// Bytes of the log in total.
        package var logBytes: Int64 = 0
        /// Every complete snapshot, ascending.
        package var snapshots: [StoredSnapshot] = []
        /// The control records of the newest snapshot and of the log behind it.
        package var control = QuorumControlState()

        package init() {}
    }

    package let configuration: Configuration
    package private(set) var state: RaftState
    package private(set) var control: QuorumControlState
    /// The offset that the next appended record gets.
    package private(set) var logEndOffset: Int64
    package private(set) var logStartOffset: Int64
    /// Everything below is durable on this node, as far as it was reported.
    package private(set) var flushedOffset: Int64
    /// Everything below is committed; nil until the first commit after the start.
    package private(set) var highWatermark: Int64?
    /// Ascending.
    package private(set) var snapshots: [StoredSnapshot]
    private var logBytes: Int64
    private var applied = AppliedProgress()

    /// How far the state machine that replays committed records is ahead of the newest snapshot.
    private struct AppliedProgress: Sendable {
        var newest = SnapshotID(endOffset: 0, epoch: 0)
        var timestamp: Int64 = 0
        var bytesSinceSnapshot: Int64 = 0
        var snapshotTakenAt: Int64 = 0
        var snapshotUnderWay: SnapshotID?
    }

    /// Takes over what was found on disk.
    ///
    /// Throws `unsupportedVoters` unless this node is the only voter, and the way in which the voters are kept is known.
    package init(_ configuration: Configuration, recovered: Recovered) throws(RaftError) {
        self.configuration = configuration
        control = recovered.control
        snapshots = recovered.snapshots
        logStartOffset = recovered.logStartOffset
        logEndOffset = recovered.logEndOffset
        logBytes = recovered.logBytes
        flushedOffset = recovered.logStartOffset
        let logEpoch = max(recovered.logEpoch ?? 0, recovered.snapshots.last?.id.epoch ?? 0)
        state = Self.initialState(recovered.quorumState, logEpoch: logEpoch, nodeID: configuration.nodeID)
        try checkVoters(recovered.quorumState)
    }

    package var epoch: Int32 { state.epoch }

    /// Whether this node leads and everything from earlier epochs is committed.
    package var isActiveLeader: Bool {
        guard case .leader(let leadership) = state else { return false }
        return leadership.isEstablished
    }

    /// The node that leads the epoch, where it is known.
    package var leaderID: Int32? {
        switch state {
        case .leader: configuration.nodeID
        case .follower(_, let leaderID): leaderID
        case .unattached, .prospective, .candidate, .resigned: nil
        }
    }

    /// The ids of the voters, ascending.
    package var voters: [Int32] { control.voterIDs ?? configuration.staticVoters.sorted() }

    // MARK: Start

    private static func initialState(_ saved: QuorumState?, logEpoch: Int32, nodeID: Int32) -> RaftState {
        guard let saved, saved.leaderEpoch >= logEpoch else { return .unattached(epoch: logEpoch, votedID: nil) }
        if saved.leaderID == nodeID { return .resigned(epoch: saved.leaderEpoch) }
        return .unattached(epoch: max(saved.leaderEpoch, 0), votedID: saved.votedID)
    }

    private func checkVoters(_ saved: QuorumState?) throws(RaftError) {
        if let version = control.unknownVersion {
            throw .unsupportedVoters("\(KRaftVersion.featureName) \(version) is not known")
        }
        guard voters == [configuration.nodeID] else {
            throw .unsupportedVoters("the voters are \(voters), this node is \(configuration.nodeID)")
        }
        if let directory = control.directoryID(ofVoter: configuration.nodeID),
            directory != configuration.directoryID
        {
            throw .unsupportedVoters("voter \(configuration.nodeID) has directory \(directory) in the metadata log")
        }
        if let saved, !saved.currentVoters.isEmpty, control.kraftVersion == .staticVoters,
            saved.currentVoters != voters
        {
            throw .unsupportedVoters("the saved voters are \(saved.currentVoters), the configured ones \(voters)")
        }
    }

    /// The first input, once. A quorum of one elects itself without waiting.
    ///
    /// - Parameter now: milliseconds since 1970.
    package mutating func start(now: Int64) throws(RaftError) -> [RaftEffect] {
        var effects: [RaftEffect] = []
        if let newest = snapshots.last {
            applied.newest = newest.id
            applied.timestamp = newest.lastContainedTimestamp
            if logEndOffset < newest.id.endOffset {
                logStartOffset = newest.id.endOffset
                logEndOffset = newest.id.endOffset
                logBytes = 0
                flushedOffset = newest.id.endOffset
                effects.append(.resetLog(startOffset: newest.id.endOffset))
            }
        }
        applied.snapshotTakenAt = now
        try elect(now: now, into: &effects)
        return effects
    }

    /// Raises the epoch and wins it: with one voter the node's own vote is the majority.
    private mutating func elect(now: Int64, into effects: inout [RaftEffect]) throws(RaftError) {
        guard epoch < .max else { throw .invalidQuorumState("the epoch cannot be raised any more") }
        state = .candidate(epoch: epoch + 1)
        let leadership = RaftState.Leadership(epoch: epoch, startOffset: logEndOffset, isEstablished: false)
        state = .leader(leadership)
        // Vote and victory fall into one call, so they are one write.
        effects.append(
            .persistQuorumState(
                QuorumState(
                    leaderEpoch: epoch, leaderID: configuration.nodeID,
                    currentVoters: control.kraftVersion == .staticVoters ? voters : []),
                kraftVersion: control.kraftVersion))
        let records = control.recordsAtEpochStart(leaderID: configuration.nodeID, staticVoters: voters)
        append(try .control(records, at: logEndOffset, epoch: epoch, timestamp: now), into: &effects)
        control.observe(records)
        effects.append(.flush(upTo: logEndOffset))
    }

    // MARK: Append and commit

    package enum Atomicity: Sendable {
        /// All records in one batch.
        case oneBatch
        /// As many batches as the limit asks for; a crash may leave a first part of them.
        case severalBatches
    }

    /// Appends encoded records. Returns the offset after the last one: they are committed when `committed` reaches it.
    ///
    /// - Parameter values: each is one record's value; at least one.
    /// Throws `notLeader`, or `batchTooLarge` without having appended anything.
    package mutating func append(
        _ values: [[UInt8]], _ atomicity: Atomicity, now: Int64, into effects: inout [RaftEffect]
    ) throws(RaftError) -> Int64 {
        guard case .leader = state else { throw .notLeader }
        precondition(!values.isEmpty, "an append has at least one record")
        let limit = configuration.batchBytesMax
        let groups = atomicity == .oneBatch ? [values[...]] : RaftBatch.groups(of: values, limit: limit)
        var batches: [RaftBatch] = []
        var offset = logEndOffset
        for group in groups {
            let batch = try RaftBatch.data(group, at: offset, epoch: epoch, timestamp: now)
            guard batch.bytes.count <= limit else {
                throw .batchTooLarge(bytes: batch.bytes.count, limit: limit)
            }
            offset = batch.lastOffset + 1
            batches.append(batch)
        }
        for batch in batches { append(batch, into: &effects) }
        effects.append(.flush(upTo: logEndOffset))
        return logEndOffset
    }

    private mutating func append(_ batch: RaftBatch, into effects: inout [RaftEffect]) {
        precondition(batch.baseOffset == logEndOffset, "a batch is appended at the end of the log")
        logEndOffset = batch.lastOffset + 1
        logBytes += Int64(batch.bytes.count)
        effects.append(.append(batch))
    }

    /// The log is durable up to, and not including, `offset`.
    package mutating func flushed(upTo offset: Int64) -> [RaftEffect] {
        precondition(offset <= logEndOffset, "only what was appended can be durable")
        flushedOffset = max(flushedOffset, offset)
        guard case .leader(var leadership) = state, flushedOffset > leadership.startOffset,
            flushedOffset > highWatermark ?? -1
        else { return [] }
        highWatermark = flushedOffset
        var effects: [RaftEffect] = [.committed(upTo: flushedOffset)]
        if !leadership.isEstablished {
            leadership.isEstablished = true
            state = .leader(leadership)
            effects.append(.becameLeader(epoch: leadership.epoch))
        }
        return effects
    }

    /// A write or a sync of the log or of `quorum-state` failed. What is on disk is unknown until it is read again, so
    /// the node does nothing more.
    package mutating func storageFailed() -> [RaftEffect] { resign() }

    /// The node is going to stop.
    package mutating func shutdown() -> [RaftEffect] { resign() }

    private mutating func resign() -> [RaftEffect] {
        guard case .leader(let leadership) = state else { return [] }
        state = .resigned(epoch: leadership.epoch)
        return [.lostLeadership(epoch: leadership.epoch)]
    }
}

// MARK: Snapshots

extension RaftNode {
    /// The state that replays committed records has taken in what is below `endOffset`, and could be written as a
    /// snapshot there.
    ///
    /// - Parameters:
    ///   - epoch: the epoch of the last record taken in.
    ///   - bytes: the size of the batches taken in since the last call.
    ///   - timestamp: the append time of the last batch.
    package mutating func applied(
        upTo endOffset: Int64, epoch: Int32, bytes: Int64, timestamp: Int64, now: Int64
    ) -> [RaftEffect] {
        precondition(endOffset <= highWatermark ?? 0, "only committed records are replayed")
        applied.newest = SnapshotID(endOffset: endOffset, epoch: epoch)
        applied.timestamp = timestamp
        applied.bytesSinceSnapshot += bytes
        return tick(now: now)
    }

    /// Time has passed: at least once a minute.
    package mutating func tick(now: Int64) -> [RaftEffect] {
        let expiry = expireSnapshots(now: now)
        guard applied.snapshotUnderWay == nil, applied.newest.endOffset > snapshots.last?.id.endOffset ?? 0 else {
            return expiry
        }
        let elapsed = now - applied.snapshotTakenAt
        guard configuration.snapshots.isSnapshotDue(bytes: applied.bytesSinceSnapshot, elapsed: elapsed) else {
            return expiry
        }
        applied.snapshotUnderWay = applied.newest
        applied.bytesSinceSnapshot = 0
        applied.snapshotTakenAt = now
        return expiry + [.takeSnapshot(applied.newest, lastContainedTimestamp: applied.timestamp)]
    }

    /// The snapshot is complete and durable under its name.
    package mutating func snapshotWritten(_ snapshot: StoredSnapshot, now: Int64) -> [RaftEffect] {
        precondition(snapshot.id == applied.snapshotUnderWay, "a snapshot is written because it was asked for")
        applied.snapshotUnderWay = nil
        snapshots.append(snapshot)
        return expireSnapshots(now: now)
    }

    /// Gives up snapshots that are too old or too many, and the part of the log that the oldest one left replaces.
    private mutating func expireSnapshots(now: Int64) -> [RaftEffect] {
        let expired = configuration.snapshots.expiredCount(snapshots, logBytes: logBytes, now: now)
        guard expired > 0 else { return [] }
        let deleted = snapshots.prefix(expired).map(\.id)
        snapshots.removeFirst(expired)
        let start = max(snapshots[0].id.endOffset, logStartOffset)
        logStartOffset = start
        return [.advanceLogStart(to: start), .deleteSnapshots(deleted)]
    }

    /// The snapshot could not be written; the next one is due as if it had been.
    package mutating func snapshotFailed() { applied.snapshotUnderWay = nil }

    /// The log gave up segments, or was measured: its size in bytes.
    package mutating func logSized(_ bytes: Int64) { logBytes = bytes }
}
