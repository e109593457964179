// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime

/// One attempt to connect: resolves, knocks, and makes the two ends. Over a cut link it knocks again every second until
/// the time is up.
///
/// `@unchecked Sendable`: only touched by the thread that steps the simulation.
final class ConnectAttempt: @unchecked Sendable {
    private static let retryNanoseconds: Int64 = 1_000_000_000

    private let address: SocketAddress
    private let host: SimulatedHost
    private let queue: SimulatedQueue
    private let options: ListenOptions
    private let fabric: NetworkFabric
    private let completion: @Sendable (Result<any Connection, NetworkError>) -> (any ConnectionHandler)?
    private let subject: TraceSubject
    private let deadline: Int64

    init(
        address: SocketAddress, host: SimulatedHost, queue: SimulatedQueue, options: ListenOptions,
        fabric: NetworkFabric,
        completion: @escaping @Sendable (Result<any Connection, NetworkError>) -> (any ConnectionHandler)?
    ) {
        self.address = address
        self.host = host
        self.queue = queue
        self.options = options
        self.fabric = fabric
        self.completion = completion
        subject = TraceSubject("\(host.name)→\(address)")
        deadline = fabric.loop.now + options.connectTimeout * 1_000_000
    }

    func begin() {
        guard let target = fabric.resolve(address.host, on: host.name) else {
            return fail(NetworkError("no host is named \(address.host)"))
        }
        knock(Link(from: host.name, to: target))
    }

    private func knock(_ link: Link) {
        fabric.after(link, .connect, subject) { [self] in
            guard !queue.life.isOver else { return }
            guard !fabric.isCut(link) else { return retry { self.knock(link) } }
            guard let listener = fabric.listener(host: link.to, port: address.port) else {
                return fabric.after(link.reversed, .connect, subject) { [self] in
                    fail(NetworkError("connecting to \(address) was refused", code: 111))
                }
            }
            guard !listener.isFull else { return retry { self.knock(link) } }
            establish(link, listener)
        }
    }

    /// Runs `again` in a second, or fails the attempt when that would be too late.
    private func retry(_ again: @escaping @Sendable () -> Void) {
        let next = fabric.loop.now + Self.retryNanoseconds
        if next <= deadline {
            fabric.at(next, .connect, subject, again)
        } else {
            fabric.at(max(deadline, fabric.loop.now), .connect, subject) { [self] in
                fail(NetworkError("connecting to \(address) timed out", code: 110))
            }
        }
    }

    private func fail(_ error: NetworkError) {
        queue.async { [self] in _ = completion(.failure(error)) }
    }

    private func establish(_ link: Link, _ listener: SimulatedListener) {
        let isLoopback = link.from == link.to
        let far = SocketAddress(host: isLoopback ? "127.0.0.1" : listener.host.address, port: address.port)
        let port: UInt16
        do throws(NetworkError) { port = try fabric.freePort(link.from) } catch { return fail(error) }
        let near = SocketAddress(host: isLoopback ? "127.0.0.1" : host.address, port: port)
        let forth = makePipe(
            "\(link.from):\(port)→\(link.to):\(address.port)", link,
            window: fabric.drawWindow(options.sendBufferBytes, listener.options.receiveBufferBytes))
        let back = makePipe(
            "\(link.to):\(address.port)→\(link.from):\(port)", link.reversed,
            window: fabric.drawWindow(listener.options.sendBufferBytes, options.receiveBufferBytes))
        let server = SimulatedConnection(
            queue: listener.life.takeReactor(), local: far, remote: near, inbound: forth, outbound: back,
            idleTimeout: listener.options.idleTimeout, fabric: fabric)
        let client = SimulatedConnection(
            queue: queue, local: near, remote: far, inbound: back, outbound: forth,
            idleTimeout: options.idleTimeout, fabric: fabric)
        let answered = fabric.drawArrival()
        forth.attach(sender: client, receiver: server, notBefore: answered)
        back.attach(sender: server, receiver: client, notBefore: answered)
        listener.offer(server)
        fabric.at(answered, .connect, subject) { [self] in answer(client, link) }
    }

    private func makePipe(_ name: String, _ link: Link, window: Int) -> SimulatedPipe {
        let pipe = SimulatedPipe(id: fabric.takeID(), name: name, link: link, window: window, fabric: fabric)
        fabric.add(pipe)
        return pipe
    }

    /// The listener's answer reaches the client.
    private func answer(_ client: SimulatedConnection, _ link: Link) {
        guard !queue.life.isOver else { return }
        if fabric.isCut(link.reversed) {
            if fabric.loop.now + Self.retryNanoseconds > deadline { client.abandon() }
            return retry { self.answer(client, link) }
        }
        client.open { [completion] in completion(.success($0)) }
    }
}
