// SPDX-License-Identifier: Apache-2.0
import CPlatform
import Dispatch
import KafkaRuntime
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A listening socket: a Dispatch source accepts, and hands every connection to the reactor that has the fewest.
final class SocketListener: Listener, @unchecked Sendable {
    // Guards: the two reasons to wait belong to the queue, `isClosed` is atomic, the rest never changes.
    typealias Accept = @Sendable (any Connection) -> (any ConnectionHandler)?

    /// Connections accepted per event, so that a flood leaves the queue its turn to close.
    private static let acceptsPerEvent = 64
    /// Pause after the process ran out of descriptors or memory: the waiting connections would be reported at once again.
    private static let exhaustionPause = DispatchTimeInterval.milliseconds(100)

    let boundAddress: SocketAddress
    private let descriptor: Int32
    private let options: ListenOptions
    private let reactors: ReactorSet
    private let accept: Accept
    private let warn: @Sendable (String) -> Void
    private let queue: DispatchQueue
    private let source: any DispatchSourceRead
    private let isClosed = Atomic<Bool>(false)
    private let cancelled = DispatchSemaphore(value: 0)
    /// The process has no descriptor or memory for a connection.
    private var isExhausted = false
    /// The gate has no place.
    private var isHeldBack = false

    /// Takes over the descriptor, which listens already.
    init(
        descriptor: Int32, boundAddress: SocketAddress, options: ListenOptions, reactors: ReactorSet,
        warn: @escaping @Sendable (String) -> Void, accept: @escaping Accept
    ) {
        self.descriptor = descriptor
        self.boundAddress = boundAddress
        self.options = options
        self.reactors = reactors
        self.accept = accept
        self.warn = warn
        queue = DispatchQueue(label: "kafka-accept-\(boundAddress)")
        source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: queue)
        source.setEventHandler { [weak self] in self?.acceptWaiting() }
        source.setCancelHandler { [cancelled] in
            Syscall.closeDescriptor(descriptor)
            cancelled.signal()
        }
        source.activate()
    }

    deinit { if !isClosed.load(ordering: .relaxed) { stop() } }

    /// Returns when the port is free again.
    func close() {
        guard !isClosed.exchange(true, ordering: .relaxed) else { return }
        queue.sync { stop() }
        cancelled.wait()
    }

    func resumeAccepting() {
        queue.async { [weak self] in
            guard let self, isHeldBack, !isClosed.load(ordering: .relaxed) else { return }
            change { self.isHeldBack = false }
        }
    }

    private func stop() {
        // A suspended source would never be cancelled.
        change {
            isExhausted = false
            isHeldBack = false
        }
        source.cancel()
    }

    /// Changes the reasons to wait and suspends or resumes the source where that makes a difference.
    private func change(_ reasons: () -> Void) {
        let wasWaiting = isExhausted || isHeldBack
        reasons()
        let isWaiting = isExhausted || isHeldBack
        if wasWaiting, !isWaiting { source.resume() }
        if !wasWaiting, isWaiting { source.suspend() }
    }

    private func acceptWaiting() {
        for _ in 0..<Self.acceptsPerEvent {
            if let gate = options.gate, !gate.takePlace() { return change { isHeldBack = true } }
            var result: Int32 = 0
            let address = NativeAddress({ Platform.accept(descriptor, $0, $1) }, result: &result)
            if result >= 0 {
                hand(result, address.socketAddress)
                continue
            }
            let code = errno
            options.gate?.returnPlace()
            switch code {
            case EAGAIN, EWOULDBLOCK: return
            case EMFILE, ENFILE, ENOBUFS, ENOMEM: return pause(Errno(code: code))
            // Everything else befell the one connection: aborted, or a network error that Linux reports here.
            default: continue
            }
        }
    }

    private func pause(_ error: Errno) {
        warn("cannot accept connections on \(boundAddress) for now: \(error.text)")
        change { isExhausted = true }
        queue.asyncAfter(deadline: .now() + Self.exhaustionPause) { [weak self] in
            guard let self, !isClosed.load(ordering: .relaxed) else { return }
            change { self.isExhausted = false }
        }
    }

    private func hand(_ socket: Int32, _ remote: SocketAddress) {
        let reactor = reactors.takeLeastBusy()
        let (options, accept) = (options, accept)
        reactor.async {
            SocketConnection(descriptor: socket, remoteAddress: remote, options: options, reactor: reactor)
                .start { accept($0) }
        }
    }
}

extension SocketListener {
    /// A bound and listening socket with the port that it got.
    static func open(_ address: SocketAddress, _ options: ListenOptions) throws(NetworkError) -> (Int32, UInt16) {
        let candidates = try candidates(for: address)
        var failure = Errno(code: EADDRNOTAVAIL)
        for candidate in candidates {
            do throws(Errno) {
                let descriptor = try open(candidate, options)
                var result: Int32 = 0
                let bound = NativeAddress({ getsockname(descriptor, $0, $1) }, result: &result)
                return (descriptor, bound.socketAddress.port)
            } catch { failure = error }
        }
        throw NetworkError("cannot listen on \(address): \(explanation(failure))", code: failure.code)
    }

    private static func candidates(for address: SocketAddress) throws(NetworkError) -> [NativeAddress] {
        if address.host.isEmpty {
            // One IPv6 socket serves both; machines without IPv6 get the other.
            return [.any(family: AF_INET6, port: address.port), .any(family: AF_INET, port: address.port)]
        }
        return try NativeAddress.resolve(address, numericOnly: false) ?? []
    }

    private static func open(_ address: NativeAddress, _ options: ListenOptions) throws(Errno) -> Int32 {
        let descriptor = try Platform.makeSocket(family: address.family)
        do throws(Errno) {
            // Connections of an earlier process that linger must not keep the port.
            try SocketOptions.set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
            if address.family == AF_INET6 {
                try SocketOptions.set(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, address.isAny ? 0 : 1)
            }
            try SocketOptions.setBuffers(descriptor, options)
            try Syscall.check { address.withPointer { bind(descriptor, $0, $1) } }
            try Syscall.check { listen(descriptor, options.backlog) }
            return descriptor
        } catch {
            Syscall.closeDescriptor(descriptor)
            throw error
        }
    }

    private static func explanation(_ error: Errno) -> String {
        switch error.code {
        case EADDRINUSE: "another socket listens on this address already"
        case EACCES, EPERM: "permission denied (ports below 1024 need privileges)"
        case EADDRNOTAVAIL: "no network interface has this address"
        default: error.text
        }
    }
}
