// SPDX-License-Identifier: Apache-2.0

/// Pieces of work that wait for a deadline: a hierarchical timer wheel with ticks of one millisecond.
///
/// Seven levels of 64 slots; a timer stands at the level of the highest six-bit digit in which its deadline differs
/// from the wheel's time, and moves down when the time reaches its slot. Inserting and cancelling take constant time,
/// a timer moves at most six times. Timers fire in the order of their deadlines, those of one millisecond in the order
/// of their insertion, because a slot keeps that order and moves down before a nearer timer can join its deadline.
///
/// Memory is one node per waiting timer (the most that ever waited at once; given back when a large wheel empties).
/// The wheel has no clock and no lock: the owner tells it the time with `advance` and takes due work with `popReady`.
package struct TimerWheel: ~Copyable {
    package typealias Work = @Sendable () -> Void

    private static let digitBits = 6
    private static let slotsPerLevel = 1 << digitBits
    private static let levelCount = 7
    /// Deadlines further away are brought in to this one, 139 years after the clock's origin.
    private static let latestDeadline = Int64(1) << Int64(digitBits * levelCount) - 1
    /// Index of the list of due timers, behind the lists of the slots.
    private static let readyList = levelCount * slotsPerLevel
    /// Nodes kept when the wheel empties.
    private static let keptNodes = 1_024

    private struct Node {
        var deadline: Int64
        var previous: Int32
        var next: Int32
        /// The list the node is in; −1 when it is free.
        var list: Int32
        /// Tells the timers apart that use a node one after another.
        var generation: UInt32
        var work: Work?
    }

    private struct List {
        var head: Int32 = -1
        var tail: Int32 = -1
    }

    private var nodes: ContiguousArray<Node> = []
    private var firstFree: Int32 = -1
    private var lists = ContiguousArray<List>(repeating: List(), count: readyList + 1)
    /// One bit a slot, set while its list is not empty.
    private var occupied = ContiguousArray<UInt64>(repeating: 0, count: levelCount)
    private var lastGeneration: UInt32 = 0

    /// The time the wheel has been told last, in milliseconds.
    package private(set) var now: Int64
    /// Timers that wait or are due and not taken yet.
    package private(set) var count = 0
    /// Timers that are due and not taken yet.
    package private(set) var readyCount = 0

    /// - Parameter now: the time to start from, in milliseconds, at least 0.
    package init(now: Int64) {
        precondition(now >= 0, "the wheel's time is not negative")
        self.now = min(now, Self.latestDeadline)
    }

    /// Adds a timer; a deadline that is not after `now` is due at once.
    package mutating func insert(deadline: Int64, _ work: @escaping Work) -> TimerToken {
        let index = takeNode()
        lastGeneration &+= 1
        nodes[Int(index)].deadline = min(max(deadline, now), Self.latestDeadline)
        nodes[Int(index)].generation = lastGeneration
        nodes[Int(index)].work = work
        count += 1
        if deadline <= now { append(index, to: Self.readyList) } else { place(index) }
        return TimerToken(rawValue: UInt64(lastGeneration) << 32 | UInt64(UInt32(bitPattern: index)))
    }

    /// Takes the timer out; false when it was taken or cancelled before.
    @discardableResult
    package mutating func cancel(_ token: TimerToken) -> Bool {
        let index = Int(token.rawValue & 0xFFFF_FFFF)
        guard index < nodes.count, nodes[index].list >= 0,
            nodes[index].generation == UInt32(token.rawValue >> 32)
        else { return false }
        unlink(Int32(index))
        free(Int32(index))
        return true
    }

    /// A moment at or before the next deadline at which `advance` must be called, `now` when work is due already, nil
    /// when nothing waits. It is exact for deadlines within the current 64 milliseconds; for others it may be the moment
    /// at which timers move down a level.
    package var nextDeadline: Int64? {
        if readyCount > 0 { return now }
        return nextEvent?.time
    }

    /// Moves the time on to `time` (never back) and makes everything due whose deadline is not after it.
    package mutating func advance(to time: Int64) {
        let target = min(time, Self.latestDeadline)
        // What was due by then is due already.
        guard target > now else { return }
        while let event = nextEvent, event.time <= target {
            now = max(now, event.time)
            emptySlot(level: event.level, slot: event.slot)
        }
        now = max(now, target)
    }

    /// The first due piece of work, taken out.
    package mutating func popReady() -> Work? {
        let index = lists[Self.readyList].head
        guard index >= 0 else { return nil }
        let work = nodes[Int(index)].work
        unlink(index)
        free(index)
        return work
    }

    // MARK: Slots

    /// The earliest occupied slot. A lower level's slots all come before those of the levels above it.
    private var nextEvent: (time: Int64, level: Int, slot: Int)? {
        for level in 0..<Self.levelCount {
            let shift = Int64(level * Self.digitBits)
            let digit = Int((now >> shift) & Int64(Self.slotsPerLevel - 1))
            let ahead = occupied[level] & (~0 << UInt64(digit))
            guard ahead != 0 else { continue }
            let slot = ahead.trailingZeroBitCount
            let above = (now >> (shift + Int64(Self.digitBits))) << Int64(Self.digitBits)
            return ((above | Int64(slot)) << shift, level, slot)
        }
        return nil
    }

    private mutating func place(_ index: Int32) {
        let deadline = nodes[Int(index)].deadline
        let difference = UInt64(bitPattern: deadline ^ now)
        let highestBit = difference == 0 ? 0 : 63 - difference.leadingZeroBitCount
        let level = highestBit / Self.digitBits
        let slot = Int((deadline >> Int64(level * Self.digitBits)) & Int64(Self.slotsPerLevel - 1))
        append(index, to: level * Self.slotsPerLevel + slot)
        occupied[level] |= 1 << UInt64(slot)
    }

    /// Moves a slot's timers to the due list, or to the levels below.
    private mutating func emptySlot(level: Int, slot: Int) {
        let list = level * Self.slotsPerLevel + slot
        while lists[list].head >= 0 {
            let index = lists[list].head
            unlink(index)
            if level == 0 { append(index, to: Self.readyList) } else { place(index) }
        }
    }

    // MARK: Lists

    private mutating func append(_ index: Int32, to list: Int) {
        let tail = lists[list].tail
        nodes[Int(index)].previous = tail
        nodes[Int(index)].next = -1
        nodes[Int(index)].list = Int32(list)
        if tail >= 0 { nodes[Int(tail)].next = index } else { lists[list].head = index }
        lists[list].tail = index
        if list == Self.readyList { readyCount += 1 }
    }

    private mutating func unlink(_ index: Int32) {
        let previous = nodes[Int(index)].previous
        let next = nodes[Int(index)].next
        let list = Int(nodes[Int(index)].list)
        if previous >= 0 { nodes[Int(previous)].next = next } else { lists[list].head = next }
        if next >= 0 { nodes[Int(next)].previous = previous } else { lists[list].tail = previous }
        nodes[Int(index)].list = -1
        if list == Self.readyList {
            readyCount -= 1
        } else if lists[list].head < 0 {
            occupied[list / Self.slotsPerLevel] &= ~(1 << UInt64(list % Self.slotsPerLevel))
        }
    }

    // MARK: Nodes

    private mutating func takeNode() -> Int32 {
        if firstFree >= 0 {
            let index = firstFree
            firstFree = nodes[Int(index)].next
            return index
        }
        nodes.append(Node(deadline: 0, previous: -1, next: -1, list: -1, generation: 0, work: nil))
        return Int32(nodes.count - 1)
    }

    private mutating func free(_ index: Int32) {
        nodes[Int(index)].work = nil
        nodes[Int(index)].next = firstFree
        firstFree = index
        count -= 1
        // Tokens stay unambiguous because generations go on counting.
        if count == 0, nodes.count > Self.keptNodes {
            nodes = []
            firstFree = -1
        }
    }
}
