// SPDX-License-Identifier: Apache-2.0
import KafkaSimulator
import Testing

/// Groups in worlds where members and the broker come and go.
@Suite struct GroupSwarmTests {
    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func `no partition has two owners, and what was committed stays`(seed: UInt64) throws {
        let report = try GroupSwarm(seed: seed).run()
        #expect(report.findings == [])
        #expect(report.commits > 0 && report.assignments > 0)
    }
}
