// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import OrderedCollections

extension ConsumerGroup {
    /// The classic group that this becomes when its last member of the consumer protocol goes and members of the classic
    /// protocol stay; nil where it stays a consumer group.
    ///
    /// Its generation is the group's epoch, its assignments are what the members have. Apache Kafka takes their targets,
    /// by which two have the same partition where one of them has not given it up yet.
    ///
    /// - Parameter leaving: who goes, by member id.
    func downgraded(
        without leaving: Set<String>, _ configuration: GroupCoordinatorConfiguration, now: Int64,
        _ metadata: any GroupMetadataView
    ) -> ClassicGroup? {
        let staying = memberIDs.filter { !leaving.contains($0) }.compactMap { members[$0] }
        let isConvertible =
            configuration.consumer.migrationPolicy.allowsDowngrade && !staying.isEmpty
            && staying.allSatisfy { $0.classicProtocol != nil } && staying.count <= Int(configuration.groupMaxSize)
        guard isConvertible else { return nil }

        var classic = ClassicGroup(groupID: groupID)
        classic.state = .stable
        classic.stateTimestamp = now
        classic.generation = groupEpoch
        classic.protocolType = ConsumerProtocol.name
        for member in staying {
            guard let known = member.classicProtocol else { return nil }
            classic.insert(
                ClassicMember(
                    memberID: member.memberID, instanceID: member.instanceID, clientID: member.clientID,
                    clientHost: member.clientHost, rebalanceTimeoutMilliseconds: member.rebalanceTimeoutMilliseconds,
                    sessionTimeoutMilliseconds: known.sessionTimeoutMilliseconds, offers: known.offers))
        }
        guard let protocolName = classic.selectProtocol() else { return nil }
        classic.protocolName = protocolName
        classic.subscribedTopics = classic.topicsOfMembers()
        for memberID in classic.members.keys {
            let subscription = classic.members[memberID]?.metadata(for: protocolName) ?? []
            classic.members[memberID]?.assignment = ConsumerProtocol.encode(
                members[memberID]?.assigned ?? TopicPartitionSet(), forSubscription: subscription, metadata)
        }
        return classic
    }

    /// What stops the timers of all members.
    var timerCancellations: [GroupEffect] {
        memberIDs.flatMap { memberID -> [GroupEffect] in
            [
                .cancelTimer(.consumerSession(groupID: groupID, memberID: memberID)),
                .cancelTimer(.consumerRebalance(groupID: groupID, memberID: memberID)),
                .cancelTimer(.consumerJoin(groupID: groupID, memberID: memberID)),
                .cancelTimer(.consumerSync(groupID: groupID, memberID: memberID)),
            ]
        }
    }
}
