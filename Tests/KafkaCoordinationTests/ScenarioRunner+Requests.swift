// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaCoordination
import KafkaProtocol

extension ScenarioRunner {
    mutating func perform(_ line: Line) {
        switch line.verb {
        case "join": join(line)
        case "sync": sync(line)
        case "heartbeat": heartbeat(line)
        case "leave": leave(line)
        case "commit": commit(line)
        case "fetch": fetch(line)
        case "delete-offsets": deleteOffsets(line)
        case "delete-groups": deleteGroups(line)
        case "list": list(line)
        case "describe": describe(line)
        default: performEvent(line)
        }
    }

    private mutating func performEvent(_ line: Line) {
        let number = Int64(line.subject(0)) ?? 0
        switch line.verb {
        case "wait": harness.wait(number)
        case "crash": harness.crash()
        case "unload": harness.unload()
        case "expire": harness.expireOffsets()
        case "fail": harness.nextAppendError = ErrorCode.allCases.first { "\($0)" == line.subject(0) }
        case "max-size": harness.configure { $0.groupMaxSize = Int32(number) }
        case "initial-delay": harness.configure { $0.initialRebalanceDelayMilliseconds = Int32(number) }
        case "retention": harness.configure { $0.offsetsRetentionMilliseconds = number }
        case "metadata-max": harness.configure { $0.offsetMetadataMaxBytes = Int32(number) }
        case "transaction-commit":
            for (place, offset) in Self.offsets(line) {
                harness.append(
                    .offsetCommit(
                        OffsetCommitKey(group: line.subject(1), topic: place.topic, partition: place.partition),
                        OffsetCommitValue(offset: offset, commitTimestamp: harness.now)), producerID: number)
            }
        case "transaction-end":
            harness.endTransaction(producerID: number, line.subject(1) == "commit" ? .commit : .abort)
        default: write("unknown verb")
        }
        writeOutputs()
    }

    // MARK: Membership

    private mutating func join(_ line: Line) {
        let context = context(line, version: 9)
        let type = line.options["type"] ?? "consumer"
        let offers = (line.options["protocols"] ?? "range(t)").split(separator: "+").map { text in
            let parts = text.split(separator: "(").map(String.init)
            let topics = (parts.count > 1 ? parts[1].dropLast() : "").split(separator: ",").map(String.init)
            return JoinGroupRequest.JoinGroupRequestProtocol(
                name: parts[0], metadata: Self.subscription(topics, isConsumer: type == "consumer"))
        }
        let request = JoinGroupRequest(
            groupID: line.subject(1), sessionTimeoutMs: Int32(line.number("session", 10_000)),
            rebalanceTimeoutMs: Int32(line.number("rebalance", 60_000)),
            memberID: Self.long(line.options["member"] ?? ""), groupInstanceID: line.options["instance"],
            protocolType: type == "none" ? "" : type, protocols: type == "none" ? [] : offers)
        let answer = harness.ask(request, context) { $0.joinGroup($1, $2) }
        writeOutputs()
        if let answer { write(Self.text(line.subject(0), answer)) }
    }

    private static func subscription(_ topics: [String], isConsumer: Bool) -> [UInt8] {
        guard isConsumer else { return Array(topics.joined(separator: ",").utf8) }
        let body = try? ConsumerProtocolSubscription(topics: topics).encoded(version: 1)
        return [0, 1] + (body ?? [])
    }

    private mutating func sync(_ line: Line) {
        let context = context(line, version: 5)
        let request = SyncGroupRequest(
            groupID: line.subject(1), generationID: Int32(line.number("generation", 1)),
            memberID: Self.long(line.options["member"] ?? ""), groupInstanceID: line.options["instance"],
            protocolType: line.options["type"] ?? "consumer", protocolName: line.options["protocol"] ?? "range",
            assignments: line.list("assign").map { text in
                let parts = text.split(separator: ":").map(String.init)
                return SyncGroupRequest.SyncGroupRequestAssignment(
                    memberID: Self.long(parts[0]), assignment: Array(parts[1].utf8))
            })
        let answer = harness.ask(request, context) { $0.syncGroup($1, $2) }
        writeOutputs()
        if let answer { write(Self.text(line.subject(0), answer)) }
    }

    private mutating func heartbeat(_ line: Line) {
        let request = HeartbeatRequest(
            groupID: line.subject(0), generationID: Int32(line.number("generation", 1)),
            memberID: Self.long(line.options["member"] ?? ""), groupInstanceID: line.options["instance"])
        let answer = harness.ask(request, harness.context(version: 4)) { $0.heartbeat($1, $2) }
        writeOutputs()
        if let answer { write(Self.error(answer.errorCode)) }
    }

    private mutating func leave(_ line: Line) {
        let version = Int16(line.number("v", 5))
        var request = LeaveGroupRequest(groupID: line.subject(0))
        if version < 3 {
            request.memberID = Self.long(line.options["members"] ?? "")
        } else {
            request.members = line.list("members").map { .init(memberID: Self.long($0), groupInstanceID: nil) }
            request.members += line.list("instances").map { .init(memberID: "", groupInstanceID: $0) }
        }
        let answer = harness.ask(request, harness.context(version: version)) { $0.leaveGroup($1, $2) }
        writeOutputs()
        guard let answer else { return }
        let results = answer.members.map { member in
            "\(Self.short(member.memberID))\(member.groupInstanceID ?? ""):\(Self.error(member.errorCode))"
        }
        write(([Self.error(answer.errorCode)] + results).joined(separator: " "))
    }

    // MARK: Offsets

    /// `offsets=t-0:5,t-1:7`; without numbers for requests that only name partitions.
    static func offsets(_ line: Line) -> [(place: TopicPartition, offset: Int64)] {
        line.list("offsets").compactMap { text in
            let parts = text.split(separator: ":").map(String.init)
            guard let place = TopicPartition(directoryName: parts[0]) else { return nil }
            return (place, parts.count > 1 ? Int64(parts[1]) ?? -1 : -1)
        }
    }

    private mutating func commit(_ line: Line) {
        let version = Int16(line.number("v", 9))
        let topics = Self.offsets(line).map { entry in
            OffsetCommitRequest.OffsetCommitRequestTopic(
                name: version < 10 ? entry.place.topic : "",
                topicID: version < 10 ? .zero : harness.metadata.topicID(named: entry.place.topic) ?? .zero,
                partitions: [
                    .init(
                        partitionIndex: entry.place.partition, committedOffset: entry.offset,
                        commitTimestamp: line.number("timestamp", -1),
                        committedMetadata: line.options["metadata"])
                ])
        }
        let request = OffsetCommitRequest(
            groupID: line.subject(0), generationIDOrMemberEpoch: Int32(line.number("generation", -1)),
            memberID: Self.long(line.options["member"] ?? ""), groupInstanceID: line.options["instance"],
            retentionTimeMs: line.number("retention", -1), topics: topics)
        let answer = harness.ask(request, harness.context(version: version)) { $0.commitOffsets($1, $2) }
        writeOutputs()
        write((answer?.topics ?? []).flatMap(\.partitions).map { Self.error($0.errorCode) }.joined(separator: " "))
    }

    private mutating func fetch(_ line: Line) {
        let version = Int16(line.number("v", 9))
        let asked = line.options["offsets"].map { _ in
            Self.offsets(line).map { entry in
                OffsetFetchRequest.OffsetFetchRequestTopics(
                    name: version < 10 ? entry.place.topic : "",
                    topicID: version < 10 ? .zero : harness.metadata.topicID(named: entry.place.topic) ?? .zero,
                    partitionIndexes: [entry.place.partition])
            }
        }
        let group = harness.shard.fetchOffsets(
            OffsetFetchRequest.OffsetFetchRequestGroup(groupID: line.subject(0), topics: asked),
            stability: line.options["stable"] == "yes" ? .stable : .any, harness.context(version: version))
        let offsets = group.topics.flatMap { topic in
            topic.partitions.map { partition in
                let name = topic.name.isEmpty ? harness.metadata.topicName(of: topic.topicID) ?? "?" : topic.name
                if partition.errorCode != 0 {
                    return "\(name)-\(partition.partitionIndex):\(Self.error(partition.errorCode))"
                }
                let metadata = partition.metadata.map { $0.isEmpty ? "" : "(\($0))" } ?? ""
                return "\(name)-\(partition.partitionIndex):\(partition.committedOffset)\(metadata)"
            }
        }
        write(([Self.error(group.errorCode)] + offsets).joined(separator: " "))
    }

    private mutating func deleteOffsets(_ line: Line) {
        let request = OffsetDeleteRequest(
            groupID: line.subject(0),
            topics: Self.offsets(line).map {
                .init(name: $0.place.topic, partitions: [.init(partitionIndex: $0.place.partition)])
            })
        let answer = harness.ask(request, harness.context(version: 0)) { $0.deleteOffsets($1, $2) }
        writeOutputs()
        guard let answer else { return }
        let results = answer.topics.flatMap(\.partitions).map { Self.error($0.errorCode) }
        write(([Self.error(answer.errorCode)] + results).joined(separator: " "))
    }

    // MARK: Administration

    private mutating func deleteGroups(_ line: Line) {
        let request = DeleteGroupsRequest(groupsNames: line.subjects)
        let answer = harness.ask(request, harness.context(version: 3)) { $0.deleteGroups($1, $2) }
        writeOutputs()
        write((answer?.results ?? []).map { "\($0.groupID):\(Self.error($0.errorCode))" }.joined(separator: " "))
    }

    private mutating func list(_ line: Line) {
        let groups = harness.shard.listGroups(
            ListGroupsRequest(statesFilter: line.list("states"), typesFilter: line.list("types")))
        for group in groups {
            write("\(group.groupID) \(group.groupState) type=\(group.groupType) protocol-type=\(group.protocolType)")
        }
    }

    private mutating func describe(_ line: Line) {
        let context = harness.context(version: Int16(line.number("v", 6)))
        for group in harness.shard.describeGroups(line.subjects, context) {
            let members = group.members.map { member in
                "\(Self.short(member.memberID)):\(String(decoding: member.memberAssignment, as: UTF8.self))"
            }
            let words = [
                group.groupID, group.groupState, group.errorCode == 0 ? "" : Self.error(group.errorCode),
                group.errorMessage ?? "", group.protocolData, members.joined(separator: ","),
            ]
            write(words.filter { !$0.isEmpty }.joined(separator: " "))
        }
    }
}
