// SPDX-License-Identifier: Apache-2.0
import KafkaBase
package import KafkaProtocol

/// Which offsets OffsetFetch shows where a transaction is open.
package enum OffsetStability: Sendable {
    /// What is committed.
    case any
    /// Only what no open transaction can change; the client asks again for the rest (KIP-447).
    case stable
}

extension GroupCoordinatorShard {
    // MARK: OffsetCommit

    /// Stores offsets, of a member or of somebody who only stores offsets in a group without members.
    ///
    /// Up to version 9 topics come by name, from 10 on by id; a topic that does not exist is refused by itself. Version 1
    /// gives each offset its own time of commit, versions 2 to 4 may give all a time to live.
    package mutating func commitOffsets(
        _ request: OffsetCommitRequest, _ context: GroupRequestContext
    ) -> GroupOutcome<OffsetCommitResponse> {
        var step = GroupStep(now: context.now, configuration: configuration)
        let refusal = refusal(of: request, context)
        var response = OffsetCommitResponse()
        for topic in request.topics {
            let place = resolve(topic, context)
            if let error = place.error ?? refusal {
                response.topics.append(topic.answer(failing: error))
                continue
            }
            var answer = OffsetCommitResponse.OffsetCommitResponseTopic(
                name: topic.name, topicID: topic.topicID, partitions: [])
            for partition in topic.partitions {
                let error = store(partition, of: place, request, context, &step)
                answer.partitions.append(
                    OffsetCommitResponse.OffsetCommitResponsePartition(
                        partitionIndex: partition.partitionIndex, errorCode: error.rawValue))
            }
            response.topics.append(answer)
        }
        if refusal == nil { keepAlive(request, &step) }
        return GroupOutcome(.now(response), step)
    }

    private struct CommitPlace {
        var name = ""
        var topicID = KafkaUUID.zero
        var error: ErrorCode?
    }

    private func resolve(
        _ topic: OffsetCommitRequest.OffsetCommitRequestTopic, _ context: GroupRequestContext
    ) -> CommitPlace {
        if context.apiVersion >= 10 {
            guard let name = context.metadata.topicName(of: topic.topicID) else {
                return CommitPlace(error: .unknownTopicID)
            }
            return CommitPlace(name: name, topicID: topic.topicID)
        }
        guard let id = context.metadata.topicID(named: topic.name) else {
            return CommitPlace(error: .unknownTopicOrPartition)
        }
        return CommitPlace(name: topic.name, topicID: id)
    }

    private func refusal(of request: OffsetCommitRequest, _ context: GroupRequestContext)
        -> ErrorCode?
    {
        guard let group = group(request.groupID) else {
            if request.generationIDOrMemberEpoch < 0 { return nil }
            return context.apiVersion >= 9 ? .groupIDNotFound : .illegalGeneration
        }
        let committer = OffsetCommitter(
            memberID: request.memberID, instanceID: request.groupInstanceID,
            generationOrEpoch: request.generationIDOrMemberEpoch, apiVersion: context.apiVersion)
        switch group.permission(to: committer) {
        case .granted: return nil
        case .refused(let error): return error
        case .limited(let epochs, let epoch, let error):
            let isOwner = request.topics.allSatisfy { topic in
                let place = resolve(topic, context)
                return place.error != nil
                    || topic.partitions.allSatisfy { partition in
                        // What is refused by itself does not count.
                        isTooLarge(partition.committedMetadata)
                            || epochs.epoch(of: place.topicID, partition.partitionIndex).map { $0 <= epoch } ?? false
                    }
            }
            return isOwner ? nil : error
        }
    }

    private func isTooLarge(_ metadata: String?) -> Bool {
        (metadata ?? "").utf16.count > Int(configuration.offsetMetadataMaxBytes)
    }

    private func store(
        _ partition: OffsetCommitRequest.OffsetCommitRequestPartition, of place: CommitPlace,
        _ request: OffsetCommitRequest, _ context: GroupRequestContext, _ step: inout GroupStep
    ) -> ErrorCode {
        if isTooLarge(partition.committedMetadata) { return .offsetMetadataTooLarge }
        var expireTimestamp: Int64 = -1
        if request.retentionTimeMs >= 0 {
            let (sum, overflow) = context.now.addingReportingOverflow(request.retentionTimeMs)
            expireTimestamp = overflow ? .max : sum
        }
        step.records.append(
            .offsetCommit(
                OffsetCommitKey(
                    group: request.groupID, topic: place.name, partition: partition.partitionIndex),
                OffsetCommitValue(
                    offset: partition.committedOffset, leaderEpoch: partition.committedLeaderEpoch,
                    metadata: partition.committedMetadata ?? "",
                    commitTimestamp: partition.commitTimestamp == -1
                        ? context.now : partition.commitTimestamp,
                    expireTimestamp: expireTimestamp,
                    // The only version of the record that has a time to expire at has no topic id.
                    topicID: expireTimestamp == -1 ? place.topicID : .zero)))
        return .none
    }

    /// A commit is a sign of life of a classic member.
    private func keepAlive(_ request: OffsetCommitRequest, _ step: inout GroupStep) {
        guard request.generationIDOrMemberEpoch >= 0, let group = classicGroups[request.groupID],
            group.state == .stable || group.state == .preparingRebalance
        else { return }
        group.restartSession(request.memberID, &step)
    }

    // MARK: OffsetFetch

    /// A group's committed offsets: of the partitions asked for, or of all where `topics` is nil. A partition without
    /// one has the offset -1.
    package func fetchOffsets(
        _ request: OffsetFetchRequest.OffsetFetchRequestGroup, stability: OffsetStability,
        _ context: GroupRequestContext
    ) -> OffsetFetchResponse.OffsetFetchResponseGroup {
        let group = group(request.groupID)
        if let error = group?.refusalOfFetch(
            memberID: request.memberID, memberEpoch: request.memberEpoch)
        {
            return request.answer(failing: error)
        }
        var response = OffsetFetchResponse.OffsetFetchResponseGroup(groupID: request.groupID)
        for topic in request.topics ?? allTopics(of: request.groupID, stability, context) {
            var name = topic.name
            if context.apiVersion >= 10, request.topics != nil {
                guard let known = context.metadata.topicName(of: topic.topicID) else {
                    response.topics.append(
                        .init(
                            topicID: topic.topicID,
                            partitions: topic.partitionIndexes.map { .none($0, error: .unknownTopicID) }))
                    continue
                }
                name = known
            }
            response.topics.append(
                .init(
                    name: topic.name, topicID: topic.topicID,
                    partitions: topic.partitionIndexes.map {
                        offset(TopicPartition(topic: name, partition: $0), of: request.groupID, stability)
                    }))
        }
        return response
    }

    private func offset(
        _ place: TopicPartition, of groupID: String, _ stability: OffsetStability
    ) -> OffsetFetchResponse.OffsetFetchResponsePartitions {
        if stability == .stable,
            offsets.hasPending(groupID: groupID, topic: place.topic, partition: place.partition)
        {
            return .none(place.partition, error: .unstableOffsetCommit)
        }
        guard
            let committed = offsets.offset(
                groupID: groupID, topic: place.topic, partition: place.partition)
        else { return .none(place.partition, error: .none) }
        return OffsetFetchResponse.OffsetFetchResponsePartitions(
            partitionIndex: place.partition, committedOffset: committed.offset,
            committedLeaderEpoch: committed.leaderEpoch, metadata: committed.metadata)
    }

    /// The group's partitions in the form of a request. A topic that is gone has no id, so that a version which speaks
    /// of ids only cannot show it.
    private func allTopics(
        of groupID: String, _ stability: OffsetStability, _ context: GroupRequestContext
    ) -> [OffsetFetchRequest.OffsetFetchRequestTopics] {
        var places: [TopicPartition] =
            stability == .stable ? offsets.pendingPartitions(ofGroup: groupID) : []
        for topic in offsets.topics(ofGroup: groupID) {
            for partition in offsets.partitions(ofGroup: groupID, topic: topic) {
                places.append(TopicPartition(topic: topic, partition: partition))
            }
        }
        var topics: [OffsetFetchRequest.OffsetFetchRequestTopics] = []
        var previous: TopicPartition?
        for place in places.sorted() where place != previous {
            previous = place
            if topics.last?.name != place.topic {
                let id = context.metadata.topicID(named: place.topic)
                if context.apiVersion >= 10, id == nil { continue }
                topics.append(.init(name: place.topic, topicID: id ?? .zero, partitionIndexes: []))
            }
            topics[topics.count - 1].partitionIndexes.append(place.partition)
        }
        return topics
    }
}

extension OffsetFetchResponse.OffsetFetchResponsePartitions {
    /// A partition without a committed offset.
    static func none(_ partition: Int32, error: ErrorCode) -> Self {
        Self(partitionIndex: partition, committedOffset: -1, metadata: "", errorCode: error.rawValue)
    }
}
