// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaRaft
import Testing

/// Runs a raft node through a scenario written as text, one input a line, and writes the effects behind it.
///
/// A line is `input -> effects`; the effects are what the test expects. Inputs:
/// `disk key=value …` (before anything else), `start`, `append n` (n records in one batch), `append n split`,
/// `flushed offset`, `applied offset bytes`, `tick`, `written offset epoch size`, `failed`, `snapshot-failed`, `shutdown`;
/// each may end with `t=milliseconds`.
struct RaftTrace {
    static let directory = KafkaUUID(high: 7, low: 7)
    private var node: RaftNode?
    private var now: Int64 = 0

    /// The scenario with the effects that really came about.
    static func run(_ scenario: String) -> String {
        var trace = RaftTrace()
        return scenario.split(separator: "\n", omittingEmptySubsequences: true).map { line in
            let input = line.split(separator: "->")[0].trimmingCharacters()
            return "\(input) -> \(trace.perform(input))"
        }.joined(separator: "\n")
    }

    /// The scenario with its blanks made even, as `run` writes it.
    static func normalized(_ scenario: String) -> String {
        scenario.split(separator: "\n", omittingEmptySubsequences: true).map { line in
            let parts = line.split(separator: "->", omittingEmptySubsequences: false).map { $0.trimmingCharacters() }
            return "\(parts[0]) -> \(parts.count > 1 ? parts[1] : "")"
        }.joined(separator: "\n")
    }

    private mutating func perform(_ input: String) -> String {
        var words = input.split(separator: " ").map(String.init)
        if let time = words.last, time.hasPrefix("t=") {
            now = Int64(time.dropFirst(2)) ?? now
            words.removeLast()
        }
        do throws(RaftError) {
            if words[0] == "disk" { return try load(words.dropFirst()) }
            guard var node else { return "no node" }
            self.node = nil
            let text = try Self.step(&node, words, now: now)
            self.node = node
            return text
        } catch {
            return "error: \(error)"
        }
    }

    private mutating func load(_ words: ArraySlice<String>) throws(RaftError) -> String {
        var recovered = RaftNode.Recovered()
        var voters: [Int32] = [1]
        for word in words {
            let parts = word.split(separator: "=").map(String.init)
            let numbers = parts[1].split(separator: ",").compactMap { Int64($0) }
            switch parts[0] {
            case "voters": voters = numbers.map { Int32($0) }
            case "quorum-state":  // epoch, leader, voted
                recovered.quorumState = QuorumState(
                    leaderEpoch: Int32(numbers[0]), leaderID: numbers[1] < 0 ? nil : Int32(numbers[1]),
                    votedID: numbers[2] < 0 ? nil : Int32(numbers[2]))
            case "saved-voters": recovered.quorumState?.currentVoters = numbers.map { Int32($0) }
            case "log":  // start, end, epoch
                recovered.logStartOffset = numbers[0]
                recovered.logEndOffset = numbers[1]
                recovered.logEpoch = Int32(numbers[2])
            case "snapshot":  // end offset, epoch, size, timestamp
                recovered.snapshots.append(
                    StoredSnapshot(
                        id: SnapshotID(endOffset: numbers[0], epoch: Int32(numbers[1])), size: numbers[2],
                        lastContainedTimestamp: numbers[3]))
            case "dynamic-voter":  // the low half of its directory id
                Self.addDynamicVoter(Int32(voters[0]), directory: numbers[0], to: &recovered.control)
            default: return "unknown \(word)"
            }
        }
        var configuration = RaftNode.Configuration(nodeID: 1, directoryID: Self.directory, staticVoters: voters)
        configuration.batchBytesMax = 400
        configuration.snapshots.bytesBetweenSnapshots = 1_000
        configuration.snapshots.intervalMilliseconds = 60_000
        configuration.snapshots.retentionBytes = 5_000
        configuration.snapshots.retentionMilliseconds = 1_000_000
        node = try RaftNode(configuration, recovered: recovered)
        return node.map { "\(Self.describe($0.state))" } ?? ""
    }

    private static func addDynamicVoter(_ id: Int32, directory: Int64, to control: inout QuorumControlState) {
        control.observe(
            [
                .kraftVersion(KRaftVersionRecord(version: 0, kRaftVersion: 1)),
                .voters(
                    VotersRecord(
                        version: 0,
                        voters: [
                            .init(voterID: id, voterDirectoryID: KafkaUUID(high: 7, low: UInt64(directory)))
                        ])),
            ], from: .snapshot(.bootstrap))
    }

    private static func step(_ node: inout RaftNode, _ words: [String], now: Int64) throws(RaftError) -> String {
        let number = words.count > 1 ? Int64(words[1]) ?? 0 : 0
        var effects: [RaftEffect] = []
        switch words[0] {
        case "start": effects = try node.start(now: now)
        case "append":
            let values = (0..<Int(number)).map { _ in [UInt8](repeating: 1, count: 100) }
            _ = try node.append(values, words.last == "split" ? .severalBatches : .oneBatch, now: now, into: &effects)
        case "flushed": effects = node.flushed(upTo: number)
        case "applied":
            effects = node.applied(
                upTo: number, epoch: node.epoch, bytes: Int64(words[2]) ?? 0, timestamp: now, now: now)
        case "tick": effects = node.tick(now: now)
        case "written":
            effects = node.snapshotWritten(
                StoredSnapshot(
                    id: SnapshotID(endOffset: number, epoch: Int32(words[2]) ?? 0), size: Int64(words[3]) ?? 0,
                    lastContainedTimestamp: now), now: now)
        case "snapshot-failed": node.snapshotFailed()
        case "failed": effects = node.storageFailed()
        case "shutdown": effects = node.shutdown()
        default: return "unknown input"
        }
        return effects.map(describe).joined(separator: "; ")
    }

    private static func describe(_ state: RaftState) -> String {
        switch state {
        case .unattached(let epoch, let voted): "unattached \(epoch)" + (voted.map { " voted \($0)" } ?? "")
        case .prospective(let epoch, _): "prospective \(epoch)"
        case .candidate(let epoch): "candidate \(epoch)"
        case .leader(let leadership): "leader \(leadership.epoch)"
        case .follower(let epoch, let leader): "follower \(epoch) of \(leader)"
        case .resigned(let epoch): "resigned \(epoch)"
        }
    }

    private static func describe(_ effect: RaftEffect) -> String {
        switch effect {
        case .persistQuorumState(let state, let version):
            "persist epoch \(state.leaderEpoch) leader \(state.leaderID ?? -1) kraft \(version.rawValue)"
        case .resetLog(let offset): "reset log to \(offset)"
        case .append(let batch): "write \(batch.baseOffset)-\(batch.lastOffset) epoch \(batch.epoch)"
        case .flush(let offset): "flush \(offset)"
        case .committed(let offset): "committed \(offset)"
        case .becameLeader(let epoch): "leads \(epoch)"
        case .lostLeadership(let epoch): "no longer leads \(epoch)"
        case .takeSnapshot(let id, let timestamp): "snapshot \(id.endOffset) epoch \(id.epoch) until \(timestamp)"
        case .advanceLogStart(let offset): "log start \(offset)"
        case .deleteSnapshots(let ids): "delete \(ids.map { "\($0.endOffset)" }.joined(separator: ","))"
        }
    }
}

extension StringProtocol {
    fileprivate func trimmingCharacters() -> String {
        var text = Substring(self)
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
