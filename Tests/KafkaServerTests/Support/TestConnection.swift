// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaRuntime
import KafkaSimulator

/// A client's end of a connection to a broker in the simulation: writes requests in any version, reads the frames that
/// come back.
///
/// Single-threaded, as the simulation is. Frames stay in memory as long as the connection does, because the records of a
/// decoded answer point into them.
final class TestConnection: ConnectionHandler, @unchecked Sendable {
    enum Failure: Error, Equatable {
        case notConnected(String)
        case closed(CloseReason)
        case noAnswer
        case wrongCorrelationID(Int32, expected: Int32)
    }

    let world: SimulatedRuntime
    private var connection: (any Connection)?
    private(set) var refusal: NetworkError?
    private(set) var closeReason: CloseReason?
    private(set) var frames: [UnsafeMutableRawBufferPointer] = []
    private var taken = 0
    private var lastCorrelationID: Int32 = 0
    private var closesAtOnce = false
    var clientID: String? = "test"

    /// Begins to connect; the connection is there once the simulation has run.
    init(
        _ world: SimulatedRuntime, from host: String = "client", to address: SocketAddress,
        options: ListenOptions = ListenOptions()
    ) {
        self.world = world
        let runtime = world.host(host).runtime
        runtime.network.connect(to: address, on: runtime.network.reactors[0], options: options) { result in
            switch result {
            case .failure(let error):
                self.refusal = error
                return nil
            case .success(let connection):
                self.connection = connection
                if self.closesAtOnce { connection.close() }
                return self
            }
        }
    }

    deinit { for frame in frames { frame.deallocate() } }

    var isClosed: Bool { closeReason != nil || refusal != nil }
    var isConnected: Bool { connection != nil && !isClosed }
    /// Answers that have come and were not taken.
    var waitingAnswers: Int { frames.count - taken }

    // MARK: Sending

    func send(_ bytes: [UInt8]) throws {
        if connection == nil { _ = try world.run(within: 60_000) { self.connection != nil || self.isClosed } }
        guard let connection else { throw Failure.notConnected("\(refusal.map { "\($0)" } ?? "no answer")") }
        connection.queue.async { bytes.withUnsafeBytes { connection.send($0) } }
    }

    static func frame<Request: RequestMessage>(
        _ request: Request, version: Int16, correlationID: Int32, clientID: String? = "test"
    ) throws -> [UInt8] {
        var writer = ByteWriter()
        try Frame.write(request, version: version, correlationID: correlationID, clientID: clientID, into: &writer)
        return writer.toArray()
    }

    /// Sends a request and returns its correlation id.
    @discardableResult
    func send<Request: RequestMessage>(_ request: Request, version: Int16) throws -> Int32 {
        lastCorrelationID += 1
        try send(try Self.frame(request, version: version, correlationID: lastCorrelationID, clientID: clientID))
        return lastCorrelationID
    }

    func pauseReading() throws {
        let connection = try require()
        connection.queue.async { connection.pauseReading() }
    }

    func resumeReading() throws {
        let connection = try require()
        connection.queue.async { connection.resumeReading() }
    }

    func close() {
        closesAtOnce = true
        if let connection, closeReason == nil { connection.queue.async { connection.close() } }
    }

    private func require() throws -> any Connection {
        if connection == nil { _ = try world.run(within: 60_000) { self.connection != nil || self.isClosed } }
        guard let connection else { throw Failure.notConnected("\(String(describing: refusal))") }
        return connection
    }

    // MARK: Receiving

    /// The next answer's bytes behind the length; runs the simulation until they are there.
    func receive(within milliseconds: Int64 = 60_000) throws -> UnsafeRawBufferPointer {
        _ = try world.run(within: milliseconds) { self.frames.count > self.taken || self.isClosed }
        guard frames.count > taken else {
            if let closeReason { throw Failure.closed(closeReason) }
            throw Failure.noAnswer
        }
        defer { taken += 1 }
        return UnsafeRawBufferPointer(frames[taken])
    }

    static func decode<Response: ResponseMessage>(
        _ frame: UnsafeRawBufferPointer, _ type: Response.Type, version: Int16
    ) throws -> (response: Response, correlationID: Int32) {
        var reader = ByteReader(frame)
        let header = try ResponseHeader(
            from: &reader, version: ResponseHeader.headerVersion(apiKey: Response.apiKey, version: version))
        let response = try Response(from: &reader, version: version)
        try reader.expectEnd()
        return (response, header.correlationID)
    }

    func receive<Response: ResponseMessage>(
        _ type: Response.Type, version: Int16, correlationID: Int32, within milliseconds: Int64 = 60_000
    ) throws -> Response {
        let (response, answered) = try Self.decode(try receive(within: milliseconds), type, version: version)
        guard answered == correlationID else {
            throw Failure.wrongCorrelationID(answered, expected: correlationID)
        }
        return response
    }

    /// Sends a request and waits for its answer.
    func call<Request: RequestMessage>(
        _ request: Request, version: Int16, within milliseconds: Int64 = 60_000
    ) throws -> Request.Response {
        let id = try send(request, version: version)
        return try receive(Request.Response.self, version: version, correlationID: id, within: milliseconds)
    }

    /// Runs until the other side has closed; false when it does not within the time.
    func waitForClose(within milliseconds: Int64 = 60_000) throws -> Bool {
        try world.run(within: milliseconds) { self.isClosed }
    }

    // MARK: ConnectionHandler

    func received(_ bytes: UnsafeMutableRawBufferPointer) -> Consumption {
        var used = 0
        while bytes.count - used >= 4 {
            let length = Int(
                Int32(bigEndian: UnsafeRawBufferPointer(bytes).loadUnaligned(fromByteOffset: used, as: Int32.self)))
            guard bytes.count - used >= 4 + length else { return Consumption(consumed: used, needed: 4 + length) }
            let frame = UnsafeMutableRawBufferPointer.allocate(byteCount: length, alignment: 8)
            frame.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[(used + 4)..<(used + 4 + length)]))
            frames.append(frame)
            used += 4 + length
        }
        return Consumption(consumed: used, needed: used == bytes.count ? 0 : 4)
    }

    func drained() {}

    func closed(_ reason: CloseReason) { closeReason = reason }
}
