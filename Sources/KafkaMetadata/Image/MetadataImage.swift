// SPDX-License-Identifier: Apache-2.0
package import KafkaBase
package import KafkaProtocol

/// The cluster's state after a record of the metadata log: a value that never changes once it is handed out.
///
/// Copies share everything, and an image made from another by replay shares what the records did not touch, so that every
/// reader may keep the one it began with. Lists are in ascending order of their keys.
package struct MetadataImage: Sendable {
    /// Up to where the log is contained.
    package struct Provenance: Equatable, Sendable {
        /// The offset of the last record contained, −1 before the first.
        package var offset: Int64
        /// The raft epoch of that record.
        package var epoch: Int32
        /// When it was appended, milliseconds since 1970.
        package var timestamp: Int64

        package init(offset: Int64, epoch: Int32, timestamp: Int64) {
            self.offset = offset
            self.epoch = epoch
            self.timestamp = timestamp
        }

        package static let empty = Provenance(offset: -1, epoch: 0, timestamp: 0)
    }

    package internal(set) var provenance = Provenance.empty
    package internal(set) var features = FeaturesImage()
    package internal(set) var cluster = ClusterImage()
    package internal(set) var topics = TopicsImage()
    package internal(set) var configs = SortedMap<ConfigResource, SortedMap<String, String>>()
    package internal(set) var clientQuotas = ClientQuotas()
    /// The newest block of producer ids; nil before the first.
    package internal(set) var producerIDs: ProducerIdsRecord?
    package internal(set) var scramCredentials = SortedMap<ScramKey, UserScramCredentialRecord>()
    /// By the entry's id.
    package internal(set) var accessControlEntries = SortedMap<KafkaUUID, AccessControlEntryRecord>()
    /// By the token's id.
    package internal(set) var delegationTokens = SortedMap<String, DelegationTokenRecord>()

    package init() {}

    package static let empty = MetadataImage()

    /// The finalised level that gates records.
    package var metadataVersion: MetadataVersion { features.metadataVersion }

    /// The dynamic configurations of a resource, by key in ascending order.
    package func configs(of resource: ConfigResource) -> [(key: String, value: String)] {
        configs[resource].map { $0.map { (key: $0.key, value: $0.value) } } ?? []
    }

    /// A dynamic configuration; nil where it is not set.
    package func config(_ key: String, of resource: ConfigResource) -> String? { configs[resource]?[key] }

    /// The first producer id that no block has handed out yet.
    package var nextProducerID: Int64 { producerIDs?.nextProducerID ?? 0 }
}

/// Names a SCRAM credential.
package struct ScramKey: Hashable, Comparable, Sendable {
    /// 1 is SCRAM-SHA-256, 2 is SCRAM-SHA-512.
    package let mechanism: Int8
    package let user: String

    package init(mechanism: Int8, user: String) {
        self.mechanism = mechanism
        self.user = user
    }

    package static func < (left: ScramKey, right: ScramKey) -> Bool {
        left.mechanism == right.mechanism ? left.user < right.user : left.mechanism < right.mechanism
    }
}
