// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaMetadata
import KafkaProtocol
import KafkaRuntime
import KafkaSimulator
import KafkaStorage
import Testing

@testable import KafkaServer

/// A broker with several log directories, some of which fail.
@Suite struct LogDirectoryTests {
    private static let settings = ["log.dirs": "/a,/b", "metadata.log.dir": "/meta"]

    /// Two topics, `t` in `/a` and `u` in `/b`, with a record each.
    private func start(_ changes: [String: String] = [:]) throws -> TestBroker {
        let broker = try TestBroker(Self.settings.merging(changes) { $1 })
        for name in ["t", "u"] {
            try broker.createTopic(name)
            try broker.produce(["x"], to: name)
        }
        #expect(try directory(of: "t", broker) == "/a")
        #expect(try directory(of: "u", broker) == "/b")
        return broker
    }

    private func describe(_ broker: TestBroker, version: Int16 = 5) throws -> DescribeLogDirsResponse {
        try broker.call(DescribeLogDirsRequest(topics: nil), version: version)
    }

    private func directory(of topic: String, _ broker: TestBroker) throws -> String? {
        try describe(broker).results.first { $0.topics.contains { $0.name == topic } }?.logDir
    }

    private func fail(_ prefix: String, _ operations: [InMemoryFileSystem.Operation], _ broker: TestBroker) {
        broker.files.setFault { _, operation, path in
            path.hasPrefix(prefix) && operations.contains(operation) ? .inputOutput : nil
        }
    }

    private func code(producing topic: String, _ broker: TestBroker) throws -> ErrorCode {
        let batch = try Batches.batch(["y"], timestamp: broker.now)
        return ErrorCode(try broker.produce(batch, to: topic, version: 9).errorCode)
    }

    private func code(fetching topic: String, _ broker: TestBroker) throws -> ErrorCode {
        let answer = try broker.call(Requests.fetch(topic), version: 12)
        return ErrorCode(answer.responses[0].partitions[0].errorCode)
    }

    private func partition(_ topic: String, _ broker: TestBroker) throws
        -> MetadataResponse.MetadataResponsePartition
    {
        try broker.call(MetadataRequest(topics: [.init(name: topic)]), version: 12).topics[0].partitions[0]
    }

    /// What everybody sees once `/a` has failed.
    private func expectLost(_ broker: TestBroker) throws {
        #expect(try code(producing: "t", broker) == .kafkaStorageError)
        #expect(try code(fetching: "t", broker) == .kafkaStorageError)
        #expect(try code(producing: "u", broker) == .none)
        #expect(try code(fetching: "u", broker) == .none)
        let lost = try partition("t", broker)
        #expect(ErrorCode(lost.errorCode) == .leaderNotAvailable)
        #expect(lost.leaderID == -1)
        #expect(lost.offlineReplicas == lost.replicaNodes)
        #expect(try partition("u", broker).offlineReplicas == [])
        let directories = try describe(broker).results
        #expect(directories.map(\.logDir) == ["/a", "/b"])
        #expect(directories.map { ErrorCode($0.errorCode) } == [.kafkaStorageError, .none])
        #expect(broker.fatal == [])
    }

    // MARK: Failing

    @Test func `a failed append takes the directory out of service, the rest serves on`() throws {
        let broker = try start()
        fail("/a/t-0", [.write, .truncate], broker)
        #expect(try code(producing: "t", broker) == .kafkaStorageError)
        broker.files.setFault(nil)
        try expectLost(broker)
    }

    @Test func `a failed read takes the directory out of service`() throws {
        let broker = try start()
        fail("/a/t-0", [.read], broker)
        // The answer had begun when the file could not be read.
        #expect(throws: TestConnection.Failure.self) { _ = try broker.call(Requests.fetch("t"), version: 12) }
        broker.files.setFault(nil)
        try expectLost(broker)
    }

    @Test func `a failed read for an old client takes the directory out of service`() throws {
        let broker = try start()
        fail("/a/t-0", [.read], broker)
        let answer = try broker.call(Requests.fetch("t"), version: 2)
        #expect(ErrorCode(answer.responses[0].partitions[0].errorCode) == .kafkaStorageError)
        broker.files.setFault(nil)
        try expectLost(broker)
    }

    @Test func `a failed checkpoint takes the directory out of service`() throws {
        let broker = try start(["replica.high.watermark.checkpoint.interval.ms": "100"])
        try broker.produce(["y"], to: "t")
        fail("/a/replication-offset-checkpoint", [.open], broker)
        try broker.world.advance(by: 300)
        broker.files.setFault(nil)
        try expectLost(broker)
    }

    @Test func `a fetch that waits is told when its directory fails`() throws {
        let broker = try start()
        let waiting = broker.connect()
        try waiting.send(Requests.fetch("t", from: 1, maxWait: 60_000), version: 12)
        try broker.world.advance(by: 10)
        #expect(waiting.waitingAnswers == 0)
        fail("/a/t-0", [.write], broker)
        #expect(try code(producing: "t", broker) == .kafkaStorageError)
        let answer = try waiting.receive(FetchResponse.self, version: 12, correlationID: 1, within: 100)
        #expect(ErrorCode(answer.responses[0].partitions[0].errorCode) == .kafkaStorageError)
    }

    @Test func `new topics go to the directories that are left`() throws {
        let broker = try start()
        fail("/a", InMemoryFileSystem.Operation.allCases, broker)
        for name in ["v", "w", "x"] {
            try broker.createTopic(name)
            try broker.produce(["1"], to: name)
            #expect(try directory(of: name, broker) == "/b")
        }
        try expectLost(broker)
    }

    @Test func `the broker gives up with the directory of the metadata`() throws {
        let broker = try start(["metadata.log.dir": "/a"])
        fail("/a/t-0", [.write], broker)
        _ = try code(producing: "t", broker)
        try broker.world.advance(by: 100)
        #expect(broker.fatal.count == 1)
        #expect(broker.fatal[0].contains("the log directory of the metadata has failed"))
    }

    // MARK: Starting

    @Test func `a broker starts without one of its directories, and again with it`() throws {
        let broker = try start()
        try broker.shutdown()
        fail("/a", InMemoryFileSystem.Operation.allCases, broker)
        try broker.replaceNode()
        try broker.start()
        try expectLost(broker)
        // What is new may be anywhere, what is known must be where it was.
        try broker.createTopic("v")
        #expect(try directory(of: "v", broker) == "/b")
        broker.files.setFault(nil)
        try broker.restart()
        for name in ["t", "u", "v"] { #expect(try code(producing: name, broker) == .none) }
        #expect(try broker.records(of: "t") == ["0=x", "1=y"])
        #expect(try partition("t", broker).offlineReplicas == [])
        #expect(try describe(broker).results.map(\.errorCode) == [0, 0])
    }

    @Test func `a directory that failed is back after a restart with everything that was acknowledged`() throws {
        let broker = try start()
        fail("/a/t-0", [.write], broker)
        #expect(try code(producing: "t", broker) == .kafkaStorageError)
        broker.files.setFault(nil)
        try broker.restart()
        #expect(try broker.records(of: "t") == ["0=x"])
        #expect(try broker.produce(["z"], to: "t") == 1)
    }

    @Test func `an empty disk in the place of a failed one gives the partition a new log`() throws {
        let broker = try start()
        try broker.shutdown()
        try broker.files.removeTree("/a")
        try broker.replaceNode()
        try broker.start()
        try broker.world.advance(by: 1_000)
        #expect(try code(producing: "t", broker) == .none)
        #expect(try partition("t", broker).offlineReplicas == [])
    }

    @Test func `without the directory of the metadata nothing starts`() throws {
        let broker = try start()
        try broker.shutdown()
        broker.files.setFault { _, operation, path in
            path.hasPrefix("/meta") && operation == .lock ? .inputOutput : nil
        }
        try broker.replaceNode()
        try broker.beginStart { outcome in #expect(throws: StartError.self) { try outcome.get() } }
    }

    @Test func `nothing starts when the directory of the metadata fails while its logs are loaded`() throws {
        let broker = try start(["metadata.log.dir": "/a"])
        try broker.shutdown()
        fail("/a/t-0", InMemoryFileSystem.Operation.allCases, broker)
        try broker.replaceNode()
        try broker.beginStart { outcome in
            let error = #expect(throws: StartError.self) { try outcome.get() }
            #expect(error?.description.hasPrefix("/a, which holds the cluster's metadata, cannot be used") == true)
        }
        broker.files.setFault(nil)
        try broker.replaceNode()
        try broker.start()
        #expect(try broker.records(of: "t") == ["0=x"])
    }

    @Test func `a copy of a directory is not taken for another`() throws {
        let broker = try start()
        try broker.shutdown()
        let properties = try #require(try broker.files.readFile("/a/meta.properties"))
        try broker.files.replaceFile("/b/meta.properties", with: properties)
        try broker.replaceNode()
        try broker.beginStart { outcome in
            guard case .failure(let error) = outcome else { return #expect(Bool(false), "started") }
            #expect(error.description.contains("one is a copy of the other"))
        }
    }

    // MARK: Placement

    @Test func `partitions are spread and the controller knows where they are`() throws {
        let broker = try TestBroker(Self.settings)
        try broker.createTopic("t", partitions: 7)
        try broker.world.advance(by: 100)
        let counts = try describe(broker).results.map { $0.topics.reduce(0) { $0 + $1.partitions.count } }
        #expect(counts == [4, 3])
        let context = try #require(broker.node.context)
        let topic = try #require(context.metadata.image.topics.topic(named: "t"))
        for (index, registration) in topic.partitions {
            let found = context.logs.directoryID(of: TopicPartition(topic: "t", partition: index))
            #expect(found != nil && registration.directories == [found])
        }
    }

    // MARK: DescribeLogDirs

    @Test(arguments: 0...5)
    func `directories are described with their logs`(version: Int16) throws {
        let broker = try start()
        broker.files.setCapacity(1 << 30)
        let response = try describe(broker, version: version)
        #expect(response.errorCode == 0)
        #expect(response.results.map(\.logDir) == ["/a", "/b"])
        #expect(response.results.map { $0.topics.map(\.name) } == [["t"], ["u"]])
        let log = response.results[0].topics[0].partitions[0]
        #expect(log.partitionIndex == 0 && log.offsetLag == 0 && !log.isFutureKey)
        #expect(log.partitionSize == (try broker.files.status("/a/t-0/00000000000000000000.log")?.size))
        let directory = response.results[0]
        #expect(directory.totalBytes == (version >= 4 ? 1 << 30 : -1))
        #expect(version < 4 ? directory.usableBytes == -1 : (0..<(1 << 30)).contains(directory.usableBytes))
    }

    @Test func `only what is asked for is described`() throws {
        let broker = try start()
        let response = try broker.call(
            DescribeLogDirsRequest(topics: [.init(topic: "u", partitions: [0, 9]), .init(topic: "t", partitions: [1])]))
        #expect(response.results.map { $0.topics.map(\.name) } == [[], ["u"]])
        #expect(response.results[1].topics[0].partitions.map(\.partitionIndex) == [0])
    }

    // MARK: AlterReplicaLogDirs

    private func move(
        _ topic: String, _ partition: Int32 = 0, to path: String, _ broker: TestBroker, version: Int16 = 2
    ) throws -> ErrorCode {
        let response = try broker.call(
            AlterReplicaLogDirsRequest(dirs: [.init(path: path, topics: [.init(name: topic, partitions: [partition])])]
            ),
            version: version)
        #expect(response.results.map(\.topicName) == [topic])
        #expect(response.results[0].partitions.map(\.partitionIndex) == [partition])
        return ErrorCode(response.results[0].partitions[0].errorCode)
    }

    @Test(arguments: 0...2)
    func `a replica is moved, and the controller knows`(version: Int16) throws {
        let broker = try start()
        #expect(try move("t", to: "/b", broker, version: version) == .none)
        try broker.produce(["y"], to: "t")
        try broker.world.advance(by: 1_000)
        try broker.produce(["z"], to: "t")
        #expect(try directory(of: "t", broker) == "/b")
        #expect(try broker.records(of: "t") == ["0=x", "1=y", "2=z"])
        let context = try #require(broker.node.context)
        let found = try #require(context.logs.directoryID(of: TopicPartition(topic: "t", partition: 0)))
        #expect(context.metadata.image.topics.topic(named: "t")?.partition(0)?.directories == [found])
        // The directory it has left may fail.
        fail("/a", InMemoryFileSystem.Operation.allCases, broker)
        try broker.createTopic("v")
        #expect(try code(producing: "t", broker) == .none)
        broker.files.setFault(nil)
        try broker.restart()
        #expect(try broker.records(of: "t") == ["0=x", "1=y", "2=z", "3=y"])
        #expect(try directory(of: "t", broker) == "/b")
        #expect(broker.fatal == [])
    }

    @Test func `a move is refused as Apache Kafka does`() throws {
        let broker = try start()
        #expect(try move("t", to: "/c", broker) == .logDirNotFound)
        #expect(try move("missing", to: "/b", broker) == .unknownTopicOrPartition)
        #expect(try move("t", 9, to: "/b", broker) == .unknownTopicOrPartition)
        fail("/a/t-0", [.write], broker)
        #expect(try code(producing: "t", broker) == .kafkaStorageError)
        broker.files.setFault(nil)
        #expect(try move("t", to: "/b", broker) == .kafkaStorageError)
        #expect(try move("u", to: "/a", broker) == .kafkaStorageError)
        #expect(try code(producing: "u", broker) == .none)
    }

    @Test func `an idle copy is shown as one`() throws {
        let broker = try start()
        broker.files.setFault { _, operation, path in
            operation == .write && path.contains("-future/0") ? .noSpace : nil
        }
        #expect(try move("t", to: "/b", broker) == .none)
        try broker.world.advance(by: 100)
        let logs = try describe(broker).results[1].topics.first { $0.name == "t" }?.partitions
        #expect(logs?.map(\.isFutureKey) == [true])
        #expect(logs?.map(\.offsetLag) == [1])
        try broker.deleteTopic("t")
        #expect(try describe(broker).results.map { $0.topics.map(\.name) } == [[], ["u"]])
        broker.files.setFault(nil)
        try broker.restart()
        try broker.world.advance(by: 100)
        #expect(try broker.files.list("/b").filter { $0.hasPrefix("t-") } == [])
    }
}
