// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
package import KafkaMetadata
internal import Synchronization

/// Gives out producer ids from blocks that the controller allocates, so that an id is never given twice, not even
/// after a crash: what is left of a block then is lost.
package final class ProducerIDAllocator: Sendable {
    /// The ids `first ..< end`.
    package struct Block: Sendable {
        package var first: Int64
        package let end: Int64

        package init(first: Int64, end: Int64) {
            self.first = first
            self.end = end
        }
    }

    package typealias Completion = @Sendable (Result<Int64, APIError>) -> Void

    /// Requests that may wait for a block at once.
    private static let waitingMaximum = 10_000

    private struct State {
        var block = Block(first: 0, end: 0)
        var isAsking = false
        var waiting: [Completion] = []
    }

    private let state = Mutex(State())
    private let allocate: @Sendable (@escaping @Sendable (Result<Block, APIError>) -> Void) -> Void

    /// - Parameter allocate: asks the controller for a block; calls back from any queue.
    package init(
        allocate: @escaping @Sendable (@escaping @Sendable (Result<Block, APIError>) -> Void) -> Void
    ) {
        self.allocate = allocate
    }

    /// Calls `completion` with the next id, at once where there is one.
    package func next(_ completion: @escaping Completion) {
        enum Step {
            case give(Int64)
            case ask
            case wait
            case refuse
        }
        let step = state.withLock { state -> Step in
            if state.block.first < state.block.end {
                defer { state.block.first += 1 }
                return .give(state.block.first)
            }
            guard state.waiting.count < Self.waitingMaximum else { return .refuse }
            state.waiting.append(completion)
            defer { state.isAsking = true }
            return state.isAsking ? .wait : .ask
        }
        switch step {
        case .give(let id): completion(.success(id))
        case .ask: allocate { [self] in received($0) }
        case .wait: break
        case .refuse: completion(.failure(APIError(.coordinatorLoadInProgress)))
        }
    }

    private func received(_ result: Result<Block, APIError>) {
        var served: [(Completion, Result<Int64, APIError>)] = []
        let asksAgain = state.withLock { state -> Bool in
            switch result {
            case .failure(let fault):
                served = state.waiting.map { ($0, .failure(fault)) }
                state.waiting = []
            case .success(let block):
                state.block = block
                let count = min(state.waiting.count, Int(block.end - block.first))
                for completion in state.waiting.prefix(count) {
                    served.append((completion, .success(state.block.first)))
                    state.block.first += 1
                }
                state.waiting.removeFirst(count)
            }
            state.isAsking = !state.waiting.isEmpty
            return state.isAsking
        }
        for (completion, result) in served { completion(result) }
        if asksAgain { allocate { [self] in received($0) } }
    }
}
