// SPDX-License-Identifier: Apache-2.0

/// The last batches of the active segment, so that consumers at the tail need neither index nor disk to find theirs.
///
/// A ring of fixed size, made at the first append. Entries ascend in offset and position and leave no gap in position.
struct RecentBatches: Sendable {
    struct Entry: Sendable {
        var baseOffset: Int64
        var lastOffset: Int64
        var position: Int64
        var size: Int
    }

    static let capacity = 64

    private var ring: [Entry] = []
    /// Where the oldest entry stands once the ring is full.
    private var oldest = 0

    private subscript(logical index: Int) -> Entry { ring[(oldest + index) % ring.count] }

    mutating func append(_ entry: Entry) {
        if ring.count < Self.capacity {
            if ring.isEmpty { ring.reserveCapacity(Self.capacity) }
            ring.append(entry)
        } else {
            ring[oldest] = entry
            oldest = (oldest + 1) % Self.capacity
        }
    }

    mutating func removeAll() {
        ring.removeAll(keepingCapacity: true)
        oldest = 0
    }

    /// The batch that holds `offset`, or the first one behind it; nil where the answer may lie before what is
    /// remembered, or `offset` behind it.
    func find(_ offset: Int64) -> Entry? {
        guard !ring.isEmpty, offset >= self[logical: 0].baseOffset else { return nil }
        var lower = 0
        var upper = ring.count
        // The tail is asked for most.
        if self[logical: ring.count - 1].baseOffset <= offset { lower = ring.count - 1 }
        while lower < upper {
            let middle = (lower + upper) / 2
            if self[logical: middle].lastOffset < offset { lower = middle + 1 } else { upper = middle }
        }
        return lower < ring.count ? self[logical: lower] : nil
    }
}
