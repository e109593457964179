// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// What has gone in and out of a topic. Counted from any reactor.
package final class TopicCounters: Sendable {
    struct Values: Equatable {
        var messagesIn: Int64 = 0
        var bytesIn: Int64 = 0
        var bytesOut: Int64 = 0
        var bytesRejected: Int64 = 0
        var produceRequests: Int64 = 0
        var failedProduceRequests: Int64 = 0
        var fetchRequests: Int64 = 0
        var failedFetchRequests: Int64 = 0

        static func += (left: inout Values, right: Values) {
            left.messagesIn += right.messagesIn
            left.bytesIn += right.bytesIn
            left.bytesOut += right.bytesOut
            left.bytesRejected += right.bytesRejected
            left.produceRequests += right.produceRequests
            left.failedProduceRequests += right.failedProduceRequests
            left.fetchRequests += right.fetchRequests
            left.failedFetchRequests += right.failedFetchRequests
        }
    }

    private let messagesIn = Atomic<Int64>(0)
    private let bytesIn = Atomic<Int64>(0)
    private let bytesOut = Atomic<Int64>(0)
    private let bytesRejected = Atomic<Int64>(0)
    private let produceRequests = Atomic<Int64>(0)
    private let failedProduceRequests = Atomic<Int64>(0)
    private let fetchRequests = Atomic<Int64>(0)
    private let failedFetchRequests = Atomic<Int64>(0)

    init() {}

    /// A producer has appended to a partition.
    func appended(records: Int64, bytes: Int) {
        messagesIn.add(records, ordering: .relaxed)
        bytesIn.add(Int64(bytes), ordering: .relaxed)
        produceRequests.add(1, ordering: .relaxed)
    }

    /// What a producer sent to a partition was refused.
    func refused(bytes: Int) {
        bytesRejected.add(Int64(bytes), ordering: .relaxed)
        produceRequests.add(1, ordering: .relaxed)
        failedProduceRequests.add(1, ordering: .relaxed)
    }

    /// A consumer was answered about a partition.
    func fetched(bytes: Int, isError: Bool) {
        if bytes > 0 { bytesOut.add(Int64(bytes), ordering: .relaxed) }
        fetchRequests.add(1, ordering: .relaxed)
        if isError { failedFetchRequests.add(1, ordering: .relaxed) }
    }

    var values: Values {
        Values(
            messagesIn: messagesIn.load(ordering: .relaxed), bytesIn: bytesIn.load(ordering: .relaxed),
            bytesOut: bytesOut.load(ordering: .relaxed), bytesRejected: bytesRejected.load(ordering: .relaxed),
            produceRequests: produceRequests.load(ordering: .relaxed),
            failedProduceRequests: failedProduceRequests.load(ordering: .relaxed),
            fetchRequests: fetchRequests.load(ordering: .relaxed),
            failedFetchRequests: failedFetchRequests.load(ordering: .relaxed))
    }
}

/// The counters of all topics of this broker, and what those have counted that are gone.
final class TopicCounterTable: Sendable {
    private struct State {
        var byName: [String: TopicCounters] = [:]
        var gone = TopicCounters.Values()
    }

    private let state = Mutex(State())
    /// For requests about topics that this broker does not know.
    let unknown = TopicCounters()

    /// The counters of a topic, made for the first who asks.
    func counters(of topic: String) -> TopicCounters {
        state.withLock { state in
            if let known = state.byName[topic] { return known }
            let made = TopicCounters()
            state.byName[topic] = made
            return made
        }
    }

    /// The topic was deleted: what it has counted stays in the sum of all.
    func remove(_ topic: String) {
        state.withLock { state in
            guard let counters = state.byName.removeValue(forKey: topic) else { return }
            state.gone += counters.values
        }
    }

    /// - Parameter topicsMax: how many topics get series of their own.
    func collect(into snapshot: inout MetricSnapshot, topicsMax: Int) {
        let (topics, gone) = state.withLock { state in
            (state.byName.map { (name: $0.key, values: $0.value.values) }.sorted { $0.name < $1.name }, state.gone)
        }
        var all = gone
        all += unknown.values
        for topic in topics { all += topic.values }
        let shown = topics.prefix(topicsMax).map { (labels: [$0.name], values: $0.values) }
        func add(_ metric: Metric, _ value: (TopicCounters.Values) -> Int64) {
            var samples = [MetricSample(labels: [""], value: .integer(value(all)))]
            samples += shown.map { MetricSample(labels: $0.labels, value: .integer(value($0.values))) }
            snapshot.add(metric, samples)
        }
        add(MetricCatalog.messagesIn) { $0.messagesIn }
        add(MetricCatalog.bytesIn) { $0.bytesIn }
        add(MetricCatalog.bytesOut) { $0.bytesOut }
        add(MetricCatalog.bytesRejected) { $0.bytesRejected }
        add(MetricCatalog.totalProduceRequests) { $0.produceRequests }
        add(MetricCatalog.failedProduceRequests) { $0.failedProduceRequests }
        add(MetricCatalog.totalFetchRequests) { $0.fetchRequests }
        add(MetricCatalog.failedFetchRequests) { $0.failedFetchRequests }
    }
}
