// SPDX-License-Identifier: Apache-2.0

/// What kinds of things may go wrong in a swarm run, and with which topics.
package enum SwarmWorkload: String, CaseIterable, Sendable {
    /// Everything, in another mixture for every seed.
    case swarm
    /// Nothing goes wrong.
    case calm
    /// Processes and machines go down.
    case crash
    /// Calls to the disk fail, and it fills up; processes and machines go down.
    case disk
    /// Links are cut and connections reset.
    case network
    /// Topics that lose their old segments, with crashes.
    case retention
    /// Compacted topics, with crashes.
    case compaction
}

/// How one run goes, drawn from its seed: which topics there are and how they are set, who writes and reads them, and
/// what goes wrong. A drawn option is one that some seeds lack altogether, so that each can show what others hide.
package struct SwarmPlan: Sendable {
    struct Topic: Sendable {
        let name: String
        let partitions: Int32
        let configs: [(name: String, value: String)]
        /// Whether every acknowledgement waits for a sync.
        let isSynced: Bool
        let isCompacted: Bool
        /// Whether records get the time of their append.
        let hasAppendTime: Bool
        /// Different keys; 0 for records that may have none.
        let keys: Int32
        /// What a batch must fit in.
        let segmentBytes: Int
        /// −1 for none.
        let retentionMs: Int64
        let retentionBytes: Int64
        let deleteRetentionMs: Int64
    }

    struct Producer: Sendable {
        let isIdempotent: Bool
        let acks: Int16
        let records: Int
        let recordsPerBatch: ClosedRange<Int>
        let valueBytes: ClosedRange<Int>
        let compression: Int
        let outstanding: Int
        /// Milliseconds between batches.
        let pause: ClosedRange<Int64>
    }

    struct Consumer: Sendable {
        let pause: ClosedRange<Int64>
        let maxWait: Int32
        let maxBytes: Int32
        let partitionBytes: Int32
        /// How often of a hundred times it goes to some other offset first.
        let seekPercent: Int
    }

    struct Admin: Sendable {
        let pause: ClosedRange<Int64>
        let deletesRecords: Bool
        let deletesTopics: Bool
        let altersConfigs: Bool
        /// Whether it deletes more often than it does anything else.
        let churns: Bool
    }

    enum Disturbance: CaseIterable, Sendable {
        case killProcess, stopMachine, restartCleanly, failDisk, fillDisk, cutLink, resetConnections, moveClock, inspect
    }

    package let seed: UInt64
    package let workload: SwarmWorkload
    let world: SimulationOptions
    let broker: [String: String]
    let topics: [Topic]
    let producers: [Producer]
    let consumers: [Consumer]
    let admin: Admin
    let disturbances: [Disturbance]
    /// Where the broker goes down when it does not anywhere.
    let moments: [SwarmMoment]
    /// Milliseconds between disturbances.
    let disturbancePause: ClosedRange<Int64>
    /// Virtual milliseconds until everything is repaired.
    let duration: Int64
    /// Of a thousand calls to the disk while it is failing, how many fail.
    let failuresPerThousand: Int

    package init(seed: UInt64, workload: SwarmWorkload = .swarm) {
        var random = Xoshiro256(seed: seed ^ EventTrace.hash(of: workload.rawValue))
        self.seed = seed
        self.workload = workload
        world = Self.drawWorld(seed, &random)
        var broker = Self.drawBroker(&random)
        // By numbers of its own, so that the other seeds are the worlds they were before this was drawn.
        var ownRandom = Xoshiro256(seed: seed ^ EventTrace.hash(of: "metadata.log.dir"))
        if ownRandom.chance(1, in: 4) { broker["metadata.log.dir"] = "/meta" }
        self.broker = broker
        let count = random.value(in: 1...4 as ClosedRange<Int>)
        topics = (0..<count).map { Self.drawTopic("t\($0)", workload, &random) }
        producers = (0..<random.value(in: 1...4 as ClosedRange<Int>)).map { _ in Self.drawProducer(&random) }
        consumers = (0..<random.value(in: 1...3 as ClosedRange<Int>)).map { _ in Self.drawConsumer(&random) }
        admin = Self.drawAdmin(workload, &random)
        disturbances = Self.drawDisturbances(workload, &random)
        disturbancePause = [50...1_000, 500...5_000, 2_000...20_000][random.value(in: 0...2)]
        duration = random.value(in: 5_000...40_000)
        moments = SwarmMoment.allCases.filter { _ in random.chance(1, in: 2) }
        failuresPerThousand = [2, 20, 200, 1_000][random.value(in: 0...3)]
    }

    private static func drawWorld(_ seed: UInt64, _ random: inout Xoshiro256) -> SimulationOptions {
        var options = SimulationOptions.drawn(seed: seed)
        // Pieces of a few bytes cost events and find little that larger ones do not: one seed in sixteen has them.
        if options.pieceBytes.upperBound < 1_460, !random.chance(1, in: 4) { options.pieceBytes = 1...65_536 }
        if options.windowBytes.upperBound < 4_096, !random.chance(1, in: 4) { options.windowBytes = 65_536...262_144 }
        options.resetsPerMillionPieces = random.chance(1, in: 4) ? 500 : 0
        if random.chance(1, in: 3) {
            options.blockingStallsPerThousand = [20, 200][random.value(in: 0...1)]
            options.blockingStall = 1_000_000...[200_000_000, 5_000_000_000][random.value(in: 0...1)]
        }
        options.traceCapacity = 0
        return options
    }

    private static func drawBroker(_ random: inout Xoshiro256) -> [String: String] {
        var settings = [
            // Clocks jump in a run: what happens then must not depend on how records are dated.
            "log.message.timestamp.after.max.ms": "\(Int64.max)",
            "producer.id.expiration.ms": "\(Int32.max)",
            "log.initial.task.delay.ms": "\(random.value(in: 0...3_000 as ClosedRange<Int64>))",
            "log.retention.check.interval.ms": "\(random.value(in: 200...10_000 as ClosedRange<Int64>))",
            "log.segment.delete.delay.ms": "\([0, 100, 5_000, 60_000][random.value(in: 0...3)])",
            "num.recovery.threads.per.data.dir": "\(random.value(in: 1...3 as ClosedRange<Int>))",
        ]
        func draw(_ key: String, _ range: ClosedRange<Int64>) {
            if random.chance(1, in: 2) { settings[key] = "\(random.value(in: range))" }
        }
        draw("log.flush.scheduler.interval.ms", 50...5_000)
        draw("log.flush.interval.ms", 50...20_000)
        draw("log.flush.offset.checkpoint.interval.ms", 100...10_000)
        draw("log.flush.start.offset.checkpoint.interval.ms", 100...10_000)
        draw("replica.high.watermark.checkpoint.interval.ms", 100...10_000)
        draw("log.cleaner.backoff.ms", 100...5_000)
        draw("metadata.log.segment.bytes", 8_388_608...8_388_608)
        if !random.chance(1, in: 4) {
            let high: Int64 = random.chance(1, in: 2) ? 100 : 2_000
            settings["log.write.padding.bytes"] = "\(random.value(in: 8...high))"
        }
        if random.chance(1, in: 3) { settings["log.dirs"] = "/data,/more" }
        return settings
    }

    private static func drawTopic(
        _ name: String, _ workload: SwarmWorkload, _ random: inout Xoshiro256
    ) -> Topic {
        var configs: [(name: String, value: String)] = []
        var segmentBytes: Int64 = 1 << 20
        if !random.chance(1, in: 4) {
            let high: Int64 = random.chance(1, in: 2) ? 4_000 : 40_000
            segmentBytes = random.value(in: 500...high)
            configs.append(("internal.segment.bytes", "\(segmentBytes)"))
            configs.append(("index.interval.bytes", "\(random.value(in: 0...2_000 as ClosedRange<Int64>))"))
            configs.append(("segment.index.bytes", "\(random.value(in: 4...400 as ClosedRange<Int64>) * 24)"))
        }
        if random.chance(1, in: 4) {
            configs.append(("segment.ms", "\(random.value(in: 200...10_000 as ClosedRange<Int64>))"))
        }
        let flush = random.value(in: 0...5 as ClosedRange<Int>)
        if flush < 2 { configs.append(("flush.messages", "1")) }
        if flush == 2 { configs.append(("flush.messages", "\(random.value(in: 2...50 as ClosedRange<Int64>))")) }
        if flush == 3 { configs.append(("flush.ms", "\(random.value(in: 50...5_000 as ClosedRange<Int64>))")) }
        if random.chance(1, in: 8) { configs.append(("preallocate", "true")) }
        if random.chance(1, in: 8) { configs.append(("message.timestamp.type", "LogAppendTime")) }
        if random.chance(1, in: 6) {
            configs.append(
                ("compression.type", ["gzip", "snappy", "lz4", "zstd", "uncompressed"][random.value(in: 0...4)]))
        }
        let kind = drawPolicy(workload, &random, &configs)
        return Topic(
            name: name, partitions: Int32(random.value(in: 1...3 as ClosedRange<Int64>)), configs: configs,
            isSynced: flush < 2, isCompacted: kind.isCompacted,
            hasAppendTime: configs.contains { $0.name == "message.timestamp.type" }, keys: kind.keys,
            segmentBytes: Int(segmentBytes), retentionMs: kind.retentionMs,
            retentionBytes: kind.retentionBytes, deleteRetentionMs: kind.deleteRetentionMs)
    }

    private struct Policy {
        var isCompacted = false
        var keys: Int32 = 0
        var retentionMs: Int64 = -1
        var retentionBytes: Int64 = -1
        var deleteRetentionMs: Int64 = 86_400_000
    }

    private static func drawPolicy(
        _ workload: SwarmWorkload, _ random: inout Xoshiro256, _ configs: inout [(name: String, value: String)]
    ) -> Policy {
        var policy = Policy()
        let isCompacted = workload == .compaction || (workload == .swarm && random.chance(1, in: 3))
        let deletes = workload == .retention || random.chance(1, in: isCompacted ? 4 : 3)
        policy.isCompacted = isCompacted
        if isCompacted {
            policy.keys = Int32(random.value(in: 1...40 as ClosedRange<Int64>))
            configs.append(("cleanup.policy", deletes ? "compact,delete" : "compact"))
            configs.append(("min.cleanable.dirty.ratio", ["0.01", "0.3", "0.5"][random.value(in: 0...2)]))
            if random.chance(1, in: 2) {
                policy.deleteRetentionMs = random.value(in: 0...10_000)
                configs.append(("delete.retention.ms", "\(policy.deleteRetentionMs)"))
            }
            if random.chance(1, in: 4) {
                configs.append(("min.compaction.lag.ms", "\(random.value(in: 1...3_000 as ClosedRange<Int64>))"))
            }
            if random.chance(1, in: 4) {
                configs.append(("max.compaction.lag.ms", "\(random.value(in: 3_001...9_000 as ClosedRange<Int64>))"))
            }
        } else if random.chance(1, in: 2) {
            policy.keys = Int32(random.value(in: 1...1_000 as ClosedRange<Int64>))
        }
        if deletes {
            if random.chance(2, in: 3) { policy.retentionMs = random.value(in: 500...20_000) }
            if random.chance(1, in: 2) { policy.retentionBytes = random.value(in: 0...20_000) }
        }
        configs.append(("retention.ms", "\(policy.retentionMs)"))
        configs.append(("retention.bytes", "\(policy.retentionBytes)"))
        return policy
    }

    private static func drawProducer(_ random: inout Xoshiro256) -> Producer {
        let isIdempotent = random.chance(2, in: 3)
        let batch = [1...1, 1...5, 1...40][random.value(in: 0...2)]
        return Producer(
            isIdempotent: isIdempotent, acks: isIdempotent ? -1 : [-1, 1, 0][random.value(in: 0...2)],
            records: random.value(in: 20...400), recordsPerBatch: batch,
            valueBytes: [0...20, 10...200, 0...3_000][random.value(in: 0...2)],
            compression: random.chance(1, in: 2) ? 0 : random.value(in: 1...4),
            outstanding: random.value(in: 1...5), pause: [0...10, 10...200, 100...2_000][random.value(in: 0...2)])
    }

    private static func drawAdmin(_ workload: SwarmWorkload, _ random: inout Xoshiro256) -> Admin {
        let churns = workload != .calm && workload != .network && random.chance(1, in: 4)
        return Admin(
            pause: churns ? 50...1_500 : random.chance(1, in: 2) ? 100...3_000 : 1_000...20_000,
            deletesRecords: churns || random.chance(1, in: 2), deletesTopics: churns || random.chance(1, in: 3),
            altersConfigs: random.chance(1, in: 2), churns: churns)
    }

    private static func drawConsumer(_ random: inout Xoshiro256) -> Consumer {
        Consumer(
            pause: [1...20, 50...500, 100...3_000][random.value(in: 0...2)],
            maxWait: [0, 100, 500, 5_000][random.value(in: 0...3)],
            maxBytes: [1, 2_000, 1_000_000][random.value(in: 0...2)],
            partitionBytes: [1, 1_000, 100_000][random.value(in: 0...2)], seekPercent: random.value(in: 0...20))
    }

    private static func drawDisturbances(
        _ workload: SwarmWorkload, _ random: inout Xoshiro256
    ) -> [Disturbance] {
        switch workload {
        case .calm: [.inspect]
        case .crash: [.killProcess, .stopMachine, .restartCleanly, .inspect]
        case .disk: [.failDisk, .fillDisk, .killProcess, .stopMachine, .inspect]
        case .network: [.cutLink, .resetConnections, .inspect]
        case .retention, .compaction: [.killProcess, .stopMachine, .restartCleanly, .moveClock, .inspect]
        case .swarm: Disturbance.allCases.filter { _ in random.chance(1, in: 2) } + [.inspect]
        }
    }

    /// Where the partitions lie.
    var logDirectories: [String] { (broker["log.dirs"] ?? "/data").split(separator: ",").map(String.init) }

    /// A line about what is special in this run.
    package var summary: String {
        let kinds = topics.map { topic in
            "\(topic.partitions)\(topic.isCompacted ? "c" : "")\(topic.isSynced ? "s" : "")"
                + (topic.retentionMs >= 0 || topic.retentionBytes >= 0 ? "r" : "")
        }
        return "topics \(kinds.joined(separator: ",")) producers \(producers.count) consumers \(consumers.count) "
            + "disturbances \(disturbances.map { "\($0)" }.joined(separator: ","))"
    }
}
