// SPDX-License-Identifier: Apache-2.0
import CLoad
import Foundation
import KafkaProtocol

// Measures the group coordinator of the release broker from outside, over loopback, beside a bare server in the same run:
// commits a second, the time of a rebalance, the memory of many groups, a scrape of the metrics with all of them.
//
//   bench-groups --broker <path of swiftkafka-server> [--seconds 2] [--groups 10000]
//                [--only commits|rebalance|memory]
//
// The scrape is a part of memory, whose groups it tells.

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

func measure() throws {
    var (path, seconds, groups, only) = ("", 2.0, 10_000, "")
    var rest = CommandLine.arguments.dropFirst()
    while let name = rest.popFirst() {
        guard let value = rest.popFirst() else { throw BenchmarkError("\(name) needs a value") }
        switch name {
        case BareServer.argument: exit(bare_serve(value))
        case "--broker": path = value
        case "--seconds": seconds = Double(value) ?? seconds
        case "--groups": groups = Int(value) ?? groups
        case "--only": only = value
        // Given by Benchmarks/run to all parts.
        case "--runs": break
        default: throw BenchmarkError("unknown option \(name)")
        }
    }
    func wants(_ part: String) -> Bool { only.isEmpty || part.contains(only) }
    var limit = rlimit(rlim_cur: 8_192, rlim_max: 8_192)
    _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    let bare = try BareServer()
    let broker = try BrokerProcess(path)
    try prepare(broker)
    say("\n## Groups\n\nThe bare server moves the same bytes and thinks nothing; ratios are to it.")
    if wants("commits") {
        head(
            "commits of one offset each", "commits/s", "bare server", "ratio", "CPU µs/commit", "bare server", "ratio")
        for (connections, groups) in [(1, 1), (20, 1), (100, 100)] {
            try CommitMeasurement(connections: connections, groups: groups).run(broker, bare, seconds: seconds)
        }
    }
    if wants("rebalance") {
        head("members", "rebalance, median ms", "longest", "bare server, median ms", "ratio", "CPU ms")
        for count in [10, 100, 1_000] { try RebalanceMeasurement.run(broker, bare, members: count) }
    }
    if wants("memory") {
        try MemoryMeasurement.run(broker, groups: groups)
        try ScrapeMeasurement.run(broker, bare, seconds: seconds)
    }
}

do {
    try measure()
} catch {
    FileHandle.standardError.write(Data("bench-groups: \(error)\n".utf8))
    exit(1)
}
