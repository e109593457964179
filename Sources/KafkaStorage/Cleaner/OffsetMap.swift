// SPDX-License-Identifier: Apache-2.0

/// The last offset of every key in the part of a log that is to be cleaned.
///
/// One block of memory with an open-addressing table in it: 24 bytes a slot, a hash of 128 bits and an offset. Keys
/// themselves are not kept, see `SipHash128`. The block is as large as the offsets to be cleaned can need, at most what
/// it is allowed; it lives as long as a cleaning does. Confined to the cleaning that made it.
final class OffsetMap {
    static let bytesPerSlot = MemoryLayout<Slot>.stride

    private struct Slot {
        var low: UInt64
        var high: UInt64
        /// The offset plus 1; 0 where the slot is free.
        var mark: UInt64
    }

    private let slots: UnsafeMutableBufferPointer<Slot>
    private let hasher: SipHash128
    /// The most keys it takes: the slots times the load factor, and always less than all of them.
    let capacity: Int
    private(set) var count = 0
    /// Records up to here, this one included, have been looked at; −1 for none.
    private(set) var latestOffset: Int64 = -1

    /// - Parameters:
    ///   - bytes: the memory it may take (`log.cleaner.dedupe.buffer.size` over `log.cleaner.threads`).
    ///   - keysMax: how many different keys there can be.
    ///   - loadFactor: `log.cleaner.io.buffer.load.factor`.
    init(bytes: Int64, keysMax: Int64, loadFactor: Double, hasher: SipHash128) {
        let factor = min(max(loadFactor, 0.01), 1)
        let allowed = max(bytes / Int64(Self.bytesPerSlot), 2)
        let wanted = Double(max(keysMax, 1)) / factor + 2
        let slotCount = Int(wanted < Double(allowed) ? Int64(wanted) : allowed)
        slots = .allocate(capacity: slotCount)
        slots.initialize(repeating: Slot(low: 0, high: 0, mark: 0))
        capacity = max(1, min(Int(Double(slotCount) * factor), slotCount - 1))
        self.hasher = hasher
    }

    deinit { slots.deallocate() }

    var slotCount: Int { slots.count }

    /// How full it is, as a part of all slots.
    var utilization: Double { Double(count) / Double(slots.count) }

    /// Notes that `key` is at `offset`, which is above all it was noted at before. False, and nothing noted, where the
    /// key is new and there is no room for it.
    func put(_ key: UnsafeRawBufferPointer, _ offset: Int64) -> Bool {
        let hash = hasher.hash(key)
        let index = slot(of: hash)
        if slots[index].mark == 0 {
            guard count < capacity else { return false }
            count += 1
        }
        slots[index] = Slot(low: hash.low, high: hash.high, mark: UInt64(bitPattern: offset) + 1)
        return true
    }

    /// The last offset that was noted for `key`; −1 where none was.
    func offset(of key: UnsafeRawBufferPointer) -> Int64 {
        Int64(bitPattern: slots[slot(of: hasher.hash(key))].mark &- 1)
    }

    /// Notes that everything up to `offset` was looked at.
    func advance(to offset: Int64) { latestOffset = max(latestOffset, offset) }

    /// The slot that holds the key, or the free one where it would stand. There is always a free one.
    private func slot(of hash: SipHash128.Hash) -> Int {
        // The upper half of a product spreads evenly over any number of slots.
        var index = Int(hash.low.multipliedFullWidth(by: UInt64(slots.count)).high)
        while slots[index].mark != 0, slots[index].low != hash.low || slots[index].high != hash.high {
            index += 1
            if index == slots.count { index = 0 }
        }
        return index
    }
}
