// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Prints in Markdown, unbuffered, so that each row is seen when it is known.
enum Table {
    static func line(_ text: String) { FileHandle.standardOutput.write(Data((text + "\n").utf8)) }

    static func heading(_ text: String) {
        line("\n## \(text)\n")
        line("| what | unit | storage | machine | storage / machine | what the machine did | goal |")
        line("|---|---|--:|--:|--:|---|---|")
    }

    static func row(
        _ name: String, unit: String, _ storage: Double, limit: Double?, _ limitName: String = "", goal: String = ""
    ) {
        let cells = [
            name, unit, text(storage), limit.map(text) ?? "", limit.map { text(storage / $0) } ?? "", limitName, goal,
        ]
        line("| " + cells.joined(separator: " | ") + " |")
    }

    static func text(_ value: Double) -> String {
        if !value.isFinite { return "–" }
        return String(format: value >= 100 ? "%.0f" : value >= 10 ? "%.1f" : "%.2f", value)
    }
}

/// Runs two measurements by turns, each as often first as the other, and gives the median of each.
func paired(
    _ runs: Int, _ storage: () throws -> Double, _ machine: () throws -> Double
) rethrows -> (storage: Double, machine: Double) {
    var (ours, theirs): ([Double], [Double]) = ([], [])
    for run in 0..<runs {
        if run % 2 == 1 { theirs.append(try machine()) }
        ours.append(try storage())
        if run % 2 == 0 { theirs.append(try machine()) }
    }
    return (median(ours), median(theirs))
}

func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}
