// SPDX-License-Identifier: Apache-2.0
import Foundation
import KafkaBase
import KafkaProtocol
import Testing

@testable import generate_protocol

/// The fuzzer's round over its own seeds and their mutations, without libFuzzer. Tests/Fuzz tells how to go on with it.
@Suite struct FuzzTests {
    /// One input for each API and record in its newest version, and all captured requests.
    static func seeds() throws -> [[UInt8]] {
        var seeds = CapturedFrameTests.frames.map { [0] + $0.frame.dropFirst(Frame.prefixSize) }
        var random = SeededRandom(seed: 20)
        for file in SchemaOracle.files {
            for message in file.messages {
                let oracle = SchemaOracle(message: message)
                let version = message.versions.upper
                let value = oracle.randomMessage(version: version, using: &random)
                let bytes = try oracle.encode(value, version: version)
                switch (file.kind, message.role) {
                case (.api(let key, _, _), .response):
                    let index = APIKey.allCases.firstIndex { $0.rawValue == key }!
                    seeds.append([1, UInt8(index), UInt8(version - message.versions.lower)] + bytes)
                case (.metadata(let type), _):
                    seeds.append([2, 1, UInt8(type), UInt8(version)] + bytes)
                case (.coordinator(let name, let type), .coordinatorKey):
                    let value = SchemaOracle(message: file.messages[1])
                    let newest = value.message.versions.upper
                    let body = try value.encode(value.randomMessage(version: newest, using: &random), version: newest)
                    let which: UInt8 = name == "group" ? 0 : name == "share" ? 1 : 2
                    // Longer keys than the input's length byte can tell come cut: that is an input as well.
                    let length = UInt8(min(255, bytes.count + 2))
                    seeds.append([3, which, length, 0, UInt8(type)] + bytes + [0, UInt8(newest)] + body)
                default: break
                }
            }
        }
        return seeds
    }

    @Test func `seeds and their mutations come through`() throws {
        let seeds = try Self.seeds()
        #expect(seeds.count > 300)
        var random = SeededRandom(seed: 21)
        for seed in seeds {
            seed.withUnsafeBytes { ProtocolFuzz.run($0) }
            for _ in 0..<30 {
                var bytes = seed
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    let place = Int.random(in: 1..<bytes.count, using: &random)
                    switch Int.random(in: 0..<4, using: &random) {
                    case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                    case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                    case 2: bytes[place] = [0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &random)!
                    default: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
                    }
                }
                bytes.withUnsafeBytes { ProtocolFuzz.run($0) }
            }
        }
    }

    /// Writes the seeds as files for libFuzzer; Tests/Fuzz/run asks for it.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["SWIFTKAFKA_FUZZ_SEEDS"] != nil))
    func `seeds are written as files`() throws {
        let path = try #require(ProcessInfo.processInfo.environment["SWIFTKAFKA_FUZZ_SEEDS"])
        let folder = URL(fileURLWithPath: path)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for (index, seed) in try Self.seeds().enumerated() {
            try Data(seed).write(to: folder.appendingPathComponent("seed-\(index)"))
        }
    }
}
