// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol

extension ConsumerGroup {
    /// Takes one of the group's records into the state; records of other kinds of groups change nothing.
    ///
    /// - Returns: whether the record was the one that deletes the group.
    mutating func replay(_ record: GroupCoordinatorRecord) -> Bool {
        switch record {
        case .consumerGroupMetadata(_, let value):
            guard let value else { return true }
            groupEpoch = value.epoch
            metadataHash = value.metadataHash
        case .consumerGroupTarget(_, let value):
            assignmentEpoch = value?.assignmentEpoch ?? -1
            assignmentTimestamp = value?.assignmentTimestamp ?? 0
        case .consumerGroupTargetMember(let key, let value):
            target[key.memberID] = value.map { value in
                TopicPartitionSet(value.topicPartitions.lazy.map { ($0.topicID, $0.partitions) })
            }
        case .consumerGroupMember(let key, let value):
            guard let value else {
                remove(memberID: key.memberID)
                break
            }
            var member = members[key.memberID] ?? ConsumerMember(memberID: key.memberID)
            member.take(value)
            update(member)
        case .consumerGroupCurrentMember(let key, let value): replayCurrent(key.memberID, value)
        case .consumerGroupRegularExpression(let key, let value):
            resolvedRegexes[key.regularExpression] = value.map {
                ResolvedRegex(
                    topics: $0.topics.sortedWithoutRepetitions(), version: $0.version, timestamp: $0.timestamp)
            }
        case .consumerGroupPartitionMetadata, .groupMetadata, .offsetCommit, .legacyOffsetCommit: break
        }
        return false
    }

    private mutating func replayCurrent(
        _ memberID: String, _ value: ConsumerGroupCurrentMemberAssignmentValue?
    ) {
        guard let value else {
            guard var member = members[memberID] else { return }
            member.memberEpoch = ConsumerGroup.leaveEpoch
            member.previousMemberEpoch = ConsumerGroup.leaveEpoch
            member.assigned = TopicPartitionSet()
            member.pendingRevocation = TopicPartitionSet()
            member.assignmentEpochs = PartitionEpochs()
            return update(member)
        }
        // A compacted log may hold it before the record of the member's subscription.
        var member = members[memberID] ?? ConsumerMember(memberID: memberID)
        member.memberEpoch = value.memberEpoch
        member.previousMemberEpoch = value.previousMemberEpoch
        member.state = ConsumerMember.State(rawValue: value.state) ?? .unknown
        member.assigned = TopicPartitionSet(value.assignedPartitions.lazy.map { ($0.topicID, $0.partitions) })
        member.pendingRevocation = TopicPartitionSet(
            value.partitionsPendingRevocation.lazy.map { ($0.topicID, $0.partitions) })
        member.assignmentEpochs = Self.assignmentEpochs(of: member, value)
        update(member)
    }

    /// The epochs that a record names. Where it names none, as before KIP-1251, the member's own stands for them.
    private static func assignmentEpochs(
        of member: ConsumerMember, _ value: ConsumerGroupCurrentMemberAssignmentValue
    ) -> PartitionEpochs {
        var named: [KafkaUUID: [Int32: Int32]] = [:]
        for topic in value.assignedPartitions + value.partitionsPendingRevocation {
            guard let epochs = topic.assignmentEpochs, epochs.count == topic.partitions.count else { continue }
            named[topic.topicID, default: [:]].merge(zip(topic.partitions, epochs)) { first, _ in first }
        }
        return PartitionEpochs(member.assigned.union(member.pendingRevocation)) { topic, partition in
            named[topic]?[partition] ?? max(member.memberEpoch, 0)
        }
    }
}

extension ConsumerMember {
    /// What a record of its subscription says.
    fileprivate mutating func take(_ value: ConsumerGroupMemberMetadataValue) {
        instanceID = value.instanceID
        rackID = value.rackID
        clientID = value.clientID
        clientHost = value.clientHost
        rebalanceTimeoutMilliseconds = value.rebalanceTimeoutMs
        subscribedTopics = value.subscribedTopicNames.sortedWithoutRepetitions()
        subscribedRegex = value.subscribedTopicRegex
        serverAssignor = value.serverAssignor
        // Records from before the field came about have its default, which says nothing.
        classicProtocol = value.classicMemberMetadata.flatMap { metadata in
            metadata.supportedProtocols.isEmpty
                ? nil
                : ClassicProtocol(
                    sessionTimeoutMilliseconds: metadata.sessionTimeoutMs,
                    offers: metadata.supportedProtocols.map {
                        ClassicMember.Offer(name: $0.name, metadata: $0.metadata)
                    })
        }
    }
}
