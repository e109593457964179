// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaProtocol
internal import KafkaRecords
internal import KafkaReplication
internal import KafkaStorage
internal import Logging

/// What was found in one partition for a fetch: where the bytes lie, or the error.
struct PartitionRead {
    /// Batches, and the log that they are of.
    struct Found {
        let log: UnifiedLog
        let range: FetchedRange
    }

    var error = ErrorCode.none
    var told = FetchPartitionTold.nothing
    /// Where the client's log and this one part (KIP-595), nil when they agree.
    var diverging: (epoch: Int32, endOffset: Int64)?
    /// nil where there is nothing to read.
    var found: Found?

    var byteCount: Int { found?.range.count ?? 0 }

    /// Whether waiting would not help the client.
    var mustAnswerNow: Bool { error != .none || diverging != nil }
}

/// Looks up where the requested records lie. Reads no record data.
enum FetchReader {
    /// Clients of earlier versions cannot read zstd, so topics that store nothing else are closed to them (KIP-110).
    private static let firstZstdVersion: Int16 = 10
    /// Only from here on an answer can say where two logs part.
    private static let firstDivergingVersion: Int16 = 12

    /// - Parameter maxBytes: what is left of the limit for the whole answer.
    @inline(__always)
    static func read(
        _ asked: FetchRequestView.Partition, of partition: Partition, _ limits: FetchLimits, maxBytes: Int,
        atLeastOne: Bool, _ broker: BrokerContext
    ) -> PartitionRead {
        if limits.version >= firstZstdVersion, asked.lastFetchedEpoch < 0,
            let marks = partition.marksAtEnd(
                asked.fetchOffset, isolation: limits.isolation, currentLeaderEpoch: asked.currentLeaderEpoch)
        {
            return PartitionRead(told: FetchPartitionTold(marks))
        }
        return readLog(asked, of: partition, limits, maxBytes: maxBytes, atLeastOne: atLeastOne, broker)
    }

    @inline(never)
    private static func readLog(
        _ asked: FetchRequestView.Partition, of partition: Partition, _ limits: FetchLimits, maxBytes: Int,
        atLeastOne: Bool, _ broker: BrokerContext
    ) -> PartitionRead {
        let log: UnifiedLog
        let leaderEpoch: Int32
        switch partition.logAsLeader(currentLeaderEpoch: asked.currentLeaderEpoch) {
        case .fault(let code): return PartitionRead(error: code)
        case .log(let led, let epoch): (log, leaderEpoch) = (led, epoch)
        }
        if limits.version < firstZstdVersion, log.configuration.compression == .codec(.zstd) {
            return PartitionRead(error: .unsupportedCompressionType)
        }
        // A session may hold what a request of a later version said.
        if limits.version >= firstDivergingVersion, asked.lastFetchedEpoch >= 0 {
            switch comparison(asked, log, leaderEpoch) {
            case .agreed: break
            case .unknown: return PartitionRead(error: .offsetOutOfRange)
            case .parted(let epoch, let endOffset):
                return PartitionRead(told: FetchPartitionTold(log.consumerMarks), diverging: (epoch, endOffset))
            }
        }
        do throws(StorageError) {
            let read = try log.fetch(
                from: asked.fetchOffset, maxBytes: min(max(Int(asked.maxBytes), 0), maxBytes),
                isolation: limits.isolation, atLeastOne: atLeastOne)
            return PartitionRead(
                told: FetchPartitionTold(read.marks),
                found: read.range.count > 0 ? PartitionRead.Found(log: log, range: read.range) : nil)
        } catch {
            if error.errorCode != .offsetOutOfRange {
                broker.log.error(
                    "read failed", metadata: ["partition": "\(partition.topicPartition)", "reason": "\(error)"])
            }
            return PartitionRead(error: error.errorCode)
        }
    }

    /// How the client's log and this one go together.
    private enum Comparison {
        case agreed
        /// Nothing can be said about the client's epoch.
        case unknown
        /// Where this log ends what the client has more of, so that the client must truncate first.
        case parted(epoch: Int32, endOffset: Int64)
    }

    /// The client says which epoch its last record was of.
    private static func comparison(
        _ asked: FetchRequestView.Partition, _ log: UnifiedLog, _ leaderEpoch: Int32
    ) -> Comparison {
        let end = log.endOffset(forEpoch: asked.lastFetchedEpoch, ofLeader: leaderEpoch)
        guard end.leaderEpoch >= 0, end.endOffset >= 0, asked.fetchOffset >= log.logStartOffset else {
            return .unknown
        }
        guard end.leaderEpoch < asked.lastFetchedEpoch || end.endOffset < asked.fetchOffset else { return .agreed }
        return .parted(epoch: end.leaderEpoch, endOffset: end.endOffset)
    }
}

extension FetchPartitionTold {
    init(_ marks: ConsumerMarks) {
        self.init(
            highWatermark: marks.highWatermark, lastStableOffset: marks.lastStableOffset,
            logStartOffset: marks.logStartOffset)
    }
}
