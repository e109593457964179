// SPDX-License-Identifier: Apache-2.0

/// What one cleaning of a log did.
public struct CleaningStatistics: Equatable, Sendable {
    /// Where the part began that had not been cleaned before.
    public var firstDirtyOffset: Int64 = 0
    /// The log is clean below this.
    public var endOffset: Int64 = 0
    /// Bytes read to learn the keys, and again to copy what stays.
    public var bytesRead: Int64 = 0
    /// Bytes of the segments that took the place of the old ones.
    public var bytesWritten: Int64 = 0
    /// Records seen while copying.
    public var recordsRead: Int64 = 0
    /// Records that stayed.
    public var recordsRetained: Int64 = 0
    /// Records without a key, which a compacted log cannot keep.
    public var recordsWithoutKey: Int64 = 0
    /// Different keys in the part that was dirty.
    public var keys = 0
    /// Segments that were cleaned.
    public var segmentsBefore = 0
    /// Segments that took their place.
    public var segmentsAfter = 0

    public init() {}
}
