// SPDX-License-Identifier: Apache-2.0
internal import KafkaReplication
internal import KafkaRuntime
internal import KafkaStorage
internal import Synchronization

/// All that a broker measures: counted where it happens, added up when somebody asks.
///
/// Exists only where somebody may ask (`metrics.listener`, or an embedding program); without it nothing is counted.
package final class BrokerMetrics: Sendable {
    /// The parts of a broker that runs.
    struct Sources: Sendable {
        let context: BrokerContext
        let listeners: ListenerGroup
        let isActiveController: @Sendable () -> Bool
    }

    let topics = TopicCounterTable()
    /// Fetch requests that wait for data.
    let waitingFetches = Atomic<Int>(0)
    /// Produce requests that wait for a sync.
    let waitingProduces = Atomic<Int>(0)
    let limits: MetricsConfiguration
    let runtime: Runtime
    let processStatistics: (@Sendable () -> ProcessStatistics?)?
    private let memory: RequestMemory
    private let times: (any RequestTimeObserver)?
    /// One for each reactor. That of a reactor which has gone is the next new one's, so that no count goes back.
    private let meters = Mutex<[ReactorMeter]>([])
    /// Milliseconds since 1970, and of the steady clock.
    private let madeAt: (wall: Int64, monotonic: Int64)
    private let sources = Mutex<Sources?>(nil)
    private let storage = Mutex<StorageCounters?>(nil)
    /// For the time that the group coordinators have to tell how they stand.
    private let queue: any SerialQueue
    private let lastIdle = Mutex<(at: Int64, idle: [Int64])?>(nil)

    /// - Parameters:
    ///   - times: told the times of each request as they come.
    ///   - processStatistics: asked whenever metrics are collected; nil where a process is nothing to speak of.
    init(
        limits: MetricsConfiguration, runtime: Runtime, memory: RequestMemory, times: (any RequestTimeObserver)?,
        processStatistics: (@Sendable () -> ProcessStatistics?)?
    ) {
        self.limits = limits
        self.runtime = runtime
        self.memory = memory
        self.processStatistics = processStatistics
        self.times = times
        queue = runtime.queues.makeQueue(label: "metrics")
        madeAt = (runtime.clock.wallMilliseconds, runtime.clock.monotonicMilliseconds)
    }

    private struct ReactorMeter {
        weak var reactor: (any SerialQueue)?
        let meter: RequestMeter
    }

    /// The counts of the reactor.
    func meter(of reactor: any SerialQueue) -> RequestMeter {
        meters.withLock { meters in
            if let own = meters.first(where: { $0.reactor === reactor }) { return own.meter }
            if let free = meters.firstIndex(where: { $0.reactor == nil }) {
                meters[free].reactor = reactor
                return meters[free].meter
            }
            let made = RequestMeter(clock: runtime.clock, observer: times)
            meters.append(ReactorMeter(reactor: reactor, meter: made))
            return made
        }
    }

    /// Has events of the logs counted and passed on to `observer`.
    func observing(_ observer: any LogObserver) -> any LogObserver {
        let counters = StorageCounters(next: observer)
        storage.withLock { $0 = counters }
        return counters
    }

    func begin(_ sources: Sources) { self.sources.withLock { $0 = sources } }

    func end() { sources.withLock { $0 = nil } }

    /// Whether clients are served.
    package var isServing: Bool { sources.withLock { $0 != nil } }

    // MARK: Collecting

    /// How long the group coordinators have to tell how they stand, in milliseconds.
    private static let coordinatorPatience: Int64 = 1_000

    /// Collects all values; `completion` gets them on a background thread.
    ///
    /// The group coordinators are asked first, each on its own queue, where it only hands over what it holds; counting
    /// and looking up follow in the background. Where one does not answer in time, because its disk keeps it, how groups
    /// stand is left out: no value is better than one that others are missing from.
    package func collect(_ completion: @escaping @Sendable (MetricSnapshot) -> Void) {
        guard let sources = sources.withLock({ $0 }) else { return collect(nil, nil, completion) }
        let reports = FirstResult<[GroupShardReport]?> { [self] in collect(sources, $0, completion) }
        let timer = queue.schedule(after: Self.coordinatorPatience) { reports.give(nil) }
        sources.context.groups.reports { [queue] in
            queue.cancel(timer)
            reports.give($0)
        }
    }

    private func collect(
        _ sources: Sources?, _ groups: [GroupShardReport]?, _ completion: @escaping @Sendable (MetricSnapshot) -> Void
    ) {
        runtime.queues.runBlocking { [self] in completion(snapshot(sources, groups)) }
    }

    /// Takes the lock of each log for a moment.
    private func snapshot(_ sources: Sources?, _ groups: [GroupShardReport]?) -> MetricSnapshot {
        var snapshot = MetricSnapshot()
        topics.collect(into: &snapshot, topicsMax: limits.topicsMax)
        RequestMeter.collect(meters.withLock { $0.map(\.meter) }, into: &snapshot)
        collectNetwork(sources, into: &snapshot)
        snapshot.add(MetricCatalog.brokerState, sources == nil ? 1 : 3)
        if let sources {
            collectReplicas(sources, into: &snapshot)
            collectGroupCounters(sources.context.groups.statistics, into: &snapshot)
            if let groups { collectGroups(groups, sources.context.replicas, into: &snapshot) }
        }
        storage.withLock { $0 }?.collect(into: &snapshot)
        collectProcess(into: &snapshot)
        return snapshot
    }

    private func collectNetwork(_ sources: Sources?, into snapshot: inout MetricSnapshot) {
        if let listeners = sources?.listeners.contexts {
            func samples(_ value: (ListenerContext) -> Int) -> [MetricSample] {
                listeners.map { MetricSample(labels: [$0.name], value: .integer(Int64(value($0)))) }
            }
            snapshot.add(MetricCatalog.connections, samples { $0.connectionCount })
            snapshot.add(MetricCatalog.connectionsCreated, samples { $0.connectionsCreated })
            snapshot.add(MetricCatalog.connectionsClosed, samples { $0.connectionsClosed })
        }
        collectIdle(into: &snapshot)
        snapshot.add(MetricCatalog.requestMemory, memory.used)
        snapshot.add(
            MetricCatalog.purgatory,
            [
                MetricSample(
                    labels: ["Fetch"], value: .integer(Int64(waitingFetches.load(ordering: .relaxed)))),
                MetricSample(
                    labels: ["Produce"], value: .integer(Int64(waitingProduces.load(ordering: .relaxed)))),
            ])
        if let sources { snapshot.add(MetricCatalog.fetchSessions, sources.context.fetchSessions.count) }
    }

    private func collectIdle(into snapshot: inout MetricSnapshot) {
        let idle = runtime.network.idleNanoseconds
        guard !idle.isEmpty else { return }
        let now = runtime.clock.monotonicNanoseconds
        let ratio = lastIdle.withLock { last -> Double in
            defer { last = (now, idle) }
            let since = last ?? (madeAt.monotonic * 1_000_000, [])
            let sum = idle.enumerated().reduce(Int64(0)) { sum, reactor in
                let before = reactor.offset < since.idle.count ? since.idle[reactor.offset] : 0
                // Another reactor stands there now, which began from nothing.
                return sum + (reactor.element < before ? reactor.element : reactor.element - before)
            }
            let span = Double(now - since.at) * Double(idle.count)
            return span > 0 ? min(1, max(0, Double(sum) / span)) : 1
        }
        snapshot.add(MetricCatalog.networkIdle, ratio)
        snapshot.add(MetricCatalog.handlerIdle, ratio)
        snapshot.add(
            MetricCatalog.reactorIdle,
            idle.enumerated().map { MetricSample(labels: ["\($0.offset)"], value: .real(Double($0.element) / 1e9)) })
    }

    private func collectProcess(into snapshot: inout MetricSnapshot) {
        if let process = processStatistics?() {
            snapshot.add(MetricCatalog.residentMemory, process.residentMemory)
            snapshot.add(MetricCatalog.cpuSeconds, process.cpuSeconds)
            snapshot.add(MetricCatalog.openDescriptors, process.openDescriptors)
            snapshot.add(MetricCatalog.maxDescriptors, process.maxDescriptors)
        }
        snapshot.add(MetricCatalog.startTime, Double(madeAt.wall) / 1000)
        snapshot.add(
            MetricCatalog.uptime, Double(runtime.clock.monotonicMilliseconds - madeAt.monotonic) / 1000)
    }
}
