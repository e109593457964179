// SPDX-License-Identifier: Apache-2.0
import Foundation
import KafkaProtocol

// Measures the group coordinator of the release broker from outside, over loopback: commits a second, the time of a
// rebalance, the memory of many groups.
//
//   bench-groups --broker <path of swiftkafka-server> [--seconds 2] [--groups 10000]

func now() -> Double { Double(DispatchTime.now().uptimeNanoseconds) / 1e9 }

func text(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }

func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

/// Makes the topic and the offsets topic, and waits until a group of every partition is served.
func prepare(_ broker: BrokerProcess) throws {
    let client = try Client(port: broker.port)
    let created = try client.call(
        CreateTopicsRequest(topics: [.init(name: "t", numPartitions: 1, replicationFactor: 1)]), version: 7)
    guard created.topics.first?.errorCode == 0 else { throw BenchmarkError("CreateTopics failed") }
    for _ in 0..<100 {
        let found = try client.call(FindCoordinatorRequest(key: "g"), version: 3)
        if found.errorCode == 0 { return }
        usleep(50_000)
    }
    throw BenchmarkError("there is no coordinator")
}

func commit(_ offset: Int64, group: String) -> OffsetCommitRequest {
    OffsetCommitRequest(
        groupID: group, generationIDOrMemberEpoch: -1,
        topics: [.init(name: "t", partitions: [.init(partitionIndex: 0, committedOffset: offset)])])
}

func measureCommits(_ broker: BrokerProcess, connections: Int, groups: Int, seconds: Double) throws {
    let clients = try (0..<connections).map { _ in try Client(port: broker.port) }
    var count = 0
    func round() throws {
        for (number, client) in clients.enumerated() {
            try client.send(commit(Int64(count), group: "g\(number % groups)"), version: 9)
        }
        for client in clients {
            let answer = try client.receive(OffsetCommitResponse.self, version: 9)
            guard answer.topics.first?.partitions.first?.errorCode == 0 else {
                throw BenchmarkError("OffsetCommit failed")
            }
            count += 1
        }
    }
    for _ in 0..<20 { try round() }
    count = 0
    let (begin, cpu) = (now(), broker.cpuSeconds)
    while now() - begin < seconds { try round() }
    let took = now() - begin
    say(
        "| \(connections) connections, \(groups) groups | \(text(Double(count) / took, 0)) | "
            + "\(text((broker.cpuSeconds - cpu) * 1e6 / Double(count), 1)) |")
}

func measureRebalance(_ broker: BrokerProcess, members count: Int) throws {
    let members = try (0..<count).map { _ in try Member(port: broker.port, group: "balanced-\(count)") }
    try Member.balance(members)
    var times: [Double] = []
    for _ in 0..<5 {
        let begin = now()
        try Member.balance(members)
        times.append((now() - begin) * 1_000)
    }
    times.sort()
    say("| \(count) | \(text(times[2], 1)) | \(text(times[0], 1)) | \(text(times[4], 1)) |")
}

func measureMemory(_ broker: BrokerProcess, groups: Int) throws {
    let client = try Client(port: broker.port)
    let before = broker.residentMegabytes
    for number in 0..<groups {
        let member = try Member(port: broker.port, group: "small-\(number)")
        try Member.balance([member])
        _ = try client.call(commit(1, group: "other-\(number)"), version: 9)
    }
    let after = broker.residentMegabytes
    say(
        "| \(groups) of one member, and \(groups) of one offset | \(text(before, 1)) | \(text(after, 1)) | "
            + "\(text((after - before) * 1_048_576 / Double(2 * groups), 0)) |")
}

do {
    var (path, seconds, groups) = ("", 2.0, 10_000)
    var rest = CommandLine.arguments.dropFirst()
    while let name = rest.popFirst() {
        guard let value = rest.popFirst() else { throw BenchmarkError("\(name) needs a value") }
        switch name {
        case "--broker": path = value
        case "--seconds": seconds = Double(value) ?? seconds
        case "--groups": groups = Int(value) ?? groups
        // Given by Benchmarks/run to all parts.
        case "--runs", "--only": break
        default: throw BenchmarkError("unknown option \(name)")
        }
    }
    var limit = rlimit(rlim_cur: 8_192, rlim_max: 8_192)
    _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    let broker = try BrokerProcess(path)
    try prepare(broker)
    say("\n## Groups\n\n| commits of one offset each | commits/s | CPU µs/commit |\n|---|--:|--:|")
    try measureCommits(broker, connections: 1, groups: 1, seconds: seconds)
    try measureCommits(broker, connections: 20, groups: 1, seconds: seconds)
    try measureCommits(broker, connections: 100, groups: 100, seconds: seconds)
    say("\n| members | rebalance, median ms | least | most |\n|--:|--:|--:|--:|")
    for count in [10, 100, 1_000] { try measureRebalance(broker, members: count) }
    say("\n| groups | MB before | MB after | bytes a group |\n|---|--:|--:|--:|")
    try measureMemory(broker, groups: groups)
} catch {
    FileHandle.standardError.write(Data("bench-groups: \(error)\n".utf8))
    exit(1)
}
