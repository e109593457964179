// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaRuntime
internal import KafkaStorage
internal import Logging
internal import Synchronization

/// Writes what happens in the logs to the broker's own log.
struct StorageEvents: LogObserver {
    let log: Logger
    func logEvent(_ event: KafkaStorage.LogEvent) {
        switch event {
        case .recoveringSegment(let path, let bytes):
            log.debug("checking segment", metadata: ["path": "\(path)", "bytes": "\(bytes)"])
        case .truncatedTail(let path, let from, let to, let reason):
            log.warning(
                "cut damaged end of segment",
                metadata: ["path": "\(path)", "from": "\(from)", "to": "\(to)", "reason": "\(reason)"])
        case .cutZeros(let path, let from, let to):
            log.info(
                "cut zeros behind the last batch of a segment",
                metadata: ["path": "\(path)", "from": "\(from)", "to": "\(to)"])
        case .removedFile(let path, let reason):
            log.warning("removed file", metadata: ["path": "\(path)", "reason": "\(reason)"])
        case .rebuiltIndexes(let path, let reason):
            log.warning("built the indexes of a segment anew", metadata: ["path": "\(path)", "reason": "\(reason)"])
        case .rolled(let path, let baseOffset):
            log.debug("rolled", metadata: ["path": "\(path)", "offset": "\(baseOffset)"])
        // Far too many for the log.
        case .flushed: break
        case .deletedSegment(let path, let bytes, let reason, let start):
            log.info(
                "deleted segment",
                metadata: ["path": "\(path)", "bytes": "\(bytes)", "reason": "\(reason.rawValue)", "start": "\(start)"])
        case .timestampInFuture(let path, let timestamp):
            log.warning(
                "a timestamp in the future keeps a segment from being deleted",
                metadata: ["path": "\(path)", "timestamp": "\(timestamp)"])
        case .offline(let path, let error):
            log.error("log out of service", metadata: ["path": "\(path)", "reason": "\(error)"])
        case .moved(let partition, let from, let to):
            log.info("moved", metadata: ["partition": "\(partition)", "from": "\(from)", "to": "\(to)"])
        case .cleaned(let path, let done):
            log.info(
                "compacted",
                metadata: [
                    "path": "\(path)", "from": "\(done.firstDirtyOffset)", "to": "\(done.endOffset)",
                    "segments": "\(done.segmentsBefore) -> \(done.segmentsAfter)",
                    "records": "\(done.recordsRead) -> \(done.recordsRetained)", "keys": "\(done.keys)",
                ])
        case .uncleanable(let path, let error):
            log.error(
                "log cannot be compacted, it is left alone until the next start",
                metadata: ["path": "\(path)", "reason": "\(error)"])
        case .directoryOffline(let path, let reason, let logs):
            log.error(
                "log directory out of service",
                metadata: ["path": "\(path)", "reason": "\(reason)", "partitions": "\(logs)"])
        case .backgroundFailure(let path, let what, let error):
            log.error("\(what) failed", metadata: ["path": "\(path)", "reason": "\(error)"])
        }
    }
}

/// Says every few seconds how far loading the logs has come, and about how long it will still take.
final class LoadProgressLog: Sendable {
    private static let interval: Int64 = 5_000

    private let log: Logger
    private let clock: any Clock
    private let began: Int64
    private let lastReport: Mutex<Int64>

    init(log: Logger, clock: any Clock) {
        self.log = log
        self.clock = clock
        began = clock.monotonicMilliseconds
        lastReport = Mutex(began)
    }

    func report(_ progress: LoadProgress) {
        let now = clock.monotonicMilliseconds
        let isDue = lastReport.withLock { last in
            guard now - last >= Self.interval else { return false }
            last = now
            return true
        }
        guard isDue else { return }
        var metadata: Logger.Metadata = ["loaded": "\(progress.loadedLogs)", "of": "\(progress.totalLogs)"]
        if progress.bytesToCheck > 0 {
            metadata["checkedMiB"] = "\(progress.checkedBytes >> 20)"
            metadata["ofMiB"] = "\(progress.bytesToCheck >> 20)"
        }
        if let left = Self.secondsLeft(progress, after: now - began) { metadata["secondsLeft"] = "\(left)" }
        log.info("loading logs", metadata: metadata)
    }

    /// About how long it will still take: as the logs before, or as the bytes before, whichever is longer.
    static func secondsLeft(_ progress: LoadProgress, after milliseconds: Int64) -> Int64? {
        func left(_ done: Double, _ all: Double) -> Double? {
            done > 0 && all >= done ? Double(milliseconds) * (all - done) / done : nil
        }
        let byLogs = left(Double(progress.loadedLogs), Double(progress.totalLogs))
        let byBytes = left(Double(progress.checkedBytes), Double(progress.bytesToCheck))
        guard byLogs != nil || byBytes != nil else { return nil }
        return Int64((max(byLogs ?? 0, byBytes ?? 0) / 1000).rounded(.up))
    }
}
