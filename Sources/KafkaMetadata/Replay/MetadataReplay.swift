// SPDX-License-Identifier: Apache-2.0
package import KafkaProtocol

/// Replays metadata records onto an image, batch by batch.
///
/// Records between a BeginTransaction and its EndTransaction become visible together with the latter, and never when the
/// transaction is aborted (KIP-868). `visibleImage` is what brokers may act on; `newestImage` holds an open transaction's
/// records too, which is what a controller that writes the transaction decides on.
package struct MetadataReplay: Sendable {
    /// Holds every record replayed.
    package internal(set) var newestImage: MetadataImage
    /// The changes since the last `takeDelta`, those of an open transaction excluded.
    var delta = MetadataDelta()
    private var transaction: Transaction?

    private struct Transaction: Sendable {
        let startOffset: Int64
        let imageBefore: MetadataImage
        let deltaBefore: MetadataDelta
    }

    package init(_ image: MetadataImage = .empty) { newestImage = image }

    /// Without the records of an open transaction.
    package var visibleImage: MetadataImage { transaction?.imageBefore ?? newestImage }

    /// The offset of the BeginTransaction record of an open transaction.
    package var transactionStartOffset: Int64? { transaction?.startOffset }

    /// What the visible image has that it had not at the last call.
    package mutating func takeDelta() -> MetadataDelta {
        if let open = transaction {
            transaction = Transaction(
                startOffset: open.startOffset, imageBefore: open.imageBefore, deltaBefore: MetadataDelta())
            var taken = open.deltaBefore
            taken.normalize()
            return taken
        }
        var taken = delta
        delta = MetadataDelta()
        taken.normalize()
        return taken
    }

    /// Replays the records of one data batch, the first of which has the offset `baseOffset`.
    package mutating func replay(
        _ records: [MetadataRecord], baseOffset: Int64, epoch: Int32, timestamp: Int64
    ) throws(MetadataError) {
        for (index, record) in records.enumerated() { try replay(record, offset: baseOffset + Int64(index)) }
        finishBatch(lastOffset: baseOffset + Int64(records.count) - 1, epoch: epoch, timestamp: timestamp)
    }

    /// Notes that everything up to `lastOffset` was replayed, control batches included.
    package mutating func finishBatch(lastOffset: Int64, epoch: Int32, timestamp: Int64) {
        newestImage.provenance = .init(offset: lastOffset, epoch: epoch, timestamp: timestamp)
    }

    /// Replays one record, unless the image contains it: a log may be read from the batch on in which the image ends.
    ///
    /// - Parameter offset: its place in the log; −1 for a record of a snapshot.
    package mutating func replay(_ record: MetadataRecord, offset: Int64) throws(MetadataError) {
        guard offset < 0 || offset > newestImage.provenance.offset else { return }
        switch record {
        case .beginTransaction: try beginTransaction(offset: offset)
        case .endTransaction: try endTransaction()
        case .abortTransaction: try abortTransaction()
        case .topic(let record): try replay(record)
        case .partition(let record): try replay(record)
        case .partitionChange(let record): try replay(record)
        case .removeTopic(let record): try replay(record)
        case .clearElr(let record): try replay(record)
        case .registerBroker(let record): replay(record, offset: offset)
        case .unregisterBroker(let record): try replay(record)
        case .fenceBroker(let record): try replay(record)
        case .unfenceBroker(let record): try replay(record)
        case .brokerRegistrationChange(let record): try replay(record)
        case .registerController(let record): replay(record)
        case .unregisterController(let record): try replay(record)
        case .config(let record): replay(record)
        case .featureLevel(let record): replay(record)
        case .zkMigrationState(let record): replay(record)
        case .clientQuota(let record): replay(record)
        case .producerIDs(let record): try replay(record)
        case .userScramCredential(let record): replay(record)
        case .removeUserScramCredential(let record): replay(record)
        case .accessControlEntry(let record): replay(record)
        case .removeAccessControlEntry(let record): try replay(record)
        case .delegationToken(let record): replay(record)
        case .removeDelegationToken(let record): replay(record)
        case .noOp: break
        }
    }

    // MARK: Transactions

    private mutating func beginTransaction(offset: Int64) throws(MetadataError) {
        guard transaction == nil else {
            throw .inconsistent(record: "BeginTransactionRecord", reason: "a transaction is open")
        }
        var imageBefore = newestImage
        // Records before this one in the same batch belong to the image, whose provenance counts whole batches.
        imageBefore.provenance.offset = max(imageBefore.provenance.offset, offset - 1)
        transaction = Transaction(startOffset: offset, imageBefore: imageBefore, deltaBefore: delta)
        delta = MetadataDelta()
    }

    private mutating func endTransaction() throws(MetadataError) {
        guard let open = transaction else {
            throw .inconsistent(record: "EndTransactionRecord", reason: "no transaction is open")
        }
        transaction = nil
        var whole = open.deltaBefore
        whole.merge(delta)
        delta = whole
    }

    private mutating func abortTransaction() throws(MetadataError) {
        guard let open = transaction else {
            throw .inconsistent(record: "AbortTransactionRecord", reason: "no transaction is open")
        }
        transaction = nil
        newestImage = open.imageBefore
        delta = open.deltaBefore
    }
}
