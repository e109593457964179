// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import KafkaSimulator

/// `swiftkafka-simulator`: runs the broker in worlds where things go wrong.
struct SimulatorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "swiftkafka-simulator",
        abstract: "Run a broker with clients, disk and network in virtual time, and see that it keeps its promises.",
        discussion: """
            Everything in a run follows from its seed: topics and settings, who writes and reads, when processes are \
            killed, machines lose power, disks fail or fill up, links are cut and clocks jump. At the end all is \
            repaired, and everything that was promised must be there and served. The same seed of the same build does \
            the same again.

            Without --seed, --from or --to, seeds begin at a number that the operating system draws.
            """)

    @Option(help: "Run this one seed.")
    var seed: UInt64?

    @Option(help: "How many seeds to run.")
    var seeds: UInt64?

    @Option(help: "The first seed.")
    var from: UInt64?

    @Option(help: "The last seed.")
    var to: UInt64?

    @Option(help: "Stop after so many minutes of real time.")
    var minutes: Double?

    @Option(help: "Seeds that run at the same time, each on one thread.")
    var jobs = 1

    @Option(help: "What goes wrong: \(SwarmWorkload.allCases.map(\.rawValue).joined(separator: ", ")).")
    var workload = SwarmWorkload.swarm

    @Flag(help: "Run consumer groups under kills of the broker and cut links instead of a workload.")
    var groups = false

    @Flag(help: "Print every event.")
    var trace = false

    @Flag(help: "Print what happens to the broker, and its last log lines.")
    var verbose = false

    @Flag(help: "Go on after a seed that failed.")
    var keepGoing = false

    func validate() throws {
        guard (1...256).contains(jobs) else { throw ValidationError("--jobs must be from 1 to 256") }
        if seed != nil, seeds != nil || from != nil || to != nil {
            throw ValidationError("--seed is one seed; use --from and --to for more")
        }
        if let from, let to, to < from { throw ValidationError("--to must not be below --from") }
        if to != nil, seeds != nil { throw ValidationError("give --seeds or --to, not both") }
        if let minutes, minutes <= 0 { throw ValidationError("--minutes must be above 0") }
        if let seeds, seeds == 0 { throw ValidationError("--seeds must be at least 1") }
    }

    func run() throws {
        CrashReport.install(workload: workload)
        if let seed {
            guard groups ? try runGroups(seed...seed) : runOne(seed) else { throw ExitCode.failure }
            return
        }
        let first = from ?? UInt64.random(in: 1...1_000_000_000_000)
        let last: UInt64
        if let to {
            last = to
        } else if let seeds {
            last = first + (seeds - 1)
        } else {
            last = minutes == nil ? first : UInt64.max
        }
        let range = first...max(first, last)
        guard groups ? try runGroups(range) : runMany(range) else { throw ExitCode.failure }
    }

    /// Runs groups, one seed after the other, until one fails, unless it is to go on, or time is up.
    private func runGroups(_ range: ClosedRange<UInt64>) throws -> Bool {
        let deadline = minutes.map { Date().addingTimeInterval($0 * 60) }
        var (done, failed, commits, assignments, starts) = (0, 0, 0, 0, 0)
        for seed in range {
            if let deadline, Date() >= deadline { break }
            let report = try GroupSwarm(seed: seed, note: verbose ? { say($0) } : nil).run()
            done += 1
            if !report.findings.isEmpty {
                failed += 1
                say("seed \(seed) groups: FAILED")
                for finding in report.findings { say("  \(finding)") }
                say("REPRODUCE: \(CrashReport.name) --groups --seed \(seed) (\(BuildInformation.line))")
                if !keepGoing { break }
            }
            commits += report.commits
            assignments += report.assignments
            starts += report.starts
        }
        say(
            "\(done) seeds of groups: \(failed) failed; \(commits) commits, \(assignments) assignments, "
                + "\(starts) starts")
        return failed == 0
    }

    /// Runs one seed and says what came of it.
    private func runOne(_ seed: UInt64) -> Bool {
        CrashReport.begin(seed)
        let run = SwarmRun(
            SwarmPlan(seed: seed, workload: workload), keepsTrace: trace, note: verbose ? { say($0) } : nil)
        let report = run.run()
        if trace { for line in run.traceLines { say(line) } }
        if verbose { for line in report.logLines { say(line) } }
        say(report.description)
        if !report.isFine { tell(report) }
        return report.isFine
    }

    private func tell(_ report: SwarmReport) {
        for finding in report.findings { say("  \(finding)") }
        say("REPRODUCE: \(CrashReport.line(report.seed, workload)) (\(BuildInformation.line))")
    }

    private func runMany(_ range: ClosedRange<UInt64>) -> Bool {
        let began = Date()
        say("\(CrashReport.name) --from \(range.lowerBound), workload \(workload.rawValue), \(BuildInformation.line)")
        let pool = SeedPool(range, deadline: minutes.map { began.addingTimeInterval($0 * 60) }, keepsGoing: keepGoing)
        let workers = (0..<jobs).map { _ in
            let worker = Thread { work(pool) }
            worker.stackSize = 16 << 20
            worker.start()
            return worker
        }
        pool.wait(for: workers.count)
        let seconds = Date().timeIntervalSince(began)
        let outcome = pool.outcome
        let speed = String(format: "%.1f s, %.1f seeds/s", seconds, Double(outcome.done) / max(seconds, 0.001))
        say(
            "\(outcome.done) seeds in \(speed): \(outcome.failed) failed; \(outcome.events) events, "
                + "\(outcome.acknowledged) records acknowledged, \(outcome.starts) starts")
        return outcome.failed == 0
    }

    private func work(_ pool: SeedPool) {
        defer { pool.leave() }
        while let seed = pool.take() {
            CrashReport.begin(seed)
            let report = SwarmRun(SwarmPlan(seed: seed, workload: workload)).run()
            pool.add(report) {
                say(report.description)
                tell(report)
            }
        }
    }
}

extension SwarmWorkload: ExpressibleByArgument {}

/// Writes a line at once, so that nothing is lost where the program ends in a trap.
private func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }
