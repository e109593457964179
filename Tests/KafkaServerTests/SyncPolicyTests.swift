// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaRuntime
import KafkaServer
import KafkaSimulator
import Synchronization
import Testing

/// `flush.messages` and `flush.ms`: when records are synced, and who waits for it.
@Suite struct SyncPolicyTests {
    /// Counts, and on demand fails, the syncs of the partition's log file.
    private final class Syncs: Sendable {
        private let state = Mutex<(count: Int, failure: FileError.Kind?)>((0, nil))

        init(_ broker: TestBroker) {
            broker.files.setFault { _, operation, path in
                guard operation == .sync, path.contains("/t-0/"), path.hasSuffix(".log") else { return nil }
                return self.state.withLock { state in
                    state.count += 1
                    return state.failure
                }
            }
        }

        var count: Int { state.withLock { $0.count } }
        func fail(_ kind: FileError.Kind) { state.withLock { $0.failure = kind } }
    }

    private func slowDisk() -> SimulationOptions {
        var options = SimulationOptions.immediate
        options.blockingDelay = 20_000_000...20_000_000
        return options
    }

    private func request(_ value: String, _ broker: TestBroker, acks: Int16 = -1) throws -> ProduceRequest {
        Requests.produce(try Batches.batch([value], timestamp: broker.now), to: "t", acks: acks)
    }

    @Test func `without a policy nothing is synced for a produce`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        let syncs = Syncs(broker)
        for _ in 0..<20 { try broker.produce(["a"], to: "t") }
        #expect(syncs.count == 0)
    }

    @Test func `every so many records there is a sync`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t", ["flush.messages": "4"])
        let syncs = Syncs(broker)
        for _ in 0..<12 { try broker.produce(["a"], to: "t") }
        #expect(syncs.count == 3)
        try broker.produce(["a", "b", "c", "d", "e"], to: "t")
        #expect(syncs.count == 4)
    }

    @Test func `the broker's default counts, and a change takes effect`() throws {
        let broker = try TestBroker(["log.flush.interval.messages": "1"])
        try broker.createTopic("t")
        let syncs = Syncs(broker)
        try broker.produce(["a"], to: "t")
        #expect(syncs.count == 1)
    }

    @Test(arguments: [1, -1] as [Int16])
    func `records are acknowledged and shown when they are synced`(acks: Int16) throws {
        let broker = try TestBroker(options: slowDisk())
        try broker.createTopic("t", ["flush.messages": "1"])
        let producer = broker.connect()
        let consumer = broker.connect()
        try consumer.send(Requests.fetch("t", maxWait: 60_000), version: 12)
        try producer.send(try request("a", broker, acks: acks), version: 9)
        try broker.world.advance(by: 10)
        #expect(producer.frames.isEmpty && consumer.frames.isEmpty)
        #expect(try broker.records(of: "t") == [])
        try broker.world.advance(by: 15)
        #expect(producer.frames.count == 1 && consumer.frames.count == 1)
        #expect(try broker.records(of: "t") == ["0=a"])
    }

    @Test func `many producers share a sync`() throws {
        let broker = try TestBroker(options: slowDisk())
        try broker.createTopic("t", ["flush.messages": "1"])
        let syncs = Syncs(broker)
        let producers = (0..<30).map { _ in broker.connect() }
        for producer in producers { try producer.send(try request("a", broker), version: 9) }
        for producer in producers {
            let answer = try producer.receive(ProduceResponse.self, version: 9, correlationID: 1)
            #expect(answer.responses[0].partitionResponses[0].errorCode == 0)
        }
        // The first begins one; all others came before it ended.
        #expect(syncs.count <= 2)
        #expect(try broker.records(of: "t").count == 30)
    }

    @Test func `a pipelining producer does not wait for one sync after the other`() throws {
        let broker = try TestBroker(options: slowDisk())
        try broker.createTopic("t", ["flush.messages": "1"])
        let syncs = Syncs(broker)
        let producer = broker.connect()
        var bytes: [UInt8] = []
        for id in 1...20 as ClosedRange<Int32> {
            bytes += try TestConnection.frame(try request("\(id)", broker), version: 9, correlationID: id)
        }
        // A request of another kind waits for all of them.
        bytes += try TestConnection.frame(Requests.fetch("t"), version: 12, correlationID: 21)
        let began = broker.now
        try producer.send(bytes)
        for id in 1...20 as ClosedRange<Int32> {
            let answer = try producer.receive(ProduceResponse.self, version: 9, correlationID: id)
            #expect(answer.responses[0].partitionResponses[0].baseOffset == Int64(id - 1))
        }
        let fetched = try producer.receive(FetchResponse.self, version: 12, correlationID: 21)
        #expect(try Batches.values(in: fetched.responses[0].partitions[0].records).count == 20)
        #expect(broker.now - began <= 60 && syncs.count <= 2)
    }

    @Test func `more than may be outstanding is still answered in order`() throws {
        let broker = try TestBroker(options: slowDisk())
        try broker.createTopic("t", ["flush.messages": "1"])
        let producer = broker.connect()
        var bytes: [UInt8] = []
        let count: Int32 = 500
        for id in 1...count {
            bytes += try TestConnection.frame(try request("\(id)", broker), version: 9, correlationID: id)
        }
        try producer.send(bytes)
        for id in 1...count {
            let answer = try producer.receive(ProduceResponse.self, version: 9, correlationID: id)
            #expect(answer.responses[0].partitionResponses[0].baseOffset == Int64(id - 1))
        }
    }

    @Test func `what was not waited for is synced, too`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t", ["flush.messages": "1"])
        let syncs = Syncs(broker)
        try broker.connection.send(try request("a", broker, acks: 0), version: 9)
        try broker.world.advance(by: 100)
        #expect(syncs.count == 1)
        #expect(try broker.records(of: "t") == ["0=a"])
    }

    @Test func `a sync that fails is told, and the directory is out of service`() throws {
        let broker = try TestBroker(["log.dirs": "/a,/b", "metadata.log.dir": "/meta"])
        try broker.createTopic("t", ["flush.messages": "1"])
        try broker.createTopic("u")
        let syncs = Syncs(broker)
        syncs.fail(.inputOutput)
        for _ in 0..<2 {
            let answer = try broker.produce(
                try Batches.batch(["a"], timestamp: broker.now), to: "t", version: 9)
            #expect(ErrorCode(answer.errorCode) == .kafkaStorageError)
            #expect(answer.baseOffset == -1)
        }
        let read = try broker.call(Requests.fetch("t"), version: 12)
        #expect(ErrorCode(read.responses[0].partitions[0].errorCode) == .kafkaStorageError)
        #expect(try broker.produce(["a"], to: "u") == 0)
        #expect(broker.fatal == [])
        #expect(broker.log.contains("log directory out of service partitions=1 path=/a"))
    }

    @Test func `records that wait too long are synced`() throws {
        let broker = try TestBroker([
            "log.flush.scheduler.interval.ms": "100", "log.initial.task.delay.ms": "0",
        ])
        try broker.createTopic("t", ["flush.ms": "1000"])
        try broker.createTopic("never")
        let syncs = Syncs(broker)
        try broker.produce(["a"], to: "t")
        try broker.world.advance(by: 900)
        #expect(syncs.count == 0)
        try broker.world.advance(by: 400)
        #expect(syncs.count == 1)
        try broker.world.advance(by: 5_000)
        #expect(syncs.count == 1)
        try broker.produce(["b"], to: "t")
        try broker.world.advance(by: 1_300)
        #expect(syncs.count == 2)
        try broker.crash(.machine)
        #expect(try broker.records(of: "t") == ["0=a", "1=b"])
    }

    @Test func `the periodic work begins after its delay`() throws {
        let broker = try TestBroker([
            "log.flush.scheduler.interval.ms": "100", "log.initial.task.delay.ms": "7000",
            "log.flush.offset.checkpoint.interval.ms": "1000",
        ])
        try broker.createTopic("t", ["flush.ms": "0"])
        let syncs = Syncs(broker)
        try broker.produce(["a"], to: "t")
        try broker.world.advance(by: 7_000)
        #expect(syncs.count == 0)
        try broker.world.advance(by: 200)
        #expect(syncs.count == 1)
        func recoveryPoints() throws -> String {
            let path = "/data/recovery-point-offset-checkpoint"
            return String(decoding: try broker.files.readFile(path) ?? [], as: UTF8.self)
        }
        #expect(try !recoveryPoints().contains("t 0 1"))
        try broker.world.advance(by: 1_000)
        #expect(try recoveryPoints().contains("t 0 1"))
    }
}
