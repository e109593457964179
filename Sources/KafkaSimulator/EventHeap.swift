// SPDX-License-Identifier: Apache-2.0

/// Events to come, the earliest first; of events at one moment, the one added first.
///
/// A binary heap of small keys over a table of events: events are large and reference-counted, and moving them about
/// while sifting would cost more than all else in a simulation.
struct EventHeap {
    private struct Key {
        let time: Int64
        let sequence: UInt64
        let slot: Int

        func isBefore(_ other: Key) -> Bool {
            time == other.time ? sequence < other.sequence : time < other.time
        }
    }

    private var keys: [Key] = []
    private var slots: [EventLoop.Event?] = []
    private var freeSlots: [Int] = []
    private var sequence: UInt64 = 0

    var count: Int { keys.count }

    func count(where isCounted: (EventLoop.Event) -> Bool) -> Int {
        keys.count { key in slots[key.slot].map(isCounted) ?? false }
    }

    /// The earliest event.
    var first: EventLoop.Event? {
        guard let key = keys.first else { return nil }
        return slots[key.slot]
    }

    mutating func insert(_ event: EventLoop.Event) {
        sequence += 1
        let slot: Int
        if let free = freeSlots.popLast() {
            slot = free
            slots[slot] = event
        } else {
            slot = slots.count
            slots.append(event)
        }
        keys.append(Key(time: event.time, sequence: sequence, slot: slot))
        siftUp(keys.count - 1)
    }

    mutating func removeFirst() -> EventLoop.Event? {
        guard let key = keys.first, let last = keys.popLast() else { return nil }
        if !keys.isEmpty {
            keys[0] = last
            siftDown(0)
        }
        defer { freeSlots.append(key.slot) }
        return slots[key.slot].take()
    }

    /// Removes the events that are not worth keeping.
    mutating func filter(_ isKept: (EventLoop.Event) -> Bool) {
        var kept: [Key] = []
        for key in keys {
            if let event = slots[key.slot], isKept(event) {
                kept.append(key)
            } else {
                slots[key.slot] = nil
                freeSlots.append(key.slot)
            }
        }
        keys = kept
        for index in stride(from: keys.count / 2 - 1, through: 0, by: -1) { siftDown(index) }
    }

    private mutating func siftUp(_ start: Int) {
        let key = keys[start]
        var index = start
        while index > 0 {
            let parent = (index - 1) / 2
            guard key.isBefore(keys[parent]) else { break }
            keys[index] = keys[parent]
            index = parent
        }
        keys[index] = key
    }

    private mutating func siftDown(_ start: Int) {
        let key = keys[start]
        var index = start
        while true {
            var child = 2 * index + 1
            guard child < keys.count else { break }
            if child + 1 < keys.count, keys[child + 1].isBefore(keys[child]) { child += 1 }
            guard keys[child].isBefore(key) else { break }
            keys[index] = keys[child]
            index = child
        }
        keys[index] = key
    }
}
