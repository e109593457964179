// SPDX-License-Identifier: Apache-2.0
package import KafkaBase
package import KafkaProtocol

/// OffsetFetch has had two shapes: up to version 7 one group, from version 8 on several. The coordinator knows the later.
extension OffsetFetchRequest {
    /// The groups that the request asks for; a group's `topics` is nil where it asks for all.
    package func groupsOfEveryVersion(_ version: Int16) -> [OffsetFetchRequestGroup] {
        guard version < 8 else { return groups }
        return [
            OffsetFetchRequestGroup(
                groupID: groupID,
                topics: topics?.map {
                    OffsetFetchRequestTopics(name: $0.name, partitionIndexes: $0.partitionIndexes)
                })
        ]
    }
}

extension OffsetFetchRequest.OffsetFetchRequestGroup {
    package func answer(failing error: ErrorCode) -> OffsetFetchResponse.OffsetFetchResponseGroup {
        OffsetFetchResponse.OffsetFetchResponseGroup(groupID: groupID, errorCode: error.rawValue)
    }
}

extension OffsetFetchResponse {
    /// The answer to a request in its version's shape. Before version 2 a group's error stands in every partition asked
    /// for.
    package init(groups: [OffsetFetchResponseGroup], to request: OffsetFetchRequest, version: Int16) {
        guard version < 8 else {
            self.init(groups: groups)
            return
        }
        let group = groups.first ?? OffsetFetchResponseGroup()
        if group.errorCode != 0, version < 2 {
            let topics = (request.topics ?? []).map { topic in
                OffsetFetchResponseTopic(
                    name: topic.name,
                    partitions: topic.partitionIndexes.map {
                        OffsetFetchResponsePartition(
                            partitionIndex: $0, committedOffset: -1, metadata: "", errorCode: group.errorCode)
                    })
            }
            self.init(topics: topics)
            return
        }
        let topics = group.topics.map { topic in
            OffsetFetchResponseTopic(
                name: topic.name,
                partitions: topic.partitions.map {
                    OffsetFetchResponsePartition(
                        partitionIndex: $0.partitionIndex, committedOffset: $0.committedOffset,
                        committedLeaderEpoch: $0.committedLeaderEpoch, metadata: $0.metadata,
                        errorCode: $0.errorCode)
                })
        }
        self.init(topics: topics, errorCode: group.errorCode)
    }
}
