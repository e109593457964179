// SPDX-License-Identifier: Apache-2.0

/// The life of one host between a start and a crash. Queues, connections and events belong to a life; when it is over
/// they do nothing any more.
///
/// `@unchecked Sendable`: only touched by the thread that steps the simulation.
final class HostLife: @unchecked Sendable {
    let hostName: String
    private(set) var isOver = false
    /// The queues that serve connections.
    private(set) var reactors: [SimulatedQueue] = []
    private let loop: EventLoop
    private let options: SimulationOptions
    private var queues: [WeakQueue] = []
    private var nextReactor = 0

    private struct WeakQueue {
        weak var queue: SimulatedQueue?
    }

    init(hostName: String, loop: EventLoop, options: SimulationOptions) {
        self.hostName = hostName
        self.loop = loop
        self.options = options
        reactors = (0..<max(1, options.reactorsPerHost)).map { makeQueue(label: "reactor-\($0)") }
    }

    func makeQueue(label: String) -> SimulatedQueue {
        let queue = SimulatedQueue(label: label, life: self, loop: loop, hop: options.queueHop)
        if queues.count == queues.capacity { queues.removeAll { $0.queue == nil } }
        queues.append(WeakQueue(queue: queue))
        return queue
    }

    /// Hands out the reactors in turn.
    func takeReactor() -> SimulatedQueue {
        defer { nextReactor = (nextReactor + 1) % reactors.count }
        return reactors[nextReactor]
    }

    /// Connections of reactors that are too many keep them.
    func setReactorCount(_ count: Int) {
        precondition(count > 0, "a host has at least one reactor")
        reactors.removeLast(max(0, reactors.count - count))
        while reactors.count < count { reactors.append(makeQueue(label: "reactor-\(reactors.count)")) }
        nextReactor %= reactors.count
    }

    /// Ends it. Scheduled work is released, since it may hold what holds the queue.
    func end() {
        isOver = true
        for reference in queues { reference.queue?.forgetTimers() }
        queues = []
    }
}
