// SPDX-License-Identifier: Apache-2.0
internal import DequeModule
internal import KafkaRuntime
internal import Synchronization

/// Bounds the bytes of requests that are in memory and not handled yet (`queued.max.request.bytes`).
///
/// Counted are requests of which a part has arrived, with their whole length, and what was received behind a request
/// that is not answered yet. The former are granted only where they fit, in the order of asking; a connection that has
/// to wait is not read. The latter are there already, so they always count and only keep others out. What one read
/// brought of a request that waits does not count. Requests that arrive whole never come here.
final class RequestMemory: Sendable {
    private struct Waiting {
        let connection: RequestConnection
        let bytes: Int
    }

    private struct State {
        var used = 0
        var waiting: Deque<Waiting> = []
    }

    /// nil is no limit.
    private let limit: Int?
    private let state = Mutex(State())

    /// - Parameter limit: bytes, at least the size of the largest request with the length in front of it: what could
    ///   never be granted would keep everybody behind it waiting.
    init(limit: Int?) { self.limit = limit }

    /// Takes `bytes` where they fit. Otherwise `connection` gets in line and `memoryGranted` is called on its queue once
    /// they were taken for it.
    func claim(_ bytes: Int, for connection: RequestConnection) -> Bool {
        guard let limit else { return true }
        return state.withLock { state in
            guard state.waiting.isEmpty, state.used + bytes <= limit else {
                state.waiting.append(Waiting(connection: connection, bytes: bytes))
                return false
            }
            state.used += bytes
            return true
        }
    }

    /// Gives back `old` bytes and takes `new`, whether they fit or not.
    func exchange(_ old: Int, for new: Int) {
        guard limit != nil, old != new else { return }
        grant { $0.used += new - old }
    }

    /// Takes a connection out of the line; false when it is not in it (any more).
    func withdraw(_ connection: RequestConnection) -> Bool {
        var wasWaiting = false
        grant { state in
            guard let index = state.waiting.firstIndex(where: { $0.connection === connection }) else { return }
            state.waiting.remove(at: index)
            wasWaiting = true
        }
        return wasWaiting
    }

    /// Bytes taken now; 0 without a limit.
    var used: Int { state.withLock { $0.used } }

    /// Makes a change and lets those go on who fit after it.
    private func grant(after change: (inout State) -> Void) {
        guard let limit else { return }
        let granted = state.withLock { state -> [Waiting] in
            change(&state)
            var granted: [Waiting] = []
            while let first = state.waiting.first, state.used + first.bytes <= limit {
                state.waiting.removeFirst()
                state.used += first.bytes
                granted.append(first)
            }
            return granted
        }
        for waiting in granted {
            waiting.connection.queue.async { waiting.connection.memoryGranted(waiting.bytes) }
        }
    }
}
