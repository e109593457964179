// SPDX-License-Identifier: Apache-2.0
package import KafkaBase

/// Why a metadata record cannot be read or replayed. Any of these means that the log is damaged or that it was written
/// by a release with records that this one does not know; the node must not go on with a state that lacks them.
package enum MetadataError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The bytes are not a record of the frame `version, type, record version, message`.
    case malformed(WireError)
    /// The frame's own version is not 1.
    case unknownFrame(UInt32)
    /// No record of this type is known.
    case unknownType(UInt32)
    /// The record's version is newer than what is known.
    case unknownVersion(type: UInt32, version: UInt32)
    /// The record contradicts the state that the records before it made.
    case inconsistent(record: String, reason: String)

    package var description: String {
        switch self {
        case .malformed(let error): "the record is malformed: \(error)"
        case .unknownFrame(let version): "frame version \(version) is not known"
        case .unknownType(let type): "record type \(type) is not known"
        case .unknownVersion(let type, let version): "version \(version) of record type \(type) is not known"
        case .inconsistent(let record, let reason): "\(record) cannot be replayed: \(reason)"
        }
    }
}
