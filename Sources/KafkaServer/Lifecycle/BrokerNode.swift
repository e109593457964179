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
/// Start: directories locked and formatted → metadata replayed, leadership won → logs loaded, strays set aside →
/// partitions opened → ports bound → broker registered and unfenced → connections served. Stop: ports closed → requests
/// finished → metadata closed → logs synced and closed → marker written.
///
/// Confined to `queue` (the metadata queue), which is what makes it `@unchecked Sendable`.
package final class BrokerNode: @unchecked Sendable {
    /// Milliseconds that connections have to take what was answered when the broker stops.
    private static let drainTimeout: Int64 = 5_000

    private enum Phase {
        case idle
        case starting
        case running(Running)
        case stopping
        case stopped
    }

    private struct Running {
        let storage: OpenStorage
        let quorum: MetadataQuorum
        let listeners: ListenerGroup
        let context: BrokerContext
        let flusher: LogFlusher
        let directories: DirectoryReports
    }

    package let configuration: BrokerConfiguration
    let runtime: Runtime
    private let loggers: ComponentLoggers
    let log: Logger
    private let queue: any SerialQueue
    private let requestMemory: RequestMemory
    /// How many reactors there are where no key says it.
    private let networkThreads: Int
    private let quotas: ClientQuotaManager
    /// What is measured; nil where nobody wants to know.
    package let metrics: BrokerMetrics?
    private let serving = Mutex<BrokerContext?>(nil)
    private let addresses = Mutex<[String: SocketAddress]>([:])
    private let fatal = Mutex<(@Sendable (String) -> Void)?>(nil)
    private var phase = Phase.idle
    /// What the broker registered with.
    var registration: BrokerRegistrationRequest?
    /// Who wants to know when the broker has stopped.
    private var stopping: [@Sendable () -> Void] = []

    /// - Parameter measurement: how to measure; nil measures nothing.
    package init(
        configuration: BrokerConfiguration, runtime: Runtime, loggers: ComponentLoggers,
        measurement: Measurement? = nil
    ) {
        self.configuration = configuration
        self.runtime = runtime
        self.loggers = loggers
        log = loggers.logger("server")
        let network = configuration.network
        requestMemory = RequestMemory(
            limit: network.queuedRequestBytesMax.map { max(Int($0), Frame.prefixSize + network.requestBytesMax) })
        queue = runtime.queues.makeQueue(label: "metadata")
        networkThreads = network.networkThreads ?? runtime.network.reactors.count
        quotas = ClientQuotaManager(configuration.quotas, clock: runtime.clock)
        metrics = measurement.map { [requestMemory] measurement in
            BrokerMetrics(
                limits: configuration.metrics, runtime: runtime, memory: requestMemory, times: measurement.times,
                processStatistics: measurement.processStatistics)
        }
    }

    /// Called when the broker cannot go on, for example because the metadata log cannot be written any more.
    package func onFatal(_ handler: @escaping @Sendable (String) -> Void) { fatal.withLock { $0 = handler } }

    /// The bound addresses by listener name; empty unless the broker runs.
    package var boundAddresses: [String: SocketAddress] { addresses.withLock { $0 } }

    /// Bytes of requests that are in memory and not handled yet, as counted against `queued.max.request.bytes`.
    package var requestMemoryInUse: Int { requestMemory.used }

    /// What the handlers share; nil unless the broker runs.
    package var context: BrokerContext? { serving.withLock { $0 } }

    // MARK: Start

    /// Starts the broker. `completion` runs when clients are served, or with what stands in the way.
    package func start(completion: @escaping @Sendable (Result<Void, StartError>) -> Void) {
        queue.async { [self] in
            guard case .idle = phase else { return completion(.failure(StartError("the broker was started before"))) }
            phase = .starting
            let began = runtime.clock.monotonicMilliseconds
            do {
                let starting = try openParts()
                do { try starting.quorum.lead() } catch {
                    giveUp(starting)
                    throw error
                }
                loadLogs(starting) { [self] report in
                    queue.async { [self] in
                        completion(finishStart(starting, report, began: began))
                        settleStart()
                    }
                }
            } catch {
                completion(failed(error))
                stopped()
            }
        }
    }

    /// Does what was asked for while the broker started.
    private func settleStart() {
        guard !stopping.isEmpty else { return }
        if case .running(let running) = phase { stop(running) } else { stopped() }
    }

    /// What is open while the logs are loaded.
    private struct Starting {
        let storage: OpenStorage
        let quorum: MetadataQuorum
        let listeners: ListenerGroup
        let replicas: ReplicaManager
        let published: PublishedMetadata
        let groups: GroupCoordinator
        let directories: DirectoryReports
    }

    private func failed(_ error: any Error) -> Result<Void, StartError> {
        phase = .stopped
        return .failure(error as? StartError ?? StartError("\(error)"))
    }

    /// Ends a start that failed.
    private func giveUp(_ starting: Starting) {
        starting.listeners.stopAccepting()
        starting.groups.stop(on: queue) {}
        // Connections came in and were held; nobody will serve them.
        starting.listeners.closeConnections(timeout: 0, on: queue) {}
        starting.quorum.stop()
        starting.storage.abandon()
    }

    private func openParts() throws -> Starting {
        let storageLog = loggers.logger("storage")
        let events = StorageEvents(log: storageLog)
        let storage = try OpenStorage.open(
            configuration, runtime: runtime, observer: metrics?.observing(events) ?? events, log: storageLog)
        storage.logs.onDirectoryFailure { [weak self] directory in self?.directoryFailed(directory) }
        do {
            let replicas = ReplicaManager()
            let published = PublishedMetadata()
            let listeners = ListenerGroup(
                configuration.network, configuration.quotas, requestMemory, runtime: runtime)
            let directories = DirectoryReports(
                nodeID: configuration.nodeID, failureTimeout: configuration.storage.directoryFailureTimeout,
                runtime: runtime, queue: queue, log: storageLog,
                onFatal: { [weak self] reason in self?.reportFatal(reason) })
            let configuration = configuration
            let updater = ReplicaUpdater(
                nodeID: configuration.nodeID, replicas: replicas, logs: storage.logs, log: storageLog,
                counters: metrics?.topics, logConfigurations: { TopicLogConfigurations(configuration, image: $0) },
                directoryFound: { place, directory in directories.found(place, in: directory) })
            let settings = DynamicSettings(
                configuration: configuration, logs: storage.logs, cleaner: storage.cleaner, listeners: listeners,
                runtime: runtime, networkThreads: networkThreads, queue: queue, log: loggers.logger("network"),
                onListenersChange: { [weak self] in self?.listenersChanged() })
            let groups = GroupCoordinator(
                configuration.coordinator, nodeID: configuration.nodeID, runtime: runtime, replicas: replicas,
                log: loggers.logger("group"), present: { configuration.overlaid(with: $0).coordinator })
            return Starting(
                storage: storage, quorum: try openQuorum(storage, updater, settings, published, groups),
                listeners: listeners, replicas: replicas, published: published, groups: groups,
                directories: directories)
        } catch {
            storage.abandon()
            throw error
        }
    }

    private func loadLogs(_ starting: Starting, completion: @escaping @Sendable (LoadReport) -> Void) {
        let image = starting.quorum.committedImage
        let configurations = TopicLogConfigurations(configuration, image: image)
        let progress = LoadProgressLog(log: loggers.logger("storage"), clock: runtime.clock)
        starting.storage.logs.loadLogs(
            threadsPerDirectory: configuration.overlaid(with: image).storage.recoveryThreadsPerDirectory,
            topicConfiguration: { configurations.configuration(ofTopic: $0) },
            topicID: { image.topics.topic(named: $0)?.id },
            progress: { progress.report($0) }, completion: completion)
    }

    private func finishStart(
        _ starting: Starting, _ report: LoadReport, began: Int64
    ) -> Result<Void, StartError> {
        let (storage, quorum, listeners) = (starting.storage, starting.quorum, starting.listeners)
        do {
            try checkDirectories(storage.logs, report)
            setStraysAside(storage.logs, quorum.committedImage)
            quorum.start()
            try bootstrap(quorum, storage)
            try bind(listeners, quorum.published)
            try register(quorum, storage, listeners, previousBrokerEpoch: report.previousBrokerEpoch)
        } catch {
            giveUp(starting)
            return failed(error)
        }
        let context = makeContext(starting)
        addresses.withLock { $0 = listeners.addresses }
        serving.withLock { $0 = context }
        metrics?.begin(
            .init(
                context: context, listeners: listeners,
                isActiveController: { quorum.isActiveController.load(ordering: .relaxed) }))
        storage.startTasks()
        let flusher = LogFlusher(
            replicas: starting.replicas, runtime: runtime, interval: configuration.storage.flushCheckInterval,
            log: loggers.logger("storage"))
        flusher.start(after: configuration.storage.initialTaskDelay)
        listeners.open(context)
        phase = .running(
            Running(
                storage: storage, quorum: quorum, listeners: listeners, context: context, flusher: flusher,
                directories: starting.directories))
        starting.directories.start(quorum)
        storage.logs.onMove { [weak self] partition, directoryID in self?.moved(partition, to: directoryID) }
        warnOfMissingFeatures(context)
        log.info(
            "broker started",
            metadata: [
                "node": "\(configuration.nodeID)", "cluster": "\(storage.clusterID)",
                "listeners":
                    "\(listeners.bound.map { "\($0.configuration.name)://\($0.address)" }.joined(separator: ","))",
                "ms": "\(runtime.clock.monotonicMilliseconds - began)",
            ])
        return .success(())
    }

    /// Binds the listeners of the file with what was set while the broker ran.
    private func bind(_ listeners: ListenerGroup, _ image: MetadataImage) throws(NetworkError) {
        let present = configuration.listeners(image)
        if present == nil {
            log.error("the listeners that were set while running do not fit the file any more, and are left out")
        }
        try listeners.bind(
            configuration.network, present: present, interBroker: configuration.interBrokerListenerName,
            log: loggers.logger("network"))
    }

    private func warnOfMissingFeatures(_ context: BrokerContext) {
        guard configuration.coordinator.protocols.contains(.consumer), !context.servesConsumerGroups else { return }
        log.warning(
            """
            groups of the consumer protocol (KIP-848) are refused: the cluster has not finalised group.version. \
            UpdateFeatures raises it, for example kafka-features upgrade --feature group.version=1; or leave consumer out \
            of group.coordinator.rebalance.protocols
            """)
    }

    /// Takes the partitions of a failed directory out of service and has the controller told. A broker without any
    /// directory, or without the one that holds the metadata, is of no use to anybody. On any thread.
    private func directoryFailed(_ directory: FailedDirectory) {
        queue.async { [self] in
            // Before it runs, the registration leaves the directory out.
            guard case .running(let running) = phase else { return }
            if !running.storage.logs.directories.contains(where: \.isOnline) {
                return reportFatal("all log directories have failed")
            }
            if directory.path == configuration.storage.metadataLogDirectory {
                return reportFatal("the log directory of the metadata has failed: \(directory.reason)")
            }
            running.context.replicas.markOffline(directory.partitions)
            let topics = running.quorum.published.topics
            running.directories.failed(
                directory,
                directory.partitions.compactMap { name in
                    topics.id(ofTopic: name.topic).map { TopicIDPartition(topicID: $0, partition: name.partition) }
                })
        }
    }

    /// A log lies in another directory now. On any thread.
    private func moved(_ partition: TopicPartition, to directoryID: KafkaUUID?) {
        queue.async { [self] in
            guard case .running(let running) = phase, let directoryID,
                let topicID = running.quorum.published.topics.id(ofTopic: partition.topic)
            else { return }
            running.directories.found(
                TopicIDPartition(topicID: topicID, partition: partition.partition), in: directoryID)
        }
    }

    /// A level of metadata.version that has room for log directories (KIP-858) has the broker tell them, and where its
    /// replicas lie.
    private func metadataVersionChanged() {
        guard case .running(let running) = phase, var request = registration else { return }
        let image = running.quorum.published
        guard image.metadataVersion.supportsDirectories,
            image.cluster.broker(configuration.nodeID)?.directories.isEmpty == true
        else { return }
        request.logDirs = running.storage.directoryIDs
        amendRegistration(request, running, "log directories not registered") { [self] in reportPlaces(running) }
    }

    /// Has the controller tell clients where the broker listens now.
    private func listenersChanged() {
        guard case .running(let running) = phase, var request = registration else { return }
        addresses.withLock { $0 = running.listeners.addresses }
        let endpoints = running.listeners.endpoints
        guard !endpoints.elementsEqual(request.listeners, by: { $0.isSame(as: $1) }) else { return }
        request.listeners = endpoints
        request.logDirs = running.storage.directoryIDs
        registration = request
        amendRegistration(request, running, "listeners not registered")
    }

    /// Registers this incarnation again with other particulars.
    private func amendRegistration(
        _ request: BrokerRegistrationRequest, _ running: Running, _ failure: Logger.Message,
        then completion: @escaping @Sendable () -> Void = {}
    ) {
        running.quorum.submit(
            { controller, decision in
                controller.registerBroker(request, nextOffset: decision.nextOffset, now: decision.now)
            },
            completion: { [log] result in
                switch result {
                case .success(let response) where response.errorCode == 0: completion()
                case .success(let response): log.error(failure, metadata: ["error": "\(response.errorCode)"])
                case .failure(let error): log.error(failure, metadata: ["error": "\(error)"])
                }
            })
    }

    private func reportPlaces(_ running: Running) {
        running.quorum.published.topics.forEachPartition { topic, index, partition in
            let name = TopicPartition(topic: topic.name, partition: index)
            guard let recorded = partition.directory(ofReplicaOn: configuration.nodeID),
                let found = running.storage.logs.directoryID(of: name), recorded != found
            else { return }
            running.directories.found(TopicIDPartition(topicID: topic.id, partition: index), in: found)
        }
    }

    private func reportFatal(_ reason: String) { fatal.withLock { $0 }?(reason) }

    private func openQuorum(
        _ storage: OpenStorage, _ updater: ReplicaUpdater, _ settings: DynamicSettings,
        _ published: PublishedMetadata, _ groups: GroupCoordinator
    ) throws -> MetadataQuorum {
        try MetadataQuorum(
            configuration: raftConfiguration(storage), settings: controllerSettings(storage),
            directory: storage.metadataDirectory, logConfiguration: metadataLogConfiguration(), runtime: runtime,
            queue: queue, log: loggers.logger("metadata"),
            publisher: { [queue, quotas, weak self] image, delta in
                settings.apply(image, delta)
                updater.apply(image, delta)
                published.publish(image)
                if !delta.changedClientQuotas.isEmpty { quotas.update(image.clientQuotas) }
                updater.retryLater(on: queue, published)
                groups.metadataPublished(image, delta)
                if delta.changedFeatures.contains(MetadataVersion.featureName) {
                    queue.async { [weak self] in self?.metadataVersionChanged() }
                }
            },
            onFatal: { [weak self] reason in self?.reportFatal(reason) })
    }

    private func makeContext(_ starting: Starting) -> BrokerContext {
        let nodeID = configuration.nodeID
        let quorum = starting.quorum
        let metadata = ClusterMetadata(
            published: starting.published, quorum: quorum, random: runtime.random,
            schema: ServerConfigurationSchema(configuration, networkThreads: networkThreads) {
                [listeners = starting.listeners] in
                listeners.failure(ofListeningAs: $0)
            })
        let producerIDs = ProducerIDAllocator { completion in
            quorum.submit(
                { controller, _ in
                    controller.allocateProducerIDs(
                        AllocateProducerIdsRequest(
                            brokerID: nodeID, brokerEpoch: controller.image.cluster.broker(nodeID)?.epoch ?? -1))
                }, completion: { completion($0.flatMap(ProducerIDAllocator.Block.from)) })
        }
        return BrokerContext(
            configuration: configuration, runtime: runtime, clusterID: starting.storage.clusterID, metadata: metadata,
            logs: starting.storage.logs, replicas: starting.replicas, producerIDs: producerIDs,
            groups: starting.groups, quotas: quotas, metrics: metrics, log: loggers.logger("request"),
            loggerLevels: loggers.levels)
    }

    // MARK: Stop

    /// Stops the broker cleanly; `completion` runs when everything is durable, at once where nothing runs. While the
    /// broker starts, it is stopped as soon as it has started.
    package func shutdown(completion: @escaping @Sendable () -> Void) {
        queue.async { [self] in
            switch phase {
            case .idle, .stopped: completion()
            case .starting, .stopping: stopping.append(completion)
            case .running(let running):
                stopping.append(completion)
                stop(running)
            }
        }
    }

    private func stop(_ running: Running) {
        phase = .stopping
        let began = runtime.clock.monotonicMilliseconds
        addresses.withLock { $0 = [:] }
        serving.withLock { $0 = nil }
        metrics?.end()
        running.listeners.stopAccepting()
        running.listeners.closeConnections(timeout: Self.drainTimeout, on: queue) { [self] in
            // The coordinators write until nobody can ask them any more.
            running.context.groups.stop(on: queue) { [self] in stopStorage(running, began: began) }
        }
    }

    private func stopStorage(_ running: Running, began: Int64) {
        let epoch = running.quorum.published.cluster.broker(configuration.nodeID)?.epoch ?? -1
        running.flusher.stop()
        running.directories.stop()
        running.quorum.stop()
        running.storage.close(brokerEpoch: epoch) { [self] in
            queue.async { [self] in
                phase = .stopped
                log.info("broker stopped", metadata: ["ms": "\(runtime.clock.monotonicMilliseconds - began)"])
                stopped()
            }
        }
    }

    /// Tells those who wait for the end.
    private func stopped() {
        let waiting = stopping
        stopping = []
        for completion in waiting { completion() }
    }
}

/// Why a broker could not start: one line that says what to do.
package struct StartError: Error, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
