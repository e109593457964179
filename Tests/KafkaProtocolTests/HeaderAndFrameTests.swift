// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import Testing

@Suite struct HeaderAndFrameTests {
    @Test(arguments: [
        (APIKey.produce, 8 as Int16, 1 as Int16, 0 as Int16), (.produce, 9, 2, 1), (.apiVersions, 2, 1, 0),
        (.apiVersions, 3, 2, 0), (.apiVersions, 4, 2, 0), (.saslHandshake, 1, 1, 0), (.vote, 0, 2, 1),
    ])
    func `header versions follow the message's`(api: APIKey, version: Int16, request: Int16, response: Int16) {
        #expect(RequestHeader.headerVersion(apiKey: api, version: version) == request)
        #expect(ResponseHeader.headerVersion(apiKey: api, version: version) == response)
    }

    @Test func `the client id stays a classic string in the flexible header`() throws {
        let header = RequestHeader(apiKey: 18, apiVersion: 3, correlationID: 7, clientID: "ab")
        #expect(try header.encoded(version: 1) == hex("0012 0003 00000007 0002 6162"))
        #expect(try header.encoded(version: 2) == hex("0012 0003 00000007 0002 6162 00"))
        #expect(
            try RequestHeader(apiKey: 18, apiVersion: 3, correlationID: 7, clientID: nil).encoded(version: 2)
                == hex("0012 0003 00000007 ffff 00"))
    }

    private func receive(_ text: String) throws -> (header: RequestHeader, rest: Int) {
        let bytes = hex(text)
        return try bytes.withUnsafeBytes { raw in
            var reader = ByteReader(raw)
            return (try RequestHeader(receivedFrom: &reader), reader.remaining)
        }
    }

    @Test func `a received header is read in the version that its request has`() throws {
        let classic = try receive("0000 0008 00000001 ffff  0000")
        #expect(classic.header.clientID == nil && classic.rest == 2)
        let flexible = try receive("0000 0009 00000001 0001 61 00  0000")
        #expect(flexible.header.clientID == "a" && flexible.rest == 2)
        #expect(flexible.header.correlationID == 1)
    }

    @Test func `a newer ApiVersions request still has a readable header`() throws {
        let received = try receive("0012 0063 00000005 0001 61 01 07 01 ff  00")
        #expect(received.header.apiVersion == 99 && received.header.correlationID == 5)
        #expect(received.header.unknownTaggedFields.map(\.tag) == [7])
    }

    @Test(arguments: ["0004 0000 00000001 ffff", "7fff 0000 00000001 ffff", "ffff 0000 00000001 ffff"])
    func `an API key that does not exist is refused`(text: String) {
        let error = #expect(throws: WireError.self) { try receive(text) }
        #expect(error?.path == "RequestHeader.RequestApiKey")
    }

    @Test func `a header cut at any length is refused`() {
        let bytes = hex("0000 0009 00000001 0001 61 00")
        for length in 0..<bytes.count {
            #expect(throws: WireError.self, "cut at \(length)") { try receive(hex(Array(bytes[..<length]))) }
        }
    }

    // MARK: Frames

    @Test func `a frame's length must be possible`() throws {
        func length(_ text: String) throws -> Int? {
            try hex(text).withUnsafeBytes { raw in try Frame.length(in: raw, limit: 100) }
        }
        #expect(try length("") == nil)
        #expect(try length("000000") == nil)
        #expect(try length("00000064 ff") == 100)
        #expect(try length("00000000") == 0)
        #expect(throws: WireError(.invalidLength(101))) { try length("00000065") }
        #expect(throws: WireError(.invalidLength(-1))) { try length("ffffffff") }
    }

    @Test func `a request frame holds length, header and message`() throws {
        var writer = ByteWriter()
        let request = ApiVersionsRequest(clientSoftwareName: "a", clientSoftwareVersion: "b")
        try Frame.write(request, version: 3, correlationID: 2, clientID: "c", into: &writer)
        #expect(writer.toArray() == hex("00000011 0012 0003 00000002 0001 63 00  02 61 02 62 00"))
    }

    @Test func `frames follow each other in one buffer`() throws {
        var writer = ByteWriter()
        try Frame.write(HeartbeatResponse(errorCode: 1), version: 0, correlationID: 1, into: &writer)
        try Frame.write(HeartbeatResponse(errorCode: 2), version: 4, correlationID: 2, into: &writer)
        #expect(
            writer.toArray() == hex("00000006 00000001 0001   0000000c 00000002 00 00000000 0002 00"))
    }

    @Test func `spliced records count in the frame but are not in the buffer`() throws {
        let response = FetchResponse(responses: [
            .init(topic: "t", partitions: [.init(records: .spliced(1000)), .init(records: .spliced(500))])
        ])
        var writer = ByteWriter()
        try Frame.write(response, version: 4, correlationID: 1, into: &writer)
        #expect(writer.splices.map(\.length) == [1000, 500])
        let length = writer.bytes.withMemoryRebound(to: UInt8.self) { Frame.prefixSize + Int($0[2]) << 8 + Int($0[3]) }
        #expect(length == writer.length)
        #expect(writer.length == writer.count + 1500)
        // The same bytes come out when the records are here.
        var whole = ByteWriter()
        var owned = response
        owned.responses[0].partitions[0].records = .owned([UInt8](repeating: 7, count: 1000))
        owned.responses[0].partitions[1].records = .owned([UInt8](repeating: 7, count: 500))
        try Frame.write(owned, version: 4, correlationID: 1, into: &whole)
        var joined = Array(writer.bytes[..<writer.splices[0].position]) + [UInt8](repeating: 7, count: 1000)
        joined += Array(writer.bytes[writer.splices[0].position..<writer.splices[1].position])
        joined += [UInt8](repeating: 7, count: 500) + Array(writer.bytes[writer.splices[1].position...])
        #expect(joined == whole.toArray())
    }

    @Test func `decoded records borrow from the frame and can be copied out`() throws {
        let bytes = try GoldenMessageTests.produce.encoded(version: 9)
        let copy = try bytes.withUnsafeBytes { raw -> RecordBytes in
            let records = try ProduceRequest(decoding: raw, version: 9).topicData[0].partitionData[0].records
            guard case .borrowed(let borrowed) = records else { return .null }
            #expect(borrowed.baseAddress! >= raw.baseAddress! && borrowed.count == 3)
            return records.copy()
        }
        #expect(copy.withBytes { Array($0) } == [1, 2, 3])
        #expect(copy.count == 3 && !copy.isNull)
        #expect(RecordBytes.null.isNull && RecordBytes.null.count == 0)
        #expect(RecordBytes.spliced(5).count == 5)
    }

    // MARK: Table of APIs

    @Test func `APIs know their names, listeners and unstable versions`() {
        #expect(APIKey.allCases.count == 91)
        #expect(APIKey.initProducerID.name == "InitProducerId")
        #expect(APIKey.initProducerID.isUnstable(6) && !APIKey.initProducerID.isUnstable(5))
        #expect(!APIKey.produce.isUnstable(13))
        #expect(APIKey.fetch.listeners == [.broker, .controller])
        #expect(APIKey.vote.listeners == .controller)
        #expect(APIKey.produce.listeners == .broker)
        #expect(APIKey.offsetDelete.firstFlexibleVersion == nil)
        for api in APIKey.allCases {
            #expect(api.requestType.apiKey == api && api.responseType.apiKey == api)
            #expect(api.requestType.versions == api.versions && api.responseType.versions == api.versions)
            #expect(api.requestType.firstFlexibleVersion == api.firstFlexibleVersion)
        }
    }
}
