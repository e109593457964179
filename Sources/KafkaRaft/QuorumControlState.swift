// SPDX-License-Identifier: Apache-2.0
package import KafkaBase
package import KafkaProtocol

/// What the control records of the metadata log and of its newest snapshot say about the quorum itself (KIP-853).
package struct QuorumControlState: Sendable {
    package private(set) var kraftVersion = KRaftVersion.staticVoters
    /// A level that this release does not know, with which it must not take part.
    package private(set) var unknownVersion: Int16?
    /// The voters with their endpoints; nil where the log does not hold them.
    package private(set) var voters: VotersRecord?
    /// Whether the voters stand in the log itself, and not only in the checkpoint that formatting wrote.
    package private(set) var areVotersInLog = false

    package init() {}

    /// The ids of the voters in the log, ascending.
    package var voterIDs: [Int32]? { voters?.voters.map(\.voterID).sorted() }

    package func directoryID(ofVoter id: Int32) -> KafkaUUID? {
        voters?.voters.first { $0.voterID == id }?.voterDirectoryID
    }

    package enum Origin: Sendable {
        case log
        /// A snapshot; that at offset 0 is what formatting wrote.
        case snapshot(SnapshotID)
    }

    /// Takes in the control records of one batch, in the order of the log: newest snapshot first, then what follows it.
    package mutating func observe(_ records: [KRaftControlRecord], from origin: Origin = .log) {
        for record in records {
            switch record {
            case .kraftVersion(let version):
                kraftVersion = KRaftVersion(rawValue: version.kRaftVersion) ?? .reconfigurable
                unknownVersion = KRaftVersion(rawValue: version.kRaftVersion) == nil ? version.kRaftVersion : nil
            case .voters(let record):
                voters = record
                areVotersInLog =
                    switch origin {
                    case .log: true
                    case .snapshot(let id): id != .bootstrap
                    }
            case .leaderChange, .snapshotHeader, .snapshotFooter: break
            }
        }
    }

    /// The records of the first batch of an epoch that `leaderID`, the only voter, won with its own vote.
    ///
    /// With kraft.version 1 the voters of the formatted checkpoint are repeated once in the log, so that they are part of
    /// every later snapshot.
    func recordsAtEpochStart(leaderID: Int32, staticVoters: [Int32]) -> [KRaftControlRecord] {
        // Version 0, without directory ids: Kafka reads every LeaderChange record as version 0, whatever it says.
        let everyone = (voterIDs ?? staticVoters).map { LeaderChangeMessage.Voter(voterID: $0) }
        var records: [KRaftControlRecord] = [
            .leaderChange(
                LeaderChangeMessage(
                    version: 0, leaderID: leaderID, voters: everyone,
                    grantingVoters: everyone.filter { $0.voterID == leaderID }))
        ]
        if kraftVersion == .reconfigurable, !areVotersInLog, let voters {
            records.append(.kraftVersion(KRaftVersionRecord(version: 0, kRaftVersion: kraftVersion.rawValue)))
            records.append(.voters(voters))
        }
        return records
    }

    /// The records of the first batch of a snapshot.
    package func recordsAtSnapshotStart(lastContainedTimestamp: Int64) -> [KRaftControlRecord] {
        var records: [KRaftControlRecord] = [
            .snapshotHeader(SnapshotHeaderRecord(version: 0, lastContainedLogTimestamp: lastContainedTimestamp))
        ]
        if kraftVersion == .reconfigurable {
            records.append(.kraftVersion(KRaftVersionRecord(version: 0, kRaftVersion: kraftVersion.rawValue)))
            if let voters { records.append(.voters(voters)) }
        }
        return records
    }
}
