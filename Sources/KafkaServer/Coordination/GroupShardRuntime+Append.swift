// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaCoordination
internal import KafkaProtocol
internal import KafkaRecords
internal import KafkaReplication
internal import KafkaRuntime
internal import KafkaStorage
internal import Logging

/// Writing what was decided, and answering behind the high watermark.
extension GroupShardRuntime: PartitionWaiter {
    /// Milliseconds until a timer whose change could not be written fires again.
    static let retryDelay: Int64 = 500

    typealias EncodedRecord = (key: [UInt8], value: [UInt8]?)
    private typealias WritableRecord = (GroupCoordinatorRecord, EncodedRecord)

    /// Puts a decision behind those that wait to be written; writes those first where it does not fit in with them.
    func gather(_ decided: Gathered) {
        if let fault = decided.fault {
            append()
            return fail([decided], PartitionFault(.unknownServerError, message: "\(fault)"))
        }
        let room = maxBatchBytes - gatheredBytes
        if decided.bytes > room, !gathered.isEmpty { append() }
        gathered.append(decided)
        gatheredBytes += decided.bytes
    }

    private var maxBatchBytes: Int {
        Int(partition?.log?.configuration.maxMessageBytes ?? 1 << 20) - RecordBatchHeader.size
    }

    /// Has what is gathered written when whatever waits on the queue has been decided, or after the configured time.
    func scheduleAppend() {
        guard !isAppendScheduled else { return }
        switch environment.settings.appendLinger {
        case 0: append()
        case nil:
            isAppendScheduled = true
            queue.async { [weak self] in self?.appendScheduled() }
        case .some(let linger):
            isAppendScheduled = true
            queue.schedule(after: linger) { [weak self] in self?.appendScheduled() }
        }
    }

    private func appendScheduled() {
        isAppendScheduled = false
        append()
    }

    /// Writes what is gathered, as one batch where it must be, and makes it count.
    func append() {
        guard !gathered.isEmpty else { return }
        let batch = gathered
        gathered = []
        gatheredBytes = 0
        if let fault = batch.count == 1 && !batch[0].outcome.isAtomic ? writeInPieces(batch[0]) : write(batch) {
            return fail(batch, fault)
        }
        var more: [GroupOutcome<Void>] = []
        for decided in batch {
            environment.statistics.written(decided.outcome.records, decided.outcome.ticket, decided.cause)
            if let ticket = decided.outcome.ticket { more.append(shard.appended(ticket, now: now)) }
            for effect in decided.outcome.effects { perform(effect) }
            answerWhenCommitted(decided.answer, decided.fail)
        }
        for outcome in more { follow(outcome) }
    }

    /// A decision that follows from another's being written, or not.
    private func follow(_ outcome: GroupOutcome<Void>) {
        gather(Gathered(outcome, answer: {}, fail: { _ in }))
        append()
    }

    private func fail(_ batch: [Gathered], _ fault: PartitionFault) {
        environment.log.error(
            "writing the state of groups failed",
            metadata: ["partition": "\(name)", "reason": "\(fault.message ?? fault.code.name)"])
        let isLeader = (try? partition?.leaderLog().get()) != nil
        let code = CoordinatorFault.code(of: fault.code, isLeader: isLeader)
        for decided in batch { decided.fail(code) }
        for ticket in batch.compactMap(\.outcome.ticket) { follow(shard.appendFailed(ticket, code, now: now)) }
    }

    // MARK: The log

    /// Writes all records as one batch and replays them.
    private func write(_ batch: [Gathered]) -> PartitionFault? {
        let records = batch.flatMap { zip($0.outcome.records, $0.encoded) }
        return records.isEmpty ? nil : write(records[...])
    }

    /// Writes records that need not become visible together, in batches as large as the log takes them.
    private func writeInPieces(_ decided: Gathered) -> PartitionFault? {
        var rest = Array(zip(decided.outcome.records, decided.encoded))[...]
        while !rest.isEmpty {
            let count = fittingCount(rest)
            if let fault = write(rest.prefix(count)) { return fault }
            rest = rest.dropFirst(count)
        }
        return nil
    }

    private func fittingCount(_ records: ArraySlice<WritableRecord>) -> Int {
        var bytes = 0
        for (count, record) in records.enumerated() {
            bytes += Gathered.size(of: record.1)
            if bytes > maxBatchBytes { return max(count, 1) }
        }
        return records.count
    }

    private func write(_ records: ArraySlice<WritableRecord>) -> PartitionFault? {
        guard let partition else { return PartitionFault(.notLeaderOrFollower) }
        let bytes: [UInt8]
        do throws(RecordError) {
            bytes = try makeBatch(records.map(\.1))
        } catch {
            return PartitionFault(error.errorCode, message: "\(error)")
        }
        switch append(bytes, to: partition) {
        case .failure(let fault): return fault
        case .success(let first):
            for (offset, record) in zip(first..., records) { shard.replay(record.0, offset: offset) }
            return nil
        }
    }

    private func makeBatch(_ records: [EncodedRecord]) throws(RecordError) -> [UInt8] {
        var options = RecordBatchBuilder.Options()
        options.compression = environment.settings.offsetsTopicCompression
        var builder = RecordBatchBuilder(options, capacity: records.reduce(0) { $0 + Gathered.size(of: $1) })
        let time = now
        for record in records { try builder.append(timestamp: time, key: record.key, value: record.value) }
        return try builder.finish()
    }

    private func append(_ bytes: [UInt8], to partition: Partition) -> Result<Int64, PartitionFault> {
        var bytes = bytes
        let time = now
        let outcome = bytes.withUnsafeMutableBytes { partition.append($0, origin: .coordinator, now: time) }
        switch outcome {
        case .failure(let fault): return .failure(fault)
        case .success(let appended):
            lastWritten = appended.info.lastOffset + 1
            if appended.mustSync { sync(partition) }
            return .success(appended.info.firstOffset)
        }
    }

    /// The topic wants its records synced (`flush.messages`): the high watermark moves when they are.
    private func sync(_ partition: Partition) {
        partition.sync(upTo: lastWritten, on: environment.runtime.queues) { [weak self] fault in
            guard let self, let fault else { return }
            self.queue.async { self.syncFailed(fault) }
        }
    }

    /// What was written may be lost: the state is read again from what is there.
    private func syncFailed(_ fault: PartitionFault) {
        environment.log.error(
            "syncing the state of groups failed",
            metadata: ["partition": "\(name)", "reason": "\(fault.message ?? fault.code.name)"])
        guard case .active = phase else { return }
        unload()
        load()
    }

    // MARK: Behind the high watermark

    /// Runs `answer` once everything that was written until now is committed, `fail` where that takes too long.
    func answerWhenCommitted(_ answer: @escaping () -> Void, _ fail: @escaping (ErrorCode) -> Void) {
        if waiting.isEmpty, isCommitted(lastWritten) { return answer() }
        let deadline = environment.runtime.clock.monotonicMilliseconds + environment.settings.commitTimeout
        waiting.append(Waiting(endOffset: lastWritten, deadline: deadline, answer: answer, fail: fail))
        watch()
        scheduleDeadline()
    }

    /// The deadlines are in the order of `waiting`, so that one timer is enough.
    private func scheduleDeadline() {
        guard waitingTimer == nil, let first = waiting.first else { return }
        let left = first.deadline - environment.runtime.clock.monotonicMilliseconds
        waitingTimer = queue.schedule(after: max(left, 0)) { [weak self] in self?.deadlinePassed() }
    }

    private func deadlinePassed() {
        waitingTimer = nil
        let time = environment.runtime.clock.monotonicMilliseconds
        while let first = waiting.first, first.deadline <= time {
            waiting.removeFirst()
            first.fail(CoordinatorFault.code(of: .requestTimedOut, isLeader: true))
        }
        if waiting.isEmpty { stopWatching() }
        scheduleDeadline()
    }

    private func isCommitted(_ endOffset: Int64) -> Bool {
        guard let log = partition?.log else { return false }
        return log.highWatermark >= endOffset
    }

    private func watch() {
        guard !isWatching, let partition else { return }
        isWatching = partition.add(self)
        // It may have moved between the look at it and the registration.
        committed()
    }

    func stopWatching() {
        guard isWatching else { return }
        isWatching = false
        partition?.remove(self)
        if let waitingTimer { queue.cancel(waitingTimer) }
        waitingTimer = nil
    }

    func partitionAdvanced(by bytes: Int) {
        queue.async { [weak self] in self?.committed() }
    }

    /// The metadata that took the partition away unload the shard.
    func partitionLost() {}

    private func committed() {
        while let first = waiting.first, isCommitted(first.endOffset) {
            waiting.removeFirst()
            first.answer()
        }
        if waiting.isEmpty { stopWatching() }
    }
}
