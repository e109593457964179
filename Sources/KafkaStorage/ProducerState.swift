// SPDX-License-Identifier: Apache-2.0
private import KafkaRecords

/// A batch that a producer wrote: enough to recognise it when it comes again.
public struct ProducedBatch: Equatable, Sendable {
    /// The sequence number of its last record.
    public var lastSequence: Int32
    /// The offset of its last record.
    public var lastOffset: Int64
    /// The last offset less the first.
    public var offsetDelta: Int32
    /// The batch's largest timestamp.
    public var timestamp: Int64

    /// The sequence number of its first record.
    public var firstSequence: Int32 { RecordBatchHeader.decrementSequence(lastSequence, by: offsetDelta) }
    /// The offset of its first record.
    public var firstOffset: Int64 { lastOffset - Int64(offsetDelta) }

    static let none = ProducedBatch(lastSequence: -1, lastOffset: -1, offsetDelta: 0, timestamp: -1)
}

/// What a log knows about one producer: its epoch, its last five batches and its open transaction.
public struct ProducerState: Equatable, Sendable {
    /// As many batches in flight as an idempotent producer may have (`max.in.flight.requests.per.connection`).
    static let batchCapacity = 5
    static let noEpoch: Int16 = -1

    /// Who this is about.
    public var producerID: Int64
    /// The producer's epoch; −1 where none was seen.
    public var epoch: Int16
    /// The epoch of the transaction coordinator that wrote the last marker, −1 for none.
    public var coordinatorEpoch: Int32
    /// The largest timestamp of the last batch or the timestamp of the last marker, −1 for none.
    public var lastTimestamp: Int64
    /// The first offset of the open transaction, −1 for none.
    public var currentTransactionFirstOffset: Int64

    // In line, so that a producer costs no allocation of its own. Oldest first.
    private var slots: (ProducedBatch, ProducedBatch, ProducedBatch, ProducedBatch, ProducedBatch)
    private(set) var batchCount: Int

    init(
        producerID: Int64, epoch: Int16 = noEpoch, coordinatorEpoch: Int32 = -1, lastTimestamp: Int64 = -1,
        currentTransactionFirstOffset: Int64 = -1, batch: ProducedBatch? = nil
    ) {
        self.producerID = producerID
        self.epoch = epoch
        self.coordinatorEpoch = coordinatorEpoch
        self.lastTimestamp = lastTimestamp
        self.currentTransactionFirstOffset = currentTransactionFirstOffset
        slots = (batch ?? .none, .none, .none, .none, .none)
        batchCount = batch == nil ? 0 : 1
    }

    public static func == (left: ProducerState, right: ProducerState) -> Bool {
        left.producerID == right.producerID && left.epoch == right.epoch
            && left.coordinatorEpoch == right.coordinatorEpoch && left.lastTimestamp == right.lastTimestamp
            && left.currentTransactionFirstOffset == right.currentTransactionFirstOffset
            && left.batches == right.batches
    }

    /// The remembered batches, oldest first.
    public var batches: [ProducedBatch] {
        Array([slots.0, slots.1, slots.2, slots.3, slots.4].prefix(batchCount))
    }

    /// The newest of the remembered batches.
    public var lastBatch: ProducedBatch? {
        switch batchCount {
        case 0: nil
        case 1: slots.0
        case 2: slots.1
        case 3: slots.2
        case 4: slots.3
        default: slots.4
        }
    }

    /// −1 where no batch is known.
    public var lastSequence: Int32 { lastBatch?.lastSequence ?? -1 }
    /// The offset of the last record of the newest batch; −1 for none.
    public var lastOffset: Int64 { lastBatch?.lastOffset ?? -1 }

    /// Remembers a batch and forgets the oldest where there are five.
    mutating func add(_ batch: ProducedBatch) {
        switch batchCount {
        case 0: slots.0 = batch
        case 1: slots.1 = batch
        case 2: slots.2 = batch
        case 3: slots.3 = batch
        case 4: slots.4 = batch
        default: slots = (slots.1, slots.2, slots.3, slots.4, batch)
        }
        if batchCount < Self.batchCapacity { batchCount += 1 }
        lastTimestamp = batch.timestamp
    }

    /// Takes in batches of the same producer from before the oldest that is remembered, the newest of them first, until
    /// there are five.
    mutating func recall(_ past: ProducerState) {
        guard past.epoch == epoch, let oldest = batches.first else { return }
        let older = past.batches.filter { $0.lastOffset < oldest.firstOffset }.suffix(Self.batchCapacity - batchCount)
        let newest = lastTimestamp
        let all = older + batches
        batchCount = 0
        for batch in all { add(batch) }
        // That of a marker may be later than any batch.
        lastTimestamp = newest
    }

    /// Takes over an epoch; batches of another are forgotten.
    mutating func updateEpoch(_ newEpoch: Int16) {
        guard newEpoch != epoch else { return }
        epoch = newEpoch
        batchCount = 0
    }

    /// The remembered batch that has these very sequence numbers in this very epoch.
    func duplicate(epoch: Int16, firstSequence: Int32, lastSequence: Int32) -> ProducedBatch? {
        guard epoch == self.epoch else { return nil }
        func matches(_ batch: ProducedBatch) -> Bool {
            batch.lastSequence == lastSequence && batch.firstSequence == firstSequence
        }
        if batchCount > 0, matches(slots.0) { return slots.0 }
        if batchCount > 1, matches(slots.1) { return slots.1 }
        if batchCount > 2, matches(slots.2) { return slots.2 }
        if batchCount > 3, matches(slots.3) { return slots.3 }
        if batchCount > 4, matches(slots.4) { return slots.4 }
        return nil
    }
}
