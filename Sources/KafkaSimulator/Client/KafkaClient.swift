// SPDX-License-Identifier: Apache-2.0
package import KafkaBase
package import KafkaProtocol
package import KafkaRuntime

/// A client of a cluster: knows its brokers, topics and leaders, and keeps one connection to each broker it needs.
///
/// `@unchecked Sendable`: confined to `queue`, a reactor of the host; every entry asserts it.
package final class KafkaClient: @unchecked Sendable {
    package struct Topic: Sendable {
        package var id: KafkaUUID
        /// Leader by partition; nil where there is none at the moment.
        package var leaders: [Int32: Int32]
    }

    private enum Link {
        case connecting([Waiter], attempt: Int)
        case open(KafkaClientConnection)
    }

    private typealias Waiter = (Result<KafkaClientConnection, KafkaClientError>) -> Void

    /// Stands for any of the bootstrap addresses where a broker's id is asked for.
    package static let anyBroker: Int32 = -1

    package let runtime: Runtime
    package let queue: any SerialQueue
    package let options: KafkaClientOptions
    private let bootstrap: [SocketAddress]
    private var nextBootstrap = 0
    private var brokers: [Int32: SocketAddress] = [:]
    private var topics: [String: Topic] = [:]
    private var links: [Int32: Link] = [:]
    private var attempts = 0
    private var isClosed = false

    package init(
        runtime: Runtime, bootstrap: [SocketAddress], options: KafkaClientOptions = KafkaClientOptions(),
        reactor: Int = 0
    ) {
        precondition(!bootstrap.isEmpty, "a client needs an address to start from")
        self.runtime = runtime
        self.bootstrap = bootstrap
        self.options = options
        queue = runtime.network.reactors[reactor % runtime.network.reactors.count]
    }

    // MARK: What is known

    package func topic(_ name: String) -> Topic? { topics[name] }

    package func leader(of partition: TopicPartition) -> Int32? {
        topics[partition.topic]?.leaders[partition.partition]
    }

    /// Milliseconds to wait before something is tried again: the backoff and up to as much by chance.
    package func drawBackoff() -> Int64 { options.retryBackoff + runtime.random.below(max(1, options.retryBackoff)) }

    // MARK: Requests

    /// Sends `request` to a broker, connecting first where there is no connection.
    package func send<Request: RequestMessage>(
        _ request: Request, to broker: Int32,
        completion: @escaping (Result<Request.Response, KafkaClientError>) -> Void
    ) {
        connection(to: broker) { result in
            switch result {
            case .success(let connection): connection.send(request, completion: completion)
            case .failure(let error): completion(.failure(error))
            }
        }
    }

    /// Asks about `names` and remembers the answer.
    package func refresh(_ names: [String], completion: @escaping (Result<MetadataResponse, KafkaClientError>) -> Void)
    {
        let request = MetadataRequest(
            topics: names.map { MetadataRequest.MetadataRequestTopic(name: $0) }, allowAutoTopicCreation: false)
        send(request, to: Self.anyBroker) { [self] result in
            if case .success(let response) = result { remember(response) }
            completion(result)
        }
    }

    private func remember(_ response: MetadataResponse) {
        for broker in response.brokers {
            let address = SocketAddress(host: broker.host, port: UInt16(truncatingIfNeeded: broker.port))
            if let old = brokers.updateValue(address, forKey: broker.nodeID), old != address { drop(broker.nodeID) }
        }
        for topic in response.topics {
            guard let name = topic.name, topic.errorCode == 0 else { continue }
            var leaders: [Int32: Int32] = [:]
            for partition in topic.partitions where partition.leaderID >= 0 {
                leaders[partition.partitionIndex] = partition.leaderID
            }
            topics[name] = Topic(id: topic.topicID, leaders: leaders)
        }
    }

    // MARK: Connections

    package func connection(
        to broker: Int32, completion: @escaping (Result<KafkaClientConnection, KafkaClientError>) -> Void
    ) {
        queue.assertCurrent()
        guard !isClosed else { return completion(.failure(.closed(.local))) }
        switch links[broker] {
        case .open(let connection):
            completion(.success(connection))
        case .connecting(let waiters, let attempt):
            links[broker] = .connecting(waiters + [completion], attempt: attempt)
        case nil:
            guard let address = address(of: broker) else { return completion(.failure(.noLeader)) }
            attempts += 1
            let attempt = attempts
            links[broker] = .connecting([completion], attempt: attempt)
            KafkaClientConnection.connect(to: address, network: runtime.network, reactor: queue, options: options) {
                [self] result in connected(broker, attempt, result)
            }
            // An attempt that was answered by nobody, and refused by nobody, is given up.
            queue.schedule(after: 2 * options.requestTimeout) { [weak self] in
                guard let self, case .connecting(_, attempt)? = links[broker] else { return }
                drop(broker)
            }
        }
    }

    /// Ends all connections; what is outstanding fails.
    package func close() {
        queue.assertCurrent()
        isClosed = true
        for broker in links.keys.sorted() { drop(broker) }
    }

    private func address(of broker: Int32) -> SocketAddress? {
        guard broker == Self.anyBroker else { return brokers[broker] }
        defer { nextBootstrap = (nextBootstrap + 1) % bootstrap.count }
        return bootstrap[nextBootstrap]
    }

    private func connected(
        _ broker: Int32, _ attempt: Int, _ result: Result<KafkaClientConnection, KafkaClientError>
    ) {
        guard case .connecting(let waiters, attempt)? = links[broker] else {
            // Dropped meanwhile.
            if case .success(let connection) = result { connection.close() }
            return
        }
        links[broker] = nil
        if case .success(let connection) = result {
            links[broker] = .open(connection)
            connection.onClosed = { [weak self, weak connection] _ in
                guard let self, case .open(let current)? = links[broker], current === connection else { return }
                links[broker] = nil
            }
        }
        for waiter in waiters { waiter(result) }
    }

    private func drop(_ broker: Int32) {
        switch links.removeValue(forKey: broker) {
        case .open(let connection): connection.close()
        case .connecting(let waiters, _): for waiter in waiters { waiter(.failure(.closed(.local))) }
        case nil: break
        }
    }
}
