// SPDX-License-Identifier: Apache-2.0
import KafkaRecords

/// Whole batches, one behind the other, that were checked. Borrowed: valid as long as the bytes are.
struct BatchRun {
    let bytes: UnsafeRawBufferPointer
    /// The header where there is but one batch, as in every append of a client, so that it need not be read again; nil
    /// otherwise. As the bytes say it.
    var only: RecordBatchHeader?

    init(_ bytes: UnsafeRawBufferPointer, only: RecordBatchHeader? = nil) {
        self.bytes = bytes
        self.only = only
    }

    /// The bytes of a leader, which gives offsets to the batches where they lie.
    var writable: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(mutating: bytes) }
}
