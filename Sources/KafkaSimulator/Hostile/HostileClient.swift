// SPDX-License-Identifier: Apache-2.0
import KafkaProtocol
package import KafkaRuntime

/// Throws mutated frames at a broker over one connection after the other, and notes whether each is answered or closed.
///
/// `@unchecked Sendable`: confined to the reactor it is given; what is read from outside is read between the
/// simulation's events, or after `isFinished`.
package final class HostileClient: @unchecked Sendable {
    package struct Tally: Equatable, Sendable {
        /// Frames sent; a broker that has closed does not look at those behind.
        package var frames = 0
        /// Those of them that are not what a client would send.
        package var mutated = 0
        package var connections = 0
        /// Whole response frames received.
        package var answers = 0
        package var closedByBroker = 0
        /// Connections that this client gave up when nothing came any more: all was answered, or a frame announced
        /// more bytes than it had.
        package var abandoned = 0
        package var refused = 0

        /// Frames that the broker certainly looked at.
        package var judged: Int { answers + closedByBroker }

        package init() {}

        package mutating func add(_ other: Tally) {
            frames += other.frames
            mutated += other.mutated
            connections += other.connections
            answers += other.answers
            closedByBroker += other.closedByBroker
            abandoned += other.abandoned
            refused += other.refused
        }
    }

    private let runtime: Runtime
    private let address: SocketAddress
    private let reactor: any SerialQueue
    private let corpus: RequestCorpus
    private let total: Int
    private let framesPerConnection: Int
    private let patience: Int64
    private var mutator: FrameMutator
    package private(set) var tally = Tally()
    /// Whether enough was judged and the last connection is over.
    package private(set) var isFinished = false
    /// Runs once, on the reactor, when it is finished.
    private let onFinished: @Sendable () -> Void

    /// - Parameters:
    ///   - total: frames that the broker must have answered, or closed the connection for.
    ///   - framesPerConnection: the most that are sent over one connection.
    ///   - patience: milliseconds without any answer after which a connection is given up.
    package init(
        runtime: Runtime, address: SocketAddress, reactor: any SerialQueue, corpus: RequestCorpus, seed: UInt64,
        total: Int, framesPerConnection: Int = 32, patience: Int64 = 1_000,
        onFinished: @escaping @Sendable () -> Void = {}
    ) {
        self.runtime = runtime
        self.address = address
        self.reactor = reactor
        self.corpus = corpus
        self.total = total
        self.framesPerConnection = framesPerConnection
        self.patience = patience
        self.onFinished = onFinished
        mutator = FrameMutator(seed: seed)
    }

    package func start() { reactor.async { [self] in next() } }

    private func next() {
        guard tally.judged < total else {
            isFinished = true
            return onFinished()
        }
        runtime.network.connect(to: address, on: reactor, options: ListenOptions()) { [self] result in
            switch result {
            case .success(let connection):
                tally.connections += 1
                let session = Session(self, connection)
                session.begin()
                return session
            case .failure:
                tally.refused += 1
                reactor.schedule(after: 100) { [self] in next() }
                return nil
            }
        }
    }

    private func drawFrame() -> [UInt8] {
        tally.frames += 1
        defer { tally.mutated = mutator.mutated }
        if mutator.draw(8) == 0 { return corpus.damagedProduce(&mutator) }
        let request = corpus.draw(&mutator)
        let other = corpus.draw(&mutator)
        return mutator.frame(from: request, and: other)
    }

    /// One connection: some frames at once, then patience.
    private final class Session: ConnectionHandler, @unchecked Sendable {
        private let client: HostileClient
        private let connection: any Connection
        private var left: Int
        private var timer: TimerToken?
        private var heardSinceTimer = false
        private var wasAbandoned = false

        init(_ client: HostileClient, _ connection: any Connection) {
            self.client = client
            self.connection = connection
            left = 1 + client.mutator.draw(client.framesPerConnection)
        }

        func begin() {
            sendSome()
            watch()
        }

        /// A few at a time, so that a connection that is closed early has not swallowed many frames unseen.
        private func sendSome() {
            var bytes: [UInt8] = []
            let count = min(left, 2)
            for _ in 0..<count { bytes += client.drawFrame() }
            left -= count
            bytes.withUnsafeBytes { connection.send($0) }
        }

        private func watch() {
            heardSinceTimer = false
            timer = connection.queue.schedule(after: client.patience) { [self] in
                if left > 0 { sendSome() } else if !heardSinceTimer { abandon() }
                if !wasAbandoned { watch() }
            }
        }

        private func abandon() {
            wasAbandoned = true
            client.tally.abandoned += 1
            connection.close()
        }

        func received(_ bytes: UnsafeMutableRawBufferPointer) -> Consumption {
            heardSinceTimer = true
            var used = 0
            var needed = 0
            while true {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[used...])
                guard let length = try? Frame.length(in: rest, limit: 1 << 28) else { break }
                guard rest.count >= Frame.prefixSize + length else {
                    needed = Frame.prefixSize + length
                    break
                }
                used += Frame.prefixSize + length
                client.tally.answers += 1
            }
            if left > 0, used > 0 { sendSome() }
            return Consumption(consumed: used, needed: needed)
        }

        func drained() {}

        func closed(_ reason: CloseReason) {
            if let timer { connection.queue.cancel(timer) }
            if !wasAbandoned { client.tally.closedByBroker += 1 }
            client.next()
        }
    }
}
