// SPDX-License-Identifier: Apache-2.0
import KafkaBase
package import KafkaProtocol

/// What takes offsets and groups away: OffsetDelete, DeleteGroups, and time.
extension GroupCoordinatorShard {
    /// Deletes offsets of topics that no member is subscribed to.
    package mutating func deleteOffsets(
        _ request: OffsetDeleteRequest, _ context: GroupRequestContext
    ) -> GroupOutcome<OffsetDeleteResponse> {
        if request.groupID.isEmpty {
            return GroupOutcome(.now(request.answer(failing: .invalidGroupID, version: 0)))
        }
        guard let group = group(request.groupID) else {
            return GroupOutcome(.now(request.answer(failing: .groupIDNotFound, version: 0)))
        }
        if let error = group.refusalOfOffsetDeletion {
            return GroupOutcome(.now(request.answer(failing: error, version: 0)))
        }
        var step = GroupStep(now: context.now, configuration: configuration)
        var response = OffsetDeleteResponse()
        for topic in request.topics {
            let error: ErrorCode = group.isSubscribed(to: topic.name) ? .groupSubscribedToTopic : .none
            for partition in topic.partitions where error == .none {
                let index = partition.partitionIndex
                guard
                    offsets.offset(groupID: request.groupID, topic: topic.name, partition: index) != nil
                        || offsets.hasPending(groupID: request.groupID, topic: topic.name, partition: index)
                else { continue }
                step.records.append(
                    Self.offsetTombstone(request.groupID, topic.name, partition.partitionIndex))
            }
            response.topics.append(
                .init(
                    name: topic.name,
                    partitions: topic.partitions.map {
                        .init(partitionIndex: $0.partitionIndex, errorCode: error.rawValue)
                    }))
        }
        return splittable(response, step)
    }

    /// Deletes groups without members, with their offsets.
    package mutating func deleteGroups(
        _ request: DeleteGroupsRequest, _ context: GroupRequestContext
    ) -> GroupOutcome<DeleteGroupsResponse> {
        var step = GroupStep(now: context.now, configuration: configuration)
        var response = DeleteGroupsResponse()
        var deleted: Set<String> = []
        for groupID in request.groupsNames {
            var result = DeleteGroupsResponse.DeletableGroupResult(groupID: groupID)
            if let group = deleted.contains(groupID) ? nil : group(groupID) {
                if group.isEmpty {
                    delete(group, &step)
                    deleted.insert(groupID)
                } else {
                    result.errorCode = ErrorCode.nonEmptyGroup.rawValue
                    result.errorMessage = "Group \(groupID) has members."
                }
            } else {
                result.errorCode = ErrorCode.groupIDNotFound.rawValue
                result.errorMessage = "Group \(groupID) not found."
            }
            response.results.append(result)
        }
        return splittable(response, step)
    }

    private func delete(_ group: any CoordinatedGroup, _ step: inout GroupStep) {
        var places = Set(offsets.pendingPartitions(ofGroup: group.groupID))
        for topic in offsets.topics(ofGroup: group.groupID) {
            for partition in offsets.partitions(ofGroup: group.groupID, topic: topic) {
                places.insert(TopicPartition(topic: topic, partition: partition))
            }
        }
        for place in places.sorted() {
            step.records.append(Self.offsetTombstone(group.groupID, place.topic, place.partition))
        }
        step.records += group.tombstones
    }

    // MARK: Expiry

    /// How many groups and offsets one call of `expireOffsets` looks at before it hands over to the next.
    static var expiryLimit: Int { 2_000 }

    /// Deletes offsets that nobody has used for their retention, and groups without members and offsets.
    ///
    /// A call's work is bounded, except that it handles a group whole; the answer is where the next call goes on, nil
    /// when all groups have been seen.
    ///
    /// - Parameter cursor: the answer of the last call, nil to begin.
    package mutating func expireOffsets(now: Int64, after cursor: String?) -> GroupOutcome<String?> {
        var step = GroupStep(now: now, configuration: configuration)
        var work = 0
        var last: String?
        for groupID in Set(groupIDs).union(offsets.groupIDs).sorted() {
            if let cursor, groupID <= cursor { continue }
            if work >= Self.expiryLimit { return splittable(last, step) }
            last = groupID
            work += 1
            if expire(groupID, &work, &step), let group = group(groupID), group.isEmpty {
                step.records += group.tombstones
            }
        }
        return splittable(nil, step)
    }

    /// Whether nothing is left of the group's offsets.
    private func expire(_ groupID: String, _ work: inout Int, _ step: inout GroupStep) -> Bool {
        let group = group(groupID)
        let expiry = group?.offsetExpiry ?? .sinceCommit
        guard offsets.hasOffsets(groupID: groupID) else {
            return !offsets.hasOpenTransactions(groupID: groupID)
        }
        guard expiry != .never else { return false }
        var isEverythingExpired = true
        for topic in offsets.topics(ofGroup: groupID) {
            let isSubscribed = group?.isSubscribed(to: topic) ?? false
            for partition in offsets.partitions(ofGroup: groupID, topic: topic) {
                work += 1
                guard !isSubscribed,
                    let offset = offsets.offset(groupID: groupID, topic: topic, partition: partition),
                    isExpired(offset, expiry, now: step.now),
                    !offsets.hasPending(groupID: groupID, topic: topic, partition: partition)
                else {
                    isEverythingExpired = false
                    continue
                }
                step.records.append(Self.offsetTombstone(groupID, topic, partition))
            }
        }
        return isEverythingExpired && !offsets.hasOpenTransactions(groupID: groupID)
    }

    private func isExpired(_ offset: CommittedOffset, _ expiry: OffsetExpiry, now: Int64) -> Bool {
        if offset.expireTimestamp >= 0 { return now >= offset.expireTimestamp }
        switch expiry {
        case .never: return false
        case .sinceCommit:
            return Self.age(of: offset.commitTimestamp, now) >= configuration.offsetsRetentionMilliseconds
        case .since(let timestamp):
            return Self.age(of: timestamp, now) >= configuration.offsetsRetentionMilliseconds
        }
    }

    /// A client may have given any timestamp.
    private static func age(of timestamp: Int64, _ now: Int64) -> Int64 {
        let (age, overflow) = now.subtractingReportingOverflow(timestamp)
        return overflow ? (timestamp < 0 ? .max : .min) : age
    }

    private static func offsetTombstone(
        _ groupID: String, _ topic: String, _ partition: Int32
    ) -> GroupCoordinatorRecord {
        .offsetCommit(OffsetCommitKey(group: groupID, topic: topic, partition: partition), nil)
    }

    /// Deletions are as good one by one.
    private func splittable<Response>(_ response: Response, _ step: GroupStep) -> GroupOutcome<
        Response
    > {
        var outcome = GroupOutcome(.now(response), step)
        outcome.isAtomic = false
        return outcome
    }
}
