// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime
internal import Synchronization

extension UnifiedLog {
    /// ListOffsets version 0: up to `limit` offsets at which segments begin, newest first, led by the log's end where it
    /// is asked for and the last segment holds something.
    ///
    /// - Parameter timestamp: −1 for the newest, −2 for the oldest alone, else milliseconds: segments whose files were
    ///   changed before.
    public func segmentOffsets(before timestamp: Int64, limit: Int) throws(StorageError) -> [Int64] {
        let now = runtime.clock.wallMilliseconds
        let candidates = try settling { (state) throws(StorageError) -> [(offset: Int64, time: Int64)] in
            try state.requireWritten()
            var found: [(offset: Int64, time: Int64)] = []
            for segment in state.segments {
                let status = try storing { () throws(FileError) in try state.files.status(segment.logPath) }
                found.append((max(segment.baseOffset, state.logStartOffset), status?.modifiedMilliseconds ?? 0))
            }
            if let last = state.segments.last, last.size > 0 { found.append((state.highWatermark.offset, now)) }
            return found
        }
        let newest: Int? =
            switch timestamp {
            case -1: candidates.indices.last
            case -2: candidates.indices.first
            default: candidates.lastIndex { $0.time <= timestamp }
            }
        guard let newest else { return [] }
        return candidates[...newest].reversed().prefix(max(limit, 0)).map(\.offset)
    }
}
