// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// Every file of Scenarios is one life of a shard, written down as text; they are meant to be read.
///
/// `SWIFTKAFKA_REWRITE_SCENARIOS=1` writes what really came of the lines into the files; read the difference.
@Suite struct ScenarioTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Scenarios")
    static let files: [String] =
        ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).filter { $0.hasSuffix(".txt") }
        .sorted()

    @Test func `there are scenarios`() { #expect(Self.files.count >= 5) }

    @Test(arguments: files)
    func `a scenario comes out as it is written`(file: String) throws {
        let place = Self.folder.appending(path: file)
        let expected = try String(contentsOf: place, encoding: .utf8)
        let actual = ScenarioRunner.run(expected)
        if ProcessInfo.processInfo.environment["SWIFTKAFKA_REWRITE_SCENARIOS"] == "1" {
            try actual.write(to: place, atomically: true, encoding: .utf8)
            return
        }
        let pairs = zip(
            actual.split(separator: "\n", omittingEmptySubsequences: false),
            expected.split(separator: "\n", omittingEmptySubsequences: false))
        if let difference = pairs.enumerated().first(where: { $0.element.0 != $0.element.1 }) {
            let (came, written) = difference.element
            Issue.record("\(file):\(difference.offset + 1) is \"\(written)\", came out as \"\(came)\"")
        }
        #expect(actual == expected)
    }
}
