// SPDX-License-Identifier: Apache-2.0
import KafkaBase

/// A member of a consumer group: what it subscribes to and what it owns. All of it is stored.
package struct ConsumerMember: Equatable, Sendable {
    /// How far the member is on its way to the target assignment; the raw value is what records hold.
    package enum State: Int8, Sendable {
        /// It has all that it shall have at its epoch.
        case stable = 0
        /// It has been asked to give partitions up and has not said yet that it has.
        case unrevokedPartitions = 1
        /// It waits for partitions that other members have not given up yet.
        case unreleasedPartitions = 2
        /// Written by a newer broker.
        case unknown = 127
    }

    /// What is known beside of a member that speaks the classic protocol inside a consumer group.
    package struct ClassicProtocol: Equatable, Sendable {
        package var sessionTimeoutMilliseconds: Int32
        /// In the member's order of preference.
        package var offers: [ClassicMember.Offer]
    }

    package let memberID: String
    /// Of a static member (KIP-345).
    package var instanceID: String?
    package var rackID: String?
    package var clientID = ""
    package var clientHost = ""
    /// How long it may take to give partitions up; -1 where it never said.
    package var rebalanceTimeoutMilliseconds: Int32 = -1
    /// Ascending, each once.
    package var subscribedTopics: [String] = []
    /// A pattern of topics; nil and empty mean none.
    package var subscribedRegex: String?
    /// The assignor it asks for.
    package var serverAssignor: String?
    /// Nil for a member that speaks the consumer protocol.
    package var classicProtocol: ClassicProtocol?

    package var memberEpoch: Int32 = 0
    /// The epoch before the last change: a heartbeat that carries it comes from a member that missed the answer.
    package var previousMemberEpoch: Int32 = 0
    package var state = State.stable
    /// What it owns and may use.
    package var assigned = TopicPartitionSet()
    /// What it still owns and shall give up.
    package var pendingRevocation = TopicPartitionSet()
    /// Since when it owns them; of `assigned` and `pendingRevocation`, no others.
    package var assignmentEpochs = PartitionEpochs()

    package init(memberID: String) { self.memberID = memberID }

    /// The pattern, where there is one.
    package var regex: String? { subscribedRegex?.isEmpty == false ? subscribedRegex : nil }

    package func isReconciled(to epoch: Int32) -> Bool { state == .stable && memberEpoch == epoch }

    /// Whether it is expected to give partitions up; who has left for a while is not.
    var mustGiveUp: Bool { state == .unrevokedPartitions && memberEpoch >= 0 }

    /// Whether what a record of its subscription holds is the same.
    func hasSameSubscriptionRecord(as other: ConsumerMember) -> Bool {
        instanceID == other.instanceID && rackID == other.rackID && clientID == other.clientID
            && clientHost == other.clientHost && rebalanceTimeoutMilliseconds == other.rebalanceTimeoutMilliseconds
            && subscribedTopics == other.subscribedTopics && subscribedRegex == other.subscribedRegex
            && serverAssignor == other.serverAssignor && classicProtocol == other.classicProtocol
    }

    /// The same member under a new id, as a static member comes back: it begins anew, with the old one's partitions.
    func renamed(to memberID: String) -> ConsumerMember {
        var renamed = ConsumerMember(memberID: memberID)
        renamed.instanceID = instanceID
        renamed.rackID = rackID
        renamed.clientID = clientID
        renamed.clientHost = clientHost
        renamed.rebalanceTimeoutMilliseconds = rebalanceTimeoutMilliseconds
        renamed.subscribedTopics = subscribedTopics
        renamed.subscribedRegex = subscribedRegex
        renamed.serverAssignor = serverAssignor
        renamed.classicProtocol = classicProtocol
        renamed.state = state
        renamed.assigned = assigned
        renamed.pendingRevocation = pendingRevocation
        renamed.assignmentEpochs = assignmentEpochs
        return renamed
    }
}

extension Array where Element: Comparable {
    /// Ascending, each element once.
    func sortedWithoutRepetitions() -> [Element] {
        var result: [Element] = []
        result.reserveCapacity(count)
        for element in sorted() where result.last != element { result.append(element) }
        return result
    }
}
