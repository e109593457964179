// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Prints the tables in Markdown, so that they can be pasted into documents.
enum Report {
    /// Unbuffered, so that each row is seen when it is known.
    static func line(_ text: String) { FileHandle.standardOutput.write(Data((text + "\n").utf8)) }

    static func heading(_ text: String) { line("\n## \(text)\n") }

    static func loadHeader() {
        line(
            "| load | server | MB/s | requests/s | CPU µs/request | CPU s/GB | p50 µs | p99 µs | p99.9 µs | CPU ratio |"
        )
        line("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|")
    }

    static func row(_ workload: Workload, broker: Measurement?, relay: Measurement) {
        if let broker {
            row(workload.name, "broker", broker, ratio: broker.cpuRatio(to: relay))
        }
        row(workload.name, "relay", relay, ratio: nil)
    }

    private static func row(_ name: String, _ server: String, _ measurement: Measurement, ratio: Double?) {
        let cells = [
            name, server, measurement.bytes == 0 ? "" : text(measurement.megabytesPerSecond, 0),
            text(measurement.requestsPerSecond, 0), text(measurement.cpuMicroseconds, 2),
            measurement.bytes == 0 ? "" : text(measurement.cpuSecondsPerGigabyte, 3), text(measurement.p50, 1),
            text(measurement.p99, 1), text(measurement.p999, 1), ratio.map { text($0, 2) } ?? "",
        ]
        line("| " + cells.joined(separator: " | ") + " |")
    }

    static func text(_ value: Double, _ digits: Int) -> String {
        value.isFinite ? String(format: "%.\(digits)f", value) : "–"
    }

    static func startHeader() {
        line("| | start, median ms | least | most | goal | resident MB | of it anonymous | goal |")
        line("|---|--:|--:|--:|--:|--:|--:|--:|")
    }

    static func start(_ start: StartMeasurement) {
        let sorted = start.milliseconds.sorted()
        let cells = [
            start.name, text(sorted[sorted.count / 2], 1), text(sorted[0], 1), text(sorted[sorted.count - 1], 1),
            "≤ \(start.millisecondsGoal)", text(start.memory.resident, 1), text(start.memory.anonymous, 1),
            "≤ \(start.megabytesGoal)",
        ]
        line("| " + cells.joined(separator: " | ") + " |")
    }
}
