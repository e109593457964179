// SPDX-License-Identifier: Apache-2.0
internal import CoreMetrics
internal import KafkaRuntime
internal import KafkaServer

/// Hands a broker's metrics to the program's back end of swift-metrics at intervals.
///
/// Counters get what was added since, gauges the value. Of times there are the number and the sum, as counters, except for
/// those that `RequestTimers` hands over request by request. What a deleted topic or partition had is destroyed.
///
/// Confined to `queue`, which is what makes it `@unchecked Sendable`; values are collected on a background thread.
final class MetricsReporter: @unchecked Sendable {
    private struct Key: Hashable {
        let name: String
        let labels: [String]
    }

    private enum Reported {
        case counter(Counter, last: Int64)
        case realCounter(FloatingPointCounter, last: Double)
        case gauge(Gauge)

        func destroy() {
            switch self {
            case .counter(let counter, _): counter.destroy()
            case .realCounter(let counter, _): counter.destroy()
            case .gauge(let gauge): gauge.destroy()
            }
        }
    }

    /// What `RequestTimers` reports.
    private static let timed: Set<String> = [
        "kafka_network_requestmetrics_totaltimems", "kafka_network_requestmetrics_localtimems",
        "kafka_network_requestmetrics_remotetimems",
    ]

    private let metrics: BrokerMetrics
    private let runtime: Runtime
    private let queue: any SerialQueue
    /// Milliseconds.
    private let interval: Int64
    private var reported: [Key: Reported] = [:]
    private var isStopped = false

    init(_ metrics: BrokerMetrics, interval: Duration, runtime: Runtime) {
        self.metrics = metrics
        self.runtime = runtime
        let (seconds, attoseconds) = interval.components
        self.interval = max(1, seconds * 1000 + attoseconds / 1_000_000_000_000_000)
        queue = runtime.queues.makeQueue(label: "metrics-reporter")
    }

    func start() { scheduleNext() }

    func stop() { queue.async { self.isStopped = true } }

    private func scheduleNext() {
        queue.schedule(after: interval) { [weak self] in self?.look() }
    }

    private func look() {
        guard !isStopped else { return }
        metrics.collect { [weak self] snapshot in
            guard let self else { return }
            queue.async { [weak self] in
                guard let self, !isStopped else { return }
                report(snapshot)
                scheduleNext()
            }
        }
    }

    private func report(_ snapshot: MetricSnapshot) {
        var left = reported
        for family in snapshot.families where !Self.timed.contains(family.metric.name) {
            for sample in family.samples { report(sample, of: family.metric, &left) }
        }
        for (key, gone) in left {
            gone.destroy()
            reported[key] = nil
        }
    }

    private func report(_ sample: MetricSample, of metric: Metric, _ left: inout [Key: Reported]) {
        switch sample.value {
        case .distribution(let distribution):
            count(metric.name + "_count", sample, metric, distribution.count, &left)
            countReal(metric.name + "_sum", sample, metric, distribution.sum, &left)
        case .integer(let value) where metric.kind == .counter: count(metric.name, sample, metric, value, &left)
        case .real(let value) where metric.kind == .counter: countReal(metric.name, sample, metric, value, &left)
        case .integer(let value): record(Double(value), sample, metric, &left)
        case .real(let value): record(value, sample, metric, &left)
        }
    }

    private func dimensions(_ sample: MetricSample, _ metric: Metric) -> [(String, String)] {
        zip(metric.labels, sample.labels).filter { !$0.1.isEmpty }.map { ($0.0, $0.1) }
    }

    private func count(
        _ name: String, _ sample: MetricSample, _ metric: Metric, _ value: Int64, _ left: inout [Key: Reported]
    ) {
        let key = Key(name: name, labels: sample.labels)
        let known = left.removeValue(forKey: key)
        guard case .counter(let counter, let last) = known else {
            let counter = Counter(label: name, dimensions: dimensions(sample, metric))
            counter.increment(by: value)
            reported[key] = .counter(counter, last: value)
            return
        }
        guard value > last else { return }
        counter.increment(by: value - last)
        reported[key] = .counter(counter, last: value)
    }

    private func countReal(
        _ name: String, _ sample: MetricSample, _ metric: Metric, _ value: Double, _ left: inout [Key: Reported]
    ) {
        let key = Key(name: name, labels: sample.labels)
        let known = left.removeValue(forKey: key)
        guard case .realCounter(let counter, let last) = known else {
            let counter = FloatingPointCounter(label: name, dimensions: dimensions(sample, metric))
            counter.increment(by: value)
            reported[key] = .realCounter(counter, last: value)
            return
        }
        guard value > last else { return }
        counter.increment(by: value - last)
        reported[key] = .realCounter(counter, last: value)
    }

    private func record(_ value: Double, _ sample: MetricSample, _ metric: Metric, _ left: inout [Key: Reported]) {
        let key = Key(name: metric.name, labels: sample.labels)
        guard case .gauge(let gauge) = left.removeValue(forKey: key) else {
            let gauge = Gauge(label: metric.name, dimensions: dimensions(sample, metric))
            gauge.record(value)
            reported[key] = .gauge(gauge)
            return
        }
        gauge.record(value)
    }
}
