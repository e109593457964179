// SPDX-License-Identifier: Apache-2.0
import DispatchRuntime
import Foundation
import KafkaRuntime
import Synchronization
import Testing

@Suite struct SocketListenerTests {
    private let runtime: Runtime
    private let log = EventLog()

    init() throws { runtime = try DispatchRuntime.makeRuntime(reactorCount: 2, blockingThreads: 1) }

    private func listen(_ host: String, _ port: UInt16 = 0) throws -> any Listener {
        let log = self.log
        return try runtime.network.listen(on: SocketAddress(host: host, port: port), options: ListenOptions()) {
            FrameHandler($0, log: log) { handler, payload in handler.reply(payload) }
        }
    }

    private func message(_ host: String, _ port: UInt16) -> String? {
        do {
            try listen(host, port).close()
            return nil
        } catch { return (error as? NetworkError)?.message }
    }

    /// Connects by the network under test, sends a frame and waits for its echo.
    private func echo(to host: String, _ port: UInt16) -> Result<[UInt8], NetworkError> {
        final class Caller: ConnectionHandler {
            let answer: @Sendable ([UInt8]) -> Void
            let connection: any Connection
            init(_ connection: any Connection, _ answer: @escaping @Sendable ([UInt8]) -> Void) {
                self.connection = connection
                self.answer = answer
            }
            func received(_ bytes: UnsafeMutableRawBufferPointer) -> Consumption {
                guard bytes.count >= 7 else { return Consumption(consumed: 0, needed: 7) }
                answer(Array(bytes))
                connection.close()
                return Consumption(consumed: bytes.count)
            }
            func drained() {}
            func closed(_ reason: CloseReason) {}
        }
        let result = Mutex<Result<[UInt8], NetworkError>?>(nil)
        let done = DispatchSemaphore(value: 0)
        let reactor = runtime.network.reactors[1]
        runtime.network.connect(
            to: SocketAddress(host: host, port: port), on: reactor, options: ListenOptions()
        ) { outcome in
            #expect(reactor.isCurrent)
            switch outcome {
            case .failure(let error):
                result.withLock { $0 = .failure(error) }
                done.signal()
                return nil
            case .success(let connection):
                frame([1, 2, 3]).withUnsafeBytes { connection.send($0) }
                return Caller(connection) { bytes in
                    result.withLock { $0 = .success(bytes) }
                    done.signal()
                }
            }
        }
        guard done.wait(timeout: .now() + 10) == .success else { return .failure(NetworkError("no answer")) }
        return result.withLock { $0! }
    }

    @Test(arguments: [
        ("", "127.0.0.1"), ("", "::1"), ("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("localhost", "localhost"),
        ("0.0.0.0", "127.0.0.1"), ("::", "127.0.0.1"),
    ])
    func `a listener is reached through its addresses, on the port it got`(host: String, client: String) throws {
        let listener = try listen(host)
        defer { listener.close() }
        #expect(listener.boundAddress.port != 0)
        #expect(listener.boundAddress.host == host)
        #expect(echo(to: client, listener.boundAddress.port) == .success(frame([1, 2, 3])))
    }

    @Test func `an address in use, a foreign one and an unknown name are refused with the reason`() throws {
        let listener = try listen("127.0.0.1")
        defer { listener.close() }
        let port = listener.boundAddress.port
        #expect(
            message("127.0.0.1", port)
                == "cannot listen on 127.0.0.1:\(port): another socket listens on this address already")
        #expect(message("192.0.2.1", 0) == "cannot listen on 192.0.2.1:0: no network interface has this address")
        #expect(message("no-such-host.invalid", 0)?.hasPrefix("cannot resolve no-such-host.invalid: ") == true)
    }

    @Test func `a closed listener's port is free at once, and its connections stay`() throws {
        let first = try listen("127.0.0.1")
        let port = first.boundAddress.port
        let client = try TestClient(port: port)
        try client.sendFrame([1])
        #expect(try client.receiveFrame() == [1])
        first.close()
        first.close()
        #expect(throws: TestClient.Failure.self) { try TestClient(port: port) }
        let second = try listen("127.0.0.1", port)
        try client.sendFrame([2])
        #expect(try client.receiveFrame() == [2])
        second.close()
    }

    @Test func `connecting to a port without a listener fails with the reason`() throws {
        let listener = try listen("127.0.0.1")
        let port = listener.boundAddress.port
        listener.close()
        guard case .failure(let error) = echo(to: "127.0.0.1", port) else {
            Issue.record("nobody listens there")
            return
        }
        #expect(error.code == ECONNREFUSED)
        #expect(error.message.hasPrefix("cannot connect to 127.0.0.1:\(port): "))
    }

    @Test func `connections are spread over the reactors`() throws {
        let used = Mutex<[String: Int]>([:])
        let listener = try runtime.network.listen(
            on: SocketAddress(host: "127.0.0.1", port: 0), options: ListenOptions()
        ) { connection in
            used.withLock { $0[connection.queue.label, default: 0] += 1 }
            return FrameHandler(connection, log: EventLog()) { handler, payload in handler.reply(payload) }
        }
        defer { listener.close() }
        let clients = try (0..<10).map { _ in try TestClient(port: listener.boundAddress.port) }
        for client in clients {
            try client.sendFrame([1])
            _ = try client.receiveFrame()
        }
        used.withLock { #expect($0.values.sorted() == [5, 5]) }
    }

    @Test func `a connection without a handler is closed at once`() throws {
        let listener = try runtime.network.listen(
            on: SocketAddress(host: "127.0.0.1", port: 0), options: ListenOptions()
        ) { _ in nil }
        defer { listener.close() }
        #expect(try TestClient(port: listener.boundAddress.port).isClosedByPeer())
    }
}
