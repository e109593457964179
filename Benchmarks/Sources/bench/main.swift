// SPDX-License-Identifier: Apache-2.0
import CLoad
import Foundation

// Measures the release broker from outside, over loopback, beside the bare relay in the same run.
//
//   bench <start|speed|storage|metrics> --broker <path of swiftkafka-server> [--runs 8] [--seconds 0.25] [--only <part of a row's name>]
//
// Without --broker, speed measures only the relay.
struct Options {
    var part: String
    var broker: String?
    var runs = 8
    var seconds = 0.25
    var only: String?

    init(_ arguments: [String]) throws {
        part = arguments.dropFirst().first ?? ""
        var rest = arguments.dropFirst(2)
        while let name = rest.popFirst() {
            guard let value = rest.popFirst() else { throw BenchmarkError("\(name) needs a value") }
            switch name {
            case "--broker": broker = value
            case "--runs": runs = max(1, Int(value) ?? runs)
            case "--seconds": seconds = Double(value) ?? seconds
            case "--only": only = value
            default: throw BenchmarkError("unknown option \(name)")
            }
        }
    }
}

func workloads() -> [Workload] {
    var all: [Workload] = []
    let produce = [
        ("1 KiB", 1 << 10, 10, 5), ("16 KiB", 16 << 10, 4, 5), ("100 KiB", 100 << 10, 4, 5), ("1 MiB", 1 << 20, 4, 2),
    ]
    for reactors in [1, 2] {
        for (name, batch, connections, depth) in produce {
            let title =
                "produce \(name), \(connections) connections × \(depth), \(reactors) reactor\(reactors > 1 ? "s" : "")"
            all.append(
                Workload(
                    name: title, kind: .produce(batch: batch), connections: connections, depth: depth,
                    reactors: reactors))
        }
    }
    for (name, bytes) in [("64 KiB", 64 << 10), ("256 KiB", 256 << 10), ("1 MiB", 1 << 20), ("4 MiB", 4 << 20)] {
        all.append(
            Workload(name: "fetch \(name), 1 connection × 1", kind: .fetch(bytes: bytes), connections: 1, depth: 1))
    }
    all.append(
        Workload(name: "100 B fetch, nothing new, 100 connections × 5", kind: .fetchNothing, connections: 100, depth: 5)
    )
    for (name, kind) in [
        ("100 B fetch, nothing new", Workload.Kind.fetchNothing), ("produce 1 KiB", .produce(batch: 1 << 10)),
    ] {
        all.append(
            Workload(name: "round trip: \(name)", kind: kind, connections: 1, depth: 1, isRoundTrip: true))
    }
    return all
}

/// Several times what two runs write: free memory of which the machine has pages, where it is a virtual one whose host takes
/// back what was free for two seconds.
let touchedBytes = 1_536 << 20

/// How many times as often rows run that write nothing: where one connection waits for each answer, it matters much which
/// processors the two come to run on.
let readingRuns = 3

func measureLoads(_ options: Options, relayPath: String) throws {
    Report.heading("Load (loopback, load generator on the same machine)")
    Report.line(Goals.text + "\n")
    Report.line(try Settling.wait(relayPath: relayPath) + "\n")
    Report.loadHeader()
    var goals = Goals()
    for workload in workloads() where options.only.map({ workload.name.contains($0) }) ?? true {
        let relay = try ServerProcess.relay(relayPath, reactors: workload.reactors)
        try workload.prepare(port: relay.port)
        var broker: ServerProcess?
        if let path = options.broker {
            let server = try ServerProcess.broker(path, reactors: workload.reactors).server
            try KafkaCall.createTopic(Workload.topic, partitions: workload.partitions, port: server.port)
            try retry { try workload.prepare(port: server.port) }
            broker = server
        }
        // The first run of each only warms up; then they take turns, each as often first as the other, because the one
        // that writes first finds the better memory.
        _ = try workload.run(port: relay.port, seconds: options.seconds / 4)
        if let broker { _ = try workload.run(port: broker.port, seconds: options.seconds / 4) }
        var (ofBroker, ofRelay) = (Measurement(), Measurement())
        for run in 0..<(workload.writes ? options.runs : options.runs * readingRuns) {
            if workload.writes { load_touch_memory(touchedBytes) }
            if run % 2 == 0 { try ofRelay.add(workload, relay, seconds: options.seconds) }
            if let broker { try ofBroker.add(workload, broker, seconds: options.seconds) }
            if run % 2 == 1 { try ofRelay.add(workload, relay, seconds: options.seconds) }
        }
        Report.row(workload, broker: broker == nil ? nil : ofBroker, relay: ofRelay)
        if broker != nil { goals.check(workload, ofBroker, ofRelay) }
    }
    if let verdict = goals.verdict { Report.line("\n" + verdict) }
}

/// A new topic's partitions may take a moment to have a leader.
func retry(_ body: () throws -> Void) throws {
    for _ in 0..<50 {
        do { return try body() } catch { usleep(100_000) }
    }
    try body()
}

func measureStarts(_ broker: String) throws {
    Report.heading("Start to the first ApiVersions answer, and memory a second later")
    Report.startHeader()
    Report.start(try .empty(broker))
    for measurement in try StartMeasurement.full(broker) { Report.start(measurement) }
}

if CommandLine.arguments.count == 3, CommandLine.arguments[1] == "bare" { exit(bare_serve(CommandLine.arguments[2])) }
do {
    let options = try Options(CommandLine.arguments)
    let directory = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    switch options.part {
    case "start":
        guard let broker = options.broker else { throw BenchmarkError("start needs --broker") }
        try measureStarts(broker)
    case "metrics":
        guard let broker = options.broker else { throw BenchmarkError("metrics needs --broker") }
        try ScrapeMeasurement.run(options, broker)
    case "storage":
        guard let broker = options.broker else { throw BenchmarkError("storage needs --broker") }
        try StorageMeasurement.run(options, broker)
    case "speed": try measureLoads(options, relayPath: directory.appending(path: "relay").path)
    default: throw BenchmarkError("the first argument is start, speed, storage or metrics")
    }
} catch {
    FileHandle.standardError.write(Data("bench: \(error)\n".utf8))
    exit(1)
}
