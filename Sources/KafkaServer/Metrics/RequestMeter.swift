// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
package import KafkaProtocol
internal import KafkaRuntime
internal import Synchronization

/// What is known of a request while it is handled. Times are monotonic nanoseconds.
struct RequestMeasurement {
    let key: APIKey
    let requestBytes: Int
    let arrived: Int64
    let began: Int64
    /// When the handler had returned without an answer; nil before.
    var parked: Int64?
    /// When the answer to a request that was parked, or stood behind others, was there; nil before.
    var ready: Int64?
    /// Milliseconds that the client was told to wait.
    var throttle: Int32 = 0
}

/// Counts the requests that one reactor serves.
///
/// Only the reactor writes, so that a count is a load and a store of an atomic, as cheap as any memory access; whoever
/// collects reads them at any time. Values that are read together may therefore be a request apart.
final class RequestMeter: @unchecked Sendable {
    // Guards: cells are atomics with one writer; `mark` belongs to the reactor; `errors` has a lock.
    private enum Cell {
        static let versions = 32
        static let requestBytes = 32
        static let responseBytes = 33
        static let requestQueueTime = 34
        static let responseQueueTime = 35
        static let throttleTime = 36
        /// Buckets and the sum behind them.
        static let histogramSize = LatencyBuckets.boundedCount + 2
        static let totalTime = 37
        static let localTime = totalTime + histogramSize
        static let remoteTime = localTime + histogramSize
        static let count = remoteTime + histogramSize
    }

    private struct ErrorKey: Hashable {
        let api: Int16
        let code: Int16
    }

    private static let apiCount = Int(APIKey.allCases.map(\.rawValue).max() ?? 0) + 1

    private let cells: UnsafeMutablePointer<Atomic<Int64>>
    private let errors = Mutex<[ErrorKey: Int64]>([:])
    private let clock: any Clock
    private let observer: (any RequestTimeObserver)?
    /// When the current read began.
    private var arrived: Int64 = 0
    /// The last time the clock was read.
    private var mark: Int64 = 0

    init(clock: any Clock, observer: (any RequestTimeObserver)?) {
        self.clock = clock
        self.observer = observer
        cells = .allocate(capacity: Self.apiCount * Cell.count)
        for index in 0..<(Self.apiCount * Cell.count) { (cells + index).initialize(to: Atomic(0)) }
    }

    deinit {
        cells.deinitialize(count: Self.apiCount * Cell.count)
        cells.deallocate()
    }

    private func add(_ amount: Int64, _ cell: Int, of api: Int) {
        let place = api * Cell.count + cell
        cells[place].store(cells[place].load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    }

    private func record(_ nanoseconds: Int64, _ histogram: Int, of api: Int) {
        add(1, histogram + LatencyBuckets.index(nanoseconds), of: api)
        add(nanoseconds, histogram + LatencyBuckets.boundedCount + 1, of: api)
    }

    // MARK: On the reactor

    /// Bytes have arrived.
    func bytesArrived() {
        arrived = clock.monotonicNanoseconds
        mark = arrived
    }

    func begin(_ key: APIKey, version: Int16, requestBytes: Int) -> RequestMeasurement {
        add(1, min(max(0, Int(version)), Cell.versions - 1), of: Int(key.rawValue))
        return RequestMeasurement(key: key, requestBytes: requestBytes, arrived: arrived, began: mark)
    }

    /// The handler has returned; the answer comes later. Returns the time.
    func parked() -> Int64 {
        mark = clock.monotonicNanoseconds
        return mark
    }

    func now() -> Int64 { clock.monotonicNanoseconds }

    /// The answer was written into the output, or there is none.
    func finish(_ request: RequestMeasurement, responseBytes: Int) {
        let now = clock.monotonicNanoseconds
        mark = now
        let api = Int(request.key.rawValue)
        let ready = request.ready ?? now
        let handled = request.parked ?? ready
        let local = handled - request.began
        let remote = max(0, ready - handled)
        let total = now - request.arrived
        add(Int64(request.requestBytes), Cell.requestBytes, of: api)
        add(Int64(responseBytes), Cell.responseBytes, of: api)
        add(request.began - request.arrived, Cell.requestQueueTime, of: api)
        add(now - ready, Cell.responseQueueTime, of: api)
        if request.throttle > 0 { add(Int64(request.throttle) * 1_000_000, Cell.throttleTime, of: api) }
        record(total, Cell.totalTime, of: api)
        record(local, Cell.localTime, of: api)
        record(remote, Cell.remoteTime, of: api)
        observer?.requestAnswered(request.key, total: total, local: local, remote: remote)
    }

    /// Counts what an answer says.
    func count(_ notes: AnswerNotes, of key: APIKey) {
        for code in notes.errors {
            errors.withLock { $0[ErrorKey(api: key.rawValue, code: code), default: 0] += 1 }
        }
        for partition in notes.fetched {
            partition.counters.fetched(bytes: partition.bytes, isError: partition.isError)
        }
    }

    // MARK: From anywhere

    /// Adds up what several reactors have counted.
    static func collect(_ meters: [RequestMeter], into snapshot: inout MetricSnapshot) {
        var counted: [(key: APIKey, cells: [Int64])] = []
        for key in APIKey.allCases {
            var sums = [Int64](repeating: 0, count: Cell.count)
            for meter in meters {
                let row = meter.cells + Int(key.rawValue) * Cell.count
                for cell in 0..<Cell.count { sums[cell] &+= row[cell].load(ordering: .relaxed) }
            }
            if sums[..<Cell.versions].contains(where: { $0 != 0 }) { counted.append((key, sums)) }
        }
        snapshot.add(
            MetricCatalog.requests,
            counted.flatMap { key, cells in
                (0..<Cell.versions).filter { cells[$0] != 0 }.map {
                    MetricSample(labels: [key.name, "\($0)"], value: .integer(cells[$0]))
                }
            })
        collectErrors(meters, into: &snapshot)
        let histograms = [
            (MetricCatalog.totalTime, Cell.totalTime), (MetricCatalog.localTime, Cell.localTime),
            (MetricCatalog.remoteTime, Cell.remoteTime),
        ]
        for (metric, first) in histograms {
            snapshot.add(
                metric,
                counted.map { key, cells in
                    let end = first + LatencyBuckets.boundedCount + 1
                    let distribution = LatencyBuckets.distribution(Array(cells[first..<end]), sum: cells[end])
                    return MetricSample(labels: [key.name], value: .distribution(distribution))
                })
        }
        let summaries = [
            (MetricCatalog.requestQueueTime, Cell.requestQueueTime, 1e6),
            (MetricCatalog.responseQueueTime, Cell.responseQueueTime, 1e6),
            (MetricCatalog.throttleTime, Cell.throttleTime, 1e6), (MetricCatalog.requestBytes, Cell.requestBytes, 1),
            (MetricCatalog.responseBytes, Cell.responseBytes, 1),
        ]
        for (metric, cell, divisor) in summaries {
            snapshot.add(
                metric,
                counted.map { key, cells in
                    let count = cells[Cell.totalTime..<(Cell.totalTime + LatencyBuckets.boundedCount + 1)].reduce(0, +)
                    return MetricSample(
                        labels: [key.name],
                        value: .distribution(.init(count: count, sum: Double(cells[cell]) / divisor, buckets: [])))
                })
        }
    }

    private static func collectErrors(_ meters: [RequestMeter], into snapshot: inout MetricSnapshot) {
        var sums: [ErrorKey: Int64] = [:]
        for meter in meters {
            for (key, count) in meter.errors.withLock({ $0 }) { sums[key, default: 0] += count }
        }
        let sorted = sums.sorted { ($0.key.api, $0.key.code) < ($1.key.api, $1.key.code) }
        snapshot.add(
            MetricCatalog.requestErrors,
            sorted.map { key, count in
                let api = APIKey(rawValue: key.api)?.name ?? "\(key.api)"
                let error = ErrorCode(rawValue: key.code)?.name ?? "\(key.code)"
                return MetricSample(labels: [api, error], value: .integer(count))
            })
    }
}

/// Is told the times of each request, on its reactor; for an embedding program's own metrics.
package protocol RequestTimeObserver: Sendable {
    /// Nanoseconds, as the metrics of these names.
    func requestAnswered(_ key: APIKey, total: Int64, local: Int64, remote: Int64)
}
