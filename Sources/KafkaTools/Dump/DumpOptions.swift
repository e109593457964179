// SPDX-License-Identifier: Apache-2.0

/// What `dump-log-segments` is asked to do, besides the files.
package struct DumpOptions: Sendable {
    /// Whose lines are printed.
    package enum Form: Sendable {
        /// Apache Kafka 4.4.
        case current
        /// Apache Kafka 2.4.
        case v2_4
        /// Apache Kafka 1.x: one line per record and none per batch.
        case v1
    }

    package var form = Form.current
    /// One line per record, not only per batch.
    package var isDeep = false
    /// Keys and values, too; includes `isDeep`.
    package var printsData = false
    /// Checks indexes without printing their entries.
    package var verifiesIndexOnly = false
    /// Makes only the check that decides at start-up whether an index is built anew.
    package var checksIndexSanityOnly = false
    /// How far behind an index entry's position its batch may end, in bytes.
    package var maxMessageSize = 5_242_880
    /// Reads only so many bytes of a log.
    package var maxBytes = Int(Int32.max)
    package var decoder = RecordDecoder.classes(key: .string, value: .string)
    /// Leaves out everything of a record but its data.
    package var skipsRecordMetadata = false

    package init() {}

    var walksRecords: Bool { isDeep || printsData }
    /// Whether the trailing bytes are the file's, not the limit's.
    var readsWholeLog: Bool { maxBytes >= Int(Int32.max) }
}
