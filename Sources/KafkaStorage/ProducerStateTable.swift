// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords

/// What a log knows about its producers: recognises repeated and missing batches (idempotence), and where open
/// transactions begin.
///
/// Pure: the log feeds it every batch it appends, in order of offset; a snapshot file and the batches behind it give
/// the same state again.
struct ProducerStateTable: Sendable {
    /// A transaction that ended, kept until the high watermark has passed its marker.
    private struct EndedTransaction {
        let firstOffset: Int64
        let markerOffset: Int64
    }

    /// The answer to whether a batch may be appended.
    enum Check: Equatable {
        case append
        /// It was appended before, as this.
        case duplicate(ProducedBatch)
    }

    private(set) var producers: [Int64: ProducerState] = [:]
    /// The offset up to which the state has been fed.
    private(set) var endOffset: Int64
    /// Of batches below, only each producer's last is known: a snapshot told of them, and its format has no room for
    /// more. nil where all is known that there is to know.
    private(set) var partialBelow: Int64?
    /// First offsets of open transactions, ascending.
    private var openTransactions: [Int64] = []
    /// Ascending by first offset.
    private var endedTransactions: [EndedTransaction] = []

    init(endOffset: Int64 = 0) { self.endOffset = endOffset }

    var isEmpty: Bool { producers.isEmpty }

    /// Where the first transaction begins that is open, or ended but not yet below the high watermark; nil for none.
    var firstUnstableOffset: Int64? {
        switch (openTransactions.first, endedTransactions.first?.firstOffset) {
        case (let open?, let ended?): min(open, ended)
        case (let open, let ended): open ?? ended
        }
    }

    // MARK: Checking

    /// Whether a data batch of a client may be appended, after what the log already holds.
    func check(_ batch: RecordBatchHeader) throws(StorageError) -> Check {
        guard batch.hasProducerID else { return .append }
        return try Self.check(batch, producers[batch.producerID])
    }

    static func check(_ batch: RecordBatchHeader, _ state: ProducerState?) throws(StorageError) -> Check {
        guard let state else { return .append }
        let repeated = state.duplicate(
            epoch: batch.producerEpoch, firstSequence: batch.baseSequence, lastSequence: batch.lastSequence)
        if let repeated { return .duplicate(repeated) }
        try checkEpoch(batch, state)
        try checkSequence(batch, state)
        if state.currentTransactionFirstOffset >= 0, !batch.attributes.isTransactional {
            throw .kafka(
                .invalidTxnState,
                "producer \(batch.producerID) wrote outside of a transaction while one was open")
        }
        return .append
    }

    private static func checkEpoch(_ batch: RecordBatchHeader, _ state: ProducerState) throws(StorageError) {
        guard batch.producerEpoch < state.epoch else { return }
        throw .kafka(
            .invalidProducerEpoch,
            "producer \(batch.producerID) has epoch \(batch.producerEpoch), \(state.epoch) was seen")
    }

    private static func checkSequence(_ batch: RecordBatchHeader, _ state: ProducerState) throws(StorageError) {
        if batch.producerEpoch != state.epoch {
            guard batch.baseSequence != 0, state.epoch != ProducerState.noEpoch else { return }
            throw .kafka(
                .outOfOrderSequenceNumber,
                "producer \(batch.producerID) began epoch \(batch.producerEpoch) with sequence \(batch.baseSequence)")
        }
        guard state.epoch != ProducerState.noEpoch else { return }
        let expected =
            state.lastSequence < 0 ? 0 : RecordBatchHeader.incrementSequence(state.lastSequence, by: 1)
        guard batch.baseSequence != expected else { return }
        throw .kafka(
            .outOfOrderSequenceNumber,
            "producer \(batch.producerID) sent sequence \(batch.baseSequence), \(expected) was due")
    }

    /// Whether a marker may be appended: neither the producer's nor the coordinator's epoch goes back.
    func checkMarker(_ batch: RecordBatchHeader, _ marker: EndTransactionMarker) throws(StorageError) {
        guard let state = producers[batch.producerID] else { return }
        try Self.checkEpoch(batch, state)
        guard marker.coordinatorEpoch < state.coordinatorEpoch else { return }
        throw .kafka(
            .transactionCoordinatorFenced,
            "coordinator epoch \(marker.coordinatorEpoch) is older than \(state.coordinatorEpoch)")
    }

    // MARK: Feeding

    /// Takes in a batch that was appended. `marker` is what a control batch of a producer says. Returns the transaction
    /// that the marker aborted, where it was one that had written something.
    @discardableResult
    mutating func add(_ batch: RecordBatchHeader, marker: EndTransactionMarker?) -> AbortedTransaction? {
        defer { endOffset = max(endOffset, batch.nextOffset) }
        guard batch.hasProducerID else { return nil }
        if let marker { return addMarker(batch, marker) }
        if !batch.attributes.isControl { addData(batch) }
        return nil
    }

    private mutating func addData(_ batch: RecordBatchHeader) {
        let opensTransaction = Self.add(
            batch, to: &producers[batch.producerID, default: ProducerState(producerID: batch.producerID)])
        if opensTransaction { openTransactions.insertSorted(batch.baseOffset) }
    }

    /// Takes a data batch into one producer's state; true where it opens a transaction.
    static func add(_ batch: RecordBatchHeader, to state: inout ProducerState) -> Bool {
        state.updateEpoch(batch.producerEpoch)
        state.add(
            ProducedBatch(
                lastSequence: batch.lastSequence, lastOffset: batch.lastOffset, offsetDelta: batch.lastOffsetDelta,
                timestamp: batch.maxTimestamp))
        guard batch.attributes.isTransactional, state.currentTransactionFirstOffset < 0 else { return false }
        state.currentTransactionFirstOffset = batch.baseOffset
        return true
    }

    private mutating func addMarker(
        _ batch: RecordBatchHeader, _ marker: EndTransactionMarker
    ) -> AbortedTransaction? {
        var state = producers[batch.producerID] ?? ProducerState(producerID: batch.producerID)
        state.updateEpoch(batch.producerEpoch)
        let firstOffset = state.currentTransactionFirstOffset
        state.currentTransactionFirstOffset = -1
        state.coordinatorEpoch = marker.coordinatorEpoch
        state.lastTimestamp = batch.maxTimestamp
        producers[batch.producerID] = state
        // A marker without data changes nothing for readers.
        guard firstOffset >= 0 else { return nil }
        openTransactions.removeAll { $0 == firstOffset }
        let ended = EndedTransaction(firstOffset: firstOffset, markerOffset: batch.lastOffset)
        let place = endedTransactions.firstIndex { $0.firstOffset > firstOffset } ?? endedTransactions.endIndex
        endedTransactions.insert(ended, at: place)
        guard marker.result == .abort else { return nil }
        return AbortedTransaction(
            producerID: batch.producerID, firstOffset: firstOffset, lastOffset: batch.lastOffset,
            lastStableOffset: openTransactions.first ?? batch.nextOffset)
    }

    /// Notes that an offset was passed that no producer wrote.
    mutating func advance(to offset: Int64) { endOffset = max(endOffset, offset) }

    /// Ended transactions become stable when their marker is below the high watermark.
    mutating func highWatermarkAdvanced(to highWatermark: Int64) {
        if endedTransactions.isEmpty { return }
        endedTransactions.removeAll { $0.markerOffset < highWatermark }
    }

    /// Forgets everything, and goes on at `offset`.
    mutating func reset(to offset: Int64) { self = ProducerStateTable(endOffset: offset) }

    /// Takes over what a snapshot says, leaving out producers that have been silent too long.
    mutating func load(_ states: [ProducerState], endOffset: Int64, now: Int64, expirationMs: Int64) {
        self = ProducerStateTable(endOffset: endOffset)
        partialBelow = states.isEmpty ? nil : endOffset
        for state in states where !Self.isExpired(state, now: now, expirationMs: expirationMs) {
            producers[state.producerID] = state
            if state.currentTransactionFirstOffset >= 0 {
                openTransactions.insertSorted(state.currentTransactionFirstOffset)
            }
        }
    }

    /// Takes over producers that it does not know yet, leaving out those that have been silent too long.
    mutating func learn(_ states: [ProducerState], now: Int64, expirationMs: Int64) {
        for state in states
        where producers[state.producerID] == nil && !Self.isExpired(state, now: now, expirationMs: expirationMs) {
            producers[state.producerID] = state
            if state.currentTransactionFirstOffset >= 0 {
                openTransactions.insertSorted(state.currentTransactionFirstOffset)
            }
        }
    }

    /// Takes over what a snapshot could not tell: `earlier` was fed the last batches below `partialBelow`. Producers that
    /// only it knows are not taken over.
    mutating func recall(from earlier: ProducerStateTable) {
        for (id, past) in earlier.producers { producers[id]?.recall(past) }
        partialBelow = nil
    }

    /// Forgets producers that have been silent too long.
    mutating func removeExpired(now: Int64, expirationMs: Int64) {
        producers = producers.filter { !Self.isExpired($0.value, now: now, expirationMs: expirationMs) }
    }

    /// A producer with an open transaction never expires.
    private static func isExpired(_ state: ProducerState, now: Int64, expirationMs: Int64) -> Bool {
        // A timestamp may be anything that a file holds.
        state.currentTransactionFirstOffset < 0 && now - max(state.lastTimestamp, -1) >= expirationMs
    }

    /// All producers, by id.
    var sortedStates: [ProducerState] { producers.values.sorted { $0.producerID < $1.producerID } }
}

extension Array where Element == Int64 {
    fileprivate mutating func insertSorted(_ element: Int64) {
        insert(element, at: firstIndex { $0 > element } ?? endIndex)
    }
}
