// SPDX-License-Identifier: Apache-2.0
import KafkaProtocol
import OrderedCollections

/// The members and the counts that follow from them; nothing here decides.
extension ClassicGroup {
    mutating func insert(_ member: ClassicMember) {
        precondition(members[member.memberID] == nil, "a member joins once")
        if let instanceID = member.instanceID { staticMembers[instanceID] = member.memberID }
        if members.isEmpty, leaderID == nil { leaderID = member.memberID }
        count(member.offers, by: 1)
        if member.joinToken != nil { awaitingJoinCount += 1 }
        pendingMembers.remove(member.memberID)
        members[member.memberID] = member
    }

    /// Takes a member out, whether it has joined or only has an id. What it waits for is the caller's to answer.
    @discardableResult
    mutating func remove(_ memberID: String) -> ClassicMember? {
        pendingMembers.remove(memberID)
        pendingSync.remove(memberID)
        let removed = members.removeValue(forKey: memberID)
        if let removed {
            count(removed.offers, by: -1)
            if removed.joinToken != nil { awaitingJoinCount -= 1 }
            if let instanceID = removed.instanceID, staticMembers[instanceID] == memberID {
                staticMembers[instanceID] = nil
            }
        }
        if leaderID == memberID { leaderID = members.keys.first }
        return removed
    }

    /// Gives a member what its JoinGroup says. A request that already waits is returned: it is the caller's to answer.
    mutating func update(
        _ memberID: String, offers: [ClassicMember.Offer], rebalanceTimeout: Int32,
        sessionTimeout: Int32,
        joinToken: RequestToken?
    ) -> RequestToken? {
        guard var member = members[memberID] else { preconditionFailure("only members are updated") }
        let superseded = member.joinToken
        count(member.offers, by: -1)
        count(offers, by: 1)
        awaitingJoinCount += (joinToken == nil ? 0 : 1) - (superseded == nil ? 0 : 1)
        member.offers = offers
        member.rebalanceTimeoutMilliseconds = rebalanceTimeout
        member.sessionTimeoutMilliseconds = sessionTimeout
        member.joinToken = joinToken
        members[memberID] = member
        return superseded
    }

    /// Takes the waiting JoinGroup of a member, which is then the caller's to answer.
    mutating func takeJoin(_ memberID: String) -> RequestToken? {
        guard let token = members[memberID]?.joinToken else { return nil }
        members[memberID]?.joinToken = nil
        awaitingJoinCount -= 1
        return token
    }

    mutating func takeSync(_ memberID: String) -> RequestToken? {
        guard let token = members[memberID]?.syncToken else { return nil }
        members[memberID]?.syncToken = nil
        return token
    }

    /// Puts a static member under its new id, in its old place.
    mutating func rename(_ memberID: String, to newMemberID: String) {
        guard let index = members.index(forKey: memberID) else {
            preconditionFailure("only members are renamed")
        }
        var member = members.remove(at: index).value
        member.memberID = newMemberID
        members.updateValue(member, forKey: newMemberID, insertingAt: index)
        if leaderID == memberID { leaderID = newMemberID }
        if let instanceID = member.instanceID { staticMembers[instanceID] = newMemberID }
        if pendingSync.remove(memberID) != nil { pendingSync.insert(newMemberID) }
    }

    private mutating func count(_ offers: [ClassicMember.Offer], by change: Int) {
        var seen: Set<String> = []
        for offer in offers where seen.insert(offer.name).inserted {
            let count = offerCounts[offer.name, default: 0] + change
            offerCounts[offer.name] = count == 0 ? nil : count
        }
    }

    // MARK: Questions

    var hasAllMembersJoined: Bool { members.count == awaitingJoinCount && pendingMembers.isEmpty }

    /// The longest of the members', milliseconds.
    var rebalanceTimeout: Int64 {
        Int64(max(0, members.values.reduce(0) { max($0, $1.rebalanceTimeoutMilliseconds) }))
    }

    /// The protocol that every member offers and most prefer; of equals the one that the first member prefers.
    func selectProtocol() -> String? {
        var votes: OrderedDictionary<String, Int> = [:]
        for member in members.values {
            guard let vote = member.offers.first(where: { offerCounts[$0.name] == members.count })?.name
            else {
                continue
            }
            votes[vote, default: 0] += 1
        }
        var winner: (name: String, votes: Int)?
        for (name, count) in votes where count > (winner?.votes ?? 0) { winner = (name, count) }
        return winner?.name
    }

    /// Whether who offers this can be a member beside those there are.
    func supports(_ protocolType: String, _ offers: [JoinGroupRequest.JoinGroupRequestProtocol])
        -> Bool
    {
        if state == .empty { return !protocolType.isEmpty && !offers.isEmpty }
        return self.protocolType == protocolType
            && offers.contains { offerCounts[$0.name, default: 0] == members.count }
    }
}
