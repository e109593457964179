// SPDX-License-Identifier: Apache-2.0
package import KafkaBase
import KafkaProtocol
import OrderedCollections

extension ClassicGroup: CoordinatedGroup {
    package static var typeName: String { "classic" }
    package var stateName: String { state.rawValue }
    package var listedProtocolType: String { protocolType ?? "" }
    package var isEmpty: Bool { state == .empty }

    /// Whether nobody has ever joined: it exists because somebody stored offsets.
    package var isSimple: Bool { protocolType == nil && members.isEmpty && pendingMembers.isEmpty }

    /// Which error answers a request of who says to be this member; nil where it is.
    func refusal(of memberID: String, instanceID: String?) -> ErrorCode? {
        if let instanceID {
            guard let holder = staticMembers[instanceID] else { return .unknownMemberID }
            if holder != memberID { return .fencedInstanceID }
        }
        return members[memberID] == nil ? .unknownMemberID : nil
    }

    package func permission(to committer: OffsetCommitter) -> CommitPermission {
        refusalOfCommit(committer).map { .refused($0) } ?? .granted
    }

    private func refusalOfCommit(_ committer: OffsetCommitter) -> ErrorCode? {
        if committer.generationOrEpoch < 0, state == .empty { return nil }
        let namesMember = !committer.memberID.isEmpty || committer.instanceID != nil
        if committer.generationOrEpoch >= 0 || namesMember {
            if let error = refusal(of: committer.memberID, instanceID: committer.instanceID) {
                return error
            }
            if committer.generationOrEpoch != generation { return .illegalGeneration }
        } else if !committer.isTransactional, state != .empty {
            return .unknownMemberID
        }
        // The member has its generation from JoinGroup: it may commit again when it has its assignment.
        if !committer.isTransactional, state == .completingRebalance { return .rebalanceInProgress }
        return nil
    }

    package func refusalOfFetch(memberID: String?, memberEpoch: Int32) -> ErrorCode? { nil }

    package var refusalOfOffsetDeletion: ErrorCode? {
        state == .empty || protocolType == Self.consumerProtocolType ? nil : .nonEmptyGroup
    }

    package func isSubscribed(to topic: String) -> Bool {
        subscribedTopics?.contains(topic) ?? (protocolType == Self.consumerProtocolType)
    }

    package var offsetExpiry: OffsetExpiry {
        guard protocolType != nil else { return .sinceCommit }
        if state == .empty { return stateTimestamp.map { .since($0) } ?? .sinceCommit }
        let knowsTopics = protocolType == Self.consumerProtocolType && subscribedTopics != nil
        return knowsTopics && state == .stable ? .sinceCommit : .never
    }

    package var tombstones: [GroupCoordinatorRecord] {
        [.groupMetadata(GroupMetadataKey(group: groupID), nil)]
    }
}
