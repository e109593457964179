// SPDX-License-Identifier: Apache-2.0
import KafkaBase
package import KafkaProtocol
import OrderedCollections

extension ClassicGroup {
    /// The group as a record holds it: stable where it has members, since only assigned generations are stored.
    package init(groupID: String, _ value: GroupMetadataValue) {
        self.init(groupID: groupID)
        state = value.members.isEmpty ? .empty : .stable
        stateTimestamp = value.currentStateTimestamp == -1 ? nil : value.currentStateTimestamp
        generation = value.generation
        protocolType = value.protocolType.isEmpty ? nil : value.protocolType
        protocolName = value.protocol
        leaderID = value.leader
        isRebalanceDue = value.leader == nil && !value.members.isEmpty
        for stored in value.members {
            var member = ClassicMember(
                memberID: stored.memberID, instanceID: stored.groupInstanceID, clientID: stored.clientID,
                clientHost: stored.clientHost,
                rebalanceTimeoutMilliseconds: stored.rebalanceTimeout == -1
                    ? stored.sessionTimeout : stored.rebalanceTimeout,
                sessionTimeoutMilliseconds: stored.sessionTimeout,
                offers: [ClassicMember.Offer(name: value.protocol ?? "", metadata: stored.subscription)])
            member.assignment = stored.assignment
            insert(member)
        }
        subscribedTopics = topicsOfMembers()
    }

    /// The record of the group with its members' assignments; a member that `assignments` does not name has an empty one.
    package func record(assignments: [String: [UInt8]]) -> GroupCoordinatorRecord {
        let stored = members.values.map { member in
            GroupMetadataValue.MemberMetadata(
                memberID: member.memberID, groupInstanceID: member.instanceID, clientID: member.clientID,
                clientHost: member.clientHost, rebalanceTimeout: member.rebalanceTimeoutMilliseconds,
                sessionTimeout: member.sessionTimeoutMilliseconds,
                subscription: protocolName.flatMap { member.metadata(for: $0) } ?? [],
                assignment: assignments[member.memberID] ?? [])
        }
        return .groupMetadata(
            GroupMetadataKey(group: groupID),
            GroupMetadataValue(
                protocolType: protocolType ?? "", generation: generation, protocol: protocolName,
                leader: leaderID,
                currentStateTimestamp: stateTimestamp ?? -1, members: stored))
    }

    /// The record of the group with the assignments that its members have.
    package var record: GroupCoordinatorRecord {
        var assignments: [String: [UInt8]] = [:]
        for member in members.values { assignments[member.memberID] = member.assignment }
        return record(assignments: assignments)
    }

    /// The record of the group where its members must rejoin, though nothing else says so after a crash: it has no leader,
    /// as no record has otherwise while there are members.
    var recordBeforeRebalance: GroupCoordinatorRecord {
        guard case .groupMetadata(let key, var value?) = record else { return record }
        value.leader = nil
        return .groupMetadata(key, value)
    }

    /// What the members subscribed to; nil where the broker cannot know, because they are not consumers or write it in
    /// a form that it does not read.
    func topicsOfMembers() -> Set<String>? {
        guard protocolType == Self.consumerProtocolType else { return nil }
        if members.isEmpty { return [] }
        guard let protocolName else { return nil }
        var topics: Set<String> = []
        for member in members.values {
            guard let metadata = member.metadata(for: protocolName),
                let subscription = Subscription.topics(of: metadata)
            else { return nil }
            topics.formUnion(subscription)
        }
        return topics
    }
}

/// What a consumer writes into its join request.
enum Subscription {
    /// The topics of a subscription in the consumers' embedded protocol; nil where the bytes are something else.
    ///
    /// A version above the newest known is read as that: later versions only add fields behind.
    static func topics(of metadata: [UInt8]) -> [String]? {
        metadata.withUnsafeBytes { raw in
            var reader = ByteReader(raw)
            guard let version = try? reader.readInt16(), version >= 0 else { return nil }
            let newest = ConsumerProtocolSubscription.versions.upperBound
            return try? ConsumerProtocolSubscription(from: &reader, version: min(version, newest)).topics
        }
    }
}
