// SPDX-License-Identifier: Apache-2.0

/// A segment as a cleaning sees it: what was known of it when the cleaning began.
struct SegmentToClean: Sendable {
    let segment: LogSegment
    let path: String
    let baseOffset: Int64
    let size: Int64
    /// Behind its last offset, as far as the segments around it tell.
    let endOffset: Int64
}

/// What the segments of a log are put together by, so that cleaning does not leave ever smaller ones.
enum SegmentGroup {
    /// The sizes of a segment's indexes in bytes.
    struct IndexSizes {
        var offset: Int64
        var time: Int64
    }

    /// Neighbours that fit one segment together, by bytes of log and indexes and by their offsets. Every group has at
    /// least one.
    ///
    /// - Parameters:
    ///   - segments: ascending.
    ///   - maxBytes: `segment.bytes`.
    ///   - maxIndexBytes: `segment.index.bytes`.
    ///   - indexSizes: of a segment, asked once for each.
    static func make(
        _ segments: ArraySlice<SegmentToClean>, maxBytes: Int64, maxIndexBytes: Int64,
        indexSizes: (SegmentToClean) throws(StorageError) -> IndexSizes
    ) throws(StorageError) -> [[SegmentToClean]] {
        var groups: [[SegmentToClean]] = []
        var bytes: Int64 = 0
        var indexes = IndexSizes(offset: 0, time: 0)
        for segment in segments {
            let sizes = try indexSizes(segment)
            let fits =
                bytes + segment.size <= maxBytes && indexes.offset + sizes.offset <= maxIndexBytes
                && indexes.time + sizes.time <= maxIndexBytes
            if fits, let first = groups.last?.first,
                segment.size == 0 || segment.endOffset - 1 - first.baseOffset <= Int64(Int32.max)
            {
                groups[groups.count - 1].append(segment)
                bytes += segment.size
                indexes.offset += sizes.offset
                indexes.time += sizes.time
            } else {
                groups.append([segment])
                bytes = segment.size
                indexes = sizes
            }
        }
        return groups
    }
}
