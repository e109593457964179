// SPDX-License-Identifier: Apache-2.0
import DequeModule
import KafkaRuntime

/// One end of a simulated stream.
///
/// Received bytes pass through two places: the inbox, which stands for the operating system's receive buffer and counts
/// against the sender's window, and the buffer, which holds what was read and the handler has not used yet.
///
/// `@unchecked Sendable`: only touched by the thread that steps the simulation.
final class SimulatedConnection: Connection, @unchecked Sendable {
    private enum Phase {
        /// The handler is not known yet.
        case opening
        case open
        /// Everything goes out, then comes the end.
        case closing
        /// All is sent and the peer was told so; what it still sends is thrown away, because closing with unread bytes
        /// would reset the connection under the peer's eyes.
        case lingering
        case closed
    }

    /// Milliseconds that a peer gets to close its side after the end.
    private static let lingerMilliseconds: Int64 = 1_000
    /// A handler that leaves more than this without saying what it waits for will never go on.
    private static let undeclaredMax = 1 << 20

    let id: UInt64
    var queue: any SerialQueue { reactor }
    let localAddress: SocketAddress
    let remoteAddress: SocketAddress

    private let reactor: SimulatedQueue
    private let fabric: NetworkFabric
    private let inbound: SimulatedPipe
    private let outbound: SimulatedPipe
    private let idleTimeout: Int64
    private var handler: (any ConnectionHandler)?
    private var phase = Phase.opening
    // Receiving.
    private var inbox: Deque<[UInt8]> = []
    private var peerHasEnded = false
    private var buffer: [UInt8] = []
    /// What the handler said it needs; fewer bytes are not shown to it.
    private var needed = 0
    private var isPaused = false
    private var isShowing = false
    private var mustShowAgain = false
    private var isReadScheduled = false
    // Sending.
    private var output = OutputQueue()
    private var isWaitingForRoom = false
    private var isWriteScheduled = false
    // Idleness.
    private(set) var lastActivity: Int64
    private var timer: TimerToken?

    init(
        queue: SimulatedQueue, local: SocketAddress, remote: SocketAddress, inbound: SimulatedPipe,
        outbound: SimulatedPipe, idleTimeout: Int64, fabric: NetworkFabric
    ) {
        id = fabric.takeID()
        reactor = queue
        localAddress = local
        remoteAddress = remote
        self.inbound = inbound
        self.outbound = outbound
        self.idleTimeout = idleTimeout
        self.fabric = fabric
        lastActivity = fabric.loop.now
        fabric.add(self)
    }

    var life: HostLife { reactor.life }
    var unsentBytes: Int { output.count }

    /// Asks `choose` for the handler, on the queue, and begins to serve the connection.
    func open(_ choose: @escaping @Sendable (any Connection) -> (any ConnectionHandler)?) {
        reactor.async { [self] in
            // The peer may have reset the connection meanwhile; the handler hears of it as of any later reset.
            handler = choose(self)
            guard handler != nil else { return finish(.local, closing: .politely) }
            guard phase == .opening else { return }
            phase = .open
            lastActivity = fabric.loop.now
            armIdleTimer(after: idleTimeout)
            scheduleRead()
        }
    }

    // MARK: Sending

    func send(_ bytes: UnsafeRawBufferPointer) {
        guard mayAddOutput() else { return }
        output.add(bytes)
        planFlush()
    }

    func sendFile(_ file: any File, offset: Int64, count: Int) {
        guard mayAddOutput() else { return }
        output.add(file, offset: offset, count: count)
        planFlush()
    }

    private func mayAddOutput() -> Bool {
        reactor.assertCurrent()
        return phase == .open || phase == .opening
    }

    /// Output from outside `received` goes out a little later, together with what else is added until then.
    private func planFlush() {
        if !isShowing, !isWaitingForRoom { scheduleWrite() }
    }

    private func scheduleWrite() {
        guard !isWriteScheduled else { return }
        isWriteScheduled = true
        reactor.async { [self] in
            isWriteScheduled = false
            flush()
        }
    }

    /// Gives the operating system what it takes.
    private func flush() {
        let hadOutput = output.count > 0
        while output.count > 0, outbound.room > 0 {
            do throws(NetworkError) {
                outbound.send(try output.take(outbound.room))
                lastActivity = fabric.loop.now
            } catch {
                return finish(.failed(error), closing: .abruptly)
            }
        }
        isWaitingForRoom = output.count > 0
        guard output.count == 0 else { return }
        if phase == .closing {
            linger()
        } else if hadOutput, phase == .open {
            handler?.drained()
        }
    }

    /// The receiver has read: there is room for more.
    func windowOpened() {
        if isWaitingForRoom { scheduleWrite() }
    }

    // MARK: Receiving

    func arrived(_ bytes: [UInt8]) {
        guard phase != .lingering else { return inbound.acknowledge(bytes.count) }
        inbox.append(bytes)
        scheduleRead()
    }

    func arrivedEnd() {
        peerHasEnded = true
        if phase == .lingering { finish(.local, closing: .silently) } else { scheduleRead() }
    }

    func pauseReading() {
        reactor.assertCurrent()
        isPaused = true
    }

    func resumeReading() {
        reactor.assertCurrent()
        precondition(!isShowing, "resumeReading must not be called inside received")
        guard isPaused else { return }
        isPaused = false
        mustShowAgain = true
        scheduleRead()
    }

    private func scheduleRead() {
        guard !isReadScheduled, mayRead else { return }
        isReadScheduled = true
        reactor.async { [self] in
            isReadScheduled = false
            read()
        }
    }

    private var mayRead: Bool { !isPaused && phase == .open }

    private func read() {
        if mayRead, mustShowAgain {
            mustShowAgain = false
            if !buffer.isEmpty { show() }
        }
        guard mayRead else { return }
        if !inbox.isEmpty {
            guard buffer.count <= Self.undeclaredMax || needed > buffer.count else {
                let error = NetworkError("\(remoteAddress): unused input without a declared need")
                return finish(.failed(error), closing: .abruptly)
            }
            takeFromInbox()
            if buffer.count >= needed { show() }
        }
        guard mayRead else { return }
        if !inbox.isEmpty {
            scheduleRead()
        } else if peerHasEnded {
            finish(.peer, closing: .politely)
        }
    }

    private func takeFromInbox() {
        var count = 0
        while count < fabric.options.readBytes, let first = inbox.popFirst() {
            let room = fabric.options.readBytes - count
            if first.count <= room {
                buffer.append(contentsOf: first)
                count += first.count
            } else {
                buffer.append(contentsOf: first[..<room])
                inbox.prepend([UInt8](first[room...]))
                count += room
            }
        }
        lastActivity = fabric.loop.now
        inbound.acknowledge(count)
    }

    /// Shows the handler everything it has not used, then sends what it added meanwhile.
    private func show() {
        guard let handler else { return }
        var shown = buffer
        buffer = []
        isShowing = true
        let consumption = shown.withUnsafeMutableBytes { handler.received($0) }
        isShowing = false
        precondition(
            consumption.consumed >= 0 && consumption.consumed <= shown.count, "more was consumed than was shown")
        guard phase != .closed else { return }
        shown.removeFirst(consumption.consumed)
        buffer = shown
        needed = consumption.needed
        if !isWaitingForRoom { flush() }
    }

    // MARK: Closing

    private enum Manner {
        /// The peer gets what was sent, then the end.
        case politely
        /// The peer gets a reset.
        case abruptly
        /// The peer knows, or cannot be reached.
        case silently
    }

    func closeAfterSending() {
        reactor.assertCurrent()
        guard phase == .open || phase == .opening else { return }
        phase = .closing
        if !isShowing, !isWaitingForRoom { flush() }
    }

    /// Says that nothing more comes, and waits for the peer to do the same.
    private func linger() {
        phase = .lingering
        outbound.sendEnd()
        discardInput()
        if peerHasEnded { return finish(.local, closing: .silently) }
        if let timer { reactor.cancel(timer) }
        timer = reactor.schedule(after: Self.lingerMilliseconds) { [self] in finish(.local, closing: .silently) }
    }

    private func discardInput() {
        let count = inbox.reduce(0) { $0 + $1.count }
        inbox = []
        if count > 0 { inbound.acknowledge(count) }
    }

    func close() {
        reactor.assertCurrent()
        finish(.local, closing: .politely)
    }

    /// The peer's operating system has reset the connection.
    func peerReset() {
        guard phase != .closed else { return }
        finish(.peer, closing: .silently)
    }

    /// The attempt to connect has been given up; there is no handler.
    func abandon() { finish(.local, closing: .abruptly) }

    func hostCrashed(_ kind: CrashKind) {
        guard phase != .closed else { return }
        tearDown(kind == .process ? (inbox.isEmpty ? .politely : .abruptly) : .silently)
        if kind == .machine { outbound.loseSender() }
        handler = nil
    }

    private func finish(_ reason: CloseReason, closing manner: Manner) {
        guard phase != .closed else { return }
        // Unread bytes at a close make the operating system reset the connection.
        tearDown(manner == .politely && !inbox.isEmpty ? .abruptly : manner)
        reactor.async { [self] in
            handler?.closed(reason)
            handler = nil
        }
    }

    private func tearDown(_ manner: Manner) {
        let isEnded = phase == .lingering
        phase = .closed
        isWaitingForRoom = false
        if let timer { reactor.cancel(timer) }
        timer = nil
        output.removeAll()
        inbox = []
        buffer = []
        switch manner {
        case .politely where isEnded: outbound.abandonSender()
        case .politely: outbound.sendEnd()
        case .abruptly: outbound.sendReset()
        case .silently: outbound.abandonSender()
        }
        inbound.abandonReceiver()
        fabric.remove(self)
    }

    // MARK: Idleness

    private func armIdleTimer(after milliseconds: Int64) {
        guard idleTimeout > 0 else { return }
        timer = reactor.schedule(after: milliseconds) { [self] in
            let idle = (fabric.loop.now - lastActivity) / 1_000_000
            if idle >= idleTimeout {
                finish(.idle, closing: .politely)
            } else {
                armIdleTimer(after: max(1, idleTimeout - idle))
            }
        }
    }
}
