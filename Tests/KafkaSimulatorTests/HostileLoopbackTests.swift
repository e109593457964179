// SPDX-License-Identifier: Apache-2.0
import DispatchRuntime
import Foundation
import KafkaBase
import KafkaProtocol
import KafkaRuntime
import KafkaServer
import KafkaSimulator
import Logging
import Synchronization
import Testing

/// The same hostile frames over real sockets: what is between the operating system and the broker is attacked too.
@Suite struct HostileLoopbackTests {
    private static func wait(_ seconds: Double, until condition: () -> Bool) -> Bool {
        let deadline = Date(timeIntervalSinceNow: seconds)
        while !condition() {
            if Date() > deadline { return false }
            Thread.sleep(forTimeInterval: 0.002)
        }
        return true
    }

    @Test func `a broker survives mutated frames over real sockets`() throws {
        let runtime = try DispatchRuntime.makeRuntime(reactorCount: 2, blockingThreads: 2)
        let directory = FileManager.default.temporaryDirectory
            .appendingPathComponent("swiftkafka-hostile-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let configuration = try BrokerConfiguration(
            ["node.id": "1", "log.dirs": directory, "listeners": "PLAINTEXT://127.0.0.1:0"])
        let quiet = ComponentLoggers { Logger(label: $0) { _ in SwiftLogNoOpLogHandler() } }
        let broker = BrokerNode(configuration: configuration, runtime: runtime, loggers: quiet)
        let started = Mutex<Result<Void, StartError>?>(nil)
        broker.start { result in started.withLock { $0 = result } }
        #expect(Self.wait(10) { started.withLock { $0 != nil } })
        try started.withLock { try $0?.get() }
        let address = try #require(broker.boundAddresses["PLAINTEXT"])

        var corpus = RequestCorpus(seed: 9, attempts: 4, topic: "none", topicID: .zero)
        let served = RequestRouter.served(unstable: false)
        corpus.prefer { api, version in served.contains { $0.key.rawValue == api && $0.versions.contains(version) } }
        let finished = Atomic<Int>(0)
        let clients = (0..<8).map { number in
            HostileClient(
                runtime: runtime, address: address, reactor: runtime.network.reactors[number % 2], corpus: corpus,
                seed: UInt64(number), total: 1_000, patience: 20
            ) { finished.add(1, ordering: .sequentiallyConsistent) }
        }
        for client in clients { client.start() }
        #expect(Self.wait(60) { finished.load(ordering: .sequentiallyConsistent) == clients.count })
        #expect(clients.reduce(0) { $0 + $1.tally.judged } >= 8_000)
        #expect(clients.allSatisfy { $0.tally.answers > 50 && $0.tally.refused == 0 })

        // It serves still.
        var producing = ProducerWorkload()
        producing.topic = "after"
        producing.recordsPerPartition = 50
        let producer = SimulatedProducer(producing, client: KafkaClient(runtime: runtime, bootstrap: [address]))
        producer.start()
        let isWritten = Mutex(false)
        #expect(
            Self.wait(20) {
                producer.client.queue.async { isWritten.withLock { $0 = producer.isFinished } }
                return isWritten.withLock { $0 }
            })
        producer.stop()
        let stopped = Mutex(false)
        broker.shutdown { stopped.withLock { $0 = true } }
        #expect(Self.wait(10) { stopped.withLock { $0 } })
    }
}
