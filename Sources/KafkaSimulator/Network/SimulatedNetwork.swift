// SPDX-License-Identifier: Apache-2.0
import DequeModule
import KafkaRuntime

/// The network as one life of one host sees it.
struct SimulatedNetwork: Network {
    let host: SimulatedHost
    let life: HostLife
    let fabric: NetworkFabric

    var reactors: [any SerialQueue] { life.reactors }

    func setReactorCount(_ count: Int) { life.setReactorCount(count) }

    func listen(
        on address: SocketAddress, options: ListenOptions,
        accept: @escaping @Sendable (any Connection) -> (any ConnectionHandler)?
    ) throws(NetworkError) -> any Listener {
        guard !life.isOver else { throw NetworkError("\(host.name) is down") }
        guard fabric.resolve(address.host, on: host.name) == host.name else {
            throw NetworkError("cannot listen on \(address): \(host.name) has no such address", code: 99)
        }
        return try SimulatedListener(
            address: address, host: host, life: life, options: options, fabric: fabric, accept: accept)
    }

    func connect(
        to address: SocketAddress, on reactor: any SerialQueue, options: ListenOptions,
        completion: @escaping @Sendable (Result<any Connection, NetworkError>) -> (any ConnectionHandler)?
    ) {
        guard !life.isOver else { return }
        guard let queue = reactor as? SimulatedQueue, queue.life === life else {
            preconditionFailure("a connection must be served by a queue of its own host")
        }
        ConnectAttempt(
            address: address, host: host, queue: queue, options: options, fabric: fabric, completion: completion
        ).begin()
    }
}

/// A port on which a host accepts connections.
///
/// `@unchecked Sendable`: only touched by the thread that steps the simulation.
final class SimulatedListener: Listener, @unchecked Sendable {
    private(set) var boundAddress: SocketAddress
    let host: SimulatedHost
    let life: HostLife
    let options: ListenOptions
    let accept: @Sendable (any Connection) -> (any ConnectionHandler)?
    private let fabric: NetworkFabric
    private var isClosed = false
    /// Connections that the operating system has taken and the gate has not let in.
    private var backlog: Deque<SimulatedConnection> = []

    init(
        address: SocketAddress, host: SimulatedHost, life: HostLife, options: ListenOptions, fabric: NetworkFabric,
        accept: @escaping @Sendable (any Connection) -> (any ConnectionHandler)?
    ) throws(NetworkError) {
        boundAddress = address
        self.host = host
        self.life = life
        self.options = options
        self.fabric = fabric
        self.accept = accept
        let port = try fabric.add(self, host: host.name, port: address.port)
        boundAddress = SocketAddress(host: address.host, port: port)
    }

    /// Whether the operating system takes no further connection.
    var isFull: Bool { backlog.count >= Int(options.backlog) }

    /// A connection has come.
    func offer(_ connection: SimulatedConnection) {
        backlog.append(connection)
        resumeAccepting()
    }

    func resumeAccepting() {
        while !isClosed, !backlog.isEmpty {
            guard options.gate?.takePlace() ?? true else { return }
            backlog.removeFirst().open(accept)
        }
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        for connection in backlog { connection.abandon() }
        backlog = []
        if !life.isOver { fabric.removeListener(host: host.name, port: boundAddress.port) }
    }
}
