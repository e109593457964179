// SPDX-License-Identifier: Apache-2.0

/// A map in ascending order of its keys whose copies share what did not change.
///
/// The entries stand in sorted leaves of at most `leafLimit`. A change after a copy copies one leaf and the list of
/// leaves (entries / 32 references), not the map: an image of ten thousand topics can be published after every
/// record batch. Iteration is in key order, so what is made from it is the same on every run.
///
/// Look-up is O(log n); insertion and removal are O(log n + leafLimit), plus the list of leaves when it is shared.
package struct SortedMap<Key: Comparable & Sendable, Value: Sendable>: Sendable {
    private struct Leaf: Sendable {
        var keys: [Key]
        var values: [Value]
    }

    /// No leaf is empty.
    private var leaves: [Leaf] = []
    package private(set) var count = 0

    private static var leafLimit: Int { 64 }

    package init() {}

    package var isEmpty: Bool { count == 0 }

    package subscript(key: Key) -> Value? {
        get {
            guard let place = find(key) else { return nil }
            return leaves[place.leaf].values[place.index]
        }
        set {
            if let newValue { insert(newValue, for: key) } else { removeValue(forKey: key) }
        }
    }

    package func contains(_ key: Key) -> Bool { find(key) != nil }

    /// Changes the value of `key` in its place; nil, without calling `body`, where there is none.
    @discardableResult
    package mutating func update<Result, Failure: Error>(
        _ key: Key, _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result? {
        guard let place = find(key) else { return nil }
        return try body(&leaves[place.leaf].values[place.index])
    }

    @discardableResult
    package mutating func removeValue(forKey key: Key) -> Value? {
        guard let place = find(key) else { return nil }
        let removed = leaves[place.leaf].values.remove(at: place.index)
        leaves[place.leaf].keys.remove(at: place.index)
        if leaves[place.leaf].keys.isEmpty { leaves.remove(at: place.leaf) }
        count -= 1
        return removed
    }

    package var keys: [Key] { leaves.flatMap(\.keys) }
    package var values: [Value] { leaves.flatMap(\.values) }

    // MARK: Places

    private struct Place {
        let leaf: Int
        let index: Int
    }

    /// The leaf that holds `key` if any does: the last one whose first key is not above it, else the first.
    private func leafIndex(for key: Key) -> Int {
        var low = 0
        var high = leaves.count
        while low < high {
            let middle = (low + high) / 2
            if leaves[middle].keys[0] <= key { low = middle + 1 } else { high = middle }
        }
        return Swift.max(low - 1, 0)
    }

    /// The first position in `keys` whose key is not below `key`.
    private static func lowerBound(_ keys: [Key], _ key: Key) -> Int {
        var low = 0
        var high = keys.count
        while low < high {
            let middle = (low + high) / 2
            if keys[middle] < key { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func find(_ key: Key) -> Place? {
        guard !leaves.isEmpty else { return nil }
        let leaf = leafIndex(for: key)
        let index = Self.lowerBound(leaves[leaf].keys, key)
        guard index < leaves[leaf].keys.count, leaves[leaf].keys[index] == key else { return nil }
        return Place(leaf: leaf, index: index)
    }

    private mutating func insert(_ value: Value, for key: Key) {
        guard !leaves.isEmpty else {
            leaves = [Leaf(keys: [key], values: [value])]
            count = 1
            return
        }
        let leaf = leafIndex(for: key)
        let index = Self.lowerBound(leaves[leaf].keys, key)
        if index < leaves[leaf].keys.count, leaves[leaf].keys[index] == key {
            leaves[leaf].values[index] = value
            return
        }
        leaves[leaf].keys.insert(key, at: index)
        leaves[leaf].values.insert(value, at: index)
        count += 1
        if leaves[leaf].keys.count > Self.leafLimit { split(leaf) }
    }

    /// Halves a full leaf. A leaf at the end keeps nearly all, because keys that ascend would never fill it again.
    private mutating func split(_ leaf: Int) {
        let size = leaves[leaf].keys.count
        let kept = leaf == leaves.count - 1 ? size - 1 : size / 2
        let moved = Leaf(
            keys: Array(leaves[leaf].keys[kept...]), values: Array(leaves[leaf].values[kept...]))
        leaves[leaf].keys.removeSubrange(kept...)
        leaves[leaf].values.removeSubrange(kept...)
        leaves.insert(moved, at: leaf + 1)
    }
}

extension SortedMap: Sequence {
    package struct Iterator: IteratorProtocol {
        private let leaves: [Leaf]
        private var leaf = 0
        private var index = 0

        fileprivate init(_ map: SortedMap, leaf: Int = 0, index: Int = 0) {
            leaves = map.leaves
            self.leaf = leaf
            self.index = index
        }

        package mutating func next() -> (key: Key, value: Value)? {
            guard leaf < leaves.count else { return nil }
            if index == leaves[leaf].keys.count {
                leaf += 1
                index = 0
                guard leaf < leaves.count else { return nil }
            }
            defer { index += 1 }
            return (leaves[leaf].keys[index], leaves[leaf].values[index])
        }
    }

    package func makeIterator() -> Iterator { Iterator(self) }
    package var underestimatedCount: Int { count }

    /// The entries from the first key that is not below `key` on.
    package func entries(from key: Key) -> IteratorSequence<Iterator> {
        guard !leaves.isEmpty else { return IteratorSequence(makeIterator()) }
        let leaf = leafIndex(for: key)
        return IteratorSequence(Iterator(self, leaf: leaf, index: Self.lowerBound(leaves[leaf].keys, key)))
    }
}

extension SortedMap: Equatable where Value: Equatable {
    /// Whether the entries are equal, however they are spread over leaves.
    package static func == (left: SortedMap, right: SortedMap) -> Bool {
        left.count == right.count
            && zip(left, right).allSatisfy { $0.key == $1.key && $0.value == $1.value }
    }
}
