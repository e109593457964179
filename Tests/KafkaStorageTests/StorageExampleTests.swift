// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// The example of docs/storage.md is a file of this target, so it compiles; here it is compared and run.
@Suite struct StorageExampleTests {
    private static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    @Test func `the article shows the compiled example`() throws {
        let article = try String(contentsOf: Self.root.appending(path: "docs/storage.md"), encoding: .utf8)
        let file = Self.root.appending(path: "Tests/KafkaStorageTests/StorageExample.swift")
        let source = try String(contentsOf: file, encoding: .utf8)
        let example = try #require(between("// docs/storage.md begin\n", "// docs/storage.md end", in: source))
        #expect(between("```swift\n", "```", in: article) == example)
    }

    @Test func `the example keeps what it wrote`() async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "swiftkafka-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: directory) }
        #expect(try await greet("world", in: directory.path) == ["0 hello, world"])
        #expect(try await greet("Kafka", in: directory.path) == ["0 hello, world", "1 hello, Kafka"])
        let files = try FileManager.default.contentsOfDirectory(atPath: directory.path)
        #expect(files.contains(".kafka_cleanshutdown") && files.contains("greetings-0"))
    }

    private func between(_ start: String, _ end: String, in text: String) -> String? {
        guard let first = text.firstRange(of: start) else { return nil }
        let rest = text[first.upperBound...]
        return rest.firstRange(of: end).map { String(rest[..<$0.lowerBound]) }
    }
}
