// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// The example of the README is a file of this target, so it compiles; here it is compared and run.
@Suite struct EmbeddingExampleTests {
    private static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    @Test func `the README shows the compiled example`() throws {
        let readme = try String(contentsOf: Self.root.appending(path: "README.md"), encoding: .utf8)
        let file = Self.root.appending(path: "Tests/SwiftKafkaTests/EmbeddingExample.swift")
        let source = try String(contentsOf: file, encoding: .utf8)
        let example = try #require(between("// README begin\n", "// README end", in: source))
        #expect(between("```swift\n", "```", in: readme) == example)
    }

    @Test func `the example serves, stops and leaves its files`() async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "swiftkafka-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: directory) }
        try await withBroker(in: directory.path) { bootstrapServers in
            let parts = bootstrapServers.split(separator: ":")
            #expect(parts.first == "127.0.0.1")
            #expect((parts.last.flatMap { UInt16($0) } ?? 0) > 0)
        }
        let marker = directory.appending(path: ".kafka_cleanshutdown").path
        #expect(FileManager.default.fileExists(atPath: marker))
    }

    @Test func `an error of the body stops the broker and comes out`() async throws {
        struct Failure: Error {}
        let directory = FileManager.default.temporaryDirectory.appending(path: "swiftkafka-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: directory) }
        await #expect(throws: Failure.self) { try await withBroker(in: directory.path) { _ in throw Failure() } }
        // Stopped: the same directory can be opened again.
        try await withBroker(in: directory.path) { #expect(!$0.isEmpty) }
    }

    private func between(_ start: String, _ end: String, in text: String) -> String? {
        guard let first = text.firstRange(of: start) else { return nil }
        let rest = text[first.upperBound...]
        return rest.firstRange(of: end).map { String(rest[..<$0.lowerBound]) }
    }
}
