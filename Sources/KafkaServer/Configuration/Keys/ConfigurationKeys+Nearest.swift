// SPDX-License-Identifier: Apache-2.0

extension ConfigurationKeys {
    /// The broker key that `name` was probably meant to be, nil when none is close.
    static func nearest(to name: String) -> String? {
        let wanted = Array(name.utf8.prefix(128))
        // Two slips, or one in five characters of a long name, still look like the same name.
        var limit = max(2, wanted.count / 5)
        var best: String?
        for section in brokerSections {
            for definition in section.definitions where !definition.isInternal {
                let distance = editDistance(wanted, Array(definition.name.utf8))
                if distance <= limit, best == nil || distance < limit {
                    best = definition.name
                    limit = distance
                }
            }
        }
        return best
    }

    /// How many bytes have to be inserted, removed, replaced or swapped with their neighbour to get from one to the
    /// other.
    static func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var beforeLast = [Int](repeating: 0, count: right.count + 1)
        var last = Array(0...right.count)
        for row in 1..<(left.count + 1) {
            var current = [row] + [Int](repeating: 0, count: right.count)
            for column in 1..<(right.count + 1) {
                let isSame = left[row - 1] == right[column - 1]
                current[column] = min(
                    last[column] + 1, current[column - 1] + 1, last[column - 1] + (isSame ? 0 : 1))
                if row > 1, column > 1, left[row - 1] == right[column - 2], left[row - 2] == right[column - 1] {
                    current[column] = min(current[column], beforeLast[column - 2] + 1)
                }
            }
            beforeLast = last
            last = current
        }
        return last[right.count]
    }
}
