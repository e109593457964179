// SPDX-License-Identifier: Apache-2.0

/// Where a socket listens, or is connected from or to.
public struct SocketAddress: Hashable, Sendable, CustomStringConvertible {
    /// A name or a numeric IPv4 or IPv6 address; empty means every local address.
    public let host: String
    /// 0 asks for a free port.
    public let port: UInt16

    public init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

public struct NetworkError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What was tried and why it failed, for a person.
    public let message: String
    /// `errno`, or 0.
    public let code: Int32
    /// The failure of a file that was to be sent; nil where the network failed.
    public let file: FileError?

    public init(_ message: String, code: Int32 = 0, file: FileError? = nil) {
        self.message = message
        self.code = code
        self.file = file
    }

    public var description: String { code == 0 ? message : "\(message) (errno \(code))" }
}

public struct ListenOptions: Sendable {
    public var backlog: Int32 = 50
    /// SO_SNDBUF and SO_RCVBUF in bytes; −1 leaves the operating system's choice.
    public var sendBufferBytes: Int32 = -1
    public var receiveBufferBytes: Int32 = -1
    /// Milliseconds after which a connection that neither received nor sent anything is closed; 0 is never.
    public var idleTimeout: Int64 = 600_000
    /// Milliseconds that `connect` gives each of the host's addresses.
    public var connectTimeout: Int64 = 10_000
    /// Asked by a listener before it takes a connection; nil takes all.
    public var gate: (any AcceptGate)?

    public init() {}
}

/// Decides when a listener takes the next connection. Those it does not take wait where the operating system keeps them.
public protocol AcceptGate: AnyObject, Sendable {
    /// Takes a place for one connection. False: the listener takes none until its `resumeAccepting` is called. Whoever
    /// gets the connection, by the listener's `accept`, gets the place along with it.
    func takePlace() -> Bool
    /// Gives back a place for which no connection was there.
    func returnPlace()
}

/// Stream sockets. Connections live on *reactors*: serial queues that do the reading and writing.
public protocol Network: Sendable {
    /// The queues that new connections are served on.
    var reactors: [any SerialQueue] { get }

    /// For how long each of them has had nothing to do since it was made, in nanoseconds; empty where that is not known.
    var idleNanoseconds: [Int64] { get }

    /// Has `count` reactors, at least 1, serve new connections from now on. A connection stays on its reactor: one that is
    /// no longer among `reactors` serves those it has, and goes with the last of them. Nothing happens where the number
    /// cannot change.
    func setReactorCount(_ count: Int) throws(NetworkError)

    /// Listens on `address`. `accept` runs on the reactor that the connection will live on, before anything was
    /// received; it returns the handler, or nil to close the connection at once.
    func listen(
        on address: SocketAddress, options: ListenOptions,
        accept: @escaping @Sendable (any Connection) -> (any ConnectionHandler)?
    ) throws(NetworkError) -> any Listener

    /// Connects to `address` and serves the connection on `reactor`. `completion` runs there and returns the handler.
    func connect(
        to address: SocketAddress, on reactor: any SerialQueue, options: ListenOptions,
        completion: @escaping @Sendable (Result<any Connection, NetworkError>) -> (any ConnectionHandler)?
    )
}

extension Network {
    public var idleNanoseconds: [Int64] { [] }

    public func setReactorCount(_ count: Int) throws(NetworkError) {}
}

public protocol Listener: AnyObject, Sendable {
    /// With the port that was really bound.
    var boundAddress: SocketAddress { get }
    /// Goes on after the gate has kept a connection waiting; does nothing where none waits.
    func resumeAccepting()
    /// Stops accepting. Connections that were accepted stay; those that wait are refused.
    func close()
}

public enum CloseReason: Equatable, Sendable {
    /// The peer closed or reset the connection.
    case peer
    /// `close()` was called.
    case local
    /// Nothing came or went for the idle timeout.
    case idle
    /// A system call failed.
    case failed(NetworkError)
}

/// What a handler made of the bytes it was shown.
public struct Consumption: Equatable, Sendable {
    /// Bytes used up from the front. The rest is shown again, with more behind it, when more has arrived (or when
    /// reading is resumed).
    public let consumed: Int
    /// How many bytes from the first unused one on are needed before the handler can go on, 0 when unknown. The
    /// connection makes room for them, so the handler must have checked it against its limit. Fewer are not shown again.
    /// A handler that leaves more than 1 MiB unused must tell, or the connection fails.
    public let needed: Int

    public init(consumed: Int, needed: Int = 0) {
        self.consumed = consumed
        self.needed = needed
    }
}

/// One end of a stream. Everything on it is called on its reactor, `queue`.
public protocol Connection: AnyObject, Sendable {
    /// Unique among the connections of this process.
    var id: UInt64 { get }
    var queue: any SerialQueue { get }
    var localAddress: SocketAddress { get }
    var remoteAddress: SocketAddress { get }

    /// Adds bytes to the output. What is added while `received` runs goes out together when it returns; what is added
    /// at any other time goes out, together, before the reactor waits for new events.
    func send(_ bytes: UnsafeRawBufferPointer)
    /// Adds a range of a file to the output, without copying it where the platform can. Bytes that turn out not to be
    /// there (the file was truncated) fail the connection.
    func sendFile(_ file: any File, offset: Int64, count: Int)
    /// Bytes added and not yet taken by the operating system.
    var unsentBytes: Int { get }

    /// When bytes came or went last, or the connection began, in monotonic nanoseconds.
    var lastActivity: Int64 { get }

    /// Stops reading, so that the peer is held back by TCP. May be called inside `received`.
    func pauseReading()
    /// Reads again; shows the handler first what it had left unused. Must not be called inside `received`.
    func resumeReading()
    /// Closes after what was sent so far has gone out.
    func closeAfterSending()
    /// Closes now. The handler's `closed` runs soon after on the queue, once.
    func close()
}

/// The owner of a connection's protocol state. Called on the connection's reactor only.
public protocol ConnectionHandler: AnyObject {
    /// Shows everything received and not used yet. The memory may be changed in place and is valid until return.
    func received(_ bytes: UnsafeMutableRawBufferPointer) -> Consumption
    /// Called whenever the unsent output has fallen to nothing after it had not, never inside `received`.
    func drained()
    /// The last call.
    func closed(_ reason: CloseReason)
}
