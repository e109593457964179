// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import Testing

@testable import generate_protocol

/// Every message in every version against the oracle, which interprets the schemas.
@Suite struct RoundTripTests {
    static let types = Dictionary(uniqueKeysWithValues: AllMessages.types.map { ("\($0)", $0) })

    /// Runs `body` for each message and version with its own seed.
    private func forEachVersion(
        _ body: (SchemaOracle, any WireMessage.Type, Int16, inout SeededRandom) throws -> Void
    ) rethrows {
        for (index, message) in SchemaOracle.messages.enumerated() {
            let oracle = SchemaOracle(message: message)
            guard let type = Self.types[message.name] else {
                Issue.record("\(message.name) has no type")
                continue
            }
            for version in message.versions.lower...message.versions.upper {
                var random = SeededRandom(seed: UInt64(index * 1000 + Int(version)))
                try body(oracle, type, version, &random)
            }
        }
    }

    @Test func `the types and the schemas name the same messages and versions`() {
        #expect(Set(Self.types.keys) == Set(SchemaOracle.byName.keys))
        for message in SchemaOracle.messages {
            let type = Self.types[message.name]
            #expect(type?.versions.lowerBound == message.versions.lower)
            #expect(type?.versions.upperBound == message.versions.upper)
            #expect(type?.firstFlexibleVersion == message.firstFlexible)
        }
    }

    @Test func `random messages decode to the oracle's values and encode to its bytes`() throws {
        try forEachVersion { oracle, type, version, random in
            for _ in 0..<6 {
                let value = oracle.randomMessage(version: version, using: &random)
                let bytes = try oracle.encode(value, version: version)
                try bytes.withUnsafeBytes { raw in
                    let decoded = try type.init(decoding: raw, version: version)
                    let label = "\(oracle.message.name) v\(version)"
                    #expect(oracle.reflect(decoded) == value, "\(label)")
                    #expect(try decoded.encoded(version: version) == bytes, "\(label)")
                }
            }
        }
    }

    @Test func `a message made from defaults encodes as the oracle's defaults do`() throws {
        forEachVersion { oracle, type, version, _ in
            let label = "\(oracle.message.name) v\(version)"
            let expected = Result { try oracle.encode(oracle.defaults(oracle.message.root), version: version) }
            switch expected {
            case .success(let bytes): #expect((try? type.init().encoded(version: version)) == bytes, "\(label)")
            case .failure(let refusal): expectRefusal(refusal, label) { try type.init().encoded(version: version) }
            }
        }
    }

    @Test func `encoding in an older version drops what may be dropped and refuses the rest`() throws {
        var refused = 0
        var encoded = 0
        try forEachVersion { oracle, type, version, random in
            let value = oracle.randomMessage(version: version, using: &random)
            let bytes = try oracle.encode(value, version: version)
            for older in type.versions.lowerBound..<max(version, type.versions.lowerBound) {
                let expected = Result { try oracle.encode(value, version: older) }
                let label = "\(oracle.message.name) v\(version) as v\(older)"
                try bytes.withUnsafeBytes { raw in
                    let decoded = try type.init(decoding: raw, version: version)
                    switch expected {
                    case .success(let bytes):
                        encoded += 1
                        #expect((try? decoded.encoded(version: older)) == bytes, "\(label)")
                    case .failure(let refusal):
                        refused += 1
                        expectRefusal(refusal, label) { try decoded.encoded(version: older) }
                    }
                }
            }
        }
        #expect(refused > 100 && encoded > 100)
    }

    private func expectRefusal(_ refusal: any Error, _ label: String, _ body: () throws -> [UInt8]) {
        do {
            _ = try body()
            Issue.record("\(label) was encoded")
        } catch let error as WireError {
            switch error.reason {
            case .fieldNotInVersion, .unexpectedNull: break
            default: Issue.record("\(label): \(error)")
            }
        } catch {
            Issue.record("\(label): \(error)")
        }
    }

    @Test func `a message cut at any length is refused`() throws {
        try forEachVersion { oracle, type, version, random in
            let bytes = try oracle.encode(oracle.randomMessage(version: version, using: &random), version: version)
            bytes.withUnsafeBytes { raw in
                // Some 200,000 cuts: an expectation each would take longer than the decoding.
                for length in 0..<bytes.count
                where (try? type.init(decoding: UnsafeRawBufferPointer(rebasing: raw[..<length]), version: version))
                    != nil
                {
                    Issue.record("\(oracle.message.name) v\(version) cut at \(length) was decoded")
                }
            }
        }
    }

    @Test func `a message with a byte behind it is refused`() throws {
        try forEachVersion { oracle, type, version, random in
            let bytes = try oracle.encode(oracle.randomMessage(version: version, using: &random), version: version)
            _ = (bytes + [0]).withUnsafeBytes { raw in
                #expect(throws: WireError(.trailingBytes(1))) { try type.init(decoding: raw, version: version) }
            }
        }
    }

    @Test func `changed bytes decode or fail, and what decodes encodes again`() throws {
        try forEachVersion { oracle, type, version, random in
            let original = try oracle.encode(oracle.randomMessage(version: version, using: &random), version: version)
            guard !original.isEmpty else { return }
            for _ in 0..<40 {
                var bytes = original
                for _ in 0..<Int.random(in: 1...3, using: &random) {
                    bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
                }
                bytes.withUnsafeBytes { raw in
                    guard let decoded = try? type.init(decoding: raw, version: version) else { return }
                    #expect(throws: Never.self) { try decoded.encoded(version: version) }
                }
            }
        }
    }

    @Test func `versions outside the range are refused in both directions`() {
        for type in AllMessages.types {
            for version in [type.versions.lowerBound - 1, type.versions.upperBound + 1] {
                let error = WireError(.unsupportedVersion(version))
                #expect(throws: error) { try type.init().encoded(version: version) }
                _ = [UInt8](repeating: 0, count: 64).withUnsafeBytes { raw in
                    #expect(throws: error) { try type.init(decoding: raw, version: version) }
                }
            }
        }
    }
}
