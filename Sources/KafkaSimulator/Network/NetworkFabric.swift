// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime

/// A direction between two hosts.
struct Link: Hashable {
    let from: String
    let to: String

    var reversed: Link { Link(from: to, to: from) }
}

/// What lies between the hosts: who listens where, which links are cut, and the streams under way.
///
/// `@unchecked Sendable`: only touched by the thread that steps the simulation.
final class NetworkFabric: @unchecked Sendable {
    let loop: EventLoop
    let options: SimulationOptions
    private var names: [String: String] = [:]
    private var listeners: [String: [UInt16: SimulatedListener]] = [:]
    private var nextPort: [String: UInt16] = [:]
    private var cutLinks: Set<Link> = []
    /// Hosts without power.
    private var darkHosts: Set<String> = []
    /// Ends of connections and pipes by id, walked in the order of their ids.
    private var connections: [UInt64: SimulatedConnection] = [:]
    private var pipes: [UInt64: SimulatedPipe] = [:]
    private var lastID: UInt64 = 0

    init(loop: EventLoop, options: SimulationOptions) {
        self.loop = loop
        self.options = options
    }

    // MARK: Names and ports

    func register(_ host: SimulatedHost) {
        names[host.name] = host.name
        names[host.address] = host.name
    }

    /// The name of the host that `address` means when used on `host`; nil when there is none.
    func resolve(_ address: String, on host: String) -> String? {
        switch address {
        case "", "localhost", "127.0.0.1", "::1", "0.0.0.0", "::": host
        default: names[address]
        }
    }

    func listener(host: String, port: UInt16) -> SimulatedListener? { listeners[host]?[port] }

    func add(_ listener: SimulatedListener, host: String, port: UInt16) throws(NetworkError) -> UInt16 {
        var chosen = port
        if chosen == 0 { chosen = try freePort(host) }
        guard listeners[host]?[chosen] == nil else {
            throw NetworkError("cannot listen on \(host):\(chosen): the address is in use", code: 98)
        }
        listeners[host, default: [:]][chosen] = listener
        return chosen
    }

    func removeListener(host: String, port: UInt16) { listeners[host]?[port] = nil }

    /// A port in the range that operating systems give out.
    func freePort(_ host: String) throws(NetworkError) -> UInt16 {
        for _ in 49_152...65_535 {
            let port = nextPort[host] ?? 49_152
            nextPort[host] = port == 65_535 ? 49_152 : port + 1
            if listeners[host]?[port] == nil { return port }
        }
        throw NetworkError("no free port is left on \(host)", code: 98)
    }

    // MARK: Streams

    func takeID() -> UInt64 {
        lastID += 1
        return lastID
    }

    func add(_ connection: SimulatedConnection) { connections[connection.id] = connection }
    func remove(_ connection: SimulatedConnection) { connections[connection.id] = nil }
    func add(_ pipe: SimulatedPipe) { pipes[pipe.id] = pipe }
    func retire(_ pipe: SimulatedPipe) { pipes[pipe.id] = nil }

    var connectionCount: Int { connections.count }

    // MARK: Faults

    /// Whether nothing passes that way now.
    func isCut(_ link: Link) -> Bool {
        if cutLinks.isEmpty && darkHosts.isEmpty { return false }
        return cutLinks.contains(link) || darkHosts.contains(link.from) || darkHosts.contains(link.to)
    }

    func cut(_ link: Link) { cutLinks.insert(link) }

    func heal(_ link: Link) {
        if cutLinks.remove(link) != nil { retryStalled() }
    }

    func healAll() {
        cutLinks = []
        retryStalled()
    }

    private func retryStalled() {
        for id in pipes.keys.sorted() { pipes[id]?.retryStalled() }
    }

    func resetConnections(between one: String, and other: String) {
        for id in pipes.keys.sorted() {
            if let pipe = pipes[id], pipe.touches(one, other) { pipe.resetBothEnds() }
        }
    }

    func hostCrashed(_ life: HostLife, _ kind: CrashKind) {
        listeners[life.hostName] = nil
        for id in connections.keys.sorted() {
            guard let connection = connections[id], connection.life === life else { continue }
            connection.hostCrashed(kind)
        }
        if kind == .machine { darkHosts.insert(life.hostName) }
    }

    func hostRestarted(_ name: String) {
        if darkHosts.remove(name) != nil { retryStalled() }
    }

    // MARK: Time and chance

    func drawArrival() -> Int64 { loop.now + loop.delay(options.networkLatency) }

    /// A quarter of the pieces are as large as can be, a quarter tiny, the rest anything between.
    func drawPiece() -> Int {
        let range = options.pieceBytes
        if range.lowerBound == range.upperBound { return max(1, range.lowerBound) }
        switch loop.random.next() & 3 {
        case 0: return range.upperBound
        case 1: return max(1, loop.random.value(in: range.lowerBound...min(range.upperBound, range.lowerBound + 16)))
        default: return max(1, loop.random.value(in: range))
        }
    }

    func drawWindow(_ explicit: Int32...) -> Int {
        let asked = explicit.reduce(0) { $0 + max(0, Int($1)) }
        return max(1, asked > 0 ? asked : loop.random.value(in: options.windowBytes))
    }

    func drawReset() -> Bool { loop.random.chance(options.resetsPerMillionPieces, in: 1_000_000) }

    func note(_ kind: EventKind, _ subject: TraceSubject, size: Int = 0, digest: UInt64 = 0) {
        loop.note(kind, subject, size: size, digest: digest)
    }

    func after(
        _ link: Link, _ kind: EventKind, _ subject: TraceSubject, _ body: @escaping @Sendable () -> Void
    ) {
        at(drawArrival(), kind, subject, body)
    }

    func at(
        _ time: Int64, _ kind: EventKind, _ subject: TraceSubject, _ body: @escaping @Sendable () -> Void
    ) {
        loop.add(at: time, kind, subject, life: nil, .run(body))
    }
}
