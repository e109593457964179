// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaMetadata
internal import KafkaProtocol
package import KafkaRuntime
internal import KafkaStorage
internal import Logging
internal import Synchronization

/// A broker and controller in one node: starts, runs and stops everything in order.
///
/// Start: directories locked and formatted → logs loaded → metadata replayed, leadership won → ports bound → broker
/// registered and unfenced → partitions opened → connections served. Stop: ports closed → requests finished → metadata
/// closed → logs synced and closed → marker written.
///
/// Confined to `queue` (the metadata queue), which is what makes it `@unchecked Sendable`.
package final class BrokerNode: @unchecked Sendable {
    /// Milliseconds that connections have to take what was answered when the broker stops.
    private static let drainTimeout: Int64 = 5_000

    private enum Phase {
        case idle
        case running(Running)
        case stopping
        case stopped
    }

    private struct Running {
        let storage: OpenStorage
        let quorum: MetadataQuorum
        let listeners: ListenerGroup
        let context: BrokerContext
    }

    let configuration: BrokerConfiguration
    let runtime: Runtime
    private let loggers: ComponentLoggers
    private let log: Logger
    private let queue: any SerialQueue
    private let addresses = Mutex<[String: SocketAddress]>([:])
    private let fatal = Mutex<(@Sendable (String) -> Void)?>(nil)
    private var phase = Phase.idle

    package init(configuration: BrokerConfiguration, runtime: Runtime, loggers: ComponentLoggers) {
        self.configuration = configuration
        self.runtime = runtime
        self.loggers = loggers
        log = loggers.logger("server")
        queue = runtime.queues.makeQueue(label: "metadata")
    }

    /// Called when the broker cannot go on, for example because the metadata log cannot be written any more.
    package func onFatal(_ handler: @escaping @Sendable (String) -> Void) { fatal.withLock { $0 = handler } }

    /// The bound addresses by listener name; empty unless the broker runs.
    package var boundAddresses: [String: SocketAddress] { addresses.withLock { $0 } }

    // MARK: Start

    /// Starts the broker. `completion` runs when clients are served, or with what stands in the way.
    package func start(completion: @escaping @Sendable (Result<Void, StartError>) -> Void) {
        queue.async { [self] in
            guard case .idle = phase else { return completion(.failure(StartError("the broker was started before"))) }
            do {
                phase = .running(try startParts())
                completion(.success(()))
            } catch let error as StartError {
                phase = .stopped
                completion(.failure(error))
            } catch {
                phase = .stopped
                completion(.failure(StartError("\(error)")))
            }
        }
    }

    private func startParts() throws -> Running {
        let began = runtime.clock.monotonicMilliseconds
        let storage = try OpenStorage.open(configuration, runtime: runtime, log: loggers.logger("storage"))
        let listeners = ListenerGroup(configuration.network)
        do {
            let published = PublishedMetadata()
            let replicas = ReplicaManager()
            let quorum = try openQuorum(storage, replicas, published)
            try quorum.start()
            try bootstrap(quorum, storage)
            try listeners.bind(configuration.network, runtime: runtime, log: loggers.logger("network"))
            try register(quorum, storage, listeners)
            let context = makeContext(storage, quorum, replicas, published)
            storage.didLoad(referenced: replicas)
            addresses.withLock { addresses in
                for bound in listeners.bound { addresses[bound.configuration.name] = bound.address }
            }
            listeners.open(context)
            log.info(
                "broker started",
                metadata: [
                    "node": "\(configuration.nodeID)", "cluster": "\(storage.clusterID)",
                    "listeners": "\(listeners.bound.map { "\($0.configuration.name)://\($0.address)" })",
                    "ms": "\(runtime.clock.monotonicMilliseconds - began)",
                ])
            return Running(storage: storage, quorum: quorum, listeners: listeners, context: context)
        } catch {
            listeners.stopAccepting()
            storage.abandon()
            throw error
        }
    }

    private func openQuorum(
        _ storage: OpenStorage, _ replicas: ReplicaManager, _ published: PublishedMetadata
    ) throws -> MetadataQuorum {
        let configuration = configuration
        let updater = ReplicaUpdater(
            nodeID: configuration.nodeID, replicas: replicas, logs: storage.logs, log: loggers.logger("storage"),
            logConfiguration: { topic, image in
                ConfigurationLayers(image: image, configuration: configuration).topicDefaults()
                    .applying(image.configs(of: .topic(topic.name)).map { (name: $0.key, value: $0.value) }).log
            })
        return try MetadataQuorum(
            configuration: raftConfiguration(storage), settings: controllerSettings(storage),
            directory: storage.metadataDirectory, logConfiguration: metadataLogConfiguration(), runtime: runtime,
            queue: queue, log: loggers.logger("metadata"),
            publisher: { image, delta in
                updater.apply(image, delta)
                published.publish(image)
            },
            onFatal: { [weak self] reason in self?.fatal.withLock { $0 }?(reason) })
    }

    private func makeContext(
        _ storage: OpenStorage, _ quorum: MetadataQuorum, _ replicas: ReplicaManager, _ published: PublishedMetadata
    ) -> BrokerContext {
        let nodeID = configuration.nodeID
        let metadata = ClusterMetadata(
            published: published, quorum: quorum, random: runtime.random,
            schema: BrokerConfigurationSchema(configuration: configuration))
        let producerIDs = ProducerIDAllocator { completion in
            quorum.submit({ controller, _ in
                controller.allocateProducerIDs(
                    AllocateProducerIdsRequest(
                        brokerID: nodeID, brokerEpoch: controller.image.cluster.broker(nodeID)?.epoch ?? -1))
            }, completion: { completion($0.flatMap(ProducerIDAllocator.Block.from)) })
        }
        return BrokerContext(
            configuration: configuration, runtime: runtime, clusterID: storage.clusterID, metadata: metadata,
            replicas: replicas, producerIDs: producerIDs, log: loggers.logger("request"))
    }

    // MARK: Stop

    /// Stops the broker cleanly; `completion` runs when everything is durable, at once where nothing runs.
    package func shutdown(completion: @escaping @Sendable () -> Void) {
        queue.async { [self] in
            guard case .running(let running) = phase else { return completion() }
            phase = .stopping
            let began = runtime.clock.monotonicMilliseconds
            addresses.withLock { $0 = [:] }
            running.listeners.stopAccepting()
            running.listeners.closeConnections(timeout: Self.drainTimeout, on: queue) { [self] in
                finishShutdown(running, began: began)
                completion()
            }
        }
    }

    private func finishShutdown(_ running: Running, began: Int64) {
        let epoch = running.quorum.published.cluster.broker(configuration.nodeID)?.epoch ?? -1
        running.quorum.stop()
        do {
            try running.storage.close(brokerEpoch: epoch)
            log.info("broker stopped", metadata: ["ms": "\(runtime.clock.monotonicMilliseconds - began)"])
        } catch {
            log.error("stopping was not clean; the next start checks the logs", metadata: ["reason": "\(error)"])
        }
        phase = .stopped
    }
}

/// Why a broker could not start: one line that says what to do.
package struct StartError: Error, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
