// SPDX-License-Identifier: Apache-2.0
package import KafkaBase
package import KafkaProtocol

extension ConsumerGroupHeartbeatRequest: GroupRequest {
    package func answer(failing error: ErrorCode, version: Int16) -> ConsumerGroupHeartbeatResponse {
        var response = ConsumerGroupHeartbeatResponse()
        response.errorCode = error.rawValue
        return response
    }
}

extension ConsumerGroupDescribeRequest: GroupRequest {
    package func answer(failing error: ErrorCode, version: Int16) -> ConsumerGroupDescribeResponse {
        var response = ConsumerGroupDescribeResponse()
        response.groups = groupIDs.map { groupID in
            var group = ConsumerGroupDescribeResponse.DescribedGroup()
            group.groupID = groupID
            group.errorCode = error.rawValue
            return group
        }
        return response
    }
}
