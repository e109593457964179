// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime
import KafkaSimulator
import Synchronization
import Testing

@Suite struct SimulatedRuntimeTests {
    /// Queues that hand work to each other, timers, blocking work and an echo over the network.
    private func runWorkload(seed: UInt64, options: SimulationOptions = SimulationOptions()) throws -> SimulatedRuntime
    {
        let simulation = SimulatedRuntime(seed: seed, options: options)
        let server = simulation.host("server").runtime
        let client = simulation.host("client").runtime
        let done = Journal<Int>()
        let listener = try server.network.listen(
            on: SocketAddress(host: "", port: 9092), options: ListenOptions()
        ) { Peer($0, echoes: true) }
        for number in 0..<4 {
            let queue = client.queues.makeQueue(label: "q\(number)")
            queue.schedule(after: client.random.below(50)) {
                client.queues.runBlocking { queue.async { done.add(number) } }
            }
        }
        let echoed = Mutex<Peer?>(nil)
        client.network.connect(
            to: SocketAddress(host: "server", port: 9092), on: client.network.reactors[0], options: ListenOptions()
        ) { result in
            guard case .success(let connection) = result else { return nil }
            let peer = Peer(connection)
            peer.send((0..<50_000).map { UInt8(truncatingIfNeeded: $0) })
            echoed.withLock { $0 = peer }
            return peer
        }
        let finished = try simulation.run(within: 60_000) {
            done.count == 4 && echoed.withLock { $0?.received.count } == 50_000
        }
        #expect(finished)
        listener.close()
        return simulation
    }

    @Test(arguments: [1, 2, 3, 99] as [UInt64])
    func `two runs with one seed are the same event by event`(seed: UInt64) throws {
        let first = try runWorkload(seed: seed)
        let second = try runWorkload(seed: seed)
        #expect(first.trace.lines == second.trace.lines)
        #expect(first.trace.hash == second.trace.hash)
        #expect(first.trace.count == second.trace.count)
        #expect(first.now == second.now)
    }

    @Test func `a run is the same in other processes, where hash tables are seeded otherwise`() async throws {
        var hashes: [String] = []
        for _ in 0..<2 {
            let result = try await #require(processExitsWith: .success, observing: [\.standardOutputContent]) {
                let simulation = try SimulatedRuntimeTests().runWorkload(seed: 77)
                print("trace \(simulation.trace.hash)")
            }
            let output = String(decoding: result.standardOutputContent, as: UTF8.self)
            hashes += output.split(separator: "\n").filter { $0.hasPrefix("trace ") }.map(String.init)
        }
        #expect(hashes == Array(repeating: "trace \(try runWorkload(seed: 77).trace.hash)", count: 2))
    }

    @Test func `different seeds run differently`() throws {
        let hashes = try (1...20).map { try runWorkload(seed: $0).trace.hash }
        #expect(Set(hashes).count == 20)
    }

    @Test func `behaviour drawn from a seed repeats with it`() throws {
        for seed in 1...10 as ClosedRange<UInt64> {
            let first = try runWorkload(seed: seed, options: .drawn(seed: seed))
            let second = try runWorkload(seed: seed, options: .drawn(seed: seed))
            #expect(first.trace.hash == second.trace.hash)
        }
    }

    @Test func `the trace keeps only the latest lines but hashes all`() throws {
        var options = SimulationOptions()
        options.traceCapacity = 10
        let short = try runWorkload(seed: 5, options: options)
        options.traceCapacity = 100_000
        let long = try runWorkload(seed: 5, options: options)
        #expect(short.trace.events.count == 10)
        #expect(short.trace.lines == long.trace.lines.suffix(10))
        #expect(short.trace.hash == long.trace.hash)
        #expect(long.trace.lines.contains { $0.contains("arrival client:") })
    }

    @Test func `notes are part of what runs are compared by`() {
        let first = SimulatedRuntime(seed: 1)
        let second = SimulatedRuntime(seed: 1)
        first.note("offset", size: 1)
        second.note("offset", size: 2)
        #expect(first.trace.hash != second.trace.hash)
        #expect(first.trace.lines == ["              0 note offset 1 0"])
    }

    @Test func `time stands still until events move it`() throws {
        let simulation = SimulatedRuntime(seed: 1, options: .immediate)
        let clock = simulation.runtime.clock
        let start = clock.wallMilliseconds
        #expect(start == simulation.options.startWallMilliseconds)
        let queue = simulation.runtime.queues.makeQueue(label: "q")
        let seen = Journal<Int64>()
        queue.schedule(after: 3_600_000) { seen.add(clock.wallMilliseconds - start) }
        queue.async { seen.add(clock.wallMilliseconds - start) }
        try simulation.runUntilIdle()
        #expect(seen.entries == [0])
        #expect(simulation.now == 0)
        try simulation.advance(by: 1_000)
        #expect(clock.monotonicNanoseconds == 1_000_000_000)
        #expect(seen.entries == [0])
        try simulation.advance(by: 3_599_000)
        #expect(seen.entries == [0, 3_600_000])
    }

    @Test func `step handles one event and tells when there is none`() throws {
        let simulation = SimulatedRuntime(seed: 1)
        let queue = simulation.runtime.queues.makeQueue(label: "q")
        let seen = Journal<Int>()
        queue.async { seen.add(1) }
        queue.async { seen.add(2) }
        #expect(try simulation.step())
        #expect(seen.entries == [1])
        #expect(try simulation.step())
        #expect(try !simulation.step())
        #expect(seen.entries == [1, 2])
    }

    @Test func `a host's wall clock can be set without touching deadlines`() throws {
        let simulation = SimulatedRuntime(seed: 1, options: .immediate)
        let host = simulation.host("a")
        let other = simulation.host("b").runtime.clock
        let ran = Journal<Int64>()
        let clock = host.runtime.clock
        host.runtime.queues.makeQueue(label: "q").schedule(after: 100) { ran.add(clock.monotonicMilliseconds) }
        host.adjustWallClock(by: -50_000)
        #expect(clock.wallMilliseconds == other.wallMilliseconds - 50_000)
        try simulation.advance(by: 100)
        #expect(ran.entries == [100])
    }

    @Test func `a condition that nothing can fulfil is a deadlock`() throws {
        let simulation = SimulatedRuntime(seed: 4)
        simulation.runtime.queues.makeQueue(label: "q").async {}
        let error = #expect(throws: SimulationError.self) { try simulation.run { false } }
        #expect(error?.reason == .deadlock)
        #expect(error?.seed == 4)
    }

    @Test func `a condition that timers do not fulfil in time is no error`() throws {
        let simulation = SimulatedRuntime(seed: 4)
        let queue = simulation.runtime.queues.makeQueue(label: "q")
        @Sendable func again() { queue.schedule(after: 10, again) }
        again()
        #expect(try simulation.run(within: 1_000) { false } == false)
        #expect(simulation.now == 1_000_000_000)
    }

    @Test func `work without end in one moment is a livelock`() throws {
        var options = SimulationOptions.immediate
        options.maximumStepsPerMillisecond = 1_000
        let simulation = SimulatedRuntime(seed: 1, options: options)
        let queue = simulation.runtime.queues.makeQueue(label: "q")
        @Sendable func again() { queue.async(again) }
        again()
        let error = #expect(throws: SimulationError.self) { try simulation.advance(by: 1) }
        #expect(error?.reason == .livelock(steps: 1_001))
    }

    @Test func `work without end over time is a livelock too`() throws {
        var options = SimulationOptions()
        options.maximumSteps = 500
        let simulation = SimulatedRuntime(seed: 1, options: options)
        let queue = simulation.runtime.queues.makeQueue(label: "q")
        @Sendable func again() { queue.async(again) }
        again()
        let error = #expect(throws: SimulationError.self) { try simulation.runUntilIdle() }
        #expect(error?.reason == .livelock(steps: 501))
    }

    @Test func `invariants are checked after every event and stop the run`() throws {
        let simulation = SimulatedRuntime(seed: 9)
        let queue = simulation.runtime.queues.makeQueue(label: "q")
        let seen = Journal<Int>()
        for number in 1...10 { queue.async { seen.add(number) } }
        simulation.addInvariant("at most three") { seen.count <= 3 ? nil : "\(seen.count) were seen" }
        let error = #expect(throws: SimulationError.self) { try simulation.runUntilIdle() }
        #expect(error?.reason == .invariant(name: "at most three", finding: "4 were seen"))
        #expect(error?.step == 4)
        #expect(seen.count == 4)
    }

    @Test func `cancelled timers are swept and leave the others in order`() throws {
        let simulation = SimulatedRuntime(seed: 2)
        let queue = simulation.runtime.queues.makeQueue(label: "q")
        let seen = Journal<Int>()
        queue.async {
            for number in 0..<10_000 {
                let token = queue.schedule(after: Int64(number % 97)) { seen.add(number) }
                if number % 10 != 0 { queue.cancel(token) }
            }
        }
        try simulation.advance(by: 1_000)
        #expect(seen.count == 1_000)
        #expect(seen.entries.map { $0 % 97 } == seen.entries.map { $0 % 97 }.sorted())
    }

    @Test func `a host is found by name and by address`() throws {
        let simulation = SimulatedRuntime(seed: 1)
        let host = simulation.host("broker-1")
        #expect(host === simulation.host("broker-1"))
        #expect(host.address != simulation.host("broker-2").address)
        let second = simulation.host("broker-2").runtime
        let listener = try host.runtime.network.listen(
            on: SocketAddress(host: "broker-1", port: 0), options: ListenOptions()
        ) { Peer($0) }
        let connected = Journal<SocketAddress>()
        for name in ["broker-1", host.address] {
            second.network.connect(
                to: SocketAddress(host: name, port: listener.boundAddress.port), on: second.network.reactors[0],
                options: ListenOptions()
            ) { result in
                guard case .success(let connection) = result else { return nil }
                connected.add(connection.remoteAddress)
                return Peer(connection)
            }
        }
        try simulation.runUntilIdle()
        #expect(connected.entries.map(\.host) == [host.address, host.address])
        #expect(throws: NetworkError.self) {
            try second.network.listen(on: SocketAddress(host: "broker-1", port: 1), options: ListenOptions()) { _ in nil
            }
        }
    }
}
