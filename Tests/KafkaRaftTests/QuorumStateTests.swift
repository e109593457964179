// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRaft
import Testing

@Suite struct QuorumStateTests {
    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test func `version 0 names the static voters`() throws {
        let state = QuorumState(leaderEpoch: 7, leaderID: 1, currentVoters: [1, 2])
        let bytes = state.encoded(kraftVersion: .staticVoters)
        #expect(
            text(bytes)
                == #"{"clusterId":"","leaderId":1,"leaderEpoch":7,"votedId":-1,"appliedOffset":0,"#
                + #""currentVoters":[{"voterId":1},{"voterId":2}],"data_version":0}"#)
        #expect(try QuorumState(decoding: bytes) == state)
    }

    @Test func `version 1 names the voted directory`() throws {
        let directory = try #require(KafkaUUID("J8aAPcfLQt2bqs1JT_rMgQ"))
        let state = QuorumState(leaderEpoch: 2, votedID: 1, votedDirectoryID: directory)
        let bytes = state.encoded(kraftVersion: .reconfigurable)
        #expect(
            text(bytes)
                == #"{"leaderId":-1,"leaderEpoch":2,"votedId":1,"votedDirectoryId":"J8aAPcfLQt2bqs1JT_rMgQ","#
                + #""data_version":1}"#)
        #expect(try QuorumState(decoding: bytes) == state)
    }

    @Test func `reads what other writers lay out differently`() throws {
        let text = """
            { "data_version" : 0, "votedId": -1, "leaderId": -1, "extra": [true, null, {"a": "\\u0041\\n"}],
              "leaderEpoch": 0, "currentVoters": null, "clusterId": "x", "appliedOffset": 12 }

            """
        let state = try QuorumState(decoding: Array(text.utf8))
        #expect(state == QuorumState(leaderEpoch: 0))
    }

    @Test(arguments: [
        "", "{}", "null", "[1]", "{\"data_version\":0}",
        #"{"leaderId":1,"leaderEpoch":1,"votedId":-1,"currentVoters":[],"data_version":2}"#,
        #"{"leaderId":1,"leaderEpoch":-2,"votedId":-1,"currentVoters":[],"data_version":0}"#,
        #"{"leaderId":1,"leaderEpoch":99999999999,"votedId":-1,"currentVoters":[],"data_version":0}"#,
        #"{"leaderId":"1","leaderEpoch":1,"votedId":-1,"currentVoters":[],"data_version":0}"#,
        #"{"leaderId":1,"leaderEpoch":1,"votedId":-1,"currentVoters":[{}],"data_version":0}"#,
        #"{"leaderId":1,"leaderEpoch":1,"votedId":-1,"data_version":0}"#,
        #"{"leaderId":1,"leaderEpoch":1,"votedId":-1,"votedDirectoryId":"?","data_version":1}"#,
        #"{"leaderId":1,"leaderEpoch":1,"votedId":-1,"data_version":1}"#,
        #"{"leaderId":1,"leaderEpoch":1,"votedId":-1,"currentVoters":[],"data_version":0}}"#,
    ])
    func `refuses what is not a quorum state`(text: String) {
        #expect(throws: RaftError.self) { try QuorumState(decoding: Array(text.utf8)) }
    }

    @Test func `refuses a state that is cut at any length`() {
        let bytes = QuorumState(leaderEpoch: 7, leaderID: 1, currentVoters: [1]).encoded(kraftVersion: .staticVoters)
        for length in 0..<bytes.count {
            #expect(throws: RaftError.self) { try QuorumState(decoding: Array(bytes[..<length])) }
        }
    }

    @Test func `refuses nesting without end`() {
        let bytes = [UInt8](repeating: UInt8(ascii: "["), count: 1_000_000)
        #expect(throws: RaftError.self) { try QuorumState(decoding: bytes) }
    }

    @Test func `random bytes never crash the reader`() {
        var generator = SeededGenerator(seed: 3)
        let alphabet = Array("{}[]\":,\\u0019aelnrtsf- \n".utf8)
        for _ in 0..<20_000 {
            let count = Int(generator.next() % 40)
            let bytes = (0..<count).map { _ in alphabet[Int(generator.next() % UInt64(alphabet.count))] }
            _ = try? QuorumState(decoding: bytes)
        }
    }
}

/// splitmix64.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
