// SPDX-License-Identifier: Apache-2.0
import Foundation
import KafkaProtocol
import Logging
import ServiceLifecycle
import SwiftKafka
import Testing

/// The embedding API.
@Suite struct BrokerTests {
    /// A directory that is gone afterwards.
    private func withDirectory(_ body: (String) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "swiftkafka-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: directory) }
        try await body(directory.path)
    }

    private func options(_ directory: String, _ more: [String: String] = [:]) -> BrokerOptions {
        BrokerOptions(["log.dirs": directory, "listeners": "PLAINTEXT://127.0.0.1:0"].merging(more) { $1 })
    }

    private func client(of broker: Broker) async throws -> LoopbackClient {
        let address = try #require(broker.boundAddresses["PLAINTEXT"])
        return try await LoopbackClient.connect(to: address.host, port: address.port)
    }

    @Test func `serves from start to shutdown`() async throws {
        try await withDirectory { directory in
            let broker = try Broker(configuration: options(directory))
            #expect(broker.boundAddresses.isEmpty && broker.bootstrapServers == nil)
            try await broker.start()
            let address = try #require(broker.boundAddresses["PLAINTEXT"])
            #expect(address.host == "127.0.0.1" && address.port > 0)
            #expect(broker.bootstrapServers == "127.0.0.1:\(address.port)")
            let client = try await client(of: broker)
            #expect(try await client.produce("a", to: "t") == 0)
            // Clients are told the port that was really bound.
            let metadata = try await client.call(MetadataRequest(topics: []), version: 9)
            #expect(metadata.brokers.map(\.port) == [Int32(address.port)])
            await broker.shutdown()
            #expect(broker.boundAddresses.isEmpty && broker.bootstrapServers == nil)
            await #expect(throws: (any Error).self) {
                _ = try await client.call(ApiVersionsRequest(), version: 0)
            }
            await #expect(throws: (any Error).self) {
                _ = try await LoopbackClient.connect(to: address.host, port: address.port)
            }
            await broker.shutdown()
        }
    }

    @Test func `data outlive the broker`() async throws {
        try await withDirectory { directory in
            for number in 0..<3 {
                let broker = try Broker(configuration: options(directory))
                try await broker.start()
                let client = try await client(of: broker)
                #expect(try await client.produce("\(number)", to: "t") == Int64(number))
                await broker.shutdown()
            }
        }
    }

    @Test func `a broker starts once`() async throws {
        let broker = try Broker.inMemory()
        try await broker.start()
        await #expect(throws: BrokerError.start("the broker was started before")) { try await broker.start() }
        #expect(try await client(of: broker).produce("a", to: "t") == 0)
        await broker.shutdown()
        await #expect(throws: BrokerError.self) { try await broker.start() }
    }

    @Test func `several brokers live in one process`() async throws {
        try await withDirectory { directory in
            let brokers = [
                try Broker(configuration: options(directory + "/one")),
                try Broker(configuration: options(directory + "/two")), try Broker.inMemory(), try Broker.inMemory(),
            ]
            for broker in brokers { try await broker.start() }
            for (number, broker) in brokers.enumerated() {
                _ = try await client(of: broker).produce("x", to: "topic-\(number)")
            }
            for (number, broker) in brokers.enumerated() {
                let client = try await client(of: broker)
                for other in 0..<brokers.count {
                    #expect(try await client.endOffset(of: "topic-\(other)") == (other == number ? 1 : nil))
                }
            }
            // One that stops takes no other along.
            await brokers[0].shutdown()
            #expect(try await client(of: brokers[1]).endOffset(of: "topic-1") == 1)
            for broker in brokers { await broker.shutdown() }
        }
    }

    @Test func `two brokers may not share a directory`() async throws {
        try await withDirectory { directory in
            let first = try Broker(configuration: options(directory))
            let second = try Broker(configuration: options(directory))
            try await first.start()
            await #expect {
                try await second.start()
            } throws: { error in
                "\(error)".contains("held by another process")
            }
            await first.shutdown()
            let third = try Broker(configuration: options(directory))
            try await third.start()
            await third.shutdown()
        }
    }

    @Test func `a port that is taken is named`() async throws {
        let first = try Broker.inMemory()
        try await first.start()
        let address = try #require(first.boundAddresses["PLAINTEXT"])
        let second = try Broker.inMemory(["listeners": "PLAINTEXT://\(address)"])
        await #expect {
            try await second.start()
        } throws: { error in
            "\(error)".contains("\(address)")
        }
        await first.shutdown()
    }

    // MARK: In memory

    @Test func `in memory nothing touches the disk`() async throws {
        let broker = try Broker.inMemory(["num.partitions": "4"])
        try await broker.start()
        let client = try await client(of: broker)
        let metadata = try await client.call(MetadataRequest(topics: [.init(name: "auto")]), version: 9)
        #expect(metadata.topics.map(\.partitions.count) == [4])
        #expect(!FileManager.default.fileExists(atPath: "/swiftkafka"))
        await broker.shutdown()
    }

    // MARK: Configuration

    @Test func `every configuration error is named`() {
        #expect {
            _ = try Broker(configuration: ["num.partitions": "none", "log.dirs": "", "node.id": "-7"])
        } throws: { error in
            guard case BrokerError.configuration(let reason) = error else { return false }
            return ["num.partitions", "none", "log.dirs", "node.id"].allSatisfy { reason.contains($0) }
        }
    }

    @Test func `options come from a file, and change`() async throws {
        try await withDirectory { directory in
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            let path = directory + "/server.properties"
            try "listeners=PLAINTEXT://127.0.0.1:0\nlog.dirs=\(directory)/data\nnum.partitions=2\n"
                .write(toFile: path, atomically: true, encoding: .utf8)
            var options = try BrokerOptions(contentsOfFile: path)
            #expect(options["num.partitions"] == "2" && options["log.dirs"] == directory + "/data")
            options["num.partitions"] = "3"
            options["auto.create.topics.enable"] = nil
            let broker = try Broker(configuration: options)
            try await broker.start()
            let client = try await client(of: broker)
            let metadata = try await client.call(MetadataRequest(topics: [.init(name: "auto")]), version: 9)
            #expect(metadata.topics.map(\.partitions.count) == [3])
            await broker.shutdown()
            #expect(throws: BrokerError.configuration("\(directory)/missing: no such file")) {
                _ = try BrokerOptions(contentsOfFile: directory + "/missing")
            }
        }
    }

    // MARK: Service

    private func group(_ broker: Broker) -> ServiceGroup {
        ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: broker)], logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
    }

    private func waitUntilServing(_ broker: Broker) async throws {
        for _ in 0..<2_000 where broker.boundAddresses.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
        #expect(!broker.boundAddresses.isEmpty)
    }

    @Test func `a service group stops it gracefully`() async throws {
        let broker = try Broker.inMemory()
        let group = group(broker)
        async let running: Void = group.run()
        try await waitUntilServing(broker)
        #expect(try await client(of: broker).produce("a", to: "t") == 0)
        await group.triggerGracefulShutdown()
        try await running
        #expect(broker.boundAddresses.isEmpty && broker.failureReason == nil)
    }

    @Test func `cancelling the task stops it`() async throws {
        let broker = try Broker.inMemory()
        let task = Task { try await broker.run() }
        try await waitUntilServing(broker)
        task.cancel()
        try await task.value
        #expect(broker.boundAddresses.isEmpty)
    }

    @Test func `a task that is cancelled before it runs leaves nothing running`() async throws {
        let broker = try Broker.inMemory()
        let task = Task { try await broker.run() }
        task.cancel()
        try await task.value
        #expect(broker.boundAddresses.isEmpty)
    }

    @Test func `a start that fails ends the group`() async throws {
        let first = try Broker.inMemory()
        try await first.start()
        let address = try #require(first.boundAddresses["PLAINTEXT"])
        let second = try Broker.inMemory(["listeners": "PLAINTEXT://\(address)"])
        await #expect(throws: BrokerError.self) { try await group(second).run() }
        await first.shutdown()
    }

    @Test func `a broker that fails ends the group with its reason`() async throws {
        try await withDirectory { directory in
            let broker = try Broker(
                configuration: options(directory, ["replica.high.watermark.checkpoint.interval.ms": "50"]))
            let group = group(broker)
            let running = Task { try await group.run() }
            try await waitUntilServing(broker)
            let client = try await client(of: broker)
            #expect(try await client.produce("a", to: "t") == 0)
            // The next checkpoint finds that its directory is no directory any more.
            let path = directory + "/replication-offset-checkpoint"
            try? FileManager.default.removeItem(atPath: path)
            try? FileManager.default.removeItem(atPath: path + ".tmp")
            try FileManager.default.createDirectory(atPath: path + ".tmp/x", withIntermediateDirectories: true)
            for _ in 0..<1_000 where broker.failureReason == nil {
                _ = try? await client.produce("b", to: "t")
                try await Task.sleep(for: .milliseconds(5))
            }
            await #expect(throws: BrokerError.failed("all log directories have failed")) { try await running.value }
            #expect(broker.failureReason == "all log directories have failed")
        }
    }
}
