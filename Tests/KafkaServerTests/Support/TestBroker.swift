// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaRuntime
import KafkaServer
import KafkaSimulator
import Testing

/// A broker on a simulated host, in virtual time, asked one request at a time.
final class TestBroker {
    let world: SimulatedRuntime
    let host: SimulatedHost
    let settings: [String: String]
    let log = TestLog()
    private let measurement: Measurement?
    private(set) var node: BrokerNode
    private(set) var fatal: [String] = []
    private var shared: TestConnection?

    /// A broker that serves, unless `starts` is false. A setting without a value is left out.
    init(
        _ settings: [String: String] = [:], seed: UInt64 = 1, options: SimulationOptions = .immediate,
        starts: Bool = true, measurement: Measurement? = nil
    ) throws {
        self.measurement = measurement
        world = SimulatedRuntime(seed: seed, options: options)
        host = world.host("broker")
        var all = ["listeners": "PLAINTEXT://:9092", "advertised.listeners": "PLAINTEXT://broker:9092"]
        all["log.dirs"] = "/data"
        all.merge(settings) { $1 }
        self.settings = all
        node = try Self.makeNode(all, host, log, measurement)
        watchForFatal()
        if starts { try start() }
    }

    private static func makeNode(
        _ settings: [String: String], _ host: SimulatedHost, _ log: TestLog, _ measurement: Measurement?
    ) throws -> BrokerNode {
        BrokerNode(
            configuration: try BrokerConfiguration(settings.filter { !$0.value.isEmpty }), runtime: host.runtime,
            loggers: log.loggers,
            measurement: measurement)
    }

    private func watchForFatal() {
        nonisolated(unsafe) let broker = Unmanaged.passUnretained(self)
        node.onFatal { reason in broker.takeUnretainedValue().fatal.append(reason) }
    }

    var files: InMemoryFileSystem { host.files }
    var now: Int64 { host.runtime.clock.wallMilliseconds }

    /// Bytes counted against `queued.max.request.bytes`.
    var requestMemory: Int { node.requestMemoryInUse }

    // MARK: Life

    func start() throws {
        try beginStart { try $0.get() }
    }

    /// Starts and gives `check` the outcome.
    func beginStart(_ check: (Result<Void, StartError>) throws -> Void) throws {
        nonisolated(unsafe) var outcome: Result<Void, StartError>?
        node.start { outcome = $0 }
        let finished = try world.run(within: 60_000) { outcome != nil }
        #expect(finished, "starting takes more than a minute")
        if let outcome { try check(outcome) }
    }

    func shutdown() throws {
        nonisolated(unsafe) var isDone = false
        node.shutdown { isDone = true }
        let finished = try world.run(within: 60_000) { isDone }
        #expect(finished, "stopping takes more than a minute")
        shared = nil
    }

    /// A new node on the same disk; it must have been stopped or crashed before.
    func replaceNode(_ changes: [String: String] = [:]) throws {
        node = try Self.makeNode(settings.merging(changes) { $1 }, host, log, measurement)
        watchForFatal()
        shared = nil
    }

    /// Stops cleanly and starts again.
    func restart(_ changes: [String: String] = [:]) throws {
        try shutdown()
        try replaceNode(changes)
        try start()
    }

    /// The machine loses power, or the process is killed, and the broker starts again.
    func crash(_ kind: CrashKind = .machine, _ changes: [String: String] = [:]) throws {
        host.crash(kind)
        host.restart()
        try replaceNode(changes)
        try start()
    }

    // MARK: Asking

    func connect(
        from client: String = "client", port: UInt16 = 9092, options: ListenOptions = ListenOptions()
    ) -> TestConnection {
        TestConnection(world, from: client, to: SocketAddress(host: "broker", port: port), options: options)
    }

    /// The connection that `call` uses, made anew when it was closed.
    var connection: TestConnection {
        if let shared, !shared.isClosed { return shared }
        let made = connect()
        shared = made
        return made
    }

    func call<Request: RequestMessage>(
        _ request: Request, version: Int16, within milliseconds: Int64 = 60_000
    ) throws -> Request.Response {
        try connection.call(request, version: version, within: milliseconds)
    }

    /// In the newest version.
    func call<Request: RequestMessage>(_ request: Request) throws -> Request.Response {
        try call(request, version: Request.versions.upperBound)
    }

    /// Creates a topic and returns its id.
    @discardableResult
    func createTopic(_ name: String, partitions: Int32 = 1, _ configs: [String: String] = [:]) throws -> KafkaUUID {
        let response = try call(
            CreateTopicsRequest(topics: [
                .init(
                    name: name, numPartitions: partitions, replicationFactor: 1,
                    configs: configs.sorted { $0.key < $1.key }.map { .init(name: $0.key, value: $0.value) })
            ]))
        let topic = try #require(response.topics.first)
        #expect(topic.errorCode == 0, "\(topic.errorMessage ?? "")")
        return topic.topicID
    }

    func deleteTopic(_ name: String) throws {
        let response = try call(
            DeleteTopicsRequest(topics: [.init(name: name, topicID: .zero)]))
        #expect(response.responses.map(\.errorCode) == [0])
    }

    /// Produces one batch to partition 0 and returns the base offset.
    @discardableResult
    func produce(_ values: [String], to topic: String, timestamp: Int64? = nil) throws -> Int64 {
        let batch = try Batches.batch(values, timestamp: timestamp ?? now)
        let answer = try produce(batch, to: topic, version: 12)
        #expect(answer.errorCode == 0, "\(answer.errorMessage ?? "")")
        return answer.baseOffset
    }

    /// Produces bytes to partition 0 by the topic's name, in a version before 13.
    func produce(
        _ records: [UInt8]?, to topic: String, partition: Int32 = 0, version: Int16, acks: Int16 = -1
    ) throws -> ProduceResponse.PartitionProduceResponse {
        let response = try call(
            Requests.produce(records, to: topic, partition: partition, acks: acks), version: version)
        let answered = try #require(response.responses.first)
        #expect(answered.name == topic)
        return try #require(answered.partitionResponses.first)
    }

    /// What a broker that is measured says of itself.
    func metrics() throws -> MetricSnapshot {
        nonisolated(unsafe) var snapshot: MetricSnapshot?
        try #require(node.metrics).collect { snapshot = $0 }
        _ = try world.run(within: 10_000) { snapshot != nil }
        return try #require(snapshot)
    }

    /// All record values of partition 0 that a consumer sees, as `offset=value`.
    func records(of topic: String, from offset: Int64 = 0, version: Int16 = 12) throws -> [String] {
        let response = try call(Requests.fetch(topic, from: offset), version: version)
        let partition = try #require(response.responses.first?.partitions.first)
        #expect(partition.errorCode == 0)
        return try Batches.values(in: partition.records)
    }
}

extension ErrorCode {
    /// As it stands in an answer.
    init(_ raw: Int16) { self = ErrorCode(rawValue: raw) ?? .unknownServerError }
}
