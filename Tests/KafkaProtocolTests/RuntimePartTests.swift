// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import Testing

/// Errors, limits and tagged fields of the hand-written part, through generated messages.
@Suite struct WireErrorPathTests {
    private func decode<T: WireMessage>(_: T.Type, _ text: String, version: Int16) -> WireError? {
        hex(text).withUnsafeBytes { raw throws(Never) -> WireError? in
            do throws(WireError) {
                _ = try T(decoding: raw, version: version)
                return nil
            } catch {
                return error
            }
        }
    }

    @Test func `a decoding error names the field with its indices`() {
        let error = decode(
            ProduceRequest.self, "ffff 000003e8 00000001 0001 74 00000002 00000000 ffffffff 00000001 00000005 01",
            version: 0)
        #expect(error?.path == "TopicData[0].PartitionData[1].Records")
        #expect(error?.reason == .truncated(needed: 5, available: 1))
    }

    @Test func `an encoding error names the field with its indices`() {
        let long = String(repeating: "x", count: 32768)
        let request = MetadataRequest(topics: [.init(name: "a"), .init(name: long)])
        #expect(throws: WireError(.valueTooLarge(32768), path: "Topics[1].Name")) {
            try request.encoded(version: 4)
        }
        let fetch = FetchRequest(topics: [.init(partitions: [.init(lastFetchedEpoch: 3)])])
        #expect(throws: WireError(.fieldNotInVersion(11), path: "Topics[0].Partitions[0].LastFetchedEpoch")) {
            try fetch.encoded(version: 11)
        }
    }

    @Test func `an error in a tagged field names it`() {
        let error = decode(FetchResponse.self, "00000000 0000 00000000 01 01 00 03 02 00 00", version: 16)
        #expect(error?.path == "NodeEndpoints")
    }

    @Test(arguments: [
        ("ffff ffff 00000000 7fffffff", 3 as Int16), ("ffff ffff 00000000 00100000 0000", 3),
        ("00 ffff 00000000 ffffffff07", 9), ("00 ffff 00000000 80808008", 9),
    ])
    func `a count beyond the bytes received is refused before anything is allocated`(text: String, version: Int16) {
        let error = decode(ProduceRequest.self, text, version: version)
        #expect(error?.path == "TopicData")
        if case .invalidLength = error?.reason {} else { Issue.record("\(String(describing: error))") }
    }

    @Test func `structures are counted at the least that they take`() {
        // A topic takes at least 3 bytes in any version, so that 700 bytes hold 233 at most.
        let many = String(repeating: "00", count: 700)
        #expect(
            decode(ProduceRequest.self, "ffff 00000000 000000ea" + many, version: 0)
                == WireError(.invalidLength(234), path: "TopicData"))
    }

    @Test func `a count of minus one is null, which this field refuses`() {
        let error = decode(ProduceRequest.self, "ffff ffff 00000000 ffffffff", version: 3)
        #expect(error == WireError(.unexpectedNull, path: "TopicData"))
    }

    @Test func `a compact length over 32 bits is refused`() {
        #expect(decode(ProduceRequest.self, "00 ffff 00000000 ffffffffff", version: 9)?.reason == .invalidVarint)
        let error = decode(ProduceRequest.self, "00 ffff 00000000 ffffffff0f", version: 9)
        #expect(error?.reason == .invalidLength(0xFFFF_FFFE))
    }

    @Test func `a string longer than 32767 bytes is refused in compact form too`() {
        let error = decode(ApiVersionsRequest.self, "818002" + String(repeating: "61", count: 32768), version: 3)
        #expect(error == WireError(.invalidLength(32768), path: "ClientSoftwareName"))
    }

    @Test func `text that is not UTF-8 is refused`() {
        let error = decode(ApiVersionsRequest.self, "02 ff 01 00", version: 3)
        #expect(error == WireError(.invalidUTF8, path: "ClientSoftwareName"))
    }

    // MARK: Tagged fields

    @Test func `unknown tags are kept and written back in order`() throws {
        let bytes = hex("01 01  03 02 01 aa  05 00  ac02 02 bbcc")
        let request = try bytes.withUnsafeBytes { raw in
            try ApiVersionsRequest(decoding: raw, version: 3)
        }
        #expect(request.unknownTaggedFields.map(\.tag) == [2, 5, 300])
        #expect(request.unknownTaggedFields.map(\.bytes) == [[0xAA], [], [0xBB, 0xCC]])
        #expect(try request.encoded(version: 3) == bytes)
    }

    @Test func `unknown tags are merged between known ones`() throws {
        var response = ApiVersionsResponse(finalizedFeaturesEpoch: 1, zkMigrationReady: true)
        response.unknownTaggedFields = [TaggedField(tag: 2, bytes: [7]), TaggedField(tag: 9, bytes: [])]
        // Tag 2 is known to the schema, but unset here: an unknown field of that number is a mistake of the caller
        // only where both are there.
        #expect(
            hex(try response.encoded(version: 3))
                == hex(hex("0000 01 00000000  04  01 08 0000000000000001  02 01 07  03 01 01  09 00")))
        response.finalizedFeatures = [.init(name: "x")]
        #expect(throws: WireError(.invalidTag(2), path: "FinalizedFeatures")) { try response.encoded(version: 3) }
    }

    @Test func `unknown tags cannot go into a version without tagged fields`() {
        var request = ApiVersionsRequest()
        request.unknownTaggedFields = [TaggedField(tag: 1, bytes: [])]
        #expect(throws: WireError(.fieldNotInVersion(2))) { try request.encoded(version: 2) }
    }

    @Test(arguments: ["01 01 02 01 00 01 00", "01 01 02 02 00 01 00"])
    func `repeated and descending tags are refused`(text: String) {
        #expect(decode(ApiVersionsRequest.self, text, version: 3)?.reason == .invalidTag(1))
    }

    @Test func `a known tag must fill its length and stay inside it`() {
        let long = decode(ApiVersionsResponse.self, "0000 01 00000000 01 03 02 01 00", version: 3)
        #expect(long == WireError(.trailingBytes(1), path: "ZkMigrationReady"))
        let short = decode(ApiVersionsResponse.self, "0000 01 00000000 01 01 04 00000000 00000000", version: 3)
        #expect(short == WireError(.truncated(needed: 8, available: 4), path: "FinalizedFeaturesEpoch"))
    }

    @Test func `a count of tags beyond the bytes received is refused`() {
        #expect(decode(ApiVersionsRequest.self, "01 01 ffffffff0f", version: 3)?.reason == .invalidLength(0xFFFF_FFFF))
    }

    @Test func `a tagged field over 127 bytes has a longer length`() throws {
        let replicas = [Int32](repeating: 1, count: 100)
        let bytes = try PartitionChangeRecord(isr: replicas).encoded(version: 0)
        // Partition, topic id, one tag, its number, its length of two bytes, the compact count.
        #expect(Array(bytes[20..<25]) == hex("01 00 9103 65"))
        let decoded = try bytes.withUnsafeBytes { raw in
            try PartitionChangeRecord(decoding: raw, version: 0)
        }
        #expect(decoded.isr == replicas)
    }
}
