// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime

/// TCP sockets on reactors.
final class DispatchNetwork: Network {
    private let reactorSet: ReactorSet
    private let blocking: BlockingPool
    private let warn: @Sendable (String) -> Void

    init(reactorCount: Int, blocking: BlockingPool, warn: @escaping @Sendable (String) -> Void) throws(NetworkError) {
        Platform.ignoreBrokenPipeSignal()
        reactorSet = try ReactorSet(count: reactorCount, blocking: blocking)
        self.blocking = blocking
        self.warn = warn
    }

    var reactors: [any SerialQueue] { reactorSet.active }

    var idleNanoseconds: [Int64] { reactorSet.active.map(\.idleNanoseconds) }

    func setReactorCount(_ count: Int) throws(NetworkError) { try reactorSet.setCount(count) }

    func listen(
        on address: SocketAddress, options: ListenOptions,
        accept: @escaping @Sendable (any Connection) -> (any ConnectionHandler)?
    ) throws(NetworkError) -> any Listener {
        let (descriptor, port) = try SocketListener.open(address, options)
        return SocketListener(
            descriptor: descriptor, boundAddress: SocketAddress(host: address.host, port: port), options: options,
            reactors: reactorSet, warn: warn, accept: accept)
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
