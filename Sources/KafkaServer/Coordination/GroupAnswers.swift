// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaProtocol

/// Answers to requests of group members that fail as a whole.
enum GroupAnswers {
    static func failedJoin(_ code: ErrorCode, memberID: String = "") -> JoinGroupResponse {
        // Versions below 7 know no null name.
        JoinGroupResponse(errorCode: code.rawValue, protocolName: "", memberID: memberID)
    }

    static func failedSync(_ code: ErrorCode) -> SyncGroupResponse { SyncGroupResponse(errorCode: code.rawValue) }

    static func failedCommit(_ request: OffsetCommitRequest, _ code: ErrorCode) -> OffsetCommitResponse {
        OffsetCommitResponse(
            topics: request.topics.map { topic in
                .init(
                    name: topic.name, topicID: topic.topicID,
                    partitions: topic.partitions.map {
                        .init(partitionIndex: $0.partitionIndex, errorCode: code.rawValue)
                    })
            })
    }
}
