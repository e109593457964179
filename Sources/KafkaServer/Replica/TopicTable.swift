// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase

/// Finds topics by name or id from the bytes of a request: a hash table with open addressing, twice as large as what it
/// holds, so that a look-up makes no string and hashes a few words.
struct TopicTable {
    typealias Topic = ReplicaManager.Topic

    private var slots: [Topic?] = []
    private var count = 0
    private let hash: @Sendable (Topic) -> UInt64

    /// - Parameter hash: of what a topic is found by.
    init(hash: @escaping @Sendable (Topic) -> UInt64) { self.hash = hash }

    /// The topic with this hash that `matches` accepts.
    @inline(__always)
    func find(_ hash: UInt64, _ matches: (Topic) -> Bool) -> Topic? {
        guard count > 0 else { return nil }
        var slot = place(hash)
        while let topic = slots[slot] {
            if matches(topic) { return topic }
            slot = next(slot)
        }
        return nil
    }

    /// In no order.
    var all: [Topic] { slots.compactMap { $0 } }

    /// Adds a topic that is not there.
    mutating func insert(_ topic: Topic) {
        if 2 * (count + 1) > slots.count { grow() }
        put(topic)
        count += 1
    }

    /// Removes this very topic.
    mutating func remove(_ topic: Topic) {
        guard count > 0 else { return }
        var hole = place(hash(topic))
        while slots[hole] !== topic {
            guard slots[hole] != nil else { return }
            hole = next(hole)
        }
        count -= 1
        slots[hole] = nil
        // What was put behind it because it stood in the way moves up: a search stops at the first free slot.
        var slot = next(hole)
        while let moved = slots[slot] {
            slots[slot] = nil
            put(moved)
            slot = next(slot)
        }
    }

    private mutating func grow() {
        let old = slots
        slots = Array(repeating: nil, count: max(16, 2 * old.count))
        for case .some(let topic) in old { put(topic) }
    }

    private mutating func put(_ topic: Topic) {
        var slot = place(hash(topic))
        while slots[slot] != nil { slot = next(slot) }
        slots[slot] = topic
    }

    private func place(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash) & (slots.count - 1) }

    private func next(_ slot: Int) -> Int { (slot + 1) & (slots.count - 1) }
}

/// Hashes of what topics are found by. Of this process only, so that nobody can choose names that collide.
enum TopicHash {
    private static let seed = UInt64(bitPattern: Int64(Hasher().finalize()))

    static func of(name: UnsafeRawBufferPointer) -> UInt64 {
        var hash = seed &+ UInt64(name.count)
        for index in 0..<(name.count + 7) / 8 { hash = mixed(hash, word(index, of: name)) }
        return hash
    }

    static func areEqual(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        let count = left.count
        guard count == right.count else { return false }
        guard count > 0, let left = left.baseAddress, let right = right.baseAddress else { return count == 0 }
        func areEqual<Word: FixedWidthInteger & BitwiseCopyable>(_ type: Word.Type, at offset: Int) -> Bool {
            (left + offset).loadUnaligned(as: type) == (right + offset).loadUnaligned(as: type)
        }
        // The last word may overlap the one before it.
        if count >= 8 {
            var offset = 0
            while offset + 8 < count {
                guard areEqual(UInt64.self, at: offset) else { return false }
                offset += 8
            }
            return areEqual(UInt64.self, at: count - 8)
        }
        if count >= 4 { return areEqual(UInt32.self, at: 0) && areEqual(UInt32.self, at: count - 4) }
        for offset in 0..<count where !areEqual(UInt8.self, at: offset) { return false }
        return true
    }

    /// Eight bytes of a name. Those at the end of one that does not end with eight are taken together with bytes in front
    /// of them, so that there is no loop over single bytes but for the shortest names.
    @inline(__always)
    private static func word(_ index: Int, of name: UnsafeRawBufferPointer) -> UInt64 {
        let count = name.count
        if count >= 8 {
            return name.loadUnaligned(fromByteOffset: min(8 * index, count - 8), as: UInt64.self)
        }
        if count >= 4 {
            let first = UInt64(name.loadUnaligned(as: UInt32.self))
            return first << 32 | UInt64(name.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self))
        }
        var word: UInt64 = 0
        for byte in name { word = word << 8 | UInt64(byte) }
        return word
    }

    static func of(id: KafkaUUID) -> UInt64 { mixed(mixed(seed, id.high), id.low) }

    private static func mixed(_ hash: UInt64, _ word: UInt64) -> UInt64 {
        let product = (hash ^ word).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        return product.high ^ product.low
    }
}
