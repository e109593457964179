// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import Testing

@testable import KafkaCoordination

/// Runs a scenario of a consumer group and writes down what comes of it.
///
/// Each line is a command, its words separated by spaces, and behind ` -> ` what it gives:
/// `topics a=3 b=2` · `join m1 a,b` and `beat m1` with `owned=a0,a1 epoch=3 instance=i regex=… assignor=range topics=a
/// rack=r` · `leave m1 [epoch=-2 instance=i]` · `fire session m1` · `later 5000` (milliseconds) · `lose` (the next append
/// fails) · `failover` · `group` · `commit m1 epoch=3` (who may commit and fetch) · `commit m1 epoch=3 of=a0,b1`.
/// Members of the classic protocol: `cjoin m1 a,b [owned=… instance=i]` · `csync m1` · `cbeat m1` · `cleave m1`.
struct ConsumerTrace {
    var world: ConsumerWorld
    /// The epoch that each member was last told of.
    private var epochs: [String: Int32] = [:]

    init(_ configuration: GroupCoordinatorConfiguration = GroupCoordinatorConfiguration()) {
        world = ConsumerWorld(configuration)
    }

    /// The scenario with the results as they are.
    mutating func run(_ scenario: String) throws -> String {
        var lines: [String] = []
        for line in scenario.split(separator: "\n", omittingEmptySubsequences: false) {
            var text = line.firstRange(of: "->").map { String(line[..<$0.lowerBound]) } ?? String(line)
            while text.hasSuffix(" ") { text.removeLast() }
            guard !text.isEmpty, !text.hasPrefix("#") else {
                lines.append(String(line))
                continue
            }
            let result = try perform(text.split(separator: " ").map(String.init))
            lines.append(result.isEmpty ? text : text + " -> " + result)
        }
        return lines.joined(separator: "\n")
    }

    private mutating func perform(_ words: [String]) throws -> String {
        let options = Dictionary(
            words.dropFirst().compactMap { word -> (String, String)? in
                let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
            }
        ) { $1 }
        switch words[0] {
        case "topics":
            world.topics.partitions = options.mapValues { Int($0) ?? 0 }
            world.topics.version += 1
        case "racks":
            world.topics.racks = options.mapValues { $0.split(separator: ",").map(String.init) }
            world.topics.version += 1
        case "classic": try writeClassicGroup(Array(words.dropFirst()))
        case "policy":
            world.shard.configuration.consumer.migrationPolicy = .init(rawValue: words[1]) ?? .disabled
        case "max": world.shard.configuration.consumer.maxSize = Int32(words[1]) ?? 0
        case "commit": return try options["of"] == nil ? describeCommit(words[1], options) : commit(words[1], options)
        case "later": world.now += Int64(words[1]) ?? 0
        case "lose": world.failsNextAppend = true
        case "failover": try world.fail(over: .compacted)
        case "group": return describeGroup()
        case "regexes":
            return world.group?.resolvedRegexes.sorted { $0.key < $1.key }
                .map { "\($0.key):\($0.value.topics.joined(separator: ","))" }.joined(separator: " ") ?? ""
        case "fire": return try world.fire(timer(words[1], words[2])) ? describeGroup() : "not set"
        case "join", "beat", "leave": return try heartbeat(words, options)
        case "cjoin": return try classicJoin(words, options)
        case "csync": return try classicSync(words[1], options)
        case "cbeat": return try classicHeartbeat(words[1], options)
        case "cleave": return try classicLeave(words[1], options)
        default: Issue.record("unknown command \(words[0])")
        }
        return ""
    }

    private func describeGroup() -> String {
        if let classic = world.shard.classicGroups[ConsumerWorld.groupID] {
            guard case .groupMetadata(_, let value?) = classic.record else { return "" }
            let members = value.members.map(\.memberID).joined(separator: " ")
            return "classic \(classic.state.rawValue) \(classic.generation) \(members)"
        }
        return world.group?.summary ?? "none"
    }

    private func timer(_ kind: String, _ memberID: String) -> GroupTimer {
        switch kind {
        case "session": .consumerSession(groupID: ConsumerWorld.groupID, memberID: memberID)
        case "rebalance": .consumerRebalance(groupID: ConsumerWorld.groupID, memberID: memberID)
        case "rejoin": .consumerJoin(groupID: ConsumerWorld.groupID, memberID: memberID)
        default: .consumerSync(groupID: ConsumerWorld.groupID, memberID: memberID)
        }
    }

    // MARK: The consumer protocol

    private mutating func heartbeat(_ words: [String], _ options: [String: String]) throws -> String {
        let memberID = words[1]
        var request = ConsumerGroupHeartbeatRequest()
        request.groupID = ConsumerWorld.groupID
        request.memberID = memberID
        request.memberEpoch = epochs[memberID] ?? 0
        request.instanceID = options["instance"]
        request.rackID = options["rack"]
        request.serverAssignor = options["assignor"]
        request.subscribedTopicRegex = options["regex"]
        if let topics = options["topics"] {
            request.subscribedTopicNames = topics.split(separator: ",").map(String.init)
        }
        if let owned = options["owned"] { request.topicPartitions = Self.partitions(owned) }
        switch words[0] {
        case "join":
            request.memberEpoch = 0
            request.rebalanceTimeoutMs = 60_000
            request.topicPartitions = []
            if words.count > 2, !words[2].contains("=") {
                request.subscribedTopicNames = words[2].split(separator: ",").map(String.init)
            }
        case "leave": request.memberEpoch = -1
        default: break
        }
        if let epoch = options["epoch"] { request.memberEpoch = Int32(epoch) ?? 0 }
        guard let response = try world.heartbeat(request) else { return "lost" }
        guard response.errorCode == 0 else { return describe(response.errorCode) }
        epochs[memberID] = response.memberEpoch
        let assignment = response.assignment.map { assignment in
            " ["
                + AssignmentText.describe(
                    TopicPartitionSet(assignment.topicPartitions.map { ($0.topicID, $0.partitions) })) + "]"
        }
        return "epoch \(response.memberEpoch)" + (assignment ?? "")
    }

    private func describe(_ code: Int16) -> String { ErrorCode(rawValue: code).map { "\($0)" } ?? "\(code)" }

    static func partitions(_ text: String) -> [ConsumerGroupHeartbeatRequest.TopicPartitions] {
        let set = AssignmentText.assignments("x=" + text)["x"] ?? TopicPartitionSet()
        return set.topics.map { .init(topicID: $0.id, partitions: $0.partitions) }
    }

    private func describeCommit(_ memberID: String, _ options: [String: String]) -> String {
        let committer = OffsetCommitter(
            memberID: memberID == "-" ? "" : memberID, instanceID: nil,
            generationOrEpoch: Int32(options["epoch"] ?? "-1") ?? -1, isTransactional: options["txn"] != nil,
            apiVersion: Int16(options["version"] ?? "9") ?? 9)
        let epoch = committer.generationOrEpoch
        let commit: String =
            switch world.group?.permission(to: committer) {
            case .refused(let error): "\(error)"
            case .granted, nil: "ok"
            case .limited(_, let epoch, let error): "of what it owned at \(epoch), or \(error)"
            }
        let fetch = world.group?.refusalOfFetch(memberID: memberID == "-" ? nil : memberID, memberEpoch: epoch)
        return "commit \(commit) fetch " + (fetch.map { "\($0)" } ?? "ok")
    }

    private mutating func commit(_ memberID: String, _ options: [String: String]) throws -> String {
        var request = OffsetCommitRequest()
        request.groupID = ConsumerWorld.groupID
        request.memberID = memberID
        request.generationIDOrMemberEpoch = Int32(options["epoch"] ?? "-1") ?? -1
        request.topics = Self.partitions(options["of"] ?? "").map { topic in
            .init(
                topicID: topic.topicID,
                partitions: topic.partitions.map { .init(partitionIndex: $0, committedOffset: 7) })
        }
        let context = world.context(version: 10)
        let response = try world.perform(world.shard.commitOffsets(request, context))
        return response?.topics.flatMap { topic in
            topic.partitions.map { partition in
                AssignmentText.describe(TopicPartitionSet([(topic.topicID, [partition.partitionIndex])])) + " "
                    + describe(partition.errorCode)
            }
        }.joined(separator: ", ") ?? "lost"
    }

    // MARK: The classic protocol

    /// `classic 3 m1:a,b:a0,b0 m2:a:a1`: a stable classic group of that generation, with subscriptions and assignments.
    private mutating func writeClassicGroup(_ words: [String]) throws {
        var value = GroupMetadataValue()
        value.protocolType = "consumer"
        value.protocol = "range"
        value.generation = Int32(words[0]) ?? 0
        for word in words.dropFirst() {
            let parts = word.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
            let subscription = try Self.subscription(parts[1], owned: parts[2])
            let owned = AssignmentText.assignments("x=" + parts[2])["x"] ?? TopicPartitionSet()
            var member = GroupMetadataValue.MemberMetadata()
            member.memberID = parts[0]
            member.clientID = "client"
            member.clientHost = "/127.0.0.1"
            member.sessionTimeout = 30_000
            member.rebalanceTimeout = 60_000
            member.subscription = subscription
            member.assignment = ConsumerProtocol.encode(owned, forSubscription: subscription, world.topics)
            value.members.append(member)
            epochs[parts[0]] = value.generation
            value.leader = value.leader ?? parts[0]
        }
        try world.write(.groupMetadata(.init(group: ConsumerWorld.groupID), value))
    }

    static func subscription(_ topics: String, owned: String) throws -> [UInt8] {
        let set = AssignmentText.assignments("x=" + owned)["x"] ?? TopicPartitionSet()
        let subscription = ConsumerProtocolSubscription(
            topics: topics.split(separator: ",").map(String.init),
            ownedPartitions: set.topics.map {
                .init(topic: String(UnicodeScalar(UInt8($0.id.low))), partitions: $0.partitions)
            })
        var writer = ByteWriter()
        writer.writeInt16(1)
        try subscription.encode(into: &writer, version: 1)
        return writer.toArray()
    }

    private mutating func classicJoin(_ words: [String], _ options: [String: String]) throws -> String {
        var request = JoinGroupRequest()
        request.groupID = ConsumerWorld.groupID
        request.memberID = words[1] == "-" ? "" : words[1]
        request.groupInstanceID = options["instance"]
        request.sessionTimeoutMs = 30_000
        request.rebalanceTimeoutMs = 60_000
        request.protocolType = options["type"] ?? "consumer"
        request.protocols = [
            .init(
                name: options["protocol"] ?? "range",
                metadata: try Self.subscription(words[2], owned: options["owned"] ?? ""))
        ]
        let context = world.context(version: Int16(options["version"] ?? "3") ?? 3)
        let answered = world.joins.count
        var answer = try world.perform(world.shard.joinGroup(request, context))
        if answer == nil, world.joins.count > answered { answer = world.joins.last?.1 }
        guard let response = answer else { return "waits" }
        if response.errorCode == 0 { epochs[response.memberID] = response.generationID }
        return response.errorCode == 0
            ? "generation \(response.generationID) as \(response.memberID)"
            : describe(response.errorCode) + (response.memberID.isEmpty ? "" : " as \(response.memberID)")
    }

    private mutating func classicSync(_ memberID: String, _ options: [String: String]) throws -> String {
        var request = SyncGroupRequest()
        request.groupID = ConsumerWorld.groupID
        request.memberID = memberID
        request.generationID = options["epoch"].flatMap { Int32($0) } ?? epochs[memberID] ?? 0
        request.groupInstanceID = options["instance"]
        request.protocolType = "consumer"
        request.protocolName = "range"
        let context = world.context(version: 5)
        guard let response = try world.perform(world.shard.syncGroup(request, context)) else { return "waits" }
        guard response.errorCode == 0 else { return describe(response.errorCode) }
        return "["
            + AssignmentText.describe(
                ConsumerProtocol.assignment(response.assignment, world.topics) ?? TopicPartitionSet()) + "]"
    }

    private mutating func classicHeartbeat(_ memberID: String, _ options: [String: String]) throws -> String {
        var request = HeartbeatRequest()
        request.groupID = ConsumerWorld.groupID
        request.memberID = memberID
        request.generationID = options["epoch"].flatMap { Int32($0) } ?? epochs[memberID] ?? 0
        let context = world.context(version: 4)
        return try world.perform(world.shard.heartbeat(request, context)).map { describe($0.errorCode) } ?? "lost"
    }

    private mutating func classicLeave(_ memberID: String, _ options: [String: String]) throws -> String {
        var request = LeaveGroupRequest()
        request.groupID = ConsumerWorld.groupID
        let named = memberID == "-" ? "" : memberID
        request.members = [.init(memberID: named, groupInstanceID: options["instance"])]
        let context = world.context(version: 5)
        let response = try world.perform(world.shard.leaveGroup(request, context))
        return response.map { response in
            response.members.map { member in
                describe(member.errorCode) + (member.memberID == named ? "" : " as \(member.memberID)")
            }.joined()
        } ?? "lost"
    }
}
