// SPDX-License-Identifier: Apache-2.0
import CLoad
import Foundation

/// Waits until the machine does the same work for the same CPU. Where a virtual machine has done something else before, a
/// build for instance, its host takes free memory back and gives it again page by page, which can make the first requests
/// cost several times as much.
enum Settling {
    /// So many runs in a row must be alike: none further from their median than a part of it.
    private static let runs = 8
    private static let tolerance = 0.15
    private static let secondsMax = 60.0

    /// Tells what the bare relay takes in the end.
    static func wait(relayPath: String) throws -> String {
        let workload = Workload(name: "", kind: .produce(batch: 16 << 10), connections: 4, depth: 5, reactors: 2)
        let relay = try ServerProcess.relay(relayPath, reactors: workload.reactors)
        try workload.prepare(port: relay.port)
        let begin = load_now()
        var last: [Double] = []
        while true {
            load_touch_memory(touchedBytes)
            for _ in 0..<runs {
                var run = Measurement()
                try run.add(workload, relay, seconds: 0.25)
                last = last.suffix(runs - 1) + [run.cpuMicroseconds]
            }
            let seconds = Double(load_now() - begin) / 1e9
            let middle = median(last)
            let isSettled = last.allSatisfy { abs($0 - middle) <= tolerance * middle }
            guard isSettled || seconds >= secondsMax else { continue }
            let range = "\(Report.text(last.min() ?? 0, 1)) to \(Report.text(last.max() ?? 0, 1)) µs CPU"
            return "The machine \(isSettled ? "settled" : "did not settle") within \(Report.text(seconds, 0)) s: "
                + "producing 16 KiB takes the bare relay \(range)."
        }
    }
}
