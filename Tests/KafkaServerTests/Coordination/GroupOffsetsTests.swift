// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaMetadata
import KafkaProtocol
import KafkaRuntime
import KafkaServer
import KafkaSimulator
import Testing

/// Committed offsets: kept, found again, deleted and aged.
@Suite struct GroupOffsetsTests {
    private func makeBroker(_ settings: [String: String] = [:]) throws -> TestBroker {
        let broker = try TestBroker(settings)
        try broker.createTopic("t", partitions: 2)
        try broker.findCoordinator()
        return broker
    }

    private func commit(
        _ broker: TestBroker, _ offset: Int64, group: String = "g", topic: String = "t", version: Int16 = 9
    ) throws -> ErrorCode {
        let response = try broker.call(Requests.commit(offset, group: group, topic: topic), version: version)
        return ErrorCode(try #require(response.topics.first?.partitions.first).errorCode)
    }

    /// The log of the group's partition.
    private func log(_ broker: TestBroker, of group: String = "g") throws -> String {
        "/data/__consumer_offsets-\(OffsetsTopic.partition(of: group, partitionCount: 50))/00000000000000000000.log"
    }

    @Test(arguments: 0...9 as ClosedRange<Int16>)
    func `what is committed is read again`(version: Int16) throws {
        let broker = try makeBroker()
        #expect(try commit(broker, 17, version: version) == .none)
        let fetched = try broker.call(Requests.committed(version: version), version: version)
        let offset =
            version < 8
            ? fetched.topics.first?.partitions.first?.committedOffset
            : fetched.groups.first?.topics.first?.partitions.first?.committedOffset
        #expect(offset == 17)
    }

    @Test func `topics are named by id in version 10`() throws {
        let broker = try makeBroker()
        let id = try #require(broker.node.context?.metadata.image.topics.id(ofTopic: "t"))
        let unknown = KafkaUUID(high: 1, low: 2)
        let partitions = [
            OffsetCommitRequest.OffsetCommitRequestPartition(partitionIndex: 0, committedOffset: 5)
        ]
        let committed = try broker.call(
            OffsetCommitRequest(
                groupID: "g",
                topics: [.init(topicID: unknown, partitions: partitions), .init(topicID: id, partitions: partitions)]),
            version: 10)
        #expect(committed.topics.map(\.topicID) == [unknown, id])
        let errors = committed.topics.map { ErrorCode($0.partitions[0].errorCode) }
        #expect(errors == [.unknownTopicID, .none])
        let fetched = try broker.call(
            OffsetFetchRequest(groups: [
                .init(
                    groupID: "g",
                    topics: [.init(topicID: id, partitionIndexes: [0]), .init(topicID: unknown, partitionIndexes: [0])])
            ]), version: 10)
        let topics = try #require(fetched.groups.first?.topics)
        #expect(topics.map(\.topicID) == [id, unknown])
        #expect(topics.map { $0.partitions[0].committedOffset } == [5, -1])
        #expect(ErrorCode(topics[1].partitions[0].errorCode) == .unknownTopicID)
        let all = try broker.call(OffsetFetchRequest(groups: [.init(groupID: "g", topics: nil)]), version: 10)
        #expect(all.groups.first?.topics.map(\.topicID) == [id])
    }

    @Test func `a topic that does not exist takes no offsets`() throws {
        let broker = try makeBroker()
        #expect(try commit(broker, 1, topic: "missing") == .unknownTopicOrPartition)
    }

    @Test(arguments: [CrashKind.process])
    func `an acknowledged commit survives a kill of the broker`(kind: CrashKind) throws {
        let broker = try makeBroker()
        for offset in 1...20 as ClosedRange<Int64> { #expect(try commit(broker, offset) == .none) }
        try broker.crash(kind)
        #expect(try broker.committed() == 20)
    }

    @Test func `with a sync for every record a commit survives the loss of power`() throws {
        let broker = try TestBroker(["log.flush.interval.messages": "1"])
        try broker.createTopic("t")
        try broker.findCoordinator()
        #expect(try commit(broker, 33) == .none)
        try broker.crash(.machine)
        #expect(try broker.committed() == 33)
    }

    @Test func `it survives a clean restart`() throws {
        let broker = try makeBroker()
        #expect(try commit(broker, 3) == .none)
        try broker.restart()
        #expect(try broker.committed() == 3)
    }

    @Test func `commits that come together share a batch`() throws {
        let broker = try makeBroker()
        let connections = (0..<20).map { _ in broker.connect() }
        for (number, connection) in connections.enumerated() {
            try connection.send(
                Requests.commit(Int64(number), group: "g", partition: 0), version: 9)
        }
        for connection in connections {
            let response = try connection.receive(OffsetCommitResponse.self, version: 9, correlationID: 1)
            #expect(response.topics.first?.partitions.first?.errorCode == 0)
        }
        let bytes = try #require(try broker.files.readFile(try log(broker)))
        let batches = try Batches.headers(in: .owned(bytes)).count
        #expect((1..<20).contains(batches), "\(batches) batches")
    }

    @Test func `a deleted topic takes its offsets along`() throws {
        let broker = try makeBroker()
        try broker.createTopic("other")
        #expect(try commit(broker, 1) == .none)
        #expect(try commit(broker, 2, topic: "other") == .none)
        try broker.deleteTopic("t")
        try broker.world.advance(by: 100)
        #expect(try broker.committed() == -1)
        #expect(try broker.committed(topic: "other") == 2)
        try broker.crash(.process)
        #expect(try broker.committed() == -1)
    }

    @Test func `offsets of a group without members age`() throws {
        let broker = try makeBroker([
            "offsets.retention.minutes": "2", "offsets.retention.check.interval.ms": "10000",
        ])
        #expect(try commit(broker, 1) == .none)
        try broker.world.advance(by: 100_000)
        #expect(try broker.committed() == 1)
        try broker.world.advance(by: 40_000)
        #expect(try broker.committed() == -1)
        let listed = try broker.call(ListGroupsRequest())
        #expect(listed.groups.isEmpty)
    }

    @Test func `a full disk refuses commits and takes them again when there is space`() throws {
        let broker = try makeBroker()
        broker.files.setCapacity(0)
        var taken: Int64 = 0
        var refusal = ErrorCode.none
        // What the log has reserved on disk can still be filled.
        while refusal == .none, taken < 10_000 {
            let request = Requests.commit(taken + 1, metadata: String(repeating: "x", count: 4_000))
            let response = try broker.call(request, version: 9)
            refusal = ErrorCode(try #require(response.topics.first?.partitions.first).errorCode)
            if refusal == .none { taken += 1 }
        }
        #expect(refusal == .coordinatorNotAvailable)
        #expect(try broker.committed() == (taken == 0 ? -1 : taken))
        broker.files.setCapacity(nil)
        #expect(try commit(broker, taken + 5) == .none)
        #expect(try broker.committed() == taken + 5)
    }

    @Test func `groups of a damaged log are not served, and the operator is told`() throws {
        let broker = try makeBroker()
        for offset in 1...3 as ClosedRange<Int64> { #expect(try commit(broker, offset) == .none) }
        try broker.shutdown()
        let path = try log(broker)
        var bytes = try #require(try broker.files.readFile(path))
        bytes[80] ^= 1
        try broker.files.replaceFile(path, with: bytes)
        try broker.replaceNode()
        try broker.start()
        try broker.world.advance(by: 100)
        #expect(try commit(broker, 4) == .notCoordinator)
        #expect(broker.log.contains("its log is damaged"))
    }

    @Test func `a member commits in its generation only`() throws {
        let broker = try makeBroker(["group.initial.rebalance.delay.ms": "10"])
        let member = GroupMember(broker)
        try member.enter()
        #expect(try member.commit(5) == .none)
        let wrong = try broker.call(Requests.commit(6, member.memberID, 7), version: 9)
        #expect(ErrorCode(wrong.topics[0].partitions[0].errorCode) == .illegalGeneration)
        #expect(try broker.committed() == 5)
    }
}
