// SPDX-License-Identifier: Apache-2.0

extension GroupCoordinatorShard {
    /// A timer that an effect has set has fired. One that the shard no longer waits for changes nothing.
    package mutating func timerFired(_ timer: GroupTimer, now: Int64) -> GroupOutcome<Void> {
        var step = GroupStep(now: now, configuration: configuration)
        switch timer {
        case .classicJoin(let groupID): classicGroups[groupID]?.joinTimerFired(&step)
        case .classicSync(let groupID): classicGroups[groupID]?.syncTimerFired(&step)
        case .classicSession(let groupID, let memberID):
            classicGroups[groupID]?.sessionTimerFired(memberID, &step)
        case .consumerSession(let groupID, let memberID), .consumerSync(let groupID, let memberID),
            .consumerJoin(let groupID, let memberID), .consumerRebalance(let groupID, let memberID):
            return consumerTimerFired(timer, groupID, memberID, now: now)
        }
        return GroupOutcome(.now(()), step)
    }
}
