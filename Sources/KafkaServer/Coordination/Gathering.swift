// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// Waits for a known number of results that come from different queues, and then passes them on in their order.
final class Gathering<Part: Sendable>: Sendable {
    private struct State: Sendable {
        var parts: [Part?]
        var missing: Int
    }

    private let state: Mutex<State>
    private let finish: @Sendable ([Part]) -> Void

    /// - Parameter finish: called once, where the last result is given; at once where none is expected.
    init(count: Int, finish: @escaping @Sendable ([Part]) -> Void) {
        state = Mutex(State(parts: Array(repeating: nil, count: count), missing: count))
        self.finish = finish
        if count == 0 { finish([]) }
    }

    func set(_ part: Part, at place: Int) {
        let whole = state.withLock { state -> [Part]? in
            precondition(state.parts[place] == nil, "a result is given once")
            state.parts[place] = part
            state.missing -= 1
            return state.missing == 0 ? state.parts.compactMap { $0 } : nil
        }
        if let whole { finish(whole) }
    }
}
