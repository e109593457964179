// SPDX-License-Identifier: Apache-2.0
import Foundation
import KafkaBase
import KafkaProtocol
import Testing

/// Request frames as stock clients sent them (Golden/*.hex).
@Suite struct CapturedFrameTests {
    struct Captured: Sendable, CustomTestStringConvertible {
        let client: String
        let api: String
        let version: Int16
        let frame: [UInt8]

        var testDescription: String { "\(client) \(api) v\(version)" }
    }

    static let frames: [Captured] = {
        let folder = Package.folder.appendingPathComponent("Tests/KafkaProtocolTests/Golden")
        var frames: [Captured] = []
        for client in ["aiokafka", "confluent-kafka", "kafka-python", "kcat"] {
            let file = folder.appendingPathComponent("\(client).hex")
            // A missing file shows in the count that a test expects.
            let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
            for line in text.split(separator: "\n") where !line.hasPrefix("#") {
                let words = line.split(separator: " ")
                frames.append(
                    Captured(client: client, api: String(words[0]), version: Int16(words[1])!, frame: hex(words[2])))
            }
        }
        return frames
    }()

    /// Header and message of a frame without its length.
    private static func decode(_ bytes: UnsafeRawBufferPointer) throws -> (RequestHeader, any RequestMessage) {
        var reader = ByteReader(bytes)
        let header = try RequestHeader(receivedFrom: &reader)
        let api = try #require(APIKey(rawValue: header.apiKey))
        let message = try api.requestType.init(from: &reader, version: header.apiVersion)
        try reader.expectEnd()
        return (header, message)
    }

    @Test func `all clients were captured`() {
        #expect(Self.frames.count >= 190)
        #expect(Set(Self.frames.map(\.client)).count == 4)
        #expect(Set(Self.frames.map { "\($0.api) \($0.version)" }).count >= 110)
    }

    @Test(arguments: frames)
    func `a frame decodes to its end and encodes to the same bytes`(captured: Captured) throws {
        try captured.frame.withUnsafeBytes { raw in
            #expect(try Frame.length(in: raw, limit: 1 << 20) == raw.count - Frame.prefixSize)
            let (header, message) = try Self.decode(UnsafeRawBufferPointer(rebasing: raw[Frame.prefixSize...]))
            #expect(APIKey(rawValue: header.apiKey)?.name == captured.api)
            #expect(header.apiVersion == captured.version)
            #expect(header.clientID != nil)
            var writer = ByteWriter()
            try write(message, header: header, into: &writer)
            #expect(writer.toArray() == captured.frame)
        }
    }

    private func write<Request: RequestMessage>(
        _ message: Request, header: RequestHeader, into writer: inout ByteWriter
    ) throws {
        try Frame.write(
            message, version: header.apiVersion, correlationID: header.correlationID, clientID: header.clientID,
            into: &writer)
    }

    @Test(arguments: frames)
    func `a frame cut at any length is refused`(captured: Captured) {
        captured.frame.withUnsafeBytes { raw in
            for end in Frame.prefixSize..<raw.count {
                #expect(throws: WireError.self, "cut at \(end)") {
                    try Self.decode(UnsafeRawBufferPointer(rebasing: raw[Frame.prefixSize..<end]))
                }
            }
        }
    }

    @Test func `a stream of frames fed byte by byte comes apart at the right places`() throws {
        let stream = Self.frames.flatMap(\.frame)
        var received: [UInt8] = []
        var found: [[UInt8]] = []
        for byte in stream {
            received.append(byte)
            let length = try received.withUnsafeBytes { raw in
                try Frame.length(in: raw, limit: 1 << 20)
            }
            guard let length, received.count == Frame.prefixSize + length else { continue }
            found.append(received)
            received.removeAll()
        }
        #expect(found == Self.frames.map(\.frame))
        #expect(received.isEmpty)
    }

    @Test func `what the clients said is what was read`() throws {
        func message<T: RequestMessage>(_: T.Type, _ client: String, _ version: Int16) throws -> T {
            let captured = try #require(
                Self.frames.first { $0.client == client && $0.api == T.apiKey.name && $0.version == version })
            return try captured.frame.withUnsafeBytes { raw in
                try #require(Self.decode(UnsafeRawBufferPointer(rebasing: raw[Frame.prefixSize...])).1 as? T)
            }
        }
        let versions = try message(ApiVersionsRequest.self, "confluent-kafka", 3)
        #expect(versions.clientSoftwareName == "confluent-kafka-python")
        let join = try message(JoinGroupRequest.self, "aiokafka", 5)
        #expect(join.groupID == "group" && join.protocolType == "consumer" && !join.protocols.isEmpty)
        let produce = try message(ProduceRequest.self, "kcat", 7)
        #expect(produce.topicData.map(\.name) == ["events"])
        #expect(produce.acks == 1 || produce.acks == -1)
        let metadata = try message(MetadataRequest.self, "confluent-kafka", 13)
        #expect(metadata.topics == nil || metadata.topics?.first?.name == "events" || metadata.topics?.isEmpty == true)
        let create = try message(CreateTopicsRequest.self, "confluent-kafka", 4)
        #expect(create.topics.first?.configs.first?.value == "1")
    }
}
