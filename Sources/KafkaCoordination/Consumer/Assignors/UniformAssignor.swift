// SPDX-License-Identifier: Apache-2.0

/// The `uniform` assignor: members get equally many partitions where their subscriptions allow it, and keep what they had
/// as far as that allows.
///
/// Where all members subscribe to the same topics, loads differ by at most one and the number of partitions that move is
/// the least possible. Otherwise no partition is left at a member that has two or more over another one that could have
/// it; a partition moves only when its topic is no longer subscribed to, or to a member that has at least two fewer.
enum UniformAssignor {
    static func assign(_ input: AssignmentInput) -> [TopicPartitionSet] {
        guard let first = input.members.first else { return [] }
        let isHomogeneous = input.members.allSatisfy { $0.topics == first.topics }
        return isHomogeneous ? assignHomogeneous(input, topics: first.topics) : assignHeterogeneous(input)
    }

    /// Time linear in members and partitions.
    private static func assignHomogeneous(_ input: AssignmentInput, topics: [Int]) -> [TopicPartitionSet] {
        var board = AssignmentBoard(input)
        let total = topics.reduce(0) { $0 + board.cells(of: $1).count }
        let (quota, remainder) = total.quotientAndRemainder(dividingBy: input.members.count)
        // So many members may have one more than the quota; who has it already comes first.
        var larger = remainder
        for member in input.members.indices {
            let retainable = board.retainable(by: member)
            var limit = quota
            if retainable.count > quota, larger > 0 {
                limit += 1
                larger -= 1
            }
            for cell in retainable.prefix(limit) { board.give(cell, to: member) }
        }
        distribute(topics: topics, quota: quota, larger: larger, members: input.members.count, on: &board)
        return board.result()
    }

    /// Deals out what nobody has, one partition at a time in turn, so that a member's partitions are of many topics.
    private static func distribute(
        topics: [Int], quota: Int, larger: Int, members: Int, on board: inout AssignmentBoard
    ) {
        var larger = larger
        var waiting = (0..<members).filter { board.loads[$0] < quota }
        // Members at their quota take the ones left over, after the others have come to theirs.
        var atQuota = (0..<members).filter { board.loads[$0] == quota }[...]
        var turn = 0
        for topic in topics {
            for cell in board.cells(of: topic) where board.owners[cell] == AssignmentBoard.nobody {
                if waiting.isEmpty {
                    guard larger > 0, let member = atQuota.popFirst() else { return }
                    board.give(cell, to: member)
                    larger -= 1
                    continue
                }
                if turn >= waiting.count { turn = 0 }
                let member = waiting[turn]
                board.give(cell, to: member)
                if board.loads[member] == quota {
                    waiting.remove(at: turn)
                    atQuota.append(member)
                } else {
                    turn += 1
                }
            }
        }
    }
}

// MARK: - Different subscriptions

extension UniformAssignor {
    /// Rounds over all topics that may even out loads. Each move brings two loads nearer, so rounds end by themselves, and
    /// after few; this bounds the time whatever the subscriptions are.
    private static let roundsMax = 64

    private static func assignHeterogeneous(_ input: AssignmentInput) -> [TopicPartitionSet] {
        var board = AssignmentBoard(input)
        var subscribers = [[Int]](repeating: [], count: input.topics.count)
        for (index, member) in input.members.enumerated() {
            for topic in member.topics { subscribers[topic].append(index) }
            for cell in board.retainable(by: index) { board.give(cell, to: index) }
        }
        // Topics that few may have come first: the others can still go elsewhere.
        let order = input.topics.indices.filter { !subscribers[$0].isEmpty }
            .sorted { (subscribers[$0].count, $0) < (subscribers[$1].count, $1) }
        for topic in order {
            for cell in board.cells(of: topic) where board.owners[cell] == AssignmentBoard.nobody {
                board.give(cell, to: leastLoaded(subscribers[topic], board))
            }
        }
        for _ in 0..<roundsMax {
            var isBalanced = true
            for topic in order where evenOut(topic, among: subscribers[topic], on: &board) { isBalanced = false }
            if isBalanced { break }
        }
        return board.result()
    }

    /// The member with the fewest partitions; of several the first.
    private static func leastLoaded(_ members: [Int], _ board: AssignmentBoard) -> Int {
        var best = members[0]
        for member in members.dropFirst() where board.loads[member] < board.loads[best] { best = member }
        return best
    }

    /// Moves partitions of the topic to members that have at least two fewer than their owners.
    ///
    /// - Returns: whether any moved.
    private static func evenOut(_ topic: Int, among members: [Int], on board: inout AssignmentBoard) -> Bool {
        var hasMoved = false
        var receiver = leastLoaded(members, board)
        var cells = Array(board.cells(of: topic))
        // From the most loaded owner downwards, so that the largest loads shrink first.
        cells.sort { left, right in
            let (one, other) = (board.loads[Int(board.owners[left])], board.loads[Int(board.owners[right])])
            return one == other ? left > right : one > other
        }
        for cell in cells {
            let owner = Int(board.owners[cell])
            guard board.loads[owner] - board.loads[receiver] >= 2 else { continue }
            board.give(cell, to: receiver)
            hasMoved = true
            receiver = leastLoaded(members, board)
        }
        return hasMoved
    }
}
