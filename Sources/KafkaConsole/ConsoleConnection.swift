// SPDX-License-Identifier: Apache-2.0
internal import KafkaRuntime

/// One HTTP connection: requests are answered one after the other.
///
/// Confined to the connection's reactor (`queue`), which is what makes it `@unchecked Sendable`.
final class ConsoleConnection: ConnectionHandler, @unchecked Sendable {
    let queue: any SerialQueue
    let id: UInt64
    private let connection: any Connection
    private let console: ConsoleListener
    private var isAnswering = false
    private var isClosed = false
    private var deadline: TimerToken?

    init(_ connection: any Connection, console: ConsoleListener) {
        self.connection = connection
        self.console = console
        queue = connection.queue
        id = connection.id
    }

    func begin() { startClock() }

    func close() { connection.close() }

    /// Gives the client its time for the next request, or for taking the answer.
    private func startClock() {
        if let deadline { queue.cancel(deadline) }
        deadline = queue.schedule(after: ConsoleListener.patience) { [weak self] in self?.connection.close() }
    }

    // MARK: ConnectionHandler

    func received(_ bytes: UnsafeMutableRawBufferPointer) -> Consumption {
        var used = 0
        while !isAnswering, !isClosed {
            switch HTTPRequest.parse(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[used...])) {
            case .incomplete: return Consumption(consumed: used)
            case .refused(let status):
                send(HTTPResponse(status), .get, keepsAlive: false)
                return Consumption(consumed: bytes.count)
            case .request(let request, let count):
                used += count
                answer(request)
            }
        }
        return Consumption(consumed: isClosed ? bytes.count : used)
    }

    func drained() {}

    func closed(_ reason: CloseReason) {
        isClosed = true
        if let deadline { queue.cancel(deadline) }
        console.closed(self)
    }

    // MARK: Answers

    private func answer(_ request: HTTPRequest) {
        guard request.method != .other else {
            return send(HTTPResponse(.methodNotAllowed), .get, keepsAlive: request.keepsAlive)
        }
        isAnswering = true
        connection.pauseReading()
        console.respond(to: request.path) { [self] response in
            // A client may send many requests at once; none is answered inside the handling of another.
            queue.async { [self] in finish(response, request) }
        }
    }

    private func finish(_ response: HTTPResponse, _ request: HTTPRequest) {
        guard !isClosed else { return }
        isAnswering = false
        send(response, request.method, keepsAlive: request.keepsAlive)
        if !isClosed { connection.resumeReading() }
    }

    private func send(_ response: HTTPResponse, _ method: HTTPRequest.Method, keepsAlive: Bool) {
        startClock()
        response.encoded(method, keepsAlive: keepsAlive).withUnsafeBytes { connection.send($0) }
        guard !keepsAlive else { return }
        isClosed = true
        connection.closeAfterSending()
    }
}
