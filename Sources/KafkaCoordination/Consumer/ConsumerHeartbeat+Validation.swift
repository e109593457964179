// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol

extension ConsumerHeartbeat {
    /// What the request must hold, whatever the group is.
    func validate(_ configuration: ConsumerGroupConfiguration) throws(GroupRefusal) {
        try refuseBlank(request.groupID, "GroupId")
        try refuseBlank(request.instanceID, "InstanceId")
        try refuseBlank(request.rackID, "RackId")
        switch request.memberEpoch {
        case 0:
            // From version 1 on, members make their id themselves.
            if context.apiVersion >= 1 { try refuseBlank(request.memberID, "MemberId") }
            try validateJoin()
        case 1..., ConsumerGroup.leaveEpoch: try refuseBlank(request.memberID, "MemberId")
        case ConsumerGroup.staticLeaveEpoch:
            try refuseBlank(request.memberID, "MemberId")
            if request.instanceID == nil { throw GroupRefusal(.invalidRequest, "InstanceId can't be null.") }
        default: throw GroupRefusal(.invalidRequest, "MemberEpoch is invalid.")
        }
        try validateAssignor(configuration.assignors)
        try validateRegex()
    }

    private func validateJoin() throws(GroupRefusal) {
        if request.rebalanceTimeoutMs == -1 {
            throw GroupRefusal(.invalidRequest, "RebalanceTimeoutMs must be provided in first request.")
        }
        guard let partitions = request.topicPartitions, partitions.isEmpty else {
            throw GroupRefusal(.invalidRequest, "TopicPartitions must be empty when (re-)joining.")
        }
        if request.subscribedTopicNames == nil, request.subscribedTopicRegex == nil {
            throw GroupRefusal(
                .invalidRequest, "SubscribedTopicNames or SubscribedTopicRegex must be set in first request.")
        }
    }

    private func validateAssignor(_ assignors: [ServerAssignor]) throws(GroupRefusal) {
        guard let name = request.serverAssignor, !assignors.contains(where: { $0.rawValue == name }) else { return }
        let supported = assignors.map(\.rawValue).joined(separator: ", ")
        throw GroupRefusal(
            .unsupportedAssignor, "ServerAssignor \(name) is not supported. Supported assignors: \(supported).")
    }

    private func validateRegex() throws(GroupRefusal) {
        guard let regex = request.subscribedTopicRegex, !regex.isEmpty else { return }
        do throws(RegularExpressionError) {
            _ = try RegularExpression(regex)
        } catch {
            throw GroupRefusal(.invalidRegularExpression, "SubscribedTopicRegex is not a valid pattern: \(error).")
        }
    }

    private func refuseBlank(_ text: String?, _ field: String) throws(GroupRefusal) {
        guard let text, text.allSatisfy(\.isWhitespace) else { return }
        throw GroupRefusal(.invalidRequest, "\(field) can't be empty.")
    }
}
