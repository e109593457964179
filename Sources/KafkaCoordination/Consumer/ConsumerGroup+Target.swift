// SPDX-License-Identifier: Apache-2.0
import KafkaBase

extension ConsumerGroup {
    /// Which assignor most members ask for; where none does, or nobody asks, the first that is configured.
    func preferredAssignor(_ assignors: [ServerAssignor]) -> ServerAssignor {
        precondition(!assignors.isEmpty, "there is at least one assignor")
        var best = assignors[0]
        for assignor in assignors.dropFirst()
        where assignorCounts[assignor.rawValue, default: 0] > assignorCounts[best.rawValue, default: 0] {
            best = assignor
        }
        return best
    }

    /// What the next target assignment is made from.
    func assignmentInput(_ metadata: any GroupMetadataView) -> AssignmentInput {
        var topics: [(name: String, topic: AssignmentInput.Topic)] = []
        for name in subscribedTopics {
            guard let id = metadata.topicID(named: name), let count = metadata.partitionCount(of: id) else { continue }
            topics.append((name, AssignmentInput.Topic(id: id, partitionCount: Int32(clamping: count))))
        }
        topics.sort { $0.topic.id < $1.topic.id }
        let indexes = Dictionary(topics.enumerated().map { ($1.name, $0) }) { first, _ in first }

        var input: [AssignmentInput.Member] = []
        input.reserveCapacity(members.count)
        var last: ConsumerMember?
        var lastTopics: [Int] = []
        for id in memberIDs {
            guard let member = members[id] else { continue }
            // Most members of a group subscribe to the same.
            if last?.subscribedTopics != member.subscribedTopics || last?.regex != member.regex {
                lastTopics = topicIndexes(of: member, indexes)
            }
            last = member
            input.append(
                AssignmentInput.Member(
                    id: id, instanceID: member.instanceID, topics: lastTopics,
                    previous: target[id] ?? TopicPartitionSet()))
        }
        return AssignmentInput(topics: topics.map(\.topic), members: input)
    }

    private func topicIndexes(of member: ConsumerMember, _ indexes: [String: Int]) -> [Int] {
        var found = member.subscribedTopics.compactMap { indexes[$0] }
        if let regex = member.regex { found += (resolvedRegexes[regex]?.topics ?? []).compactMap { indexes[$0] } }
        return found.sortedWithoutRepetitions()
    }
}
