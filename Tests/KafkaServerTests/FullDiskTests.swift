// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaRuntime
import KafkaSimulator
import Testing

@testable import KafkaServer

/// A disk without space: writes are refused with an error that clients try again after, and nothing else happens.
@Suite struct FullDiskTests {
    private static let value = String(repeating: "x", count: 100_000)

    private func produce(_ broker: TestBroker, _ topic: String = "t") throws -> ErrorCode {
        let batch = try Batches.batch([Self.value], timestamp: broker.now)
        return ErrorCode(try broker.produce(batch, to: topic, version: 9).errorCode)
    }

    /// Produces until there is no space; returns how many records were taken.
    private func fill(_ broker: TestBroker, spare: Int64) throws -> Int {
        broker.files.setCapacity(broker.files.usedBytes + spare)
        var taken = 0
        while true {
            let code = try produce(broker)
            guard code == .none else {
                #expect(code == .kafkaStorageError)
                return taken
            }
            taken += 1
            try #require(taken < 1_000)
        }
    }

    private func count(_ broker: TestBroker, _ topic: String = "t") throws -> Int {
        var next: Int64 = 0
        while true {
            let found = try broker.records(of: topic, from: next).count
            if found == 0 { return Int(next) }
            next += Int64(found)
        }
    }

    @Test(arguments: [
        [:], ["flush.messages": "1"], ["segment.bytes": "1048576"],
        ["segment.bytes": "1048576", "flush.messages": "1"],
    ])
    func `producers are refused until there is space, readers and what was acknowledged are not harmed`(
        configs: [String: String]
    ) throws {
        let broker = try TestBroker()
        try broker.createTopic("t", configs)
        #expect(try produce(broker) == .none)
        let taken = try fill(broker, spare: 2_500_000) + 1
        #expect(taken > 15)
        for _ in 0..<3 { #expect(try produce(broker) == .kafkaStorageError) }
        #expect(try count(broker) == taken)
        // Checkpoints and everything else that is due in the background meets the full disk, too.
        try broker.world.advance(by: 400_000)
        #expect(broker.fatal == [])
        #expect(try count(broker) == taken)
        broker.files.setCapacity(nil)
        #expect(try produce(broker) == .none)
        #expect(try count(broker) == taken + 1)
        try broker.crash(.process)
        #expect(try count(broker) == taken + 1)
    }

    @Test func `a full disk takes no directory out of service`() throws {
        let broker = try TestBroker(["log.dirs": "/a,/b", "metadata.log.dir": "/meta"])
        try broker.createTopic("t")
        _ = try fill(broker, spare: 500_000)
        try broker.world.advance(by: 100_000)
        let described = try broker.call(DescribeLogDirsRequest(topics: nil), version: 4)
        #expect(described.results.map(\.errorCode) == [0, 0])
        #expect(described.results[0].usableBytes < 200_000)
    }

    @Test func `a partition that could not be made for want of space is made when there is some`() throws {
        let broker = try TestBroker()
        broker.files.setFault { _, _, path in path.hasPrefix("/data/t-0") ? .noSpace : nil }
        try broker.createTopic("t")
        #expect(try produce(broker) == .kafkaStorageError)
        broker.files.setFault(nil)
        try broker.world.advance(by: 10_000)
        #expect(try produce(broker) == .none)
        #expect(try count(broker) == 1)
    }

    @Test func `a stop on a full disk is survived`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t", ["segment.bytes": "1048576"])
        let taken = try fill(broker, spare: 1_500_000)
        broker.files.setCapacity(0)
        try broker.shutdown()
        broker.files.setCapacity(nil)
        try broker.replaceNode()
        try broker.start()
        #expect(try count(broker) == taken)
        #expect(try produce(broker) == .none)
    }
}
