// SPDX-License-Identifier: Apache-2.0
package import KafkaBase
package import KafkaProtocol

/// A request that a group coordinator answers, with its answer where the coordinator cannot be asked: it is loading, is
/// elsewhere, or could not write.
package protocol GroupRequest: RequestMessage {
    /// The answer that says `error`, in the places where the request's version has errors.
    func answer(failing error: ErrorCode, version: Int16) -> Response
}

extension ErrorCode {
    /// What a group's client is told when its coordinator could not append: come again, look for another coordinator, or
    /// that it will not work.
    package static func groupAnswer(forAppendError error: ErrorCode) -> ErrorCode {
        switch error {
        case .unknownTopicOrPartition, .notEnoughReplicas, .notEnoughReplicasAfterAppend,
            .requestTimedOut:
            .coordinatorNotAvailable
        case .notLeaderOrFollower, .kafkaStorageError: .notCoordinator
        case .messageTooLarge, .recordListTooLarge, .invalidFetchSize: .unknownServerError
        default: error
        }
    }
}

extension JoinGroupRequest: GroupRequest {
    package func answer(failing error: ErrorCode, version: Int16) -> JoinGroupResponse {
        .failing(error, memberID: memberID, version: version)
    }
}

extension SyncGroupRequest: GroupRequest {
    package func answer(failing error: ErrorCode, version: Int16) -> SyncGroupResponse {
        SyncGroupResponse(errorCode: error.rawValue)
    }
}

extension HeartbeatRequest: GroupRequest {
    package func answer(failing error: ErrorCode, version: Int16) -> HeartbeatResponse {
        HeartbeatResponse(errorCode: error.rawValue)
    }
}

extension LeaveGroupRequest: GroupRequest {
    package func answer(failing error: ErrorCode, version: Int16) -> LeaveGroupResponse {
        LeaveGroupResponse(errorCode: error.rawValue)
    }
}

extension OffsetCommitRequest: GroupRequest {
    package func answer(failing error: ErrorCode, version: Int16) -> OffsetCommitResponse {
        OffsetCommitResponse(topics: topics.map { $0.answer(failing: error) })
    }
}

extension OffsetCommitRequest.OffsetCommitRequestTopic {
    func answer(failing error: ErrorCode) -> OffsetCommitResponse.OffsetCommitResponseTopic {
        OffsetCommitResponse.OffsetCommitResponseTopic(
            name: name, topicID: topicID,
            partitions: partitions.map {
                OffsetCommitResponse.OffsetCommitResponsePartition(
                    partitionIndex: $0.partitionIndex, errorCode: error.rawValue)
            })
    }
}

extension OffsetFetchRequest: GroupRequest {
    package func answer(failing error: ErrorCode, version: Int16) -> OffsetFetchResponse {
        let groups = groupsOfEveryVersion(version).map { $0.answer(failing: error) }
        return OffsetFetchResponse(groups: groups, to: self, version: version)
    }
}

extension OffsetDeleteRequest: GroupRequest {
    package func answer(failing error: ErrorCode, version: Int16) -> OffsetDeleteResponse {
        OffsetDeleteResponse(errorCode: error.rawValue)
    }
}

extension DescribeGroupsRequest: GroupRequest {
    package func answer(failing error: ErrorCode, version: Int16) -> DescribeGroupsResponse {
        DescribeGroupsResponse(
            groups: groups.map {
                DescribeGroupsResponse.DescribedGroup(errorCode: error.rawValue, groupID: $0)
            })
    }
}

extension ListGroupsRequest: GroupRequest {
    package func answer(failing error: ErrorCode, version: Int16) -> ListGroupsResponse {
        ListGroupsResponse(errorCode: error.rawValue)
    }
}

extension DeleteGroupsRequest: GroupRequest {
    package func answer(failing error: ErrorCode, version: Int16) -> DeleteGroupsResponse {
        DeleteGroupsResponse(
            results: groupsNames.map {
                DeleteGroupsResponse.DeletableGroupResult(groupID: $0, errorCode: error.rawValue)
            })
    }
}
