// SPDX-License-Identifier: Apache-2.0
import KafkaProtocol

/// The group's records, in the form of Apache Kafka 4.
extension ConsumerGroup {
    /// The member epoch of who leaves for good.
    static let leaveEpoch: Int32 = -1
    /// The member epoch of a static member that means to come back.
    static let staticLeaveEpoch: Int32 = -2

    /// No group gets to the largest epoch by itself; one that a record puts there stays.
    static func epoch(after epoch: Int32) -> Int32 { epoch == .max ? .max : epoch + 1 }

    func epochRecord(_ epoch: Int32, hash: Int64) -> GroupCoordinatorRecord {
        .consumerGroupMetadata(.init(groupID: groupID), .init(epoch: epoch, metadataHash: hash))
    }

    func targetRecord(epoch: Int32, timestamp: Int64) -> GroupCoordinatorRecord {
        .consumerGroupTarget(
            .init(groupID: groupID), .init(assignmentEpoch: epoch, assignmentTimestamp: timestamp))
    }

    func targetRecord(of memberID: String, _ partitions: TopicPartitionSet) -> GroupCoordinatorRecord {
        .consumerGroupTargetMember(
            .init(groupID: groupID, memberID: memberID),
            .init(topicPartitions: partitions.topics.map { .init(topicID: $0.id, partitions: $0.partitions) }))
    }

    func subscriptionRecord(of member: ConsumerMember) -> GroupCoordinatorRecord {
        let classic = member.classicProtocol.map { classic in
            ConsumerGroupMemberMetadataValue.ClassicMemberMetadata(
                sessionTimeoutMs: classic.sessionTimeoutMilliseconds,
                supportedProtocols: classic.offers.map { .init(name: $0.name, metadata: $0.metadata) })
        }
        return .consumerGroupMember(
            .init(groupID: groupID, memberID: member.memberID),
            .init(
                instanceID: member.instanceID, rackID: member.rackID, clientID: member.clientID,
                clientHost: member.clientHost, subscribedTopicNames: member.subscribedTopics,
                subscribedTopicRegex: member.subscribedRegex, rebalanceTimeoutMs: member.rebalanceTimeoutMilliseconds,
                serverAssignor: member.serverAssignor, classicMemberMetadata: classic))
    }

    func currentRecord(of member: ConsumerMember) -> GroupCoordinatorRecord {
        func list(_ partitions: TopicPartitionSet) -> [ConsumerGroupCurrentMemberAssignmentValue.TopicPartitions] {
            partitions.topics.map { topic in
                let epochs = topic.partitions.map { member.assignmentEpochs.epoch(of: topic.id, $0) ?? 0 }
                return .init(topicID: topic.id, partitions: topic.partitions, assignmentEpochs: epochs)
            }
        }
        return .consumerGroupCurrentMember(
            .init(groupID: groupID, memberID: member.memberID),
            .init(
                memberEpoch: member.memberEpoch, previousMemberEpoch: member.previousMemberEpoch,
                state: member.state.rawValue, assignedPartitions: list(member.assigned),
                partitionsPendingRevocation: list(member.pendingRevocation)))
    }

    func regexRecord(_ regex: String, _ resolved: ResolvedRegex?) -> GroupCoordinatorRecord {
        .consumerGroupRegularExpression(
            .init(groupID: groupID, regularExpression: regex),
            resolved.map { .init(topics: $0.topics, version: $0.version, timestamp: $0.timestamp) })
    }

    /// What deletes a member: its partitions first, so that no record speaks of a member that is gone.
    func tombstones(ofMember memberID: String) -> [GroupCoordinatorRecord] {
        [
            .consumerGroupCurrentMember(.init(groupID: groupID, memberID: memberID), nil),
            .consumerGroupTargetMember(.init(groupID: groupID, memberID: memberID), nil),
            .consumerGroupMember(.init(groupID: groupID, memberID: memberID), nil),
        ]
    }

    /// What deletes the group, in the order in which Kafka wants to read it.
    package var tombstones: [GroupCoordinatorRecord] {
        let ids = memberIDs
        var records: [GroupCoordinatorRecord] = []
        for id in ids { records.append(.consumerGroupCurrentMember(.init(groupID: groupID, memberID: id), nil)) }
        for id in target.keys.sorted() {
            records.append(.consumerGroupTargetMember(.init(groupID: groupID, memberID: id), nil))
        }
        records.append(.consumerGroupTarget(.init(groupID: groupID), nil))
        for id in ids { records.append(.consumerGroupMember(.init(groupID: groupID, memberID: id), nil)) }
        for regex in resolvedRegexes.keys.sorted() { records.append(regexRecord(regex, nil)) }
        records.append(.consumerGroupPartitionMetadata(.init(groupID: groupID), nil))
        records.append(.consumerGroupMetadata(.init(groupID: groupID), nil))
        return records
    }
}
