// SPDX-License-Identifier: Apache-2.0
package import KafkaProtocol

/// What a request, a timer or a change of the cluster makes of a shard: records, an answer, and what to do afterwards.
///
/// The owner of the shard, on the shard's queue and before it calls the shard again:
/// 1. appends `records` to the partition's log, as one batch where `isAtomic`;
/// 2. gives each to `GroupCoordinatorShard.replay` with its offset;
/// 3. calls `appended` with the ticket, where there is one, which makes another outcome;
/// 4. performs `effects` in their order and answers `reply`.
///
/// No answer, be it `reply` or one of the effects, leaves before the high watermark has passed all that the shard has
/// appended until then; so a read never shows what could still be lost.
///
/// Where the append fails, nothing is replayed, the effects are dropped, `appendFailed` is called with the ticket, and a
/// reply of `.now` turns into the request's answer for that error (`GroupRequest.answer(failing:)`).
package struct GroupOutcome<Response: Sendable>: Sendable {
    package var records: [GroupCoordinatorRecord] = []
    /// Whether the records must become visible together. Where not, the owner may spread them over several batches.
    package var isAtomic = true
    package var reply: GroupReply<Response>
    package var effects: [GroupEffect] = []
    package var ticket: AppendTicket?

    package init(
        _ reply: GroupReply<Response>, records: [GroupCoordinatorRecord] = [],
        effects: [GroupEffect] = [],
        ticket: AppendTicket? = nil
    ) {
        self.records = records
        self.reply = reply
        self.effects = effects
        self.ticket = ticket
    }

    init(_ reply: GroupReply<Response>, _ step: GroupStep) {
        guard step.holdsUnstored, step.ticket == nil else {
            self.init(reply, records: step.records, effects: step.effects, ticket: step.ticket)
            return
        }
        self.init(reply, records: step.records, ticket: .unstored(step.effects))
    }
}

package enum GroupReply<Response: Sendable>: Sendable {
    /// The answer, once the records are committed.
    case now(Response)
    /// An effect of this or a later outcome answers; it names the request by its token.
    case parked
}

/// What is to be done when an outcome's records are in the log. Order matters within one outcome.
package enum GroupEffect: Sendable {
    /// Calls `timerFired` after the time; a timer that is already set is set anew.
    case setTimer(GroupTimer, afterMilliseconds: Int64)
    /// Forgets the timer; nothing where it is not set.
    case cancelTimer(GroupTimer)
    case completeJoin(RequestToken, JoinGroupResponse)
    case completeSync(RequestToken, SyncGroupResponse)
}

/// The timers of groups; each names what it waits for, and stands at most once.
package enum GroupTimer: Hashable, Sendable {
    /// The end of a classic group's time to rejoin, or of the delay before its first generation.
    case classicJoin(groupID: String)
    /// The end of a classic group's time to ask for assignments.
    case classicSync(groupID: String)
    /// The session of a member of a classic group, or the wait for one that was given an id.
    case classicSession(groupID: String, memberID: String)
    /// The session of a member of a consumer group.
    case consumerSession(groupID: String, memberID: String)
    /// The end of a member's time to give partitions up.
    case consumerRebalance(groupID: String, memberID: String)
    /// The end of the time in which a member of the classic protocol must rejoin a consumer group.
    case consumerJoin(groupID: String, memberID: String)
    /// The end of the time in which such a member must ask for its assignment.
    case consumerSync(groupID: String, memberID: String)
}

/// What a shard remembers about records that are being appended; made by the shard, given back by its owner.
package enum AppendTicket: Sendable {
    /// A group that did not exist before the request.
    case newGroup(groupID: String)
    /// The assignments of a classic group's generation.
    case assignment(groupID: String, generation: Int32, [String: [UInt8]])
    /// A static member that came back with a new id while its group is stable.
    case staticMember(groupID: String, StaticMemberReplacement)
    /// What has happened to a classic group in memory, whether its record is stored or not.
    case unstored([GroupEffect])
    /// A consumer group whose last member of the consumer protocol has gone.
    case downgrade(ClassicGroup, GroupDowngrade)
}

/// Where a parked request is found again; unique for the life of the shard's owner.
package struct RequestToken: Hashable, Sendable {
    package let rawValue: UInt64

    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
}

/// What one decision has made so far; it travels through the functions of a group.
package struct GroupStep: Sendable {
    /// Milliseconds since 1970.
    let now: Int64
    let configuration: GroupCoordinatorConfiguration
    var records: [GroupCoordinatorRecord] = []
    var effects: [GroupEffect] = []
    var ticket: AppendTicket?
    /// Whether the effects are performed, too, where the records cannot be stored.
    var holdsUnstored = false

    init(now: Int64, configuration: GroupCoordinatorConfiguration) {
        self.now = now
        self.configuration = configuration
    }
}
