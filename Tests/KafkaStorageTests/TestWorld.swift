// SPDX-License-Identifier: Apache-2.0
import DispatchRuntime
import KafkaBase
import KafkaRuntime
import Synchronization

@testable import KafkaStorage

/// Everything a log needs from outside, under the test's control: files in memory, a clock that stands still, and
/// background work that runs when the test says so.
final class TestWorld: Sendable {
    let files: InMemoryFileSystem
    let clock: TestClock
    let queues = TestQueues()
    let random: SeededRandom
    let events = TestObserver()

    init(seed: UInt64 = 1, durability: InMemoryFileSystem.Durability = .tracked) {
        let clock = TestClock()
        self.clock = clock
        files = InMemoryFileSystem(durability: durability, clock: clock)
        random = SeededRandom(seed: seed)
        try! files.createDirectory("/data")
        try! files.syncDirectory("/")
    }

    var runtime: Runtime {
        Runtime(clock: clock, queues: queues, files: files, network: NoNetwork(), random: random)
    }

    /// Runs background work until there is none.
    func run() { queues.runAll() }

    /// Moves the clock and fires what is due.
    func advance(_ milliseconds: Int64) {
        clock.advance(milliseconds)
        queues.fire(elapsed: milliseconds)
        run()
    }

    /// The machine stops and comes up again.
    func crash(_ survival: InMemoryFileSystem.Survival = .nothing) {
        queues.dropAll()
        files.crash(survival)
    }

    /// Loads the logs of one directory.
    func startManager() throws -> LogManager {
        let manager = LogManager(
            configuration: LogManagerConfiguration(directories: ["/data/a"]), runtime: runtime)
        try manager.openDirectories()
        manager.loadLogs(topicConfiguration: { _ in LogConfiguration() }) { _ in }
        run()
        return manager
    }

    static let partition = TopicPartition(topic: "t", partition: 0)

    func open(
        _ directory: String = "/data/t-0", _ configuration: LogConfiguration = LogConfiguration(),
        clean: Bool = false, recoveryPoint: Int64 = 0, logStartOffset: Int64 = 0, highWatermark: Int64 = 0,
        settings: LogSettings = LogSettings()
    ) throws -> UnifiedLog {
        var options = LogOpenOptions()
        options.wasCleanShutdown = clean
        options.recoveryPoint = recoveryPoint
        options.logStartOffset = logStartOffset
        options.highWatermark = highWatermark
        options.settings = settings
        options.observer = events
        return try UnifiedLog.open(
            directory: directory, topicPartition: Self.partition, configuration: configuration, runtime: runtime,
            options: options)
    }

    func bytes(_ path: String) throws -> [UInt8] { try files.readFile(path) ?? [] }
}

final class TestClock: Clock {
    private let now = Mutex<Int64>(1_700_000_000_000)

    var wallMilliseconds: Int64 { now.withLock { $0 } }
    var monotonicNanoseconds: Int64 { now.withLock { $0 * 1_000_000 } }
    func advance(_ milliseconds: Int64) { now.withLock { $0 += milliseconds } }
}

/// SplitMix64.
final class SeededRandom: RandomSource {
    private let state: Mutex<UInt64>

    init(seed: UInt64) { state = Mutex(seed) }

    func next() -> UInt64 {
        state.withLock { state in
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }
}

final class TestQueues: QueueFactory {
    private struct Timer {
        var left: Int64
        var work: @Sendable () -> Void
    }

    private struct State {
        var blocking: [@Sendable () -> Void] = []
        var timers: [UInt64: Timer] = [:]
        var nextTimer: UInt64 = 1
    }

    private static let latches = DispatchRuntime.makeQueues(blockingThreads: 1)

    private let state = Mutex(State())

    func makeQueue(label: String) -> any SerialQueue { Queue(label: label, owner: self) }

    func runBlocking(_ work: @escaping @Sendable () -> Void) { state.withLock { $0.blocking.append(work) } }

    func makeLatch() -> any Latch { Self.latches.makeLatch() }

    var pendingCount: Int { state.withLock { $0.blocking.count } }

    func runAll() {
        while true {
            let next = state.withLock { state in state.blocking.isEmpty ? [] : [state.blocking.removeFirst()] }
            guard let work = next.first else { return }
            work()
        }
    }

    func dropAll() {
        state.withLock { state in
            state.blocking = []
            state.timers = [:]
        }
    }

    func fire(elapsed: Int64) {
        let due = state.withLock { state in
            for id in state.timers.keys { state.timers[id]!.left -= elapsed }
            let ids = state.timers.keys.filter { state.timers[$0]!.left <= 0 }.sorted()
            return ids.map { state.timers.removeValue(forKey: $0)!.work }
        }
        for work in due { work() }
    }

    private final class Queue: SerialQueue {
        let label: String
        private let owner: TestQueues

        init(label: String, owner: TestQueues) {
            self.label = label
            self.owner = owner
        }

        var isCurrent: Bool { true }

        func async(_ work: @escaping @Sendable () -> Void) { owner.runBlocking(work) }

        func schedule(after delay: Int64, _ work: @escaping @Sendable () -> Void) -> TimerToken {
            owner.state.withLock { state in
                let id = state.nextTimer
                state.nextTimer += 1
                state.timers[id] = Timer(left: delay, work: work)
                return TimerToken(rawValue: id)
            }
        }

        func cancel(_ token: TimerToken) { owner.state.withLock { $0.timers[token.rawValue] = nil } }
    }
}

struct NoNetwork: Network {
    var reactors: [any SerialQueue] { [] }

    func listen(
        on address: SocketAddress, options: ListenOptions,
        accept: @escaping @Sendable (any Connection) -> (any ConnectionHandler)?
    ) throws(NetworkError) -> any Listener { throw NetworkError("there is no network") }

    func connect(
        to address: SocketAddress, on reactor: any SerialQueue, options: ListenOptions,
        completion: @escaping @Sendable (Result<any Connection, NetworkError>) -> (any ConnectionHandler)?
    ) { _ = completion(.failure(NetworkError("there is no network"))) }
}

final class TestObserver: LogObserver {
    private let list = Mutex<[String]>([])

    func logEvent(_ event: LogEvent) { list.withLock { $0.append("\(event)") } }

    var all: [String] { list.withLock { $0 } }
}
