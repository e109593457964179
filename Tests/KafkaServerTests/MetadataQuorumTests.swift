// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaRuntime
import KafkaServer
import KafkaSimulator
import Synchronization
import Testing

/// The metadata log behind a broker: what survives, what is shared, what ends it.
@Suite struct MetadataQuorumTests {
    private static let directory = "/data/__cluster_metadata-0"

    private func topics(_ broker: TestBroker) throws -> [String: KafkaUUID] {
        let answer = try broker.call(MetadataRequest(topics: nil))
        #expect(answer.topics.allSatisfy { $0.errorCode == 0 && $0.partitions.allSatisfy { $0.errorCode == 0 } })
        return Dictionary(uniqueKeysWithValues: answer.topics.map { ($0.name ?? "", $0.topicID) })
    }

    private func snapshots(_ broker: TestBroker) throws -> [String] {
        try broker.files.list(Self.directory).filter { $0.hasSuffix(".checkpoint") }
    }

    // MARK: What survives

    @Test(arguments: [nil, CrashKind.process, .machine])
    func `acknowledged topics survive`(crash: CrashKind?) throws {
        let broker = try TestBroker()
        var made: [String: KafkaUUID] = [:]
        for round in 0..<6 {
            for number in 0..<3 {
                let name = "t\(round)-\(number)"
                made[name] = try broker.createTopic(name, partitions: 2, ["retention.ms": "\(round + 1)"])
            }
            if round > 0 {
                try broker.deleteTopic("t\(round - 1)-0")
                made["t\(round - 1)-0"] = nil
            }
            if let crash { try broker.crash(crash) } else { try broker.restart() }
            #expect(try topics(broker) == made)
        }
        let configs = try broker.call(
            DescribeConfigsRequest(resources: [
                .init(resourceType: 2, resourceName: "t3-1", configurationKeys: ["retention.ms"])
            ]))
        #expect(configs.results[0].configs.map(\.value) == ["4"])
    }

    @Test(arguments: Array(1...12) as [UInt64])
    func `what a crash leaves is what was acknowledged, and perhaps what was under way`(seed: UInt64) throws {
        let broker = try TestBroker(
            ["metadata.log.max.record.bytes.between.snapshots": "900"], seed: seed, options: .drawn(seed: seed))
        var acknowledged: Set<String> = []
        var asked: Set<String> = []
        for round in 0..<4 {
            let connection = broker.connect()
            for number in 0..<8 as Range<Int32> {
                let name = "t\(round)-\(number)"
                asked.insert(name)
                try connection.send(
                    CreateTopicsRequest(topics: [.init(name: name, numPartitions: 1, replicationFactor: 1)]), version: 7
                )
            }
            // The machine stops after some of them.
            let stop = Int(seed) % 8
            _ = try broker.world.run(within: 600_000) { connection.frames.count > stop }
            for frame in connection.frames {
                let (answer, _) = try TestConnection.decode(
                    UnsafeRawBufferPointer(frame), CreateTopicsResponse.self, version: 7)
                for topic in answer.topics where topic.errorCode == 0 { acknowledged.insert(topic.name) }
            }
            try broker.crash(.machine)
            let found = Set(try topics(broker).keys)
            #expect(acknowledged.isSubset(of: found) && found.isSubset(of: asked))
            // What was found once stays.
            acknowledged = found
        }
    }

    @Test func `a deleted topic that is made again is another one after a crash`() throws {
        let broker = try TestBroker()
        for round in 0..<5 {
            let id = try broker.createTopic("t")
            #expect(try broker.produce(["\(round)"], to: "t") == 0)
            // The directory's removal may not be durable yet.
            try broker.crash(.machine)
            #expect(try topics(broker) == ["t": id])
            let records = try broker.records(of: "t")
            #expect(records == [] || records == ["0=\(round)"])
            try broker.deleteTopic("t")
            if round % 2 == 0 { try broker.crash(.machine) }
        }
        #expect(try topics(broker) == [:])
    }

    @Test func `directories the metadata do not know are set aside`() throws {
        let broker = try TestBroker()
        let id = try broker.createTopic("t")
        try broker.produce(["a"], to: "t")
        try broker.shutdown()
        // One of a topic that does not exist, one beyond the topic's partitions, one of an earlier topic of the name.
        let other = try TestBroker()
        try other.createTopic("gone")
        for name in ["gone-0", "t-7"] {
            try broker.files.createDirectory("/data/\(name)")
            try broker.files.replaceFile("/data/\(name)/00000000000000000000.log", with: [])
        }
        try broker.replaceNode()
        try broker.start()
        let names = try broker.files.list("/data")
        #expect(!names.contains("gone-0") && !names.contains("t-7"))
        #expect(names.filter { $0.hasSuffix("-stray") }.count == 2)
        #expect(broker.log.lines.filter { $0.contains("stray partition set aside") }.count == 2)
        #expect(try topics(broker) == ["t": id])
        #expect(try broker.records(of: "t") == ["0=a"])
    }

    @Test func `a log of another topic id is set aside`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        try broker.produce(["old"], to: "t")
        try broker.shutdown()
        let path = "/data/t-0/partition.metadata"
        let stranger = KafkaUUID(randomHigh: 1, randomLow: 2)
        try broker.files.replaceFile(path, with: Array("version: 0\ntopic_id: \(stranger)\n".utf8))
        try broker.replaceNode()
        try broker.start()
        #expect(broker.log.contains("stray partition set aside"))
        #expect(try broker.records(of: "t") == [])
        #expect(try broker.produce(["new"], to: "t") == 0)
    }

    @Test func `a deletion that was not committed sets no log aside`() throws {
        var kept = 0
        for seed in 1...8 as ClosedRange<UInt64> {
            let broker = try TestBroker(seed: seed)
            let id = try broker.createTopic("t", ["flush.messages": "1"])
            try broker.produce(["a"], to: "t")
            // The deletion is in the log and cannot be synced; nor can it by the start that finds it there.
            let fault: @Sendable (Int, InMemoryFileSystem.Operation, String) -> FileError.Kind? = {
                _, operation, path in
                operation == .sync && path.contains("__cluster_metadata-0/0") ? .inputOutput : nil
            }
            broker.files.setFault(fault)
            try broker.connection.send(DeleteTopicsRequest(topics: [.init(name: "t", topicID: .zero)]), version: 6)
            #expect(try broker.world.run(within: 60_000) { !broker.fatal.isEmpty })
            broker.host.crash(.process)
            broker.host.restart()
            broker.files.setFault(fault)
            try broker.replaceNode()
            try broker.beginStart { outcome in #expect(throws: StartError.self) { try outcome.get() } }
            #expect(try broker.files.list("/data").contains("t-0"))
            try broker.crash(.machine)
            guard try topics(broker) == ["t": id] else { continue }
            kept += 1
            #expect(try broker.records(of: "t") == ["0=a"])
        }
        #expect(kept > 0)
    }

    @Test func `a metadata directory of its own is there after a loss of power`() throws {
        for seed in 1...8 as ClosedRange<UInt64> {
            let broker = try TestBroker(["metadata.log.dir": "/meta"], seed: seed)
            let id = try broker.createTopic("t")
            try broker.crash(.machine)
            #expect(try topics(broker) == ["t": id])
        }
    }

    // MARK: Snapshots

    @Test func `snapshots are written when enough has changed, and read back`() throws {
        let broker = try TestBroker(["metadata.log.max.record.bytes.between.snapshots": "2000"])
        var made: [String: KafkaUUID] = [:]
        for number in 0..<40 {
            made["t\(number)"] = try broker.createTopic("t\(number)", ["retention.ms": "\(number)"])
        }
        try broker.world.advance(by: 100)
        let written = try snapshots(broker)
        #expect(written.count >= 2)
        #expect(broker.log.contains("metadata snapshot written"))
        try broker.restart()
        #expect(try topics(broker) == made)
        #expect(broker.log.complaints == [])
        try broker.crash(.machine)
        #expect(try topics(broker) == made)
        #expect(try broker.createTopic("more").isZero == false)
    }

    @Test func `a restart is no reason for a snapshot`() throws {
        let broker = try TestBroker(["metadata.log.max.record.bytes.between.snapshots": "3000"])
        for number in 0..<40 { try broker.createTopic("t\(number)") }
        for number in 0..<40 { try broker.deleteTopic("t\(number)") }
        try broker.world.advance(by: 100)
        let before = try snapshots(broker)
        for _ in 0..<4 {
            try broker.restart()
            try broker.world.advance(by: 100)
        }
        let written = try snapshots(broker).count - before.count
        #expect(written <= 1, "\(written) snapshots for no change")
    }

    @Test func `old snapshots go, and the segments that they replace`() throws {
        let broker = try TestBroker([
            "metadata.log.max.record.bytes.between.snapshots": "2000", "metadata.max.retention.bytes": "5000",
            "internal.metadata.log.segment.bytes": "2000",
        ])
        var made: [String: KafkaUUID] = [:]
        for number in 0..<80 { made["t\(number)"] = try broker.createTopic("t\(number)") }
        for number in 0..<70 {
            try broker.deleteTopic("t\(number)")
            made["t\(number)"] = nil
        }
        try broker.world.advance(by: 100)
        #expect(broker.fatal == [])
        #expect(broker.log.complaints == [])
        let segments = try broker.files.list(Self.directory).filter { $0.hasSuffix(".log") }
        #expect(segments.count < 12 && segments[0] != "00000000000000000000.log", "\(segments)")
        #expect(try snapshots(broker).count < 6)
        try broker.crash(.machine)
        #expect(try topics(broker) == made)
        try broker.createTopic("more")
    }

    @Test func `a log whose beginning no snapshot has is not taken for the whole`() throws {
        let broker = try TestBroker([
            "metadata.log.max.record.bytes.between.snapshots": "2000", "metadata.max.retention.bytes": "5000",
            "internal.metadata.log.segment.bytes": "2000",
        ])
        for number in 0..<80 { try broker.createTopic("t\(number)") }
        try broker.world.advance(by: 100)
        try broker.shutdown()
        for name in try snapshots(broker) { try broker.files.remove("\(Self.directory)/\(name)") }
        try broker.replaceNode()
        try broker.beginStart { outcome in
            guard case .failure(let error) = outcome else { return #expect(Bool(false), "started") }
            #expect(error.description.contains("no snapshot"), "\(error)")
        }
    }

    @Test func `a damaged snapshot matters only where it is the newest`() throws {
        let broker = try TestBroker(["metadata.log.max.record.bytes.between.snapshots": "2000"])
        for number in 0..<40 { try broker.createTopic("t\(number)") }
        try broker.world.advance(by: 100)
        let made = try topics(broker)
        try broker.shutdown()
        let written = try snapshots(broker)
        #expect(written.count >= 2)
        func damage(_ name: String) throws {
            let file = try broker.files.open("\(Self.directory)/\(name)", .readWrite)
            try file.write([0xFF, 0xFF, 0xFF], at: 40)
        }
        try damage(written[0])
        try broker.replaceNode()
        try broker.start()
        #expect(try topics(broker) == made)
        #expect(broker.log.contains("a metadata snapshot is damaged"))
        #expect(try !snapshots(broker).contains(written[0]))
        try broker.shutdown()
        try damage(try #require(try snapshots(broker).last))
        try broker.replaceNode()
        try broker.beginStart { outcome in
            guard case .failure = outcome else { return #expect(Bool(false), "started") }
        }
    }

    @Test func `time alone makes snapshots of what has changed`() throws {
        let broker = try TestBroker(["metadata.log.max.snapshot.interval.ms": "600000"])
        try broker.createTopic("t")
        try broker.world.advance(by: 500_000)
        let before = try snapshots(broker).count
        try broker.createTopic("u")
        try broker.world.advance(by: 700_000)
        #expect(try snapshots(broker).count == before + 1)
        try broker.world.advance(by: 3_000_000)
        #expect(try snapshots(broker).count == before + 1)
    }

    @Test func `a snapshot that cannot be written harms nothing`() throws {
        let broker = try TestBroker(["metadata.log.max.record.bytes.between.snapshots": "1000"])
        broker.files.setFault { _, operation, path in
            operation == .write && path.contains(".checkpoint") ? .noSpace : nil
        }
        for number in 0..<20 { try broker.createTopic("t\(number)") }
        try broker.world.advance(by: 100)
        #expect(broker.log.contains("metadata snapshot failed"))
        broker.files.setFault(nil)
        for number in 20..<40 { try broker.createTopic("t\(number)") }
        try broker.world.advance(by: 100)
        #expect(broker.log.contains("metadata snapshot written"))
        try broker.crash(.machine)
        #expect(try topics(broker).count == 40)
    }

    @Test func `a torn snapshot is not read`() throws {
        let broker = try TestBroker(["metadata.log.max.record.bytes.between.snapshots": "1000"])
        for number in 0..<20 { try broker.createTopic("t\(number)") }
        try broker.world.advance(by: 100)
        try broker.shutdown()
        let newest = try #require(try snapshots(broker).last)
        let bytes = try #require(try broker.files.readFile("\(Self.directory)/\(newest)"))
        // Half of one under the name that unfinished ones have.
        try broker.files.replaceFile(
            "\(Self.directory)/00000000000000009999-0000000009.checkpoint.part",
            with: Array(bytes[..<(bytes.count / 2)]))
        try broker.replaceNode()
        try broker.start()
        #expect(try topics(broker).count == 20)
        #expect(try !broker.files.list(Self.directory).contains { $0.hasSuffix(".part") })
    }

    // MARK: Group commit

    @Test func `many changes share a sync`() throws {
        var options = SimulationOptions.immediate
        options.blockingDelay = 10_000_000...10_000_000
        let broker = try TestBroker(options: options)
        let syncs = Mutex(0)
        broker.files.setFault { _, operation, path in
            if operation == .sync, path.contains("__cluster_metadata"), path.hasSuffix(".log") {
                syncs.withLock { $0 += 1 }
            }
            return nil
        }
        let connections = (0..<60).map { _ in broker.connect() }
        for (number, connection) in connections.enumerated() {
            try connection.send(
                CreateTopicsRequest(topics: [.init(name: "t\(number)", numPartitions: 1, replicationFactor: 1)]),
                version: 7)
        }
        for connection in connections {
            let answer = try connection.receive(CreateTopicsResponse.self, version: 7, correlationID: 1)
            #expect(answer.topics[0].errorCode == 0)
        }
        #expect(syncs.withLock { $0 } <= 3)
        broker.host.crash(.machine)
        broker.host.restart()
        try broker.replaceNode()
        try broker.start()
        #expect(try topics(broker).count == 60)
    }

    @Test func `of two that make one topic, one succeeds, and the other hears when it is durable`() throws {
        var options = SimulationOptions.immediate
        options.blockingDelay = 50_000_000...50_000_000
        let broker = try TestBroker(options: options)
        let connections = [broker.connect(), broker.connect()]
        for connection in connections {
            try connection.send(
                CreateTopicsRequest(topics: [.init(name: "t", numPartitions: 1, replicationFactor: 1)]), version: 7)
        }
        try broker.world.advance(by: 40)
        #expect(connections.allSatisfy { $0.frames.isEmpty })
        let codes = try connections.map {
            try $0.receive(CreateTopicsResponse.self, version: 7, correlationID: 1).topics[0].errorCode
        }
        #expect(codes.map { ErrorCode($0) } == [.none, .topicAlreadyExists])
    }

    // MARK: Failure

    @Test(arguments: [InMemoryFileSystem.Operation.write, .sync])
    func `a failing disk ends the node, and those who wait are told`(operation: InMemoryFileSystem.Operation) throws {
        let broker = try TestBroker()
        try broker.createTopic("before")
        try broker.produce(["a"], to: "before")
        broker.files.setFault { _, asked, path in
            asked == operation && path.contains("__cluster_metadata") ? .inputOutput : nil
        }
        let request = CreateTopicsRequest(topics: [.init(name: "t", numPartitions: 1, replicationFactor: 1)])
        let failed = try broker.call(request, version: 7)
        #expect(failed.topics.map { ErrorCode($0.errorCode) } == [.notController])
        #expect(broker.fatal.count == 1)
        #expect(broker.fatal.first?.contains("metadata log failed") == true)
        broker.files.setFault(nil)
        // Nothing is decided any more, everything else goes on until the owner stops the node.
        #expect(try broker.call(request, version: 7).topics.map { ErrorCode($0.errorCode) } == [.notController])
        let ids = try broker.call(DeleteTopicsRequest(topics: [.init(name: "before")]), version: 6)
        #expect(ids.responses.map { ErrorCode($0.errorCode) } == [.notController])
        #expect(try broker.records(of: "before") == ["0=a"])
        #expect(broker.fatal.count == 1)
        try broker.shutdown()
        try broker.replaceNode()
        try broker.start()
        #expect(try broker.records(of: "before") == ["0=a"])
    }

    @Test func `a disk that fails at the start is named`() throws {
        let broker = try TestBroker(starts: false)
        broker.files.setFault { _, operation, path in
            operation == .sync && path.hasSuffix("__cluster_metadata-0/00000000000000000000.log") ? .noSpace : nil
        }
        try broker.beginStart { outcome in
            guard case .failure(let error) = outcome else { return #expect(Bool(false), "started") }
            #expect(error.description.contains("noSpace"), "\(error)")
        }
        #expect(broker.fatal.isEmpty)
    }

    // MARK: Every call

    @Test func `a first start that is cut off anywhere is made up for by the next`() throws {
        let calls = try TestBroker().files.callCount
        for number in 0..<calls {
            let broker = try TestBroker(seed: UInt64(number), starts: false)
            broker.files.failAllCalls(after: number, with: .inputOutput)
            try broker.beginStart { _ in }
            broker.host.crash(number % 2 == 0 ? .machine : .process)
            broker.host.restart()
            try broker.replaceNode()
            try broker.beginStart { outcome in
                if case .failure(let error) = outcome { Issue.record("after call \(number): \(error)") }
            }
            guard broker.node.context != nil else { continue }
            try broker.createTopic("t")
        }
    }

    @Test func `changes that are cut off anywhere leave a cluster that starts`() throws {
        let settings = ["metadata.log.max.record.bytes.between.snapshots": "300"]
        let reference = try TestBroker(settings)
        let before = reference.files.callCount
        func change(_ broker: TestBroker) throws {
            let made = CreateTopicsRequest(topics: [
                .init(
                    name: "t", numPartitions: 2, replicationFactor: 1,
                    configs: [.init(name: "retention.ms", value: "5")])
            ])
            guard try broker.call(made, version: 7).topics[0].errorCode == 0 else { return }
            _ = try? broker.produce(try Batches.batch(["a"], timestamp: broker.now), to: "t", version: 9)
            _ = try broker.call(CreatePartitionsRequest(topics: [.init(name: "t", count: 3, assignments: nil)]))
            _ = try broker.call(DeleteTopicsRequest(topics: [.init(name: "t")]), version: 6)
            _ = try broker.call(made, version: 7)
            try broker.world.advance(by: 100)
        }
        try change(reference)
        let calls = reference.files.callCount - before
        for number in stride(from: 0, to: calls, by: 1) {
            let broker = try TestBroker(settings, seed: UInt64(number))
            broker.files.failAllCalls(after: number, with: number % 3 == 0 ? .noSpace : .inputOutput)
            try? change(broker)
            broker.host.crash(number % 2 == 0 ? .machine : .process)
            broker.host.restart()
            try broker.replaceNode()
            try broker.beginStart { outcome in
                if case .failure(let error) = outcome { Issue.record("after call \(number): \(error)") }
            }
            guard broker.node.context != nil else { continue }
            let known = try topics(broker)
            #expect(known.isEmpty || known.count == 1)
            if known.isEmpty { try broker.createTopic("t") }
            let batch = try Batches.batch(["again"], timestamp: broker.now)
            let answer = try broker.produce(batch, to: "t", version: 9)
            #expect(answer.errorCode == 0, "after call \(number): \(broker.log.complaints.suffix(5))")
        }
    }
}
