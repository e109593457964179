// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime
import KafkaSimulator
import RuntimeConformance
import Testing

/// The simulator as a world for the cases that every implementation of the seam must pass.
struct SimulatedWorld: ConformanceWorld {
    let simulation: SimulatedRuntime
    let directory = "/conformance"

    init(_ simulation: SimulatedRuntime) throws {
        self.simulation = simulation
        try simulation.runtime.files.createDirectory(directory)
    }

    var runtime: Runtime { simulation.runtime }

    func wait(milliseconds: Int64, until condition: () -> Bool) -> Bool {
        do throws(SimulationError) {
            return try simulation.run(within: milliseconds, until: condition)
        } catch {
            // Nothing is pending any more: what has not happened by now never will.
            return condition()
        }
    }
}

@Suite struct ConformanceTests {
    @Test(arguments: RuntimeConformance.all)
    func `the simulated runtime keeps the rules of the seam`(_ demand: ConformanceCase) throws {
        try demand.run(SimulatedWorld(SimulatedRuntime(seed: 1)))
        try demand.run(SimulatedWorld(SimulatedRuntime(seed: 2, options: .immediate)))
    }

    @Test(arguments: RuntimeConformance.queues + RuntimeConformance.streams + RuntimeConformance.closing)
    func `the simulated runtime keeps the rules under drawn behaviour`(_ demand: ConformanceCase) throws {
        for seed in 1...4 as ClosedRange<UInt64> {
            var options = SimulationOptions.drawn(seed: seed)
            // The cases carry megabytes and watch timeouts of some 50 ms: no satellite links, no windows of one packet,
            // no pieces of a few bytes.
            options.networkLatency = 10_000...1_000_000
            options.windowBytes = 16_384...65_536
            options.queueHop = 200...100_000
            options.pieceBytes = options.pieceBytes.lowerBound...max(1_460, options.pieceBytes.upperBound)
            try demand.run(SimulatedWorld(SimulatedRuntime(seed: seed, options: options)))
        }
    }
}
