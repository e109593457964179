// SPDX-License-Identifier: Apache-2.0
import CLoad
import Foundation

/// What the rows are held against.
struct Goals {
    static let text = """
        Goals: CPU ratio ≤ 1.25; produce 16 KiB ≤ 9 µs CPU a request; fetch 1 MiB ≤ 0.15 s CPU a GB; round trip p50 ≤ 100 µs.
        Each figure is the median of the runs; the CPU ratio that of the runs' own ratios, each to the relay's run next to it.
        """

    private var checked = 0
    private var missed: [String] = []

    mutating func check(_ workload: Workload, _ broker: Measurement, _ relay: Measurement) {
        check(workload, "CPU ratio", broker.cpuRatio(to: relay), 1.25)
        switch workload.kind {
        case .produce(16_384): check(workload, "CPU µs a request", broker.cpuMicroseconds, 9)
        case .fetch(1_048_576): check(workload, "CPU s a GB", broker.cpuSecondsPerGigabyte, 0.15)
        default: break
        }
        if workload.isRoundTrip { check(workload, "p50 µs", broker.p50, 100) }
    }

    private mutating func check(_ workload: Workload, _ what: String, _ value: Double, _ goal: Double) {
        checked += 1
        if value > goal {
            missed.append("- \(workload.name): \(what) \(Report.text(value, 3)), goal \(Report.text(goal, 2))")
        }
    }

    /// nil where nothing was measured.
    var verdict: String? {
        if checked == 0 { return nil }
        if missed.isEmpty { return "All \(checked) goals met." }
        return "\(missed.count) of \(checked) goals missed:\n" + missed.joined(separator: "\n")
    }
}
