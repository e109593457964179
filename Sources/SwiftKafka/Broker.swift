// SPDX-License-Identifier: Apache-2.0
internal import DispatchRuntime
internal import KafkaRuntime
internal import KafkaServer
internal import Logging
public import ServiceLifecycle

/// A Kafka broker inside your program.
///
/// ```swift
/// let broker = try Broker(configuration: ["log.dirs": "/var/lib/kafka", "listeners": "PLAINTEXT://:9092"])
/// try await broker.start()
/// print(broker.boundAddresses)
/// await broker.shutdown()
/// ```
///
/// Several brokers may run in one process, each with directories of its own. A broker logs through swift-log under the
/// labels `swiftkafka.<component>`. It is also a `Service` of swift-service-lifecycle.
public final class Broker: Sendable {
    private let node: BrokerNode
    private let failure: Failure

    /// Prepares a broker; nothing runs before `start()`.
    ///
    /// - Throws: `BrokerError.configuration` with every problem that was found.
    public convenience init(configuration: BrokerOptions) throws(BrokerError) {
        self.init(node: try Self.makeNode(configuration, files: nil))
    }

    private init(node: BrokerNode) {
        self.node = node
        failure = Failure()
        node.onFatal { [failure] in failure.set($0) }
    }

    /// A broker that keeps its data in memory and listens on a free port of the loopback interface: for tests.
    ///
    /// - Parameter options: over the defaults of such a broker; `listeners` and `log.dirs` may be set, too.
    /// - Throws: `BrokerError.configuration`.
    public static func inMemory(_ options: BrokerOptions = [:]) throws(BrokerError) -> Broker {
        var settings = options
        settings.setDefault("listeners", "PLAINTEXT://127.0.0.1:0")
        settings.setDefault("log.dirs", "/swiftkafka")
        return Broker(node: try makeNode(settings, files: InMemoryFileSystem()))
    }

    private static func makeNode(
        _ options: BrokerOptions, files: (any FileSystem)?
    ) throws(BrokerError) -> BrokerNode {
        let loaded = try options.load()
        let network = loaded.configuration.network
        let networkLog = ComponentLoggers.program.logger("network")
        let system: Runtime
        do throws(NetworkError) {
            system = try DispatchRuntime.makeRuntime(
                reactorCount: network.networkThreads ?? DispatchRuntime.processorCount,
                blockingThreads: network.backgroundThreads, warn: { networkLog.warning("\($0)") })
        } catch {
            throw .start("\(error)")
        }
        let runtime = Runtime(
            clock: system.clock, queues: system.queues, files: files ?? system.files, network: system.network,
            random: system.random)
        let log = ComponentLoggers.program.logger("server")
        for warning in loaded.warnings { log.warning("\(warning)") }
        return BrokerNode(configuration: loaded.configuration, runtime: runtime, loggers: .program)
    }

    /// Starts the broker; returns when clients can be served.
    ///
    /// - Throws: `BrokerError.start`, for example when a port is in use or a directory belongs to another process.
    public func start() async throws {
        try await withCheckedThrowingContinuation { continuation in
            node.start { result in
                continuation.resume(with: result.mapError { BrokerError.start("\($0)") })
            }
        }
    }

    /// Stops the broker cleanly: answers what is under way, makes everything durable. Does nothing when it is stopped.
    public func shutdown() async {
        await withCheckedContinuation { continuation in
            node.shutdown { continuation.resume() }
        }
    }

    /// An address that a listener is bound to.
    public struct Address: Hashable, Sendable, CustomStringConvertible {
        public let host: String
        public let port: UInt16

        public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
    }

    /// The bound addresses by the names of the listeners, for example `PLAINTEXT`; empty while the broker is stopped.
    public var boundAddresses: [String: Address] {
        node.boundAddresses.mapValues { Address(host: $0.host, port: $0.port) }
    }

    /// What a client's `bootstrap.servers` may be set to; nil while the broker is stopped.
    public var bootstrapServers: String? {
        let addresses = node.boundAddresses.sorted { $0.key < $1.key }.map { _, address in
            Address(host: address.host.isEmpty ? "localhost" : address.host, port: address.port).description
        }
        return addresses.isEmpty ? nil : addresses.joined(separator: ",")
    }
}

extension Broker {
    /// Why the broker cannot go on although nobody stopped it, for example because its disk has failed; nil while it
    /// can. It answers what it still can until `shutdown()`.
    public var failureReason: String? { failure.reason }
}

extension Broker: Service {
    /// Starts the broker, runs until the service group shuts down gracefully, the task is cancelled or the broker
    /// fails, and stops it.
    ///
    /// - Throws: `BrokerError.start`, or `BrokerError.failed` where the broker could not go on.
    public func run() async throws {
        try await start()
        let failure = failure
        await cancelWhenGracefulShutdown { await failure.wait() }
        await shutdown()
        if let reason = failure.reason { throw BrokerError.failed(reason) }
    }
}
