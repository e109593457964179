// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaReplication
import KafkaRuntime
import KafkaServer
import KafkaStorage
import Logging

/// What came of one run.
package struct SwarmReport: Sendable {
    package let seed: UInt64
    package let workload: SwarmWorkload
    /// What is wrong; empty where nothing is.
    package let findings: [String]
    package let events: Int
    /// Virtual nanoseconds.
    package let time: Int64
    package let traceHash: UInt64
    package let sent: Int
    package let acknowledged: Int
    package let observed: Int
    package let starts: Int
    package let diskFaults: Int
    package let plan: String
    /// The broker's last log lines.
    package let logLines: [String]

    package var isFine: Bool { findings.isEmpty }

    package var description: String {
        "seed \(seed) \(workload.rawValue): \(isFine ? "fine" : "FAILED"), \(events) events in "
            + "\(time / 1_000_000) virtual ms, sent \(sent), acknowledged \(acknowledged), read \(observed), "
            + "starts \(starts), disk faults \(diskFaults), trace \(String(traceHash, radix: 16)); \(plan)"
    }
}

/// One run of the broker in a world where things go wrong, as its plan says: work under disturbances, then repairs, after
/// which all must be served again, and a clean stop, after which the files must be in order.
///
/// `@unchecked Sendable`: only touched by the thread that steps the simulation.
package final class SwarmRun: @unchecked Sendable {
    private let plan: SwarmPlan
    private let simulation: SimulatedRuntime
    private let broker: SimulatedBroker
    private let model = SwarmModel()
    private let inspector: SwarmInspector
    private let disk: SwarmDisk
    private var producers: [SwarmProducer] = []
    private var consumers: [SwarmConsumer] = []
    private let admin: SwarmAdmin
    private var random: Xoshiro256
    /// How the process will be taken to have ended when a halt comes.
    private var pendingCrash: CrashKind?
    private let tell: ((String) -> Void)?

    /// - Parameters:
    ///   - keepsTrace: whether every event is kept, for `traceLines`.
    ///   - note: is told what happens to the broker and its world.
    package init(_ plan: SwarmPlan, keepsTrace: Bool = false, note: ((String) -> Void)? = nil) {
        self.plan = plan
        tell = note
        var options = plan.world
        options.traceCapacity = keepsTrace ? 10_000_000 : 0
        let simulation = SimulatedRuntime(seed: plan.seed, options: options)
        self.simulation = simulation
        let broker = SimulatedBroker(
            on: simulation.host("broker"), settings: plan.broker, logLevel: note == nil ? .warning : .info)
        self.broker = broker
        inspector = SwarmInspector(model: model)
        disk = SwarmDisk(broker.host.files, seed: plan.seed)
        random = Xoshiro256(seed: ~plan.seed)
        func client(_ name: String) -> KafkaClient {
            var options = KafkaClientOptions()
            options.requestTimeout = 8_000
            return KafkaClient(
                runtime: simulation.host(name).runtime, bootstrap: [SocketAddress(host: "broker", port: 9092)],
                options: options)
        }
        admin = SwarmAdmin(plan, model: model, client: client("admin"), seed: plan.seed &+ 1)
        for (index, producer) in plan.producers.enumerated() {
            producers.append(
                SwarmProducer(
                    producer, number: Int32(index), model: model, client: client("producer\(index)"),
                    seed: plan.seed &+ 100 &+ UInt64(index)))
        }
        for (index, consumer) in plan.consumers.enumerated() {
            consumers.append(
                SwarmConsumer(
                    consumer, model: model, client: client("consumer\(index)"),
                    seed: plan.seed &+ 200 &+ UInt64(index), brokerLife: { broker.starts }))
        }
        let clock = broker.host.runtime.clock
        model.brokerTime = { clock.wallMilliseconds }
        model.note = { [weak self] in self?.note($0) }
        model.brokerLife = { broker.starts }
    }

    /// Every event, where they are kept.
    package var traceLines: [String] { simulation.trace.lines }

    // MARK: The run

    package func run() -> SwarmReport {
        do {
            try work()
        } catch let error as SimulationError {
            model.find("\(error)")
        } catch {
            model.find("the broker could not be made: \(error)")
        }
        if !model.isFine, tell != nil { describeFiles() }
        return SwarmReport(
            seed: plan.seed, workload: plan.workload, findings: model.findings, events: simulation.trace.count,
            time: simulation.now, traceHash: simulation.trace.hash, sent: model.records.count,
            acknowledged: model.acknowledgedCount, observed: model.observedCount, starts: broker.starts,
            diskFaults: broker.host.files.faultCount, plan: plan.summary, logLines: broker.logLines)
    }

    /// Where everything lies when something was found.
    private func describeFiles() {
        broker.host.files.setFault(nil)
        for directory in plan.logDirectories + (plan.broker["metadata.log.dir"].map { [$0] } ?? []) {
            for name in (try? broker.host.files.list("\(directory)")) ?? [] {
                let files = ((try? broker.host.files.list("\(directory)/\(name)")) ?? []).map { file in
                    let size = (try? broker.host.files.status("\(directory)/\(name)/\(file)"))??.size ?? 0
                    return "\(file) \(size)"
                }
                note("\(directory)/\(name): \(files.joined(separator: ", "))")
            }
        }
        for partition in model.partitions {
            let log = broker.context?.replicas.topic(id: partition.topic.id)?.partition(partition.index)?.log
            let state = log.map { "\($0.directory) \($0.offsets) \($0.failure ?? "in service")" } ?? "no log"
            note("\(partition.name): known up to \(partition.knownEnd), synced up to \(partition.durableEnd), \(state)")
            if let log = broker.context?.replicas.topic(id: partition.topic.id)?.partition(partition.index)?.log {
                note("\(partition.name): \(Self.lastBatches(log))")
            }
        }
    }

    /// The last batches with what their producers say of them.
    private static func lastBatches(_ log: UnifiedLog) -> String {
        guard
            let range = try? log.read(
                from: max(log.logStartOffset, log.logEndOffset - 100), maxBytes: 1 << 20, isolation: .logEnd,
                atLeastOne: true),
            let file = range.file, let bytes = try? file.readBytes(at: range.position, count: range.count)
        else { return "cannot be read" }
        var batches: [String] = []
        bytes.withUnsafeBytes { bytes in
            var cursor = BatchCursor(bytes)
            while let entry = try? cursor.next(), let batch = try? RecordBatch(bytes: entry.bytes) {
                let header = batch.header
                batches.append(
                    "\(header.baseOffset)...\(header.lastOffset) by \(header.producerID) from \(header.baseSequence)")
            }
        }
        return batches.suffix(40).joined(separator: ", ")
    }

    private func work() throws {
        var counter = 0
        let deletesOld = plan.topics.contains { $0.retentionMs >= 0 || $0.retentionBytes >= 0 }
        simulation.addInvariant("marks") { [self] in
            counter &+= 1
            model.noteTime()
            // Where segments may be deleted, every step counts.
            let isDue = counter & 7 == 0
            if isDue || deletesOld { inspector.glance(broker.context, life: broker.starts, onlyDeleting: !isDue) }
            return nil
        }
        try start()
        admin.start()
        for producer in producers { producer.start() }
        for consumer in consumers { consumer.start() }
        let end = simulation.now + plan.duration * 1_000_000
        while model.isFine, simulation.now < end {
            let pause = random.value(in: plan.disturbancePause)
            try pass(min(pause, (end - simulation.now) / 1_000_000 + 1))
            guard model.isFine else { return }
            try disturb()
        }
        guard model.isFine else { return }
        try repair()
        if model.isFine { try demandService() }
        if model.isFine { try stopAndCheck() }
    }

    private func note(_ what: String) {
        simulation.note(what)
        guard let tell else { return }
        for line in broker.takeLogLines() { tell("  \(line)") }
        tell("\(simulation.now / 1_000_000) ms: \(what)")
    }

    /// Lets time pass, and brings the broker back where it goes down.
    private func pass(_ milliseconds: Int64) throws {
        let end = simulation.now + milliseconds * 1_000_000
        while model.isFine {
            let left = (end - simulation.now) / 1_000_000
            if left <= 0 { break }
            let isInterrupted = try simulation.run(within: left) { [self] in
                !model.isFine || broker.host.files.isHalted || broker.hasFailed
            }
            guard isInterrupted, model.isFine else { break }
            try bringBack()
        }
    }

    private func bringBack() throws {
        if broker.host.files.isHalted {
            try crash(pendingCrash ?? .process)
        } else if case .failed(let reason) = broker.state {
            note("the broker gave up: \(reason)")
            if !disk.hasFailed { return model.find("the broker gave up although the disk is fine: \(reason)") }
            if disk.isFailing, random.chance(1, in: 2) { disk.heal() }
            try crash(.process)
        }
    }

    // MARK: Down and up

    /// Starts the broker and sees to it that it serves, however often it goes down meanwhile.
    private func start() throws {
        for attempt in 0..<12 {
            if attempt > 6 { disk.heal() }
            disk.newLife()
            if plan.disturbances.contains(.killProcess), attempt < 4, broker.starts > 0, random.chance(1, in: 6) {
                let losesPower = plan.disturbances.contains(.stopMachine) && random.chance(1, in: 2)
                armHalt(losesPower ? .machine : .process, within: 400)
            }
            note("start \(broker.starts + 1)")
            try broker.start()
            _ = try simulation.run(within: 120_000) { [self] in
                broker.state != .starting || broker.host.files.isHalted
            }
            if broker.host.files.isHalted {
                note("down in the start")
                endLife(pendingCrash ?? .process)
                continue
            }
            switch broker.state {
            case .running:
                return disk.quietly {
                    inspector.inspect(
                        broker.context, mayBeOffline: disk.hasSeenErrors, mayLackNew: disk.hasFailed,
                        when: "after start \(broker.starts)")
                }
            case .failed(let reason):
                note("no start: \(reason)")
                guard disk.hasFailed else { return model.find("the broker does not start: \(reason)") }
                endLife(.process)
                if random.chance(1, in: 2) { disk.heal() }
                try simulation.advance(by: 500)
            case .starting, .stopped:
                return model.find("the broker is still \(broker.state) after two minutes")
            }
        }
        model.find("the broker did not come up: \(broker.state)")
    }

    private func crash(_ kind: CrashKind) throws {
        note("crash: \(kind)")
        endLife(kind)
        if plan.disturbances.contains(.stopMachine) || random.chance(1, in: 2) {
            try simulation.advance(by: random.value(in: 0...1_000))
        }
        try start()
    }

    /// The end of the broker's process, and of the machine's page cache where that goes, too.
    private func endLife(_ kind: CrashKind) {
        inspector.glance(broker.context, life: broker.starts)
        pendingCrash = nil
        broker.host.files.cancelHalt()
        // A failed sync may have dropped pages, which a restart of the process then finds as they are on disk.
        if kind == .machine || disk.mayHaveDropped {
            model.noteLoss(isOfPower: kind == .machine)
            for producer in producers { producer.loss() }
        }
        disk.lifeEnded(kind)
        broker.crash(kind)
        disk.rearm()
    }

    /// Has the broker go down at one of the next calls to the disk, or when a moment comes that the plan has.
    private func armHalt(_ kind: CrashKind, within calls: Int) {
        pendingCrash = kind
        if let moment = plan.moments.randomElement(using: &random), random.chance(1, in: 2) {
            broker.host.files.halt(after: random.value(in: 0...moment.calls), behind: moment.matches)
        } else {
            broker.host.files.halt(after: random.value(in: 0...calls))
        }
    }

    // MARK: Disturbances

    private func disturb() throws {
        let kind = plan.disturbances[random.value(in: 0...plan.disturbances.count - 1)]
        note("disturbance: \(kind)")
        switch kind {
        case .killProcess, .stopMachine:
            if pendingCrash == nil, random.chance(1, in: 2) {
                armHalt(kind == .killProcess ? .process : .machine, within: 200)
            } else {
                try crash(kind == .killProcess ? .process : .machine)
            }
        case .restartCleanly: try restartCleanly()
        case .failDisk:
            disk.fail(perThousand: plan.failuresPerThousand, random.value(in: 0...3))
            try pass(random.value(in: 1...3_000))
            disk.heal()
        case .fillDisk:
            disk.fill(free: random.value(in: 0...100_000))
            try pass(random.value(in: 100...8_000))
            disk.heal()
        case .cutLink: try cutLink()
        case .resetConnections: simulation.resetConnections(between: clientHost(), and: "broker")
        case .moveClock:
            model.noteTime()
            broker.host.adjustWallClock(by: random.value(in: -20_000...60_000))
            model.noteClockMoved()
        case .inspect:
            if broker.state == .running, !broker.host.files.isHalted {
                disk.quietly {
                    inspector.inspect(
                        broker.context, mayBeOffline: disk.hasSeenErrors, mayLackNew: disk.hasFailed, when: "at a look")
                }
            }
        }
    }

    private func clientHost() -> String {
        let number = random.value(in: 0...producers.count + consumers.count)
        if number < producers.count { return "producer\(number)" }
        return number - producers.count < consumers.count ? "consumer\(number - producers.count)" : "admin"
    }

    private func cutLink() throws {
        let host = clientHost()
        switch random.value(in: 0...2 as ClosedRange<Int>) {
        case 0: simulation.cutOneWay(from: host, to: "broker")
        case 1: simulation.cutOneWay(from: "broker", to: host)
        default: simulation.cut(host, "broker")
        }
        try pass(random.value(in: 10...12_000))
        simulation.heal(host, "broker")
    }

    private func restartCleanly() throws {
        guard broker.state == .running else { return }
        broker.shutdown()
        let isDown = try simulation.run(within: 60_000) { [self] in
            broker.state == .stopped || broker.host.files.isHalted || broker.hasFailed
        }
        guard isDown else { return model.find("the broker does not stop within a minute") }
        if broker.state == .stopped, !broker.host.files.isHalted { noteCleanStop() }
        try crash(plan.disturbances.contains(.stopMachine) && random.chance(1, in: 2) ? .machine : .process)
    }

    /// A directory that has the marker of a clean shutdown promises that everything in it is on disk.
    private func noteCleanStop() {
        disk.quietly {
            for directory in plan.logDirectories {
                guard exists("\(directory)/.kafka_cleanshutdown") else { continue }
                for partition in model.partitions where !partition.topic.isDeletionAsked && !partition.mayHaveLost {
                    if exists("\(directory)/\(partition.topic.plan.name)-\(partition.index)") {
                        partition.noteDurable(partition.knownEnd)
                        // A disk that fails may take the checkpoints, but not the marker.
                        guard !disk.hasFailed else { continue }
                        partition.noteKept(start: inspector.start(of: partition, life: broker.starts))
                    }
                }
            }
        }
    }

    private func exists(_ path: String) -> Bool {
        guard let status = try? broker.host.files.status(path) else { return false }
        return status.size >= 0
    }

    // MARK: The end

    /// Everything is repaired; a broker that met a failing disk is started again, any other goes on as it is.
    private func repair() throws {
        note("repairs")
        simulation.healAll()
        disk.heal()
        let needsRestart =
            disk.hasSeenErrors || broker.hasFailed || broker.state != .running || random.chance(1, in: 3)
        if broker.host.files.isHalted {
            try crash(pendingCrash ?? .process)
        } else if needsRestart {
            try crash(.process)
        }
        broker.host.files.cancelHalt()
        pendingCrash = nil
    }

    /// All topics exist, every producer gets through, everything can be read and everything takes more.
    private func demandService() throws {
        disk.newLife()
        admin.becomeCareful()
        for consumer in consumers { consumer.stop() }
        for producer in producers { producer.isHurried = true }
        let isDone = try simulation.run(within: 1_200_000) { [self] in
            !model.isFine || broker.hasFailed
                || (admin.carefulLooks > 0 && producers.allSatisfy(\.isFinished))
        }
        if broker.hasFailed { return model.find("the broker gave up after all was repaired: \(broker.state)") }
        guard model.isFine else { return }
        guard isDone else {
            let open = producers.filter { !$0.isFinished }.map(\.unfinished)
            return model.find("twenty minutes after all was repaired: \(open), topics \(admin.seen ?? [:])")
        }
        admin.stop()
        let last = SwarmFinalCheck(
            model: model,
            client: KafkaClient(
                runtime: simulation.host("final").runtime,
                bootstrap: [SocketAddress(host: "broker", port: 9092)]))
        last.start()
        if try !simulation.run(within: 1_200_000, until: { [self] in last.isFinished || !model.isFine }) {
            return model.find("twenty minutes after all was repaired: \(last.unfinished)")
        }
        guard model.isFine else { return }
        inspector.inspect(broker.context, mayBeOffline: false, when: "in the end")
    }

    private func stopAndCheck() throws {
        broker.shutdown()
        _ = try simulation.run(within: 60_000) { [self] in broker.state == .stopped }
        guard broker.state == .stopped else { return model.find("the broker does not stop in the end") }
        for directory in plan.logDirectories {
            var check = DirectoryCheck(files: broker.host.files, directory: directory)
            for finding in check.run(mayCompact: { [model] name in
                model.topics.contains { $0.plan.name == name && $0.limits.mayCompact }
            }) { model.find(finding) }
        }
        guard model.isFine else { return }
        // What a clean stop has left on disk needs no page cache.
        noteCleanStop()
        endLife(.machine)
        try start()
    }
}
