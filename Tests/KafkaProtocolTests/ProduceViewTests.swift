// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import Testing

/// The hand-written reading and writing of Produce against the generated messages.
@Suite struct ProduceViewTests {
    private static let versions = ProduceRequest.versions

    private func text(_ bytes: UnsafeRawBufferPointer) -> String { String(decoding: bytes, as: UTF8.self) }

    /// What a view shows, as a message.
    private func message(_ view: ProduceRequestView) throws -> ProduceRequest {
        var request = ProduceRequest(
            transactionalID: view.transactionalID.map(text), acks: view.acks, timeoutMs: view.timeoutMs)
        var walk = view.walk()
        while let named = try walk.nextTopic() {
            var topic = ProduceRequest.TopicProduceData(name: text(named.name), topicID: named.id)
            while let data = try walk.nextPartition() {
                topic.partitionData.append(
                    .init(index: data.index, records: data.records.map { .owned([UInt8]($0)) } ?? .null))
            }
            request.topicData.append(topic)
        }
        return request
    }

    /// The parts of a message that a view shows.
    private func shown(_ request: ProduceRequest) -> ProduceRequest {
        var shown = request
        shown.unknownTaggedFields = []
        for topic in shown.topicData.indices {
            shown.topicData[topic].unknownTaggedFields = []
            for partition in shown.topicData[topic].partitionData.indices {
                shown.topicData[topic].partitionData[partition].unknownTaggedFields = []
            }
        }
        return shown
    }

    private func randomMessages(_ name: String, _ version: Int16, _ count: Int) throws -> [[UInt8]] {
        let oracle = SchemaOracle(message: try #require(SchemaOracle.byName[name]))
        var random = SeededRandom(seed: UInt64(815 + Int(version)))
        return try (0..<count).map { _ in
            try oracle.encode(oracle.randomMessage(version: version, using: &random), version: version)
        }
    }

    @Test(arguments: versions)
    func `a view shows what the message holds`(version: Int16) throws {
        for bytes in try randomMessages("ProduceRequest", version, 40) {
            try bytes.withUnsafeBytes { bytes in
                let expected = try ProduceRequest(decoding: bytes, version: version)
                let seen = try message(ProduceRequestView(bytes, version: version))
                #expect(try seen.encoded(version: version) == shown(expected).encoded(version: version))
            }
        }
    }

    /// Whether both accept, or both refuse for the same reason, bytes that need not be a request.
    private func expectAgreement(_ bytes: UnsafeRawBufferPointer, _ version: Int16) {
        let expected = Result { () throws(WireError) in
            var reader = ByteReader(bytes)
            return try ProduceRequest(from: &reader, version: version)
        }
        let seen = Result { () throws(WireError) in try ProduceRequestView(bytes, version: version) }
        switch (expected, seen) {
        case (.success, .success): break
        case (.failure(let expected), .failure(let seen)): #expect(seen == expected)
        default: Issue.record("version \(version), \([UInt8](bytes)): \(expected) against \(seen)")
        }
    }

    @Test(arguments: versions)
    func `a view refuses what the message refuses, and says where`(version: Int16) throws {
        var random = SeededRandom(seed: UInt64(version))
        for var bytes in try randomMessages("ProduceRequest", version, 12) {
            for length in 0...bytes.count {
                bytes.withUnsafeBytes { expectAgreement(UnsafeRawBufferPointer(rebasing: $0[..<length]), version) }
            }
            for _ in 0..<200 where !bytes.isEmpty {
                let place = Int(random.next() % UInt64(bytes.count))
                let old = bytes[place]
                bytes[place] =
                    [0, 1, 0x7F, 0x80, 0xFF, UInt8(truncatingIfNeeded: random.next())][Int(random.next() % 6)]
                bytes.withUnsafeBytes { expectAgreement($0, version) }
                if random.next() % 4 != 0 { bytes[place] = old }
            }
        }
    }

    @Test func `an unknown version is refused`() {
        #expect(throws: WireError(.unsupportedVersion(14))) {
            try ProduceRequestView(UnsafeRawBufferPointer(start: nil, count: 0), version: 14)
        }
    }

    @Test func `what is wrong is said with its path`() throws {
        let request = ProduceRequest(
            acks: 1,
            topicData: ["a", "b"].map {
                .init(name: $0, partitionData: [.init(index: 0, records: .owned([1, 2, 3]))])
            })
        let bytes = try request.encoded(version: 9)
        bytes.withUnsafeBytes { bytes in
            // Behind the records come three counts of tagged fields.
            let cut = UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count - 4)])
            let error = #expect(throws: WireError.self) { try ProduceRequestView(cut, version: 9) }
            #expect(error?.path == "TopicData[1].PartitionData[0].Records")
        }
    }

    // MARK: Answers

    private func write(_ response: ProduceResponse, _ version: Int16) throws -> [UInt8] {
        var writer = ByteWriter()
        var pieces = ProduceResponseWriter(version: version)
        pieces.begin(into: &writer)
        for topic in response.responses {
            Array(topic.name.utf8).withUnsafeBytes {
                pieces.beginTopic(NamedTopic(name: $0, id: topic.topicID), into: &writer)
            }
            for data in topic.partitionResponses {
                if data.errorCode == 0 {
                    pieces.write(
                        data.index, baseOffset: data.baseOffset, logAppendTime: data.logAppendTimeMs,
                        logStartOffset: data.logStartOffset, into: &writer)
                } else {
                    try pieces.write(
                        data.index,
                        .init(errorCode: data.errorCode, records: data.recordErrors, message: data.errorMessage),
                        into: &writer)
                }
            }
            pieces.endTopic(into: &writer)
        }
        pieces.end(throttleTime: response.throttleTimeMs, into: &writer)
        return writer.toArray()
    }

    @Test(arguments: versions, [0, 1, 2, 130, 16_500])
    func `an answer in pieces is the message's bytes`(version: Int16, count: Int) throws {
        var response = ProduceResponse(throttleTimeMs: 4)
        for topic in 0..<min(count, 130) {
            var answered = ProduceResponse.TopicProduceResponse(name: version < 13 ? "t\(topic)" : "")
            if version >= 13 { answered.topicID = KafkaUUID(high: UInt64(topic), low: 1) }
            for index in 0..<(topic == 1 ? count : 1) {
                var data = ProduceResponse.PartitionProduceResponse(
                    index: Int32(index), baseOffset: Int64(index) + 9, logAppendTimeMs: 77, logStartOffset: 5)
                if index % 2 == 1 {
                    data = .init(
                        index: Int32(index), errorCode: 3, baseOffset: -1, logAppendTimeMs: -1, logStartOffset: -1,
                        recordErrors: [.init(batchIndex: 2, batchIndexErrorMessage: "bad")], errorMessage: "why")
                }
                answered.partitionResponses.append(data)
            }
            response.responses.append(answered)
        }
        #expect(try write(response, version) == response.encoded(version: version))
    }
}
