// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaProtocol

/// Answers to members that waited for the others and are known by their token only.
enum GroupAnswers {
    static func failedJoin(_ code: ErrorCode) -> JoinGroupResponse {
        // Versions below 7 know no null name.
        JoinGroupResponse(errorCode: code.rawValue, protocolName: "")
    }

    static func failedSync(_ code: ErrorCode) -> SyncGroupResponse { SyncGroupResponse(errorCode: code.rawValue) }
}
