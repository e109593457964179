// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import KafkaRecords

@Suite struct ControlRecordTests {
    @Test(arguments: [EndTransactionMarker.Result.commit, .abort])
    func `a marker is read back from its batch`(result: EndTransactionMarker.Result) throws {
        let marker = EndTransactionMarker(result, coordinatorEpoch: 0x0102_0304)
        let bytes = marker.batch(producerID: 9, producerEpoch: 2, timestamp: 5, baseOffset: 100, leaderEpoch: 3)
        try withBatch(bytes) { batch in
            #expect(batch.isCRCValid)
            #expect(batch.header.attributes.isControl)
            #expect(batch.header.attributes.isTransactional)
            #expect(batch.header.baseSequence == -1)
            try batch.forEachRecord { (record) throws(RecordError) in
                #expect(try EndTransactionMarker(key: record.key, value: record.value) == marker)
            }
        }
    }

    @Test func `the key and value have Kafka's bytes`() {
        let commit = EndTransactionMarker(.commit, coordinatorEpoch: 258)
        #expect(commit.type.key == [0, 0, 0, 1])
        #expect(commit.value == [0, 0, 0, 0, 1, 2])
        #expect(ControlRecordType.kraftVoters.key == [0, 0, 0, 6])
    }

    @Test func `malformed control records are refused, unknown ones passed over`() throws {
        func type(_ key: [UInt8]) throws -> ControlRecordType? {
            try key.withUnsafeBytes { try ControlRecordType(key: $0) }
        }
        #expect(try type([0, 0, 0, 2]) == .leaderChange)
        #expect(try type([0, 1, 0, 2, 9]) == .leaderChange)
        #expect(try type([0, 0, 0, 99]) == nil)
        #expect(throws: RecordError.invalidControlRecord) { try type([0, 0, 0]) }
        #expect(throws: RecordError.invalidControlRecord) { try type([255, 255, 0, 0]) }
        #expect(throws: RecordError.invalidControlRecord) { try ControlRecordType(key: nil) }
    }

    @Test func `a marker's value must be whole`() {
        func marker(value: [UInt8]) throws -> EndTransactionMarker? {
            try ControlRecordType.commit.key.withUnsafeBytes { key in
                try value.withUnsafeBytes { try EndTransactionMarker(key: key, value: $0) }
            }
        }
        #expect(throws: RecordError.invalidControlRecord) { try marker(value: [0, 0, 0, 0, 0]) }
        #expect(throws: RecordError.invalidControlRecord) { try marker(value: [255, 255, 0, 0, 0, 0]) }
        #expect(throws: Never.self) { try marker(value: [0, 1, 0, 0, 0, 0, 7]) }
    }
}
