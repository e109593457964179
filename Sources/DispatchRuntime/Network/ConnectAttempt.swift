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

/// Connects to one address after the other until one answers.
final class ConnectAttempt: ReactorSocket, @unchecked Sendable {
    // Guard: the reactor's queue.
    typealias Completion = @Sendable (Result<any Connection, NetworkError>) -> (any ConnectionHandler)?

    private let name: SocketAddress
    private let options: ListenOptions
    private let reactor: Reactor
    private let completion: Completion
    private var candidates: ArraySlice<NativeAddress>
    private var descriptor: Int32 = -1
    private var token: UInt64?
    private var timer: TimerToken?

    init(
        to name: SocketAddress, candidates: [NativeAddress], options: ListenOptions, reactor: Reactor,
        completion: @escaping Completion
    ) {
        self.name = name
        self.candidates = candidates[...]
        self.options = options
        self.reactor = reactor
        self.completion = completion
    }

    /// Tries the next address.
    func start() { tryNext(after: Errno(code: EADDRNOTAVAIL)) }

    private func tryNext(after failure: Errno) {
        guard let candidate = candidates.popFirst() else {
            _ = completion(.failure(NetworkError("cannot connect to \(name): \(failure.text)", code: failure.code)))
            return
        }
        do throws(Errno) {
            try begin(candidate)
        } catch {
            abandon()
            tryNext(after: error)
        }
    }

    private func begin(_ candidate: NativeAddress) throws(Errno) {
        descriptor = try Platform.makeSocket(family: candidate.family)
        let descriptor = self.descriptor
        try SocketOptions.setBuffers(descriptor, options)
        do throws(Errno) {
            try Syscall.check { candidate.withPointer { connect(descriptor, $0, $1) } }
        } catch {
            guard error.code == EINPROGRESS else { throw error }
        }
        let token = reactor.sockets.insert(self)
        self.token = token
        // An immediate success is reported as writable as well.
        try reactor.poller.add(descriptor, token: token, interest: .write)
        timer = reactor.schedule(after: options.connectTimeout) { [self] in
            abandon()
            tryNext(after: Errno(code: ETIMEDOUT))
        }
    }

    override func ready(_ readiness: Readiness) {
        let code = SocketOptions.takeError(descriptor)
        guard code == 0 else {
            abandon()
            return tryNext(after: Errno(code: code))
        }
        let connected = descriptor
        forget()
        reactor.connectionCount.add(1, ordering: .relaxed)
        var result: Int32 = 0
        let peer = NativeAddress({ getpeername(connected, $0, $1) }, result: &result)
        let connection = SocketConnection(
            descriptor: connected, remoteAddress: result == 0 ? peer.socketAddress : name, options: options,
            reactor: reactor)
        connection.start { [completion] in completion(.success($0)) }
    }

    /// Leaves the reactor; the descriptor lives on.
    private func forget() {
        if let timer { reactor.cancel(timer) }
        timer = nil
        if descriptor >= 0 { reactor.poller.remove(descriptor) }
        if let token { reactor.sockets.remove(token) }
        token = nil
        descriptor = -1
    }

    private func abandon() {
        let failed = descriptor
        forget()
        if failed >= 0 { Syscall.closeDescriptor(failed) }
    }
}
