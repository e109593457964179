// SPDX-License-Identifier: Apache-2.0
import Foundation

/// What the kernel says of a process.
enum ProcessFigures {
    /// CPU time used so far, in seconds.
    static func cpuSeconds(_ identifier: Int32) -> Double {
        // The name, which may hold spaces, ends at the last parenthesis.
        guard let text = try? String(contentsOfFile: "/proc/\(identifier)/stat", encoding: .utf8),
            let end = text.lastIndex(of: ")")
        else { return 0 }
        let fields = text[end...].split(separator: " ")
        let ticks = (Double(fields[12]) ?? 0) + (Double(fields[13]) ?? 0)
        return ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// Memory that is in RAM and no file's, in bytes.
    static func anonymousBytes(_ identifier: Int32) -> Double {
        let text = (try? String(contentsOfFile: "/proc/\(identifier)/status", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("RssAnon:") }
        return (line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Double($0) } ?? 0) * 1_024
    }
}
