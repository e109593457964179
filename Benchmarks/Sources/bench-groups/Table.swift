// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Monotonic seconds.
func now() -> Double { Double(DispatchTime.now().uptimeNanoseconds) / 1e9 }

func text(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }

func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

/// A table's head: the first column holds names, the others numbers.
func head(_ columns: String...) {
    say("\n| \(columns.joined(separator: " | ")) |\n|---|\(String(repeating: "--:|", count: columns.count - 1))")
}

func row(_ columns: String...) { say("| \(columns.joined(separator: " | ")) |") }

func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

func percentile(_ values: [Double], _ share: Double) -> Double {
    values.sorted()[min(values.count - 1, Int(Double(values.count) * share))]
}
