// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import Testing

/// The hand-written reading and writing of Fetch against the generated messages.
@Suite struct FetchViewTests {
    private static let versions = FetchRequest.versions

    /// What a view shows, as a message.
    private func message(_ view: FetchRequestView) throws -> FetchRequest {
        var request = FetchRequest(
            maxWaitMs: view.head.maxWaitMs, minBytes: view.head.minBytes, maxBytes: view.head.maxBytes,
            isolationLevel: view.head.isolationLevel, sessionID: view.head.sessionID,
            sessionEpoch: view.head.sessionEpoch)
        if view.version <= 14 {
            request.replicaID = view.replicaID
        } else {
            request.replicaState.replicaID = view.replicaID
        }
        var walk = view.walk()
        while let named = try walk.nextTopic() {
            var topic = FetchRequest.FetchTopic(
                topic: String(decoding: named.name, as: UTF8.self), topicID: named.id)
            while let asked = try walk.nextPartition() {
                topic.partitions.append(
                    .init(
                        partition: asked.index, currentLeaderEpoch: asked.currentLeaderEpoch,
                        fetchOffset: asked.fetchOffset, lastFetchedEpoch: asked.lastFetchedEpoch,
                        logStartOffset: asked.logStartOffset, partitionMaxBytes: asked.maxBytes))
            }
            request.topics.append(topic)
        }
        try view.forEachForgotten { named, partition in
            request.forgottenTopicsData.append(
                .init(
                    topic: String(decoding: named.name, as: UTF8.self), topicID: named.id, partitions: [partition]))
        }
        return request
    }

    /// The parts of a message that a view shows.
    private func shown(_ request: FetchRequest) -> FetchRequest {
        var shown = request
        shown.clusterID = nil
        shown.rackID = ""
        shown.replicaState.replicaEpoch = -1
        shown.replicaState.unknownTaggedFields = []
        shown.unknownTaggedFields = []
        for topic in shown.topics.indices {
            shown.topics[topic].unknownTaggedFields = []
            for partition in shown.topics[topic].partitions.indices {
                shown.topics[topic].partitions[partition].unknownTaggedFields = []
                shown.topics[topic].partitions[partition].replicaDirectoryID = .zero
                shown.topics[topic].partitions[partition].highWatermark = .max
            }
        }
        shown.forgottenTopicsData = shown.forgottenTopicsData.flatMap { topic in
            topic.partitions.map { .init(topic: topic.topic, topicID: topic.topicID, partitions: [$0]) }
        }
        return shown
    }

    private func randomRequests(_ version: Int16, _ count: Int) throws -> [[UInt8]] {
        let oracle = SchemaOracle(message: try #require(SchemaOracle.byName["FetchRequest"]))
        var random = SeededRandom(seed: UInt64(4_711 + Int(version)))
        return try (0..<count).map { _ in
            try oracle.encode(oracle.randomMessage(version: version, using: &random), version: version)
        }
    }

    @Test(arguments: versions)
    func `a view shows what the message holds`(version: Int16) throws {
        for bytes in try randomRequests(version, 40) {
            try bytes.withUnsafeBytes { bytes in
                let expected = try FetchRequest(decoding: bytes, version: version)
                let seen = try message(FetchRequestView(bytes, version: version))
                #expect(try seen.encoded(version: version) == shown(expected).encoded(version: version))
            }
        }
    }

    /// Whether both refuse, or both accept, bytes that need not be a request.
    private func expectAgreement(_ bytes: UnsafeRawBufferPointer, _ version: Int16) {
        let expected = Result { () throws(WireError) in
            var reader = ByteReader(bytes)
            return try FetchRequest(from: &reader, version: version)
        }
        let seen = Result { () throws(WireError) in try FetchRequestView(bytes, version: version) }
        switch (expected, seen) {
        case (.success, .success): break
        case (.failure(let expected), .failure(let seen)): #expect(seen == expected)
        default: Issue.record("version \(version), \([UInt8](bytes)): \(expected) against \(seen)")
        }
        // Read in one go, as requests without a session are.
        let walked = Result { () throws(WireError) in
            let head = try FetchRequestHead(bytes, version: version)
            do throws(WireError) {
                var walk = head.walk()
                while try walk.nextTopic() != nil { while try walk.nextPartition() != nil {} }
                return try walk.finish() ?? head.replicaID
            } catch { throw head.defect ?? error }
        }
        switch (seen, walked) {
        case (.success(let view), .success(let replicaID)): #expect(replicaID == view.replicaID)
        case (.failure(let seen), .failure(let walked)): #expect(walked == seen)
        default: Issue.record("version \(version), \([UInt8](bytes)): \(seen) against \(walked)")
        }
    }

    @Test(arguments: versions)
    func `a view refuses what the message refuses`(version: Int16) throws {
        var random = SeededRandom(seed: UInt64(version))
        for var bytes in try randomRequests(version, 12) {
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
        #expect(throws: WireError.self) {
            try FetchRequestView(UnsafeRawBufferPointer(start: nil, count: 0), version: 19)
        }
    }

    // MARK: Answers

    private func write(_ response: FetchResponse, _ version: Int16) throws -> [UInt8] {
        var writer = ByteWriter()
        var pieces = FetchResponseWriter(version: version)
        pieces.begin(errorCode: response.errorCode, sessionID: response.sessionID, into: &writer)
        for topic in response.responses {
            Array(topic.topic.utf8).withUnsafeBytes {
                pieces.beginTopic(NamedTopic(name: $0, id: topic.topicID), into: &writer)
            }
            for data in topic.partitions {
                var partition = FetchResponseWriter.Partition(index: data.partitionIndex)
                partition.errorCode = data.errorCode
                partition.highWatermark = data.highWatermark
                partition.lastStableOffset = data.lastStableOffset
                partition.logStartOffset = data.logStartOffset
                let diverging = data.divergingEpoch
                if data.records.count == 0, diverging.epoch < 0 {
                    pieces.writeEmpty(partition, committedOnly: data.abortedTransactions != nil, into: &writer)
                } else {
                    try pieces.write(
                        partition, diverging: diverging.epoch < 0 ? nil : (diverging.epoch, diverging.endOffset),
                        aborted: data.abortedTransactions, records: data.records, into: &writer)
                }
            }
            pieces.endTopic(into: &writer)
        }
        pieces.end(into: &writer)
        return writer.toArray()
    }

    @Test(arguments: versions, [0, 1, 2, 130, 16_500])
    func `an answer in pieces is the message's bytes`(version: Int16, count: Int) throws {
        var response = FetchResponse(errorCode: version >= 7 ? 3 : 0, sessionID: version >= 7 ? 77 : 0)
        for topic in 0..<min(count, 130) {
            var answered = FetchResponse.FetchableTopicResponse(topic: version < 13 ? "t\(topic)" : "")
            if version >= 13 { answered.topicID = KafkaUUID(high: UInt64(topic), low: 1) }
            for index in 0..<(topic == 1 ? count : 1) {
                var data = FetchResponse.PartitionData(
                    partitionIndex: Int32(index), errorCode: 6, highWatermark: 9, records: .owned([1, 2, 3]))
                if version >= 4 { (data.lastStableOffset, data.abortedTransactions) = (7, [.init(producerID: 4)]) }
                if version >= 5 { data.logStartOffset = 2 }
                if version >= 12, index % 2 == 0 { data.divergingEpoch = .init(epoch: 1, endOffset: 2) }
                if index % 3 == 1 {
                    data.records = .owned([])
                    if version >= 4 { data.abortedTransactions = index % 2 == 0 ? nil : [] }
                }
                answered.partitions.append(data)
            }
            response.responses.append(answered)
        }
        #expect(try write(response, version) == response.encoded(version: version))
    }

    @Test func `splices keep their place where a long count moves them`() throws {
        var writer = ByteWriter()
        var pieces = FetchResponseWriter(version: 12)
        pieces.begin(sessionID: 0, into: &writer)
        pieces.beginTopic(
            NamedTopic(name: UnsafeRawBufferPointer(start: nil, count: 0), id: .zero), into: &writer)
        for index in 0..<200 {
            try pieces.write(
                .init(index: Int32(index)), aborted: nil, records: .spliced(index + 1), into: &writer)
        }
        pieces.endTopic(into: &writer)
        pieces.end(into: &writer)
        var whole: [UInt8] = []
        var taken = 0
        let bytes = writer.toArray()
        for splice in writer.splices {
            whole += bytes[taken..<splice.position] + [UInt8](repeating: 5, count: splice.length)
            taken = splice.position
        }
        whole += bytes[taken...]
        let decoded = try whole.withUnsafeBytes { try FetchResponse(decoding: $0, version: 12) }
        let counts = decoded.responses.first?.partitions.map(\.records.count)
        #expect(counts == Array(1...200))
    }
}
