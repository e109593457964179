// SPDX-License-Identifier: Apache-2.0
package import KafkaBase

/// Ids of log directories (KIP-858), and the reserved values that say something else about a replica's place.
package enum DirectoryID {
    /// The replica's broker does not tell its directories yet (it registered before KIP-858).
    package static let migrating = KafkaUUID(high: 0, low: 0)
    /// The broker has several directories and has not chosen one yet.
    package static let unassigned = KafkaUUID(high: 0, low: 1)
    /// The directory that held the replica is offline and its id is not known.
    package static let lost = KafkaUUID(high: 0, low: 2)

    /// The first hundred values are not ids of real directories.
    package static func isReserved(_ id: KafkaUUID) -> Bool { id.high == 0 && id.low < 100 }
}
