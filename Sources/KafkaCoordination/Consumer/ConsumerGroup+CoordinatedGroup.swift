// SPDX-License-Identifier: Apache-2.0
package import KafkaBase

extension ConsumerGroup: CoordinatedGroup {
    package enum State: String, CaseIterable, Sendable {
        case empty = "Empty"
        /// The target assignment is older than the group.
        case assigning = "Assigning"
        /// Members are on their way to the target assignment.
        case reconciling = "Reconciling"
        case stable = "Stable"
    }

    package var state: State {
        if members.isEmpty { return .empty }
        if groupEpoch > assignmentEpoch { return .assigning }
        return members.values.allSatisfy { $0.isReconciled(to: assignmentEpoch) } ? .stable : .reconciling
    }

    package static var typeName: String { "consumer" }
    package var stateName: String { state.rawValue }
    package var listedProtocolType: String { "consumer" }
    package var isEmpty: Bool { members.isEmpty }

    /// Only an empty group takes commits from outside. A member names the epoch that it is at, or, for partitions that
    /// were its own by then, one before it (KIP-1251); one of the consumer protocol must speak a version that knows of
    /// epochs (OffsetCommit 9), or it could not understand the refusal.
    package func permission(to committer: OffsetCommitter) -> CommitPermission {
        if committer.generationOrEpoch < 0, members.isEmpty { return .granted }
        guard let member = members[committer.memberID] else { return .refused(.unknownMemberID) }
        if !committer.isTransactional, member.classicProtocol == nil, committer.apiVersion < 9 {
            return .refused(.unsupportedVersion)
        }
        guard committer.generationOrEpoch != member.memberEpoch else { return .granted }
        // TxnOffsetCommit knows generations only.
        let error = committer.isTransactional ? .illegalGeneration : Self.refusalOfEpoch(of: member)
        guard committer.generationOrEpoch < member.memberEpoch else { return .refused(error) }
        return .limited(
            to: member.assignmentEpochs, since: committer.generationOrEpoch, otherwise: error)
    }

    package func refusalOfFetch(memberID: String?, memberEpoch: Int32) -> ErrorCode? {
        if memberID == nil, memberEpoch < 0 { return nil }
        guard let memberID, let member = members[memberID] else { return .unknownMemberID }
        return memberEpoch == member.memberEpoch ? nil : Self.refusalOfEpoch(of: member)
    }

    private static func refusalOfEpoch(of member: ConsumerMember) -> ErrorCode {
        member.classicProtocol == nil ? .staleMemberEpoch : .illegalGeneration
    }

    package var refusalOfOffsetDeletion: ErrorCode? { nil }

    package func isSubscribed(to topic: String) -> Bool {
        topicCounts[topic] != nil
            || regexCounts.keys.contains { resolvedRegexes[$0]?.topics.contains(topic) ?? false }
    }

    package var offsetExpiry: OffsetExpiry { .sinceCommit }
}
