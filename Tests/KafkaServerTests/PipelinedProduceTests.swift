// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaRuntime
import KafkaServer
import KafkaSimulator
import Synchronization
import Testing

/// Produce requests that come together are written together, and answered only then.
@Suite struct PipelinedProduceTests {
    private final class WriteCount: Sendable {
        private let value = Mutex(0)
        var count: Int { value.withLock { $0 } }
        func add() { value.withLock { $0 += 1 } }
    }

    private func produce(_ values: [String], _ id: Int32, _ broker: TestBroker) throws -> [UInt8] {
        try TestConnection.frame(
            Requests.produce(try Batches.batch(values, timestamp: broker.now), to: "t"), version: 9, correlationID: id)
    }

    private func correlationIDs(_ connection: TestConnection) -> [Int32] {
        connection.frames.map { Int32(bigEndian: UnsafeRawBufferPointer($0).loadUnaligned(as: Int32.self)) }
    }

    @Test func `what comes together goes to the file in one write, and a fetch behind it sees it`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        let connection = broker.connect()
        let writes = WriteCount()
        broker.files.setFault { _, operation, path in
            if operation == .write, path.hasSuffix("/t-0/00000000000000000000.log") { writes.add() }
            return nil
        }
        try connection.send(
            try produce(["a"], 1, broker) + produce(["b", "c"], 2, broker) + produce(["d"], 3, broker)
                + TestConnection.frame(Requests.fetch("t", from: 0, maxWait: 60_000), version: 12, correlationID: 4)
                + produce(["e"], 5, broker))
        try broker.world.advance(by: 100)
        broker.files.setFault(nil)
        #expect(correlationIDs(connection) == [1, 2, 3, 4, 5])
        #expect(writes.count == 2)
        #expect(try broker.records(of: "t") == ["0=a", "1=b", "2=c", "3=d", "4=e"])
    }

    @Test(arguments: [FileError.Kind.noSpace, .inputOutput])
    func `when they cannot be written none is acknowledged or shown`(kind: FileError.Kind) throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        #expect(try broker.produce(["kept"], to: "t") == 0)
        let connection = broker.connect()
        let watcher = broker.connect()
        try watcher.send(
            try TestConnection.frame(Requests.fetch("t", from: 1, maxWait: 200), version: 12, correlationID: 9))
        try broker.world.advance(by: 10)
        broker.files.setFault { _, operation, path in
            operation == .write && path.hasSuffix("/t-0/00000000000000000000.log") ? kind : nil
        }
        try connection.send(try produce(["a"], 1, broker) + produce(["b"], 2, broker) + produce(["c"], 3, broker))
        #expect(try connection.waitForClose(within: 5_000))
        #expect(connection.frames.isEmpty)
        broker.files.setFault(nil)
        guard kind == .noSpace else { return }
        // Room again: offsets go on where the acknowledged records end.
        #expect(try broker.produce(["d"], to: "t") == 1)
        #expect(try broker.records(of: "t") == ["0=kept", "1=d"])
    }

    @Test func `batches stay whole turn after turn`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        let connection = broker.connect()
        var expected: [String] = []
        for turn in 0..<5 {
            var bytes: [UInt8] = []
            for place in 0..<5 {
                // Small ones are copied, large ones written at once, all others from where they lie.
                let size = [10, 700, 5_000, 16_000, 40_000][(turn + place) % 5]
                let value = "\(turn).\(place)" + String(repeating: "\(place)", count: size)
                expected.append("\(expected.count)=\(value)")
                bytes += try produce([value], Int32(expected.count), broker)
            }
            try connection.send(bytes)
            try broker.world.advance(by: 100)
        }
        #expect(correlationIDs(connection) == (1...25).map { Int32($0) })
        #expect(try broker.records(of: "t") == expected)
    }

    @Test func `what came before a malformed request is written`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        let values = ["a", "b"].map { String(repeating: $0, count: 800) }
        let connection = broker.connect()
        try connection.send(
            try produce([values[0]], 1, broker) + produce([values[1]], 2, broker) + [0, 0, 0, 3, 1, 2, 3])
        #expect(try connection.waitForClose(within: 5_000))
        #expect(correlationIDs(connection) == [1, 2])
        #expect(try broker.records(of: "t") == ["0=" + values[0], "1=" + values[1]])
    }
}
