// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaReplication

/// What a client of a coordinator is told when its change could not be written to the offsets topic.
enum CoordinatorFault {
    /// - Parameter isLeader: whether this broker leads the partition all the same. Where it does, the client may come back
    ///   to it at once or a little later, when there is space again; elsewhere it must look for the new coordinator.
    static func code(of fault: ErrorCode, isLeader: Bool) -> ErrorCode {
        switch fault {
        case .unknownTopicOrPartition, .notEnoughReplicas, .notEnoughReplicasAfterAppend, .requestTimedOut:
            .coordinatorNotAvailable
        case .notLeaderOrFollower, .fencedLeaderEpoch: .notCoordinator
        case .kafkaStorageError: isLeader ? .coordinatorNotAvailable : .notCoordinator
        case .messageTooLarge, .recordListTooLarge, .invalidFetchSize: .unknownServerError
        default: fault
        }
    }
}
