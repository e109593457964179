// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime
package import KafkaServer
package import Logging
import Synchronization

/// A real broker on a simulated host: starts it, kills it, starts it again on the same disk.
///
/// `@unchecked Sendable`: only touched by the thread that steps the simulation.
package final class SimulatedBroker: @unchecked Sendable {
    package enum State: Equatable, Sendable {
        case stopped
        case starting
        case running
        case failed(String)
    }

    package let host: SimulatedHost
    package private(set) var state = State.stopped
    /// Starts so far.
    package private(set) var starts = 0
    private let settings: [String: String]
    private let logLevel: Logger.Level
    private let logged = LoggedLines()
    private var node: BrokerNode?

    /// - Parameter settings: configuration by Kafka's key names, over a single node that listens on port 9092 and
    ///   keeps its data in `/data`.
    ///   - logLevel: what is kept of its log.
    package init(on host: SimulatedHost, settings: [String: String] = [:], logLevel: Logger.Level = .warning) {
        self.host = host
        self.logLevel = logLevel
        let defaults = [
            "node.id": "1", "process.roles": "broker,controller", "log.dirs": "/data",
            "listeners": "PLAINTEXT://\(host.name):9092,CONTROLLER://\(host.name):9093",
            "advertised.listeners": "PLAINTEXT://\(host.name):9092", "controller.listener.names": "CONTROLLER",
            "controller.quorum.voters": "1@\(host.name):9093",
            // Left to the operating system, windows would be drawn anew for each connection, some so small that nothing
            // large gets through in the time that a run has.
            "socket.send.buffer.bytes": "102400",
        ]
        self.settings = defaults.merging(settings) { $1 }
    }

    /// What the broker has logged at `logLevel` or above, the latest hundred lines.
    package var logLines: [String] { logged.lines }

    /// The lines that were logged since the last time.
    func takeLogLines() -> [String] { logged.take() }

    /// What the handlers of the running broker share; nil unless it runs.
    package var context: BrokerContext? { state == .running ? node?.context : nil }

    package var hasFailed: Bool { if case .failed = state { true } else { false } }

    /// Begins to start; `state` tells what came of it.
    package func start() throws {
        precondition(node == nil, "the broker runs already")
        let configuration = try BrokerConfiguration(settings, hostName: host.name)
        let node = BrokerNode(
            configuration: configuration, runtime: host.runtime,
            loggers: ComponentLoggers { [logged, clock = host.runtime.clock, logLevel] component in
                Logger(label: component) { _ in
                    LineLogHandler(component: component, level: logLevel, format: .text, clock: clock) {
                        logged.add($0)
                    }
                }
            })
        self.node = node
        state = .starting
        starts += 1
        let attempt = starts
        node.onFatal { [self] reason in settle(.failed(reason), attempt) }
        node.start { [self] result in
            switch result {
            case .success: settle(.running, attempt)
            case .failure(let error): settle(.failed(error.description), attempt)
            }
        }
    }

    /// Stops cleanly.
    package func shutdown() {
        let attempt = starts
        node?.shutdown { [self] in
            settle(.stopped, attempt)
            node = nil
        }
    }

    /// The process dies, or the machine loses power; then the host is there again for the next `start`.
    package func crash(_ kind: CrashKind) {
        node = nil
        state = .stopped
        host.crash(kind)
        host.restart()
    }

    /// What an earlier life of the broker still has to say does not count.
    private func settle(_ new: State, _ attempt: Int) {
        if attempt == starts { state = new }
    }
}

/// Where log lines gather, from any queue.
private final class LoggedLines: Sendable {
    private static let countMax = 100
    private let storage = Mutex<[String]>([])

    var lines: [String] { storage.withLock { $0 } }

    func take() -> [String] {
        storage.withLock { lines in
            defer { lines = [] }
            return lines
        }
    }

    func add(_ line: String) {
        storage.withLock { lines in
            if lines.count == Self.countMax { lines.removeFirst() }
            lines.append(line)
        }
    }
}
