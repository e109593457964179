// SPDX-License-Identifier: Apache-2.0

/// Who has which partition while an assignment is computed: one cell per partition, and each member's load.
struct AssignmentBoard {
    /// No member.
    static let nobody: Int32 = -1

    private let input: AssignmentInput
    /// Where each topic's cells begin; one more than there are topics.
    private let firstCell: [Int]
    /// Index of the owning member, or `nobody`.
    private(set) var owners: [Int32]
    /// Partitions that each member has.
    private(set) var loads: [Int]

    init(_ input: AssignmentInput) {
        self.input = input
        var cells = [0]
        cells.reserveCapacity(input.topics.count + 1)
        for topic in input.topics { cells.append(cells[cells.count - 1] + Int(max(topic.partitionCount, 0))) }
        firstCell = cells
        owners = [Int32](repeating: Self.nobody, count: cells[cells.count - 1])
        loads = [Int](repeating: 0, count: input.members.count)
    }

    func cells(of topic: Int) -> Range<Int> { firstCell[topic]..<firstCell[topic + 1] }

    mutating func give(_ cell: Int, to member: Int) {
        if owners[cell] != Self.nobody { loads[Int(owners[cell])] -= 1 }
        owners[cell] = Int32(member)
        loads[member] += 1
    }

    /// The cells that the member had before, still may have, and nobody has got yet.
    func retainable(by member: Int) -> [Int] {
        let subscribed = input.members[member].topics
        var cells: [Int] = []
        for topic in input.members[member].previous.topics {
            guard let index = input.topicIndex(of: topic.id), Self.contains(subscribed, index) else { continue }
            let range = self.cells(of: index)
            for partition in topic.partitions where partition >= 0 && Int(partition) < range.count {
                let cell = range.lowerBound + Int(partition)
                if owners[cell] == Self.nobody { cells.append(cell) }
            }
        }
        return cells
    }

    private static func contains(_ sorted: [Int], _ value: Int) -> Bool {
        var low = 0
        var high = sorted.count
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low < sorted.count && sorted[low] == value
    }

    /// What each member has got.
    func result() -> [TopicPartitionSet] {
        var assignments = [TopicPartitionSet](repeating: TopicPartitionSet(), count: input.members.count)
        var partitions = [[Int32]](repeating: [], count: input.members.count)
        for (index, topic) in input.topics.enumerated() {
            let cells = cells(of: index)
            var touched: [Int] = []
            for cell in cells where owners[cell] != Self.nobody {
                let owner = Int(owners[cell])
                if partitions[owner].isEmpty { touched.append(owner) }
                partitions[owner].append(Int32(cell - cells.lowerBound))
            }
            for owner in touched {
                assignments[owner].append(topic.id, partitions[owner])
                partitions[owner].removeAll(keepingCapacity: true)
            }
        }
        return assignments
    }
}
