// SPDX-License-Identifier: Apache-2.0
package import KafkaRuntime

/// How a host goes down.
package enum CrashKind: Sendable {
    /// The process is killed: written files stay, the operating system closes the connections.
    case process
    /// The machine loses power: what was not synced may be lost, and nobody is told.
    case machine
}

/// A machine in the simulation: a name and an address on the network, a disk, a clock, and the runtime that the code
/// on it is given.
///
/// `@unchecked Sendable`: only touched by the thread that steps the simulation.
package final class SimulatedHost: @unchecked Sendable {
    package let name: String
    /// The numeric address, `10.0.x.y`. Connections may be made to it or to `name`.
    package let address: String
    /// The disk; outlives crashes.
    package let files: InMemoryFileSystem
    private(set) var life: HostLife
    private let clock: SimulatedClock
    private let random: SeededRandom
    /// Decides what a loss of power leaves; apart from `random`, so that code on the host cannot influence it.
    private let diskRandom: SeededRandom
    private let loop: EventLoop
    private let fabric: NetworkFabric
    private let options: SimulationOptions

    init(
        name: String, address: String, seed: UInt64, loop: EventLoop, fabric: NetworkFabric, options: SimulationOptions
    ) {
        self.name = name
        self.address = address
        self.loop = loop
        self.fabric = fabric
        self.options = options
        clock = SimulatedClock(loop: loop, startWallMilliseconds: options.startWallMilliseconds)
        random = SeededRandom(seed: seed ^ EventTrace.hash(of: name))
        diskRandom = SeededRandom(seed: ~seed ^ EventTrace.hash(of: name))
        files = InMemoryFileSystem(clock: clock)
        life = HostLife(hostName: name, loop: loop, options: options)
    }

    /// The outside world of the present life. What was got before a crash does nothing any more after it.
    package var runtime: Runtime {
        Runtime(
            clock: clock,
            queues: SimulatedQueueFactory(life: life, loop: loop, options: options),
            files: files,
            network: SimulatedNetwork(host: self, life: life, fabric: fabric),
            random: random)
    }

    /// Moves the wall clock by `milliseconds`, as an operator or a time service does.
    package func adjustWallClock(by milliseconds: Int64) {
        loop.note(.fault, TraceSubject("\(name)/clock"), size: Int(milliseconds))
        clock.offset += milliseconds
    }

    /// Ends everything that runs on the host: nothing that was queued, scheduled or received there happens any more.
    package func crash(_ kind: CrashKind) {
        precondition(!life.isOver, "a host that is down cannot crash")
        loop.note(.fault, TraceSubject("\(name)/crash-\(kind)"))
        life.end()
        fabric.hostCrashed(life, kind)
        loop.dropDeadEvents()
        files.crash(kind == .process ? .everything : .some(random: diskRandom))
    }

    /// Begins a new life after a crash, with the same disk.
    package func restart() {
        precondition(life.isOver, "only a host that is down can be restarted")
        loop.note(.fault, TraceSubject("\(name)/restart"))
        life = HostLife(hostName: name, loop: loop, options: options)
        fabric.hostRestarted(name)
    }
}
