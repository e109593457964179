// SPDX-License-Identifier: Apache-2.0
import DispatchRuntime
import Foundation
import KafkaRuntime
import Synchronization

/// Cuts the stream into frames (a length of four bytes, then the payload) and gives each to a closure.
final class FrameHandler: ConnectionHandler, @unchecked Sendable {
    // Guard: the connection's queue.
    typealias Body = @Sendable (FrameHandler, [UInt8]) -> Void

    let connection: any Connection
    private let body: Body
    private let log: EventLog
    var isPaused = false
    var onDrained: (() -> Void)?

    init(_ connection: any Connection, log: EventLog, body: @escaping Body) {
        self.connection = connection
        self.log = log
        self.body = body
    }

    func received(_ bytes: UnsafeMutableRawBufferPointer) -> Consumption {
        log.noteShown(bytes.count)
        var used = 0
        while bytes.count - used >= 4, !isPaused {
            let size = Int(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: used, as: UInt32.self)))
            guard bytes.count - used >= 4 + size else { return Consumption(consumed: used, needed: 4 + size) }
            body(self, Array(bytes[(used + 4)..<(used + 4 + size)]))
            used += 4 + size
        }
        return Consumption(consumed: used, needed: isPaused || used == bytes.count ? 0 : 4)
    }

    func drained() {
        log.noteDrained()
        onDrained?()
    }

    func closed(_ reason: CloseReason) { log.noteClosed(reason) }

    /// As for a request that waits for something: the rest of the input has to wait behind it.
    func pause(milliseconds: Int64) {
        isPaused = true
        connection.pauseReading()
        connection.queue.schedule(after: milliseconds) { [self] in
            isPaused = false
            connection.resumeReading()
        }
    }

    func reply(_ payload: [UInt8]) {
        frame(payload).withUnsafeBytes { connection.send($0) }
    }
}

/// What happened to the handlers of one server.
final class EventLog: Sendable {
    private struct State {
        var shown = 0
        var largestShown = 0
        var drained = 0
        var closed: [CloseReason] = []
    }

    private let state = Mutex(State())
    private let changed = DispatchSemaphore(value: 0)

    func noteShown(_ count: Int) {
        state.withLock {
            $0.shown += 1
            $0.largestShown = max($0.largestShown, count)
        }
    }

    func noteDrained() { state.withLock { $0.drained += 1 } }

    func noteClosed(_ reason: CloseReason) {
        state.withLock { $0.closed.append(reason) }
        changed.signal()
    }

    var shown: Int { state.withLock { $0.shown } }
    var largestShown: Int { state.withLock { $0.largestShown } }
    var drained: Int { state.withLock { $0.drained } }

    /// The reasons of the first `count` closed connections, or fewer after ten seconds.
    func waitForClosed(_ count: Int) -> [CloseReason] {
        for _ in 0..<count where changed.wait(timeout: .now() + 10) == .timedOut { break }
        return state.withLock { $0.closed }
    }
}

/// A runtime with one listener whose connections run `body` for each frame.
final class TestServer {
    static let blockingThreads = 2

    let runtime: Runtime
    let listener: any Listener
    let log = EventLog()

    init(reactors: Int = 1, options: ListenOptions = ListenOptions(), body: @escaping FrameHandler.Body) throws {
        runtime = try DispatchRuntime.makeRuntime(reactorCount: reactors, blockingThreads: Self.blockingThreads)
        let log = self.log
        var options = options
        // Clients that come in a burst must not wait for a second SYN.
        options.backlog = 2_048
        listener = try runtime.network.listen(on: SocketAddress(host: "127.0.0.1", port: 0), options: options) {
            FrameHandler($0, log: log, body: body)
        }
    }

    deinit { listener.close() }

    func client(receiveBuffer: Int32? = nil) throws -> TestClient {
        try TestClient(port: listener.boundAddress.port, receiveBuffer: receiveBuffer)
    }

    static func echo(reactors: Int = 1, options: ListenOptions = ListenOptions()) throws -> TestServer {
        try TestServer(reactors: reactors, options: options) { handler, payload in handler.reply(payload) }
    }
}

/// Runs `body` on the queue and waits for it.
func onQueue<R: Sendable>(_ queue: any SerialQueue, _ body: @escaping @Sendable () -> R) -> R {
    let result = Mutex<R?>(nil)
    let done = DispatchSemaphore(value: 0)
    queue.async {
        let value = body()
        result.withLock { $0 = value }
        done.signal()
    }
    done.wait()
    return result.withLock { $0! }
}
