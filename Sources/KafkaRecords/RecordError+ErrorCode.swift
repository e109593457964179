// SPDX-License-Identifier: Apache-2.0
public import KafkaBase

extension RecordError {
    /// The code that a Produce answer carries for it.
    ///
    /// A wrong checksum may be an accident of the wire, so its code is one that clients retry. Damage under a right
    /// checksum is the client's own and must not be retried; a batch that inflates to too much is one that producers
    /// split.
    public var errorCode: ErrorCode {
        switch self {
        case .truncated, .invalidLength, .checksumMismatch: .corruptMessage
        case .unsupportedMagic: .unsupportedForMessageFormat
        case .unknownCompression, .compressionNotAllowed: .unsupportedCompressionType
        case .inflatesTooLarge, .valueTooLarge: .messageTooLarge
        case .corruptCompression, .invalidRecord, .invalidBatch, .wrongRecordCount, .invalidControlRecord,
            .invalidWrapper:
            .invalidRecord
        }
    }
}
