// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime

/// TCP sockets on reactors.
final class DispatchNetwork: Network {
    let reactors: [any SerialQueue]
    private let sockets: [Reactor]
    private let blocking: BlockingPool
    private let warn: @Sendable (String) -> Void

    init(reactorCount: Int, blocking: BlockingPool, warn: @escaping @Sendable (String) -> Void) throws(NetworkError) {
        precondition(reactorCount > 0, "a network has at least one reactor")
        Platform.ignoreBrokenPipeSignal()
        var made: [Reactor] = []
        do throws(Errno) {
            for index in 0..<reactorCount {
                made.append(try Reactor(label: "kafka-network-\(index)", blocking: blocking))
            }
        } catch {
            throw NetworkError("cannot make the network's event queues: \(error.text)", code: error.code)
        }
        sockets = made
        reactors = made
        self.blocking = blocking
        self.warn = warn
    }

    var idleNanoseconds: [Int64] { sockets.map(\.idleNanoseconds) }

    func listen(
        on address: SocketAddress, options: ListenOptions,
        accept: @escaping @Sendable (any Connection) -> (any ConnectionHandler)?
    ) throws(NetworkError) -> any Listener {
        let (descriptor, port) = try SocketListener.open(address, options)
        return SocketListener(
            descriptor: descriptor, boundAddress: SocketAddress(host: address.host, port: port), options: options,
            reactors: sockets, warn: warn, accept: accept)
    }

    func connect(
        to address: SocketAddress, on reactor: any SerialQueue, options: ListenOptions,
        completion: @escaping @Sendable (Result<any Connection, NetworkError>) -> (any ConnectionHandler)?
    ) {
        guard let reactor = reactor as? Reactor else {
            preconditionFailure("a connection is served by one of the network's own reactors")
        }
        let begin: @Sendable (Result<[NativeAddress], NetworkError>) -> Void = { addresses in
            reactor.async {
                switch addresses {
                case .failure(let error): _ = completion(.failure(error))
                case .success(let candidates):
                    ConnectAttempt(
                        to: address, candidates: candidates, options: options, reactor: reactor, completion: completion
                    ).start()
                }
            }
        }
        do throws(NetworkError) {
            if let numeric = try NativeAddress.resolve(address, numericOnly: true) { return begin(.success(numeric)) }
        } catch { return begin(.failure(error)) }
        // Asking for a name can take seconds.
        blocking.run {
            do throws(NetworkError) {
                begin(.success(try NativeAddress.resolve(address, numericOnly: false) ?? []))
            } catch { begin(.failure(error)) }
        }
    }
}
