// SPDX-License-Identifier: Apache-2.0
package import KafkaBase
private import KafkaProtocol

/// What a raft node must remember over a restart, whatever happens to its log: the epoch, who leads it and whom the
/// node voted for in it.
///
/// It is stored as one line of JSON in `quorum-state` beside the log, replaced atomically, before anything that
/// follows from it is done. Two versions exist: 0 names the static voters (kraft.version 0), 1 the voted directory
/// (kraft.version 1, KIP-853).
package struct QuorumState: Equatable, Sendable {
    package static let fileName = "quorum-state"

    /// −1 before the first election.
    package var leaderEpoch: Int32
    package var leaderID: Int32?
    package var votedID: Int32?
    /// Only with kraft.version 1; zero where it is not known.
    package var votedDirectoryID: KafkaUUID
    /// The static voters, in ascending order; only with kraft.version 0.
    package var currentVoters: [Int32]

    package init(
        leaderEpoch: Int32, leaderID: Int32? = nil, votedID: Int32? = nil, votedDirectoryID: KafkaUUID = .zero,
        currentVoters: [Int32] = []
    ) {
        self.leaderEpoch = leaderEpoch
        self.leaderID = leaderID
        self.votedID = votedID
        self.votedDirectoryID = votedDirectoryID
        self.currentVoters = currentVoters
    }

    /// The file's content in the version that goes with `kraftVersion`.
    package func encoded(kraftVersion: KRaftVersion) -> [UInt8] {
        var data = QuorumStateData()
        data.leaderID = leaderID ?? -1
        data.leaderEpoch = leaderEpoch
        data.votedID = votedID ?? -1
        data.votedDirectoryID = votedDirectoryID
        data.currentVoters = currentVoters.map { .init(voterID: $0) }
        let version = kraftVersion.rawValue
        return Array("\(data.json(version: version).dropLast()),\"data_version\":\(version)}".utf8)
    }

    /// Reads a file's content. Throws `RaftError.invalidQuorumState` with what is wrong.
    package init(decoding bytes: [UInt8]) throws(RaftError) {
        guard let text = String(validating: bytes, as: UTF8.self), let object = JSONValue(parsing: text),
            case .object = object
        else { throw .invalidQuorumState("it is not a JSON object") }
        let version = try Self.integer(object, "data_version", in: 0...1)
        self.init(leaderEpoch: Int32(try Self.integer(object, "leaderEpoch", in: -1...Int64(Int32.max))))
        leaderID = try Self.nodeID(object, "leaderId")
        votedID = try Self.nodeID(object, "votedId")
        if version == 0 {
            currentVoters = try Self.voters(object)
        } else {
            guard let text = object["votedDirectoryId"]?.string, let id = KafkaUUID(text) else {
                throw .invalidQuorumState("votedDirectoryId is missing or is not a directory id")
            }
            votedDirectoryID = id
        }
    }

    private static func integer(
        _ object: JSONValue, _ key: String, in range: ClosedRange<Int64>
    ) throws(RaftError) -> Int64 {
        guard let value = object[key]?.integer, range.contains(value) else {
            throw .invalidQuorumState(
                "\(key) is missing or not a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    private static func nodeID(_ object: JSONValue, _ key: String) throws(RaftError) -> Int32? {
        let value = Int32(try integer(object, key, in: -1...Int64(Int32.max)))
        return value == -1 ? nil : value
    }

    private static func voters(_ object: JSONValue) throws(RaftError) -> [Int32] {
        guard let list = object["currentVoters"] else { throw .invalidQuorumState("currentVoters is missing") }
        if case .null = list { return [] }
        guard let elements = list.array else { throw .invalidQuorumState("currentVoters is not a list") }
        var voters: [Int32] = []
        for element in elements {
            voters.append(Int32(try integer(element, "voterId", in: 0...Int64(Int32.max))))
        }
        return voters.sorted()
    }
}
