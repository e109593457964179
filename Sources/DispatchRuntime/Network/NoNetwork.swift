// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime

/// The network of a runtime that has none.
struct NoNetwork: Network {
    private static let refusal = NetworkError("this runtime has no network")

    var reactors: [any SerialQueue] { [] }

    func listen(
        on address: SocketAddress, options: ListenOptions,
        accept: @escaping @Sendable (any Connection) -> (any ConnectionHandler)?
    ) throws(NetworkError) -> any Listener { throw Self.refusal }

    func connect(
        to address: SocketAddress, on reactor: any SerialQueue, options: ListenOptions,
        completion: @escaping @Sendable (Result<any Connection, NetworkError>) -> (any ConnectionHandler)?
    ) { reactor.async { _ = completion(.failure(Self.refusal)) } }
}
