// SPDX-License-Identifier: Apache-2.0
import KafkaProtocol

/// How the keys and values of records are shown.
package enum RecordDecoder: Equatable, Sendable {
    /// One class for keys and one for values.
    case classes(key: ClassDecoder, value: ClassDecoder)
    /// `__consumer_offsets`.
    case offsets
    /// `__transaction_state`.
    case transactionLog
    /// `__cluster_metadata` and its snapshots.
    case clusterMetadata
    /// `__share_group_state`.
    case shareGroupState

    func decode(
        offset: Int64, key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?, form: DumpOptions.Form
    ) -> DecodedRecord {
        switch self {
        case .classes(let keyDecoder, let valueDecoder):
            var record = DecodedRecord()
            record.key = keyDecoder.decode(key, "key", &record.problems)
            record.payload = valueDecoder.decode(value, "value", &record.problems)
            return record
        case .offsets:
            guard form == .current else { return OffsetsText.decode(key, value) }
            return CoordinatorJSON.decode(GroupCoordinatorRecordType.self, offset: offset, key: key, value: value)
        case .transactionLog:
            guard form == .current else { return TransactionLogText.decode(key, value) }
            return CoordinatorJSON.decode(
                TransactionCoordinatorRecordType.self, offset: offset, key: key, value: value)
        case .shareGroupState:
            return CoordinatorJSON.decode(ShareCoordinatorRecordType.self, offset: offset, key: key, value: value)
        case .clusterMetadata:
            return MetadataRecordJSON.decode(offset: offset, value: value)
        }
    }
}

/// What is printed of a record's data.
struct DecodedRecord {
    enum Part: Equatable {
        /// Printed as UTF-8.
        case bytes(UnsafeRawBufferPointer)
        case text(String)

        static func == (left: Part, right: Part) -> Bool {
            switch (left, right) {
            case (.bytes(let left), .bytes(let right)): left.elementsEqual(right)
            case (.text(let left), .text(let right)): left == right
            default: false
            }
        }
    }

    /// nil is not printed.
    var key: Part?
    /// nil is not printed.
    var payload: Part?
    /// What could not be made out, for standard error.
    var problems: [String] = []

    func print(_ part: Part, to output: TextSink) {
        switch part {
        case .bytes(let bytes): output.utf8(bytes)
        case .text(let text): output.text(text)
        }
    }
}
