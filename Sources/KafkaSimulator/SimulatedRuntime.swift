// SPDX-License-Identifier: Apache-2.0
package import KafkaRuntime

/// A world of hosts in one thread and in virtual time, in which everything that is left to chance comes from one seed:
/// two runs of the same code with the same seed do the same, event by event.
///
/// Nothing happens by itself. Code is started by calling it with a host's `runtime` (or by handing it to a queue), and
/// then the world is run with `run(until:)`, `runUntilIdle`, `advance` or `step`. Real time plays no part: an hour of
/// timers passes as fast as its events can be handled.
///
/// `@unchecked Sendable`: one thread at a time uses it; everything that runs in it runs inside its `run` functions.
package final class SimulatedRuntime: @unchecked Sendable {
    package let seed: UInt64
    package let options: SimulationOptions
    private let loop: EventLoop
    private let fabric: NetworkFabric
    private var hosts: [String: SimulatedHost] = [:]
    private var invariants: [(name: String, check: () -> String?)] = []
    /// Events handled since the start.
    package private(set) var stepCount = 0
    private var stepsInMillisecond = 0
    private var millisecond: Int64 = 0

    package init(seed: UInt64, options: SimulationOptions = SimulationOptions()) {
        self.seed = seed
        self.options = options
        loop = EventLoop(seed: seed, traceCapacity: options.traceCapacity)
        fabric = NetworkFabric(loop: loop, options: options)
    }

    // MARK: Hosts

    /// The runtime of the host `localhost`, for simulations that need no more than one.
    package var runtime: Runtime { host("localhost").runtime }

    /// The host of that name, made when it is asked for first.
    package func host(_ name: String) -> SimulatedHost {
        if let host = hosts[name] { return host }
        let number = hosts.count + 1
        let host = SimulatedHost(
            name: name, address: "10.0.\(number / 250).\(number % 250 + 1)", seed: seed, loop: loop, fabric: fabric,
            options: options)
        hosts[name] = host
        fabric.register(host)
        return host
    }

    // MARK: Observation

    /// Virtual nanoseconds since the start.
    package var now: Int64 { loop.now }
    /// The history so far.
    package var trace: EventTrace { loop.trace }
    /// Events to come, timers that are still set included: what is waited for longer than it should be shows here.
    package var pendingCount: Int { loop.pendingCount }
    /// Ends of connections that are open.
    package var connectionCount: Int { fabric.connectionCount }

    /// Writes a line into the trace, so that what a workload observes is part of what two runs are compared by.
    package func note(_ text: String, size: Int = 0, digest: UInt64 = 0) {
        loop.note(.note, TraceSubject(text), size: size, digest: digest)
    }

    /// Calls `check` after every event from now on; a text that it returns stops the run as a finding.
    package func addInvariant(_ name: String, _ check: @escaping () -> String?) {
        invariants.append((name, check))
    }

    // MARK: Faults

    /// Cuts the link in both directions: bytes and attempts to connect wait until it is healed.
    package func cut(_ one: String, _ other: String) {
        cutOneWay(from: one, to: other)
        cutOneWay(from: other, to: one)
    }

    package func cutOneWay(from: String, to: String) {
        loop.note(.fault, TraceSubject("cut \(from)→\(to)"))
        fabric.cut(Link(from: from, to: to))
    }

    package func heal(_ one: String, _ other: String) {
        loop.note(.fault, TraceSubject("heal \(one)↔\(other)"))
        fabric.heal(Link(from: one, to: other))
        fabric.heal(Link(from: other, to: one))
    }

    package func healAll() {
        loop.note(.fault, TraceSubject("heal all"))
        fabric.healAll()
    }

    /// Resets every connection between two hosts.
    package func resetConnections(between one: String, and other: String) {
        loop.note(.fault, TraceSubject("reset \(one)↔\(other)"))
        fabric.resetConnections(between: one, and: other)
    }

    // MARK: Running

    /// Handles the next event, moving time to it; false when there is none.
    @discardableResult
    package func step() throws(SimulationError) -> Bool {
        guard loop.step() else { return false }
        stepCount += 1
        if loop.now / 1_000_000 != millisecond {
            millisecond = loop.now / 1_000_000
            stepsInMillisecond = 0
        }
        stepsInMillisecond += 1
        guard stepsInMillisecond <= options.maximumStepsPerMillisecond else {
            throw failure(.livelock(steps: stepsInMillisecond))
        }
        for (name, check) in invariants {
            if let finding = check() { throw failure(.invariant(name: name, finding: finding)) }
        }
        return true
    }

    /// Runs until `condition` holds, which is looked at before every event; false when `milliseconds` of virtual time
    /// have passed without it. Throws `deadlock` when nothing is left that could make it hold.
    package func run(
        within milliseconds: Int64 = 3_600_000, until condition: () -> Bool
    ) throws(SimulationError) -> Bool {
        let deadline = loop.now + milliseconds * 1_000_000
        var steps = 0
        while !condition() {
            guard let next = loop.nextTime() else { throw failure(.deadlock) }
            guard next <= deadline else {
                loop.advance(to: deadline)
                return false
            }
            try step()
            try count(&steps)
        }
        return true
    }

    /// Runs until nothing but timers that are not due yet is left.
    package func runUntilIdle() throws(SimulationError) {
        var steps = 0
        while loop.isBusy() {
            try step()
            try count(&steps)
        }
    }

    /// Lets `milliseconds` of virtual time pass.
    package func advance(by milliseconds: Int64) throws(SimulationError) {
        let end = loop.now + milliseconds * 1_000_000
        var steps = 0
        while let next = loop.nextTime(), next <= end {
            try step()
            try count(&steps)
        }
        loop.advance(to: end)
    }

    private func count(_ steps: inout Int) throws(SimulationError) {
        steps += 1
        if steps > options.maximumSteps { throw failure(.livelock(steps: steps)) }
    }

    private func failure(_ reason: SimulationError.Reason) -> SimulationError {
        SimulationError(reason: reason, seed: seed, step: stepCount, time: loop.now)
    }
}
