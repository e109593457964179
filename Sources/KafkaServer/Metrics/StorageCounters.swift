// SPDX-License-Identifier: Apache-2.0
internal import KafkaStorage
internal import Synchronization

/// Counts what happens in the logs: syncs, deletions, cleanings. Passes every event on.
final class StorageCounters: LogObserver {
    private struct Flushes {
        var counts = [Int64](repeating: 0, count: LatencyBuckets.boundedCount + 1)
        var nanoseconds: Int64 = 0
    }

    private let next: any LogObserver
    private let flushes = Mutex(Flushes())
    private let deletedSegments = Atomic<Int64>(0)
    private let deletedBytes = Atomic<Int64>(0)
    private let cleanings = Atomic<Int64>(0)
    private let bytesRead = Atomic<Int64>(0)
    private let bytesWritten = Atomic<Int64>(0)
    private let removedRecords = Atomic<Int64>(0)
    private let uncleanable = Mutex<Set<String>>([])

    init(next: any LogObserver) { self.next = next }

    func logEvent(_ event: LogEvent) {
        switch event {
        case .flushed(_, let nanoseconds):
            flushes.withLock { flushes in
                flushes.counts[LatencyBuckets.index(nanoseconds)] += 1
                flushes.nanoseconds += nanoseconds
            }
        case .deletedSegment(_, let bytes, _, _):
            deletedSegments.add(1, ordering: .relaxed)
            deletedBytes.add(bytes, ordering: .relaxed)
        case .cleaned(_, let statistics):
            cleanings.add(1, ordering: .relaxed)
            bytesRead.add(statistics.bytesRead, ordering: .relaxed)
            bytesWritten.add(statistics.bytesWritten, ordering: .relaxed)
            removedRecords.add(statistics.recordsRead - statistics.recordsRetained, ordering: .relaxed)
        case .uncleanable(let path, _): uncleanable.withLock { _ = $0.insert(path) }
        default: break
        }
        next.logEvent(event)
    }

    func collect(into snapshot: inout MetricSnapshot) {
        let flushes = flushes.withLock { $0 }
        snapshot.add(
            MetricCatalog.logFlush,
            [
                MetricSample(
                    labels: [],
                    value: .distribution(LatencyBuckets.distribution(flushes.counts, sum: flushes.nanoseconds)))
            ])
        snapshot.add(MetricCatalog.deletedSegments, deletedSegments.load(ordering: .relaxed))
        snapshot.add(MetricCatalog.deletedBytes, deletedBytes.load(ordering: .relaxed))
        snapshot.add(MetricCatalog.cleanings, cleanings.load(ordering: .relaxed))
        snapshot.add(MetricCatalog.cleanedBytesRead, bytesRead.load(ordering: .relaxed))
        snapshot.add(MetricCatalog.cleanedBytesWritten, bytesWritten.load(ordering: .relaxed))
        snapshot.add(MetricCatalog.cleanedRecords, removedRecords.load(ordering: .relaxed))
        snapshot.add(MetricCatalog.uncleanable, uncleanable.withLock { $0.count })
    }
}
