// SPDX-License-Identifier: Apache-2.0
import DispatchRuntime
import Foundation
import KafkaRuntime
import RuntimeConformance
import Testing

/// The production runtime as a world for the cases that every implementation of the seam must pass.
private struct DispatchWorld: ConformanceWorld {
    let runtime: Runtime
    let directory: String

    init(directory: String) throws {
        runtime = try DispatchRuntime.makeRuntime(reactorCount: 2, blockingThreads: 2)
        self.directory = directory
    }

    func wait(milliseconds: Int64, until condition: () -> Bool) -> Bool {
        let deadline = Date(timeIntervalSinceNow: Double(milliseconds) / 1_000)
        while !condition() {
            if Date() > deadline { return false }
            Thread.sleep(forTimeInterval: 0.000_5)
        }
        return true
    }
}

// One after the other: the cases watch timeouts, and there may be no more cores than one of them keeps busy.
@Suite(.serialized) struct ConformanceTests {
    @Test(arguments: RuntimeConformance.all)
    func `the production runtime keeps the rules of the seam`(_ demand: ConformanceCase) throws {
        let directory = try TemporaryDirectory()
        try demand.run(DispatchWorld(directory: directory.path))
    }
}
