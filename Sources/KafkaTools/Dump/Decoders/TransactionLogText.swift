// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol

/// Records of `__transaction_state` in the form of Kafka 2.4 and earlier.
enum TransactionLogText {
    private static let stateNames = [
        "Empty", "Ongoing", "PrepareCommit", "PrepareAbort", "CompleteCommit", "CompleteAbort", "Dead",
        "PrepareEpochFence",
    ]

    /// nil for a state that is not known.
    static func stateName(_ id: Int8) -> String? {
        stateNames.indices.contains(Int(id)) ? stateNames[Int(id)] : nil
    }

    static func decode(_ key: UnsafeRawBufferPointer?, _ value: UnsafeRawBufferPointer?) -> DecodedRecord {
        var decoded = DecodedRecord()
        guard let key else {
            decoded.problems = ["the record has no key, so it is not one of a coordinator"]
            return decoded
        }
        do throws(WireError) {
            var reader = ByteReader(key)
            let type = try reader.readInt16()
            guard type == TransactionCoordinatorRecordType.transactionLog.rawValue else {
                decoded.problems = ["record type \(type) is newer than this output format"]
                return decoded
            }
            let key = try TransactionLogKey(from: &reader, version: TransactionLogKey.versions.lowerBound)
            let payload = try value.map { (value) throws(WireError) in try text(value) }
            decoded.key = .text("transaction_metadata::transactionalId=\(key.transactionalID)")
            decoded.payload = .text(payload ?? "<DELETE>")
        } catch {
            decoded.problems = ["\(error)"]
        }
        return decoded
    }

    private static func text(_ bytes: UnsafeRawBufferPointer) throws(WireError) -> String {
        var reader = ByteReader(bytes)
        let value = try TransactionLogValue(from: &reader, version: try reader.readInt16())
        let partitions = (value.transactionPartitions ?? []).flatMap { topic in
            topic.partitionIDs.map { "\(topic.topic)-\($0)" }
        }
        let state = stateName(value.transactionStatus) ?? "\(value.transactionStatus)"
        return "producerId:\(value.producerID),producerEpoch:\(value.producerEpoch),state=\(state)"
            + ",partitions=Set(\(partitions.joined(separator: ", ")))"
            + ",txnLastUpdateTimestamp=\(value.transactionLastUpdateTimestampMs)"
            + ",txnTimeoutMs=\(value.transactionTimeoutMs)"
    }
}
