// SPDX-License-Identifier: Apache-2.0
import CPlatform
import KafkaRuntime
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A TCP connection on a reactor. Facets: `+Reading`, `+Writing`.
///
/// Everything here happens on the reactor's queue. An idle connection holds this object and a timer, no buffers.
final class SocketConnection: ReactorSocket, Connection, @unchecked Sendable {
    // Guard: the reactor's queue.
    enum Phase {
        case open
        /// Everything goes out, then comes the end.
        case closingAfterSending
        /// All is sent and the peer was told so; what it still sends is thrown away. Closing at once instead would make
        /// the operating system send a reset, which can destroy the answer before the peer has read it.
        case lingering
        case closed
    }

    /// What keeps the output from going out.
    enum OutputWait {
        case nothing
        /// The operating system's buffer is full.
        case room
        /// The page cache is being filled.
        case disk
    }

    private static let nextID = Atomic<UInt64>(1)
    /// Milliseconds that a peer gets to close its side after the last answer.
    private static let lingerMilliseconds: Int64 = 1_000

    let id: UInt64
    let reactor: Reactor
    let descriptor: Int32
    let remoteAddress: SocketAddress
    private(set) lazy var localAddress = ownAddress()

    var handler: (any ConnectionHandler)?
    private(set) var phase = Phase.open
    private var closeReason = CloseReason.local

    // Reading
    var input = InputBuffer()
    /// Whether the operating system may have more: the poller tells only of what is new.
    private var hasInput = false
    /// Whether the peer has ended its side, so that everything up to the end is to be read.
    private var hasEnded = false
    /// Whether both sides have ended, or the connection failed.
    private var isBroken = false
    private var isPaused = false
    var isShowing = false
    /// Whether what was left unused when reading was paused is to be shown again.
    private var isResuming = false
    private var isReadingPlanned = false

    // Writing
    var output = OutputQueue()
    private(set) var outputWait = OutputWait.nothing
    private var isFlushPlanned = false

    // Watching
    private var token: UInt64 = 0
    /// In the reactor's monotonic nanoseconds.
    var lastActivity: Int64
    private let idleTimeout: Int64
    private var timer: TimerToken?

    /// Takes over the descriptor.
    init(descriptor: Int32, remoteAddress: SocketAddress, options: ListenOptions, reactor: Reactor) {
        id = Self.nextID.add(1, ordering: .relaxed).oldValue
        self.descriptor = descriptor
        self.remoteAddress = remoteAddress
        self.reactor = reactor
        idleTimeout = options.idleTimeout
        lastActivity = reactor.now
        SocketOptions.setStream(descriptor, peer: remoteAddress)
    }

    var queue: any SerialQueue { reactor }

    var isOpen: Bool { phase != .closed }

    /// Whether the handler wants to see more.
    var isReading: Bool { phase == .open && !isPaused }

    private func ownAddress() -> SocketAddress {
        guard isOpen else { return SocketAddress(host: "", port: 0) }
        var result: Int32 = 0
        let address = NativeAddress({ getsockname(descriptor, $0, $1) }, result: &result)
        return result == 0 ? address.socketAddress : SocketAddress(host: "", port: 0)
    }

    // MARK: Beginning

    /// Starts to serve, with the handler that the owner's closure returns; closes when it returns none.
    func start(_ makeHandler: (SocketConnection) -> (any ConnectionHandler)?) {
        reactor.assertCurrent()
        token = reactor.sockets.insert(self)
        handler = makeHandler(self)
        guard isOpen else { return }
        guard handler != nil else { return close(.local) }
        do throws(Errno) {
            try reactor.poller.add(descriptor, token: token, interest: .read)
        } catch {
            return fail("watch the connection", error)
        }
        if idleTimeout > 0 { watchIdleness(after: idleTimeout) }
    }

    // MARK: Watching

    override func ready(_ readiness: Readiness) {
        if readiness.contains(.broken) { isBroken = true }
        if isBroken || readiness.contains(.ended) { hasEnded = true }
        if outputWait == .room, isBroken || readiness.contains(.write) {
            outputWait = .nothing
            flush()
        }
        guard isOpen, isBroken || readiness.contains(.read) else { return }
        hasInput = true
        takeInput()
    }

    /// Reads once, where somebody wants it, and goes on later where there may be more.
    private func takeInput() {
        if phase == .lingering {
            discardInput()
        } else if isReading, !isResuming {
            // What was kept is shown first, at the end of the round.
            receive()
        }
        planReading()
        // Nothing can be sent any more, and whoever paused reading waits for that.
        if isBroken, phase == .closingAfterSending || phase == .open && isPaused { close(.peer) }
    }

    /// After a read that got `count` of `room` bytes.
    func noteRead(_ count: Int, of room: Int) {
        if count < room, !hasEnded { hasInput = false }
    }

    /// After a read that found nothing.
    func noteNothingToRead() { hasInput = false }

    /// One timer that is set anew only when it finds that something happened meanwhile.
    private func watchIdleness(after delay: Int64) {
        timer = reactor.schedule(after: delay) { [self] in
            let idle = (reactor.now - lastActivity) / 1_000_000
            if idle >= idleTimeout { close(.idle) } else { watchIdleness(after: idleTimeout - idle) }
        }
    }

    // MARK: Pausing

    func pauseReading() { isPaused = true }

    func resumeReading() {
        precondition(!isShowing, "reading cannot be resumed inside `received`")
        guard isPaused else { return }
        isPaused = false
        isResuming = !input.isEmpty
        planReading()
    }

    /// Sees to it that what is there is taken at the end of the round.
    private func planReading() {
        let isWanted = isReading ? hasInput || isResuming : hasInput && phase == .lingering
        guard isWanted, !isReadingPlanned else { return }
        isReadingPlanned = true
        reactor.deferred.addReading(self)
    }

    /// Takes what is there, first what was kept.
    func readPlanned() {
        isReadingPlanned = false
        if isReading, isResuming {
            isResuming = false
            showInput()
            finishReceiving()
        }
        if hasInput { takeInput() }
    }

    // MARK: Output

    /// Sees to it that the output goes out at the end of the round.
    func planFlush() {
        guard !isShowing, !isFlushPlanned, outputWait == .nothing, isOpen else { return }
        isFlushPlanned = true
        reactor.deferred.addUnsent(self)
    }

    func flushBegins() { isFlushPlanned = false }

    func wait(for wait: OutputWait) {
        outputWait = wait
        guard wait == .room else { return }
        output.shrinkStuckTail(pool: &reactor.pool)
        do throws(Errno) {
            // Each time, because room that is there by now would not be told of. Nothing ends the watch: no more is told
            // until the buffer has been full again.
            try reactor.poller.modify(descriptor, token: token, interest: [.read, .write])
        } catch {
            fail("watch the connection", error)
        }
    }

    // MARK: Ending

    func closeAfterSending() {
        guard phase == .open else { return }
        phase = .closingAfterSending
        // Inside `received` the end of it sees to this.
        if output.isEmpty, !isShowing { linger() }
    }

    /// Says that nothing more comes, and waits for the peer to do the same.
    func linger() {
        guard phase == .closingAfterSending else { return }
        phase = .lingering
        guard shutdown(descriptor, Int32(SHUT_WR)) == 0 else { return close(.local) }
        planReading()
        if let timer { reactor.cancel(timer) }
        timer = reactor.schedule(after: Self.lingerMilliseconds) { [self] in close(.local) }
    }

    func close() { close(.local) }

    func close(_ reason: CloseReason) {
        guard isOpen else { return }
        phase = .closed
        closeReason = reason
        reactor.poller.remove(descriptor)
        Syscall.closeDescriptor(descriptor)
        reactor.deferred.addClosed(self)
    }

    func fail(_ operation: String, _ error: Errno) {
        switch error.code {
        case ECONNRESET, EPIPE: close(.peer)
        default:
            close(.failed(NetworkError("cannot \(operation) (\(remoteAddress)): \(error.text)", code: error.code)))
        }
    }

    /// The end of the round in which the connection was closed: nobody looks at the buffers any more.
    func finishClosing() {
        if let timer { reactor.cancel(timer) }
        reactor.sockets.remove(token)
        input.release(pool: &reactor.pool)
        output.removeAll(pool: &reactor.pool)
        reactor.connectionCount.subtract(1, ordering: .relaxed)
        let handler = self.handler
        self.handler = nil
        handler?.closed(closeReason)
    }
}
