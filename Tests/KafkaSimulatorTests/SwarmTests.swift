// SPDX-License-Identifier: Apache-2.0
import KafkaSimulator
import Testing

/// The swarm itself: that its runs repeat, and that they do what their names say. Whether the broker keeps its promises
/// in many worlds is for the `simulate` stage of Scripts/test, in a release build.
@Suite struct SwarmTests {
    @Test(arguments: [SwarmWorkload.calm, .network])
    func `a run is fine`(workload: SwarmWorkload) {
        for seed in 1...3 as ClosedRange<UInt64> {
            let report = SwarmRun(SwarmPlan(seed: seed, workload: workload)).run()
            #expect(report.findings == [], "\(report.description)")
            #expect(report.acknowledged > 0 && report.starts >= 2)
        }
    }

    @Test(arguments: SwarmWorkload.allCases)
    func `every workload runs to its end`(workload: SwarmWorkload) {
        let report = SwarmRun(SwarmPlan(seed: 1, workload: workload)).run()
        #expect(report.sent > 0 && report.starts > 0)
    }

    @Test func `a seed does the same twice, and seeds differ`() {
        func run(_ seed: UInt64) -> UInt64 { SwarmRun(SwarmPlan(seed: seed, workload: .crash)).run().traceHash }
        #expect(run(7) == run(7))
        #expect(run(7) != run(8))
    }

    @Test func `notes tell of every start`() {
        var notes: [String] = []
        let run = SwarmRun(SwarmPlan(seed: 3, workload: .crash), keepsTrace: true) { notes.append($0) }
        let report = run.run()
        #expect(notes.count { $0.contains(": start ") } == report.starts)
        #expect(run.traceLines.count == report.events)
    }
}
