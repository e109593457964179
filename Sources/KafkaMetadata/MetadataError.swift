// SPDX-License-Identifier: Apache-2.0
package import KafkaBase

/// Why a metadata record cannot be read or replayed. Any of these means that the log is damaged or that it was written
/// by a release with records that this one does not know; the node must not go on with a state that lacks them.
package enum MetadataError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The bytes are not a record that is known, in a version that is known.
    case malformed(WireError)
    /// The record contradicts the state that the records before it made.
    case inconsistent(record: String, reason: String)

    package var description: String {
        switch self {
        case .malformed(let error): "a metadata record cannot be read: \(error)"
        case .inconsistent(let record, let reason): "\(record) cannot be replayed: \(reason)"
        }
    }
}
