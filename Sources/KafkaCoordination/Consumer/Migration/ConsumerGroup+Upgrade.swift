// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import OrderedCollections

/// A classic group of consumers becomes a consumer group while it has members (KIP-848): its members go on with the classic
/// protocol, from the assignments of the last generation, whose number is the first epoch.
struct GroupUpgrade {
    /// What stores the new group; what deletes the old one comes first.
    let records: [GroupCoordinatorRecord]
    /// Sends away whoever waits, and turns sessions of the old group into those of the new one.
    let effects: [GroupEffect]

    /// - Throws: GROUP_ID_NOT_FOUND where the group must or can not be converted.
    init(
        _ classic: ClassicGroup, _ configuration: ConsumerGroupConfiguration, _ step: GroupStep,
        _ metadata: any GroupMetadataView
    ) throws(GroupRefusal) {
        let isConvertible =
            configuration.migrationPolicy.allowsUpgrade && classic.protocolType == ConsumerProtocol.name
            && classic.members.count <= Int(configuration.maxSize)
        guard isConvertible else {
            throw GroupRefusal(.groupIDNotFound, "Group \(classic.groupID) is not a consumer group.")
        }
        var members: [ConsumerMember] = []
        for member in classic.members.values {
            guard let converted = ConsumerMember(member, of: classic, metadata) else {
                throw GroupRefusal(
                    .groupIDNotFound,
                    "Group \(classic.groupID) cannot become a consumer group: its members' metadata is malformed.")
            }
            members.append(converted)
        }
        // Leaders of classic groups assign as they like; here a partition has one owner.
        let owned = TopicPartitionSet(members.lazy.flatMap(\.assigned.topics).map { ($0.id, $0.partitions) })
        guard owned.count == members.reduce(0, { $0 + $1.assigned.count }) else {
            throw GroupRefusal(
                .groupIDNotFound,
                "Group \(classic.groupID) cannot become a consumer group: members own the same partitions.")
        }
        records = classic.tombstones + Self.creation(of: members, classic)
        effects = Self.effects(of: classic, members, step)
    }

    private static func creation(
        of members: [ConsumerMember], _ classic: ClassicGroup
    ) -> [GroupCoordinatorRecord] {
        let group = ConsumerGroup(groupID: classic.groupID)
        return members.map { group.subscriptionRecord(of: $0) }
            + [group.epochRecord(classic.generation, hash: 0)]
            + members.map { group.targetRecord(of: $0.memberID, $0.assigned) }
            + [group.targetRecord(epoch: classic.generation, timestamp: 0)]
            + members.map { group.currentRecord(of: $0) }
    }

    private static func effects(
        of classic: ClassicGroup, _ members: [ConsumerMember], _ step: GroupStep
    ) -> [GroupEffect] {
        let groupID = classic.groupID
        var step = step
        var leaving = classic
        leaving.answerAll(.rebalanceInProgress, &step)
        step.effects.append(.cancelTimer(.classicJoin(groupID: groupID)))
        step.effects.append(.cancelTimer(.classicSync(groupID: groupID)))
        for memberID in classic.pendingMembers {
            step.effects.append(.cancelTimer(.classicSession(groupID: groupID, memberID: memberID)))
        }
        for member in members {
            step.effects.append(.cancelTimer(.classicSession(groupID: groupID, memberID: member.memberID)))
            let timeout = Int64(member.classicProtocol?.sessionTimeoutMilliseconds ?? 0)
            step.effects.append(
                .setTimer(
                    .consumerSession(groupID: groupID, memberID: member.memberID), afterMilliseconds: max(timeout, 0)))
        }
        return step.effects
    }
}

extension ConsumerMember {
    /// A member of a classic group, as it goes on in the consumer group that this becomes; nil where what it wrote is
    /// not a consumer's.
    fileprivate init?(_ member: ClassicMember, of classic: ClassicGroup, _ metadata: any GroupMetadataView) {
        // While a group has not chosen yet what its members will use, what a member likes best must do.
        let chosen = classic.protocolName.flatMap { member.metadata(for: $0) } ?? member.offers.first?.metadata
        guard let chosen, let subscription = ConsumerProtocol.subscription(chosen),
            let assigned = ConsumerProtocol.assignment(member.assignment, metadata)
        else { return nil }
        self.init(memberID: member.memberID)
        instanceID = member.instanceID
        rackID = subscription.rackID
        clientID = member.clientID
        clientHost = member.clientHost
        rebalanceTimeoutMilliseconds = member.rebalanceTimeoutMilliseconds
        subscribedTopics = subscription.topics.sortedWithoutRepetitions()
        classicProtocol = ClassicProtocol(
            sessionTimeoutMilliseconds: member.sessionTimeoutMilliseconds, offers: member.offers)
        memberEpoch = classic.generation
        previousMemberEpoch = classic.generation
        self.assigned = assigned
        assignmentEpochs = PartitionEpochs(assigned, epoch: classic.generation)
    }
}
