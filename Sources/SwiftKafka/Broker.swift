// SPDX-License-Identifier: Apache-2.0
internal import DispatchRuntime
internal import KafkaConsole
internal import KafkaRuntime
internal import KafkaServer
internal import Logging
public import ServiceLifecycle
internal import Synchronization

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
    private let runtime: Runtime
    /// Set where `metrics.listener` is.
    private let console: ConsoleListener?
    private let reporter: MetricsReporter?
    private let boundMetricsPort = Atomic<UInt16>(0)

    /// Prepares a broker; nothing runs before `start()`.
    ///
    /// - Throws: `BrokerError.configuration` with every problem that was found.
    public convenience init(configuration: BrokerOptions) throws(BrokerError) {
        try self.init(configuration, files: nil)
    }

    private init(_ options: BrokerOptions, files: (any FileSystem)?) throws(BrokerError) {
        let configuration = try Self.configuration(options)
        let runtime = try Self.makeRuntime(configuration.network, files: files)
        let reported = options.metricsInterval.map { _ in RequestTimers() }
        let isMeasured = reported != nil || configuration.metrics.listener != nil
        let failure = Failure()
        let node = BrokerNode(
            configuration: configuration, runtime: runtime, loggers: .program,
            measurement: isMeasured
                ? Measurement(times: reported, processStatistics: { DispatchRuntime.processStatistics() }) : nil)
        node.onFatal { failure.set($0) }
        self.node = node
        self.failure = failure
        self.runtime = runtime
        console =
            configuration.metrics.listener == nil
            ? nil
            : node.metrics.map {
                ConsoleListener(
                    $0, runtime: runtime, log: ComponentLoggers.program.logger("metrics"),
                    failureReason: { failure.reason })
            }
        reporter = options.metricsInterval.flatMap { interval in
            node.metrics.map { MetricsReporter($0, interval: interval, runtime: runtime) }
        }
    }

    /// A broker that keeps its data in memory and listens on a free port of the loopback interface: for tests.
    ///
    /// - Parameter options: over the defaults of such a broker; `listeners` and `log.dirs` may be set, too.
    /// - Throws: `BrokerError.configuration`.
    public static func inMemory(_ options: BrokerOptions = [:]) throws(BrokerError) -> Broker {
        var settings = options
        settings.setDefault("listeners", "PLAINTEXT://127.0.0.1:0")
        settings.setDefault("log.dirs", "/swiftkafka")
        return try Broker(settings, files: InMemoryFileSystem())
    }

    private static func configuration(_ options: BrokerOptions) throws(BrokerError) -> BrokerConfiguration {
        let loaded = try options.load()
        let log = ComponentLoggers.program.logger("server")
        for warning in loaded.warnings { log.warning("\(warning)") }
        return loaded.configuration
    }

    private static func makeRuntime(
        _ network: NetworkConfiguration, files: (any FileSystem)?
    ) throws(BrokerError) -> Runtime {
        let networkLog = ComponentLoggers.program.logger("network")
        let system: Runtime
        do throws(NetworkError) {
            system = try DispatchRuntime.makeRuntime(
                reactorCount: network.networkThreads ?? DispatchRuntime.processorCount,
                blockingThreads: network.backgroundThreads, warn: { networkLog.warning("\($0)") })
        } catch {
            throw .start("\(error)")
        }
        return Runtime(
            clock: system.clock, queues: system.queues, files: files ?? system.files, network: system.network,
            random: system.random)
    }

    /// Starts the broker; returns when clients can be served.
    ///
    /// - Throws: `BrokerError.start`, for example when a port is in use or a directory belongs to another process.
    public func start() async throws {
        if let console, let address = node.configuration.metrics.listener {
            do throws(NetworkError) {
                let bound = try console.start(on: address)
                boundMetricsPort.store(bound.port, ordering: .relaxed)
            } catch { throw BrokerError.start("metrics.listener: \(error)") }
        }
        reporter?.start()
        do { try await startNode() } catch {
            stopMetrics()
            throw error
        }
    }

    private func stopMetrics() {
        reporter?.stop()
        console?.stop()
    }

    private func startNode() async throws {
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
        stopMetrics()
    }

    /// The port of `metrics.listener`; nil where nothing listens there.
    public var metricsPort: UInt16? {
        let port = boundMetricsPort.load(ordering: .relaxed)
        return port == 0 ? nil : port
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
