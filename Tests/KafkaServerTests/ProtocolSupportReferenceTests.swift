// SPDX-License-Identifier: Apache-2.0
import Foundation
import KafkaProtocol
import KafkaServer
import Testing

@Suite struct ProtocolSupportReferenceTests {
    private static let path = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../docs/protocol-support.md").standardizedFileURL

    /// Run with SWIFTKAFKA_REWRITE_DOCS=1 to write the file anew.
    @Test func `docs/protocol-support.md is what the code makes`() throws {
        if ProcessInfo.processInfo.environment["SWIFTKAFKA_REWRITE_DOCS"] == "1" {
            try ProtocolSupportReference.markdown.write(to: Self.path, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOf: Self.path, encoding: .utf8) == ProtocolSupportReference.markdown)
    }

    @Test func `every served version can be decoded and answered`() {
        for served in RequestRouter.served(unstable: true) {
            #expect(served.key.versions.contains(served.versions.lowerBound), "\(served.key)")
            #expect(served.key.versions.contains(served.versions.upperBound), "\(served.key)")
        }
    }

    @Test func `unstable versions are listed only on request`() throws {
        func versions(unstable: Bool) throws -> ClosedRange<Int16> {
            try #require(RequestRouter.served(unstable: unstable).first { $0.key == .initProducerID }).versions
        }
        #expect(try versions(unstable: false) == 0...5)
        #expect(try versions(unstable: true) == 0...6)
    }

    @Test func `Produce is advertised from version 0 on, without which old librdkafka turns compression off`() throws {
        let produce = try #require(RequestRouter.served(unstable: false).first { $0.key == .produce })
        #expect(produce.versions.lowerBound == 0)
    }
}
