// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaReplication
import KafkaRuntime
import KafkaServer
import KafkaSimulator
import Testing

/// Framing, order of answers, flow control and the end of connections.
@Suite struct RequestConnectionTests {
    private func api(_ id: Int32) throws -> [UInt8] {
        try TestConnection.frame(ApiVersionsRequest(), version: 0, correlationID: id)
    }

    private func correlationID(_ frame: UnsafeRawBufferPointer) -> Int32 {
        Int32(bigEndian: frame.loadUnaligned(as: Int32.self))
    }

    // MARK: Order

    @Test func `answers leave in the order of the requests`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        let connection = broker.connect()
        // A fetch that waits in between.
        try connection.send(
            try api(1)
                + TestConnection.frame(Requests.fetch("t", maxWait: 200), version: 12, correlationID: 2)
                + api(3)
                + TestConnection.frame(
                    CreateTopicsRequest(topics: [.init(name: "u", numPartitions: 1, replicationFactor: 1)]), version: 7,
                    correlationID: 4)
                + api(5))
        try broker.world.advance(by: 100)
        #expect(connection.frames.count == 1)
        try broker.world.advance(by: 200)
        #expect(connection.frames.map { correlationID(UnsafeRawBufferPointer($0)) } == [1, 2, 3, 4, 5])
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8] as [UInt64])
    func `answers keep their order whatever the network does`(seed: UInt64) throws {
        let broker = try TestBroker(seed: seed, options: .drawn(seed: seed))
        try broker.createTopic("t")
        let connection = broker.connect()
        var bytes: [UInt8] = []
        let count: Int32 = 60
        for id in 1...count {
            switch id % 4 {
            case 0: bytes += try api(id)
            case 1:
                bytes += try TestConnection.frame(
                    Requests.produce(try Batches.batch(["\(id)"], timestamp: broker.now), to: "t"), version: 9,
                    correlationID: id)
            case 2:
                bytes += try TestConnection.frame(
                    Requests.fetch("t", from: 0, maxWait: 5), version: 12, correlationID: id)
            default:
                bytes += try TestConnection.frame(
                    InitProducerIdRequest(transactionalID: nil), version: 4, correlationID: id)
            }
        }
        try connection.send(bytes)
        let finished = try broker.world.run(within: 600_000) { connection.frames.count == count || connection.isClosed }
        #expect(finished)
        #expect(connection.frames.map { correlationID(UnsafeRawBufferPointer($0)) } == Array(1...count))
        #expect(broker.log.complaints == [])
    }

    @Test func `a request in single bytes is a request`() throws {
        var options = SimulationOptions.immediate
        options.pieceBytes = 1...1
        options.readBytes = 1
        let broker = try TestBroker(options: options)
        try broker.createTopic("t")
        #expect(try broker.produce(["a", "b"], to: "t") == 0)
        #expect(try broker.records(of: "t") == ["0=a", "1=b"])
    }

    // MARK: Flow

    @Test func `a client that does not read is not read from`() throws {
        var options = SimulationOptions.immediate
        options.windowBytes = 65_536...65_536
        let broker = try TestBroker(options: options)
        try broker.createTopic("t")
        try broker.produce([String(repeating: "x", count: 900_000)], to: "t")
        let connection = broker.connect()
        try connection.send(try api(1))
        _ = try connection.receive()
        try connection.pauseReading()
        let count: Int32 = 200
        for id in 2...count {
            try connection.send(
                TestConnection.frame(
                    Requests.fetch("t"), version: 12, correlationID: id, clientID: String(repeating: "c", count: 2_000))
            )
        }
        try broker.world.advance(by: 2_000)
        #expect(connection.frames.count == 1)
        // Others are served meanwhile.
        #expect(try broker.records(of: "t").count == 1)
        try connection.resumeReading()
        let finished = try broker.world.run(within: 60_000) { connection.frames.count == count }
        #expect(finished)
        #expect(connection.frames.map { correlationID(UnsafeRawBufferPointer($0)) } == Array(1...count))
    }

    // MARK: What ends a connection

    @Test(arguments: [0, 1, 9, -1, .min, 104_857_601, .max] as [Int32])
    func `lengths outside the limits end it`(length: Int32) throws {
        let broker = try TestBroker()
        let connection = broker.connect()
        var writer = ByteWriter()
        writer.writeInt32(length)
        writer.write([UInt8](repeating: 0, count: 16))
        try connection.send(writer.toArray())
        #expect(try connection.waitForClose(within: 5_000))
        #expect(connection.frames.isEmpty)
        #expect(broker.log.contains("closing connection"))
    }

    @Test func `the limit for requests is the configured one`() throws {
        let broker = try TestBroker(["socket.request.max.bytes": "2000"])
        try broker.createTopic("t")
        let small = try Batches.batch([String(repeating: "x", count: 1_000)], timestamp: broker.now)
        #expect(try broker.produce(small, to: "t", version: 9).errorCode == 0)
        let connection = broker.connect()
        let large = try Batches.batch([String(repeating: "x", count: 2_000)], timestamp: broker.now)
        try connection.send(Requests.produce(large, to: "t"), version: 9)
        #expect(try connection.waitForClose(within: 5_000))
        #expect(try broker.records(of: "t").count == 1)
    }

    @Test(arguments: [4, 7, 95, -1, 1_000, Int16.max, Int16.min])
    func `an API that does not exist ends it`(key: Int16) throws {
        try expectClose { writer in
            writer.writeInt16(key)
            writer.writeInt16(0)
            writer.writeInt32(1)
            writer.writeInt16(-1)
        }
    }

    @Test(arguments: [(0, 14), (0, -1), (1, 19), (3, 14), (19, 8), (11, 5), (32, 99)] as [(Int16, Int16)])
    func `a version that is not served ends it`(key: Int16, version: Int16) throws {
        try expectClose { writer in
            writer.writeInt16(key)
            writer.writeInt16(version)
            writer.writeInt32(1)
            writer.writeInt16(-1)
            writer.write([UInt8](repeating: 0, count: 32))
        }
    }

    @Test func `bytes behind a request are passed over`() throws {
        let broker = try TestBroker()
        let connection = broker.connect()
        var content = ByteWriter()
        content.writeInt16(18)
        content.writeInt16(0)
        content.writeInt32(2)
        content.writeInt16(-1)
        content.write([0, 0, 0])
        var frame = ByteWriter()
        frame.writeInt32(Int32(content.count))
        frame.write(content.toArray())
        try connection.send(try api(1) + frame.toArray() + api(3))
        for id in [1, 2, 3] as [Int32] {
            let answer = try connection.receive(within: 5_000)
            #expect(answer.loadUnaligned(as: Int32.self).bigEndian == id)
        }
    }

    @Test func `a client id beyond the frame ends it`() throws {
        try expectClose { writer in
            writer.writeInt16(18)
            writer.writeInt16(0)
            writer.writeInt32(1)
            writer.writeInt16(5)
            writer.write([0, 0, 0, 0])
        }
    }

    @Test func `tagged fields beyond the frame end it`() throws {
        for tail in [[0xFF, 0xFF, 0xFF, 0xFF, 0x0F], [1, 0, 0x80], [1, 0, 9, 1], [2, 0, 0]] as [[UInt8]] {
            try expectClose { writer in
                writer.writeInt16(3)
                writer.writeInt16(9)
                writer.writeInt32(1)
                writer.writeInt16(-1)
                writer.write(tail)
            }
        }
    }

    private func expectClose(_ body: (inout ByteWriter) -> Void) throws {
        let broker = try TestBroker()
        let connection = broker.connect()
        var content = ByteWriter()
        body(&content)
        var frame = ByteWriter()
        frame.writeInt32(Int32(content.count))
        frame.write(content.toArray())
        // What was asked before is answered, what comes behind is not.
        try connection.send(try api(1) + frame.toArray() + api(3))
        #expect(try connection.waitForClose(within: 5_000))
        #expect(connection.frames.count == 1)
        // The broker serves others.
        #expect(try broker.call(ApiVersionsRequest(), version: 0).errorCode == 0)
        #expect(broker.log.complaints == [])
    }

    @Test func `every cut of a request is waited with, and ends with its connection`() throws {
        let broker = try TestBroker()
        let request = try TestConnection.frame(MetadataRequest(topics: nil), version: 12, correlationID: 1)
        for length in 1..<request.count {
            let connection = broker.connect()
            try connection.send(Array(request[..<length]))
            try broker.world.advance(by: 10)
            #expect(connection.frames.isEmpty && !connection.isClosed)
            connection.close()
        }
        try broker.world.advance(by: 2_000)
        #expect(broker.log.complaints == [])
    }

    @Test func `an idle connection is closed`() throws {
        let broker = try TestBroker(["connections.max.idle.ms": "3000"])
        let idle = broker.connect()
        let busy = broker.connect()
        for _ in 0..<4 {
            #expect(try busy.call(ApiVersionsRequest(), version: 0).errorCode == 0)
            try broker.world.advance(by: 1_000)
        }
        #expect(idle.isClosed && !busy.isClosed)
        try broker.world.advance(by: 3_100)
        #expect(busy.isClosed)
        // Below zero is never.
        let patient = try TestBroker(["connections.max.idle.ms": "-1"])
        var options = ListenOptions()
        options.idleTimeout = 0
        let connection = patient.connect(options: options)
        try patient.world.advance(by: 3_600_000)
        #expect(try connection.call(ApiVersionsRequest(), version: 0).errorCode == 0)
    }

    // MARK: Clients that leave

    @Test func `a fetch that waits is forgotten with its client`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        let partition = try #require(broker.node.context?.replicas.topic(name: "t")?.partition(0))
        let connection = broker.connect()
        try connection.send(Requests.fetch("t", maxWait: .max), version: 12)
        try broker.world.advance(by: 10)
        #expect(partition.waiterCount == 1)
        connection.close()
        try broker.world.advance(by: 2_000)
        #expect(partition.waiterCount == 0)
    }
}
