// SPDX-License-Identifier: Apache-2.0
import KafkaBase
package import KafkaProtocol

extension ConsumerGroup {
    /// The group as ConsumerGroupDescribe (key 69) shows it. v1 tells members of the classic protocol apart.
    package func described(
        _ assignors: [ServerAssignor], _ metadata: any GroupMetadataView
    ) -> ConsumerGroupDescribeResponse.DescribedGroup {
        var described = ConsumerGroupDescribeResponse.DescribedGroup()
        described.groupID = groupID
        described.groupState = stateName
        described.groupEpoch = groupEpoch
        described.assignmentEpoch = assignmentEpoch
        described.assignorName = preferredAssignor(assignors).rawValue
        described.members = memberIDs.compactMap { members[$0] }.map { describe($0, metadata) }
        return described
    }

    private func describe(
        _ member: ConsumerMember, _ metadata: any GroupMetadataView
    ) -> ConsumerGroupDescribeResponse.Member {
        var described = ConsumerGroupDescribeResponse.Member()
        described.memberID = member.memberID
        described.instanceID = member.instanceID
        described.rackID = member.rackID
        described.memberEpoch = member.memberEpoch
        described.clientID = member.clientID
        described.clientHost = member.clientHost
        described.subscribedTopicNames = member.subscribedTopics
        described.subscribedTopicRegex = member.regex
        described.assignment = Self.describe(member.assigned, metadata)
        described.targetAssignment = Self.describe(target[member.memberID] ?? TopicPartitionSet(), metadata)
        described.memberType = member.classicProtocol == nil ? 1 : 0
        return described
    }

    /// Topics that were deleted have no name any more and are left out.
    private static func describe(
        _ partitions: TopicPartitionSet, _ metadata: any GroupMetadataView
    ) -> ConsumerGroupDescribeResponse.Assignment {
        ConsumerGroupDescribeResponse.Assignment(
            topicPartitions: partitions.topics.compactMap { topic in
                metadata.topicName(of: topic.id).map {
                    .init(topicID: topic.id, topicName: $0, partitions: topic.partitions)
                }
            })
    }
}
