// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaCoordination
import KafkaProtocol

/// Runs a scenario: a text of requests and events, and under each, indented, what came of it.
///
/// ```
/// join r1 g client=a protocols=range(t)
///     r1 MEMBER_ID_REQUIRED member=a#01
/// ```
/// A line is a verb, its subjects, and `key=value` options. Requests have a name by which answers, at once or later,
/// are told; member ids are `client#number`, the number that of the join among all joins, in hexadecimal. `(log …)` is
/// a record that was appended. `wait` moves the clock in milliseconds, `crash` leaves nothing but the log, `fail` makes
/// the next append fail. Lines that begin with `#` explain.
struct ScenarioRunner {
    var harness = ShardHarness()
    /// By token.
    private var names: [UInt64: String] = [:]
    private var lines: [String] = []

    /// The scenario with what really came of its lines.
    static func run(_ scenario: String) -> String {
        var runner = ScenarioRunner()
        var result: [String] = []
        for line in scenario.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            if line.hasPrefix(" ") { continue }
            result.append(line)
            if line.isEmpty || line.hasPrefix("#") { continue }
            runner.lines = []
            runner.perform(Line(line))
            result += runner.lines.map { "    " + $0 }
        }
        return result.joined(separator: "\n")
    }

    struct Line {
        var verb = ""
        var subjects: [String] = []
        var options: [String: String] = [:]

        init(_ text: String) {
            for word in text.split(separator: " ").map(String.init) {
                if let mark = word.firstIndex(of: "="), verb != "" {
                    options[String(word[..<mark])] = String(word[word.index(after: mark)...])
                } else if verb.isEmpty {
                    verb = word
                } else {
                    subjects.append(word)
                }
            }
        }

        func number(_ name: String, _ fallback: Int64) -> Int64 { options[name].flatMap { Int64($0) } ?? fallback }
        func list(_ name: String) -> [String] {
            (options[name] ?? "").split(separator: ",").map(String.init)
        }
        func subject(_ index: Int) -> String { index < subjects.count ? subjects[index] : "" }
    }

    mutating func context(_ line: Line, version: Int16) -> GroupRequestContext {
        let version = Int16(line.number("v", Int64(version)))
        let context =
            line.verb == "join"
            ? harness.joinContext(version: version, clientID: line.options["client"] ?? "")
            : harness.context(version: version)
        names[context.token.rawValue] = line.subject(0)
        return context
    }

    // MARK: Output

    mutating func write(_ text: String) { lines.append(text) }

    /// Writes what has left the shard since the last call.
    mutating func writeOutputs() {
        for output in harness.outputs {
            switch output {
            case .appended(let record): write(Self.text(record))
            case .join(let token, let response): write(Self.text(names[token.rawValue] ?? "?", response))
            case .sync(let token, let response): write(Self.text(names[token.rawValue] ?? "?", response))
            }
        }
        harness.outputs = []
    }

    static func text(_ name: String, _ response: JoinGroupResponse) -> String {
        var words = [name, error(response.errorCode)]
        if response.errorCode == 0 { words.append("generation=\(response.generationID)") }
        if let name = response.protocolName, !name.isEmpty { words.append("protocol=\(name)") }
        if !response.leader.isEmpty { words.append("leader=\(short(response.leader))") }
        if !response.memberID.isEmpty { words.append("member=\(short(response.memberID))") }
        if !response.members.isEmpty {
            words.append("members=" + response.members.map { short($0.memberID) }.joined(separator: ","))
        }
        if response.skipAssignment { words.append("skip-assignment") }
        return words.joined(separator: " ")
    }

    static func text(_ name: String, _ response: SyncGroupResponse) -> String {
        let assignment = String(decoding: response.assignment, as: UTF8.self)
        return [name, error(response.errorCode), assignment].filter { !$0.isEmpty }.joined(separator: " ")
    }

    static func text(_ record: GroupCoordinatorRecord) -> String {
        switch record {
        case .offsetCommit(let key, let value):
            let place = "(log offset \(key.group) \(key.topic)-\(key.partition)"
            guard let value else { return place + " deleted)" }
            return place + " \(value.offset)" + (value.expireTimestamp < 0 ? ")" : " until \(value.expireTimestamp))")
        case .groupMetadata(let key, let value):
            guard let value else { return "(log group \(key.group) deleted)" }
            let members = value.members.map { member in
                short(member.memberID) + ":" + String(decoding: member.assignment, as: UTF8.self)
            }
            return "(log group \(key.group) generation=\(value.generation) members=[\(members.joined(separator: ","))])"
        default: return "(log \(record))"
        }
    }

    static func error(_ code: Int16) -> String { ErrorCode(rawValue: code).map { "\($0)" } ?? "\(code)" }

    static let longID = "-00000000-0000-0000-0000-0000000000"
    /// A member id as scenarios write it.
    static func short(_ memberID: String) -> String {
        guard memberID.utf8.count > longID.utf8.count else { return memberID }
        let parts = memberID.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 6 else { return memberID }
        return parts.dropLast(5).joined(separator: "-") + "#" + parts[parts.count - 1].suffix(2)
    }
    static func long(_ text: String) -> String {
        guard let mark = text.lastIndex(of: "#") else { return text }
        return text[..<mark] + longID + text[text.index(after: mark)...]
    }
}
