// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaMetadata
import KafkaProtocol
import KafkaRecords
import Testing

@testable import KafkaTools

@Suite struct RecordDecoderTests {
    private func encoded(_ message: some WireMessage, version: Int16, prefix: Int16?) throws -> [UInt8] {
        var writer = ByteWriter()
        if let prefix { writer.writeInt16(prefix) }
        try message.encode(into: &writer, version: version)
        return writer.toArray()
    }

    /// The text of key and payload.
    private func decode(
        _ decoder: RecordDecoder, _ key: [UInt8]?, _ value: [UInt8]?, _ form: DumpOptions.Form = .current
    ) -> (key: String?, payload: String?, problems: [String]) {
        func with(_ bytes: [UInt8]?, _ body: (UnsafeRawBufferPointer?) -> Void) {
            guard let bytes else { return body(nil) }
            bytes.withUnsafeBytes { body($0) }
        }
        func text(_ part: DecodedRecord.Part?) -> String? {
            switch part {
            case .text(let text): text
            case .bytes(let bytes): String(decoding: bytes, as: UTF8.self)
            case nil: nil
            }
        }
        var result: (String?, String?, [String]) = (nil, nil, [])
        with(key) { key in
            with(value) { value in
                let decoded = decoder.decode(offset: 7, key: key, value: value, form: form)
                result = (text(decoded.key), text(decoded.payload), decoded.problems)
            }
        }
        return result
    }

    // MARK: Classes

    @Test(arguments: [
        ("StringDecoder", ClassDecoder.string), ("kafka.serializer.StringDecoder", .string),
        ("org.apache.kafka.tools.api.LongDecoder", .long), ("IntegerDecoder", .integer),
    ])
    func `classes are known by name`(name: String, decoder: ClassDecoder) {
        #expect(ClassDecoder(className: name) == decoder)
    }

    @Test(arguments: ["", "DefaultDecoder", "com.example.StringDecoder", "kafka.serializer.", "stringdecoder"])
    func `other classes are refused`(name: String) {
        #expect(ClassDecoder(className: name) == nil)
    }

    @Test func `numbers and texts`() {
        let numbers = RecordDecoder.classes(key: .integer, value: .long)
        let decoded = decode(numbers, bigEndian(Int32(-5)), bigEndian(Int64(1) << 40))
        #expect(decoded.key == "-5")
        #expect(decoded.payload == "1099511627776")
        let wrong = decode(numbers, [1], [1, 2])
        #expect(wrong.key == nil)
        #expect(wrong.problems == ["the key has 1 bytes; an integer has 4", "the value has 2 bytes; a long has 8"])
        let text = decode(.classes(key: .string, value: .string), [0x61, 0xFF], nil)
        #expect(text.key == "a\u{FFFD}")
        #expect(text.payload == nil)
    }

    // MARK: Offsets

    @Test func `an offset commit`() throws {
        let key = try encoded(OffsetCommitKey(group: "g", topic: "t", partition: 3), version: 0, prefix: 1)
        let value = OffsetCommitValue(offset: 5, leaderEpoch: 2, metadata: "m", commitTimestamp: 9)
        let decoded = decode(.offsets, key, try encoded(value, version: 3, prefix: 3))
        #expect(decoded.key == #"{"type":"1","data":{"group":"g","topic":"t","partition":3}}"#)
        #expect(
            decoded.payload
                == #"{"version":"3","data":{"offset":5,"leaderEpoch":2,"metadata":"m","commitTimestamp":9}}"#)
        #expect(decode(.offsets, key, nil).payload == "<DELETE>")
        let old = decode(.offsets, key, try encoded(value, version: 1, prefix: 1), .v2_4)
        #expect(old.key == "offset_commit::group=g,partition=t-3")
        #expect(old.payload == "offset=5,metadata=m")
        #expect(decode(.offsets, key, nil, .v2_4).payload == "<DELETE>")
    }

    @Test func `a classic group shows what its consumers say`() throws {
        let subscription = ConsumerProtocolSubscription(topics: ["t"], userData: nil)
        let assignment = ConsumerProtocolAssignment(
            assignedPartitions: [.init(topic: "t", partitions: [0, 1])], userData: [0xAB])
        let member = GroupMetadataValue.MemberMetadata(
            memberID: "m", clientID: "c", clientHost: "/h", rebalanceTimeout: 2, sessionTimeout: 1,
            subscription: try encoded(subscription, version: 0, prefix: 0),
            assignment: try encoded(assignment, version: 0, prefix: 0))
        let group = GroupMetadataValue(
            protocolType: "consumer", generation: 4, protocol: "range", leader: "m", currentStateTimestamp: 8,
            members: [member])
        let key = try encoded(GroupMetadataKey(group: "g"), version: 0, prefix: 2)
        let decoded = decode(.offsets, key, try encoded(group, version: 3, prefix: 3))
        #expect(decoded.key == #"{"type":"2","data":{"group":"g"}}"#)
        #expect(
            decoded.payload
                == #"{"version":"3","data":{"protocolType":"consumer","generation":4,"protocol":"range","leader":"m","#
                + #""currentStateTimestamp":8,"members":[{"memberId":"m","groupInstanceId":null,"clientId":"c","#
                + #""clientHost":"/h","rebalanceTimeout":2,"sessionTimeout":1,"#
                + #""subscription":{"topics":["t"],"userData":null},"#
                + #""assignment":{"assignedPartitions":[{"topic":"t","partitions":[0,1]}],"userData":"qw=="}}]}}"#)
        let old = decode(.offsets, key, try encoded(group, version: 3, prefix: 3), .v2_4)
        #expect(old.key == "group_metadata::group=g")
        #expect(
            old.payload
                == #"{"protocolType":"consumer","protocol":"range","generationId":4,"assignment":"{m=[t-0, t-1]:AB}"}"#)
    }

    @Test func `a group of another kind keeps its bytes`() throws {
        let member = GroupMetadataValue.MemberMetadata(memberID: "m", subscription: [1], assignment: [2])
        let group = GroupMetadataValue(protocolType: "connect", protocol: nil, leader: nil, members: [member])
        let key = try encoded(GroupMetadataKey(group: "g"), version: 0, prefix: 2)
        let payload = decode(.offsets, key, try encoded(group, version: 3, prefix: 3)).payload
        #expect(payload?.contains(#""subscription":"AQ==","assignment":"Ag==""#) == true)
        let old = decode(.offsets, key, try encoded(group, version: 3, prefix: 3), .v2_4).payload
        #expect(old == #"{"protocolType":"connect","protocol":null,"generationId":0,"assignment":"{m=02}"}"#)
    }

    @Test func `unknown types and damaged bytes are named`() throws {
        #expect(decode(.offsets, [0, 99], [0]).key == "Unknown record type 99 at offset 7, skipping.")
        #expect(decode(.offsets, [0, 99], [0]).payload == nil)
        let cut = decode(.offsets, [0, 1, 0], [0])
        #expect(cut.key?.hasPrefix("Error at offset 7, skipping. ") == true)
        #expect(cut.payload == nil)
        #expect(decode(.offsets, nil, [0]).problems.count == 1)
        #expect(
            decode(.offsets, [0, 3, 0, 0], nil, .v2_4).problems == ["record type 3 is newer than this output format"])
    }

    @Test func `keys cut anywhere never crash`() throws {
        let key = try encoded(OffsetCommitKey(group: "g", topic: "t", partition: 3), version: 0, prefix: 1)
        for length in 0..<key.count {
            #expect(decode(.offsets, Array(key[..<length]), nil).key?.hasPrefix("Error at offset 7") == true)
            #expect(!decode(.offsets, Array(key[..<length]), nil, .v2_4).problems.isEmpty)
        }
    }

    // MARK: Transactions, shares, metadata

    @Test func `a transaction`() throws {
        let key = try encoded(TransactionLogKey(transactionalID: "x"), version: 0, prefix: 0)
        let value = TransactionLogValue(
            producerID: 1, producerEpoch: 2, transactionTimeoutMs: 3, transactionStatus: 2,
            transactionPartitions: [.init(topic: "t", partitionIDs: [0, 1])], transactionLastUpdateTimestampMs: 5,
            transactionStartTimestampMs: 6)
        let decoded = decode(.transactionLog, key, try encoded(value, version: 0, prefix: 0))
        #expect(decoded.key == #"{"type":"0","data":{"transactionalId":"x"}}"#)
        #expect(
            decoded.payload
                == #"{"version":"0","data":{"producerId":1,"producerEpoch":2,"transactionTimeoutMs":3,"#
                + #""transactionStatus":"PrepareCommit","transactionPartitions":[{"topic":"t","partitionIds":[0,1]}],"#
                + #""transactionLastUpdateTimestampMs":5,"transactionStartTimestampMs":6}}"#)
        let old = decode(.transactionLog, key, try encoded(value, version: 0, prefix: 0), .v2_4)
        #expect(old.key == "transaction_metadata::transactionalId=x")
        #expect(
            old.payload
                == "producerId:1,producerEpoch:2,state=PrepareCommit,partitions=Set(t-0, t-1)"
                + ",txnLastUpdateTimestamp=5,txnTimeoutMs=3")
    }

    @Test func `a share group's state`() throws {
        let key = ShareSnapshotKey(groupID: "g", topicID: .metadataTopic, partition: 0)
        let value = ShareUpdateValue(
            snapshotEpoch: 1, leaderEpoch: 2, startOffset: 3,
            stateBatches: [.init(firstOffset: 3, lastOffset: 4, deliveryState: 0, deliveryCount: 1)])
        let decoded = decode(
            .shareGroupState, try encoded(key, version: 0, prefix: 1), try encoded(value, version: 0, prefix: 0))
        #expect(
            decoded.key
                == #"{"type":"1","data":{"groupId":"g","topicId":"AAAAAAAAAAAAAAAAAAAAAQ","partition":0}}"#)
        #expect(
            decoded.payload
                == #"{"version":"0","data":{"snapshotEpoch":1,"leaderEpoch":2,"startOffset":3,"#
                + #""stateBatches":[{"firstOffset":3,"lastOffset":4,"deliveryState":0,"deliveryCount":1}]}}"#)
    }

    @Test func `metadata records`() throws {
        let record = MetadataRecord.topic(TopicRecord(name: "t", topicID: .metadataTopic))
        let decoded = decode(.clusterMetadata, nil, try record.encoded(version: 0))
        #expect(decoded.key == nil)
        #expect(
            decoded.payload
                == #"{"type":"TOPIC_RECORD","version":0,"data":{"name":"t","topicId":"AAAAAAAAAAAAAAAAAAAAAQ"}}"#)
        #expect(decode(.clusterMetadata, nil, [9]).payload?.hasPrefix("Error at 7, skipping. ") == true)
        #expect(decode(.clusterMetadata, nil, nil).payload?.hasPrefix("Error at 7, skipping. ") == true)
    }
}
