// SPDX-License-Identifier: Apache-2.0

/// A nondeterministic automaton and its simulation: all states that the characters read so far may have led to are kept at
/// once, each at most once, so that a character costs at most one look at each instruction.
struct RegularExpressionProgram: Equatable, Sendable {
    private enum Instruction: Equatable, Sendable {
        case take(ASCIISet)
        /// Go on at the next instruction and at this one.
        case split(Int)
        case jump(Int)
        case check(RegularExpressionNode.Assertion)
        case accept
    }

    /// The working memory of a match: sets of states with insertion and membership in constant time.
    struct States {
        fileprivate var current: [Int] = []
        fileprivate var next: [Int] = []
        /// Not yet followed while closing over instructions that take no character.
        fileprivate var pending: [Int] = []
        /// For each instruction the round in which it was last reached.
        fileprivate var reached: [UInt32]
        fileprivate var round: UInt32 = 0

        init(count: Int) { reached = [UInt32](repeating: 0, count: count) }
    }

    private var instructions: [Instruction] = []

    var count: Int { instructions.count }

    init(_ node: RegularExpressionNode) throws(RegularExpressionError) {
        try append(node)
        try append(.accept)
    }

    private mutating func append(_ instruction: Instruction) throws(RegularExpressionError) {
        guard instructions.count < RegularExpression.instructionsMax else {
            throw .tooLarge(limit: RegularExpression.instructionsMax)
        }
        instructions.append(instruction)
    }

    private mutating func append(_ node: RegularExpressionNode) throws(RegularExpressionError) {
        switch node {
        case .characters(let set): try append(.take(set))
        case .assertion(let assertion): try append(.check(assertion))
        case .sequence(let nodes): for node in nodes { try append(node) }
        case .alternatives(let nodes): try append(alternatives: nodes)
        case .repetition(let inner, let minimum, let maximum):
            try append(repeating: inner, minimum: minimum, maximum: maximum)
        }
    }

    private mutating func append(alternatives nodes: [RegularExpressionNode]) throws(RegularExpressionError) {
        var jumps: [Int] = []
        for (index, node) in nodes.enumerated() {
            guard index < nodes.count - 1 else {
                try append(node)
                break
            }
            let split = instructions.count
            try append(.split(0))
            try append(node)
            jumps.append(instructions.count)
            try append(.jump(0))
            instructions[split] = .split(instructions.count)
        }
        for jump in jumps { instructions[jump] = .jump(instructions.count) }
    }

    private mutating func append(
        repeating node: RegularExpressionNode, minimum: Int, maximum: Int?
    ) throws(RegularExpressionError) {
        let before = instructions.count
        for _ in 0..<minimum {
            try append(node)
            // What takes no instruction is not worth writing out again.
            if instructions.count == before { return }
        }
        guard let maximum else {
            let split = instructions.count
            try append(.split(0))
            try append(node)
            try append(.jump(split))
            instructions[split] = .split(instructions.count)
            return
        }
        var splits: [Int] = []
        for _ in minimum..<max(maximum, minimum) {
            splits.append(instructions.count)
            try append(.split(0))
            try append(node)
        }
        for split in splits { instructions[split] = .split(instructions.count) }
    }

    func matches(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
        var states = States(count: instructions.count)
        return matches(name, using: &states)
    }

    func matches(_ name: UnsafeBufferPointer<UInt8>, using states: inout States) -> Bool {
        states.next.removeAll(keepingCapacity: true)
        states.beginRound()
        follow(from: 0, before: nil, after: name.first, &states)
        swap(&states.current, &states.next)
        var isAccepted = states.reached[instructions.count - 1] == states.round
        for (index, byte) in name.enumerated() {
            let after = index + 1 < name.count ? name[index + 1] : nil
            states.next.removeAll(keepingCapacity: true)
            states.beginRound()
            for state in states.current {
                guard case .take(let set) = instructions[state], set.contains(byte) else { continue }
                follow(from: state + 1, before: byte, after: after, &states)
            }
            swap(&states.current, &states.next)
            isAccepted = states.reached[instructions.count - 1] == states.round
            if states.current.isEmpty && !isAccepted { return false }
        }
        return isAccepted
    }

    /// Adds to `next` every instruction that takes a character and is reached from `start` without taking one.
    private func follow(from start: Int, before: UInt8?, after: UInt8?, _ states: inout States) {
        states.pending.append(start)
        while let state = states.pending.popLast() {
            guard states.reached[state] != states.round else { continue }
            states.reached[state] = states.round
            switch instructions[state] {
            case .take: states.next.append(state)
            case .accept: break
            case .jump(let target): states.pending.append(target)
            case .split(let target):
                states.pending.append(target)
                states.pending.append(state + 1)
            case .check(let assertion):
                if assertion.holds(before: before, after: after) { states.pending.append(state + 1) }
            }
        }
    }
}

extension RegularExpressionProgram.States {
    /// Forgets which instructions were reached, in constant time but for once in four thousand million rounds.
    fileprivate mutating func beginRound() {
        if round == .max {
            for index in reached.indices { reached[index] = 0 }
            round = 0
        }
        round += 1
    }
}
