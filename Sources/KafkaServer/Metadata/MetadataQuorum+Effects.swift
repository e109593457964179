// SPDX-License-Identifier: Apache-2.0
internal import DequeModule
internal import KafkaBase
internal import KafkaMetadata
internal import KafkaRaft
internal import KafkaRuntime
internal import KafkaStorage
internal import Logging
internal import Synchronization

/// Performs what the raft node asks for.
extension MetadataQuorum {

    func perform(_ effects: [RaftEffect]) {
        do {
            for effect in effects { try perform(effect) }
        } catch {
            fail("\(error)")
        }
    }

    private func perform(_ effect: RaftEffect) throws {
        switch effect {
        case .persistQuorumState(let state, let version): try store.persist(state, version)
        case .resetLog(let startOffset): try store.log.truncateFullyAndStart(at: startOffset)
        case .append(let batch): try store.append(batch)
        case .flush(let offset): try sync(upTo: offset)
        case .committed(let offset): committed(upTo: offset)
        case .becameLeader(let epoch): log.debug("metadata leader elected", metadata: ["epoch": "\(epoch)"])
        case .lostLeadership: failWaiting()
        case .takeSnapshot(let id, let timestamp): takeSnapshot(id, lastContainedTimestamp: timestamp)
        case .advanceLogStart(let offset): try advanceLogStart(to: offset)
        case .deleteSnapshots(let ids): store.delete(ids)
        }
    }

    private func sync(upTo offset: Int64) throws {
        guard !isStarting else {
            try store.sync(upTo: offset)
            return perform(node.flushed(upTo: offset))
        }
        syncWanted = max(syncWanted, offset)
        guard syncUnderWay == nil else { return }
        startSync()
    }

    private func startSync() {
        let offset = syncWanted
        syncUnderWay = offset
        let store = UncheckedBox(store)
        runtime.queues.runBlocking { [self] in
            var failure: StorageError?
            do throws(StorageError) { try store.value.sync(upTo: offset) } catch { failure = error }
            let outcome = failure
            queue.async { [self] in finishSync(offset, outcome) }
        }
    }

    private func finishSync(_ offset: Int64, _ failure: StorageError?) {
        syncUnderWay = nil
        guard !isStopped else { return }
        if let failure { return fail("\(failure)") }
        perform(node.flushed(upTo: offset))
        if syncWanted > offset { startSync() }
    }

    private func committed(upTo offset: Int64) {
        // Nothing above may ever be given up.
        store.log.updateHighWatermark(offset)
        var last: Waiting?
        var bytes: Int64 = 0
        while let first = waiting.first, first.endOffset <= offset {
            waiting.removeFirst()
            if !first.delta.isEmpty { publisher(first.image, first.delta) }
            published = first.image
            first.complete(nil)
            bytes += first.bytes
            last = first
        }
        guard let last else { return }
        let provenance = last.image.provenance
        perform(
            node.applied(
                upTo: provenance.offset + 1, epoch: provenance.epoch, bytes: bytes, timestamp: provenance.timestamp,
                now: runtime.clock.wallMilliseconds))
    }

    private func takeSnapshot(_ id: SnapshotID, lastContainedTimestamp: Int64) {
        let image = published
        precondition(image.provenance.offset == id.endOffset - 1, "a snapshot is of what was applied last")
        let writer = SnapshotWriter(
            epoch: id.epoch, timestamp: runtime.clock.wallMilliseconds, control: node.control,
            lastContainedTimestamp: lastContainedTimestamp)
        let store = UncheckedBox(store)
        runtime.queues.runBlocking { [self] in
            let outcome = Result<Int64, any Error> {
                let version = image.metadataVersion
                return try store.value.writeSnapshot(
                    id, writer, values: try image.records.map { try $0.encoded(at: version) })
            }
            queue.async { [self] in finishSnapshot(id, lastContainedTimestamp, outcome) }
        }
    }

    private func finishSnapshot(
        _ id: SnapshotID, _ lastContainedTimestamp: Int64, _ outcome: Result<Int64, any Error>
    ) {
        guard !isStopped else { return }
        switch outcome {
        case .success(let size):
            log.info("metadata snapshot written", metadata: ["snapshot": "\(id)", "bytes": "\(size)"])
            perform(
                node.snapshotWritten(
                    StoredSnapshot(id: id, size: size, lastContainedTimestamp: lastContainedTimestamp),
                    now: runtime.clock.wallMilliseconds))
        case .failure(let error):
            log.error("metadata snapshot failed", metadata: ["snapshot": "\(id)", "reason": "\(error)"])
            node.snapshotFailed()
        }
    }

    /// Gives up what the oldest snapshot replaces: segments that lie wholly below `offset` are deleted in the background.
    private func advanceLogStart(to offset: Int64) throws {
        _ = try store.log.incrementLogStartOffset(to: offset)
        let metadataLog = store.log
        let now = runtime.clock.wallMilliseconds
        runtime.queues.runBlocking { [self] in
            let outcome = Result<Int, any Error> { try metadataLog.deleteOldSegments(now: now) }
            queue.async { [self] in finishDeletion(outcome) }
        }
    }

    private func finishDeletion(_ outcome: Result<Int, any Error>) {
        guard !isStopped else { return }
        switch outcome {
        case .success(let count):
            if count > 0 { log.info("metadata log cut", metadata: ["segments": "\(count)"]) }
        case .failure(let error):
            // They are tried again together with the next.
            log.error("deleting metadata segments failed", metadata: ["reason": "\(error)"])
        }
        node.logSized(store.log.size)
    }

    // MARK: Failure

    /// What is on disk is unknown now: nothing more may be decided until a start has read it again.
    private func fail(_ reason: String) {
        guard !isStopped else { return }
        isStopped = true
        failure = reason
        isActiveController.store(false, ordering: .relaxed)
        log.critical("metadata log failed", metadata: ["reason": "\(reason)"])
        _ = node.storageFailed()
        failWaiting()
        // The start reports it itself.
        if !isStarting { onFatal("the metadata log failed: \(reason)") }
    }

    private func failWaiting() {
        while let first = waiting.popFirst() { first.complete(APIError(.notController)) }
    }
}

/// Carries a value over to a background thread where the compiler cannot see that it may go there.
struct UncheckedBox<Value>: @unchecked Sendable {
    let value: Value

    init(_ value: Value) { self.value = value }
}
