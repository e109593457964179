// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import KafkaCoordination

/// The scenarios of consumer groups in `Scenarios/*.txt`; `ConsumerTrace` says what their lines mean.
///
/// With `SWIFTKAFKA_REWRITE_SCENARIOS=1` the results are written into the files, to be read before they are believed.
@Suite struct ConsumerGroupScenarioTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Scenarios")

    static let names: [String] =
        ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).filter { $0.hasSuffix(".txt") }
        .sorted()

    @Test func `there are scenarios`() { #expect(Self.names.count >= 8) }

    @Test(arguments: names)
    func `a scenario gives what its text says`(name: String) throws {
        let file = Self.folder.appending(path: name)
        let expected = try String(contentsOf: file, encoding: .utf8)
        var trace = ConsumerTrace()
        let actual = try trace.run(expected)
        if ProcessInfo.processInfo.environment["SWIFTKAFKA_REWRITE_SCENARIOS"] == "1" {
            try actual.write(to: file, atomically: true, encoding: .utf8)
        }
        let differences = zip(
            actual.split(separator: "\n", omittingEmptySubsequences: false),
            expected.split(separator: "\n", omittingEmptySubsequences: false)
        ).enumerated().filter { $1.0 != $1.1 }
        for (line, (actual, expected)) in differences {
            Issue.record("\(name):\(line + 1) is\n  \(actual)\nnot\n  \(expected)")
        }
        for view in [ConsumerWorld.LogView.whole, .compacted] {
            let reloaded = try trace.world.reloaded(view).consumerGroups[ConsumerWorld.groupID]
            #expect(reloaded?.summary == trace.world.group?.summary)
        }
    }
}
