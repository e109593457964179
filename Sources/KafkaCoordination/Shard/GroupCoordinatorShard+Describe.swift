// SPDX-License-Identifier: Apache-2.0
import KafkaBase
package import KafkaProtocol
import OrderedCollections

/// What operators ask: ListGroups and DescribeGroups.
extension GroupCoordinatorShard {
    /// The groups of this partition, ascending. Empty filters let everything through; letter case does not matter.
    package func listGroups(_ request: ListGroupsRequest) -> [ListGroupsResponse.ListedGroup] {
        let states = Set(request.statesFilter.map { $0.lowercased() })
        let types = Set(request.typesFilter.map { $0.lowercased() })
        return groupIDs.compactMap { groupID in
            guard let group = group(groupID) else { return nil }
            let typeName = type(of: group).typeName
            guard states.isEmpty || states.contains(group.stateName.lowercased()),
                types.isEmpty || types.contains(typeName)
            else { return nil }
            return ListGroupsResponse.ListedGroup(
                groupID: groupID, protocolType: group.listedProtocolType, groupState: group.stateName,
                groupType: typeName)
        }
    }

    /// The classic groups of these names. One that is not there, or is of another kind, is shown as dead; from version
    /// 6 on with an error that says which.
    package func describeGroups(
        _ groupIDs: [String], _ context: GroupRequestContext
    ) -> [DescribeGroupsResponse.DescribedGroup] {
        groupIDs.map { groupID in
            if let group = classicGroups[groupID] { return group.description }
            var dead = DescribeGroupsResponse.DescribedGroup(groupID: groupID, groupState: "Dead")
            if context.apiVersion >= 6 {
                dead.errorCode = ErrorCode.groupIDNotFound.rawValue
                dead.errorMessage =
                    group(groupID) == nil
                    ? "Group \(groupID) not found." : "Group \(groupID) is not a classic group."
            }
            return dead
        }
    }
}

extension ClassicGroup {
    /// Metadata and assignments are shown while the group is stable only: between, they are of different generations.
    fileprivate var description: DescribeGroupsResponse.DescribedGroup {
        let shownProtocol = state == .stable ? protocolName : nil
        return DescribeGroupsResponse.DescribedGroup(
            groupID: groupID, groupState: stateName, protocolType: listedProtocolType,
            protocolData: shownProtocol ?? "",
            members: members.values.map { member in
                DescribeGroupsResponse.DescribedGroupMember(
                    memberID: member.memberID, groupInstanceID: member.instanceID, clientID: member.clientID,
                    clientHost: member.clientHost,
                    memberMetadata: shownProtocol.flatMap { member.metadata(for: $0) } ?? [],
                    memberAssignment: member.assignment)
            })
    }
}
