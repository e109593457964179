// SPDX-License-Identifier: Apache-2.0
package import KafkaBase
import KafkaProtocol

/// The position that a group committed for one partition.
package struct CommittedOffset: Sendable, Equatable {
    package var offset: Int64
    /// The epoch of the partition's leader whose records the consumer had read; -1 where it did not say.
    package var leaderEpoch: Int32
    /// What the consumer stored beside the offset.
    package var metadata: String
    /// Milliseconds since 1970.
    package var commitTimestamp: Int64
    /// Milliseconds since 1970; -1 where the broker's retention decides.
    package var expireTimestamp: Int64
    /// Zero where the commit did not carry it.
    package var topicID: KafkaUUID
    /// Where the record stands in the coordinator's log: of a transactional and a plain commit the later record holds.
    package var recordOffset: Int64

    init(_ value: OffsetCommitValue, recordOffset: Int64) {
        offset = value.offset
        leaderEpoch = value.leaderEpoch
        metadata = value.metadata
        commitTimestamp = value.commitTimestamp
        expireTimestamp = value.expireTimestamp
        topicID = value.topicID
        self.recordOffset = recordOffset
    }

    init(_ value: LegacyOffsetCommitValue, recordOffset: Int64) {
        offset = value.offset
        leaderEpoch = -1
        metadata = value.metadata
        commitTimestamp = value.commitTimestamp
        expireTimestamp = -1
        topicID = .zero
        self.recordOffset = recordOffset
    }
}
