// SPDX-License-Identifier: Apache-2.0

/// The `range` assignor: each topic's partitions are cut into runs, as long as each other within one, for the members
/// that subscribe to it in order.
///
/// Topics with equally many partitions and the same subscribers are cut alike, so joins of them find matching partitions
/// at one member. Static members come first, by instance id, so that they keep their runs when they restart with a new
/// member id; then the others, by member id. What members had before plays no part.
enum RangeAssignor {
    static func assign(_ input: AssignmentInput) -> [TopicPartitionSet] {
        var subscribers = [[Int]](repeating: [], count: input.topics.count)
        for member in order(of: input.members) {
            for topic in input.members[member].topics { subscribers[topic].append(member) }
        }
        var board = AssignmentBoard(input)
        for topic in input.topics.indices where !subscribers[topic].isEmpty {
            let cells = board.cells(of: topic)
            let (length, longer) = cells.count.quotientAndRemainder(dividingBy: subscribers[topic].count)
            var cell = cells.lowerBound
            for (index, member) in subscribers[topic].enumerated() {
                let end = cell + length + (index < longer ? 1 : 0)
                while cell < end {
                    board.give(cell, to: member)
                    cell += 1
                }
            }
        }
        return board.result()
    }

    private static func order(of members: [AssignmentInput.Member]) -> [Int] {
        members.indices.sorted { left, right in
            switch (members[left].instanceID, members[right].instanceID) {
            case (let one?, let other?) where one != other: one < other
            case (.some, nil): true
            case (nil, .some): false
            default: members[left].id < members[right].id
            }
        }
    }
}
