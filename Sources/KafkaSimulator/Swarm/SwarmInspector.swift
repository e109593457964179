// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaReplication
import KafkaRuntime
import KafkaServer
import KafkaStorage

/// Looks at the broker's logs from inside: a little after every event, at everything now and then.
///
/// `@unchecked Sendable`: only touched by the thread that steps the simulation.
final class SwarmInspector: @unchecked Sendable {
    private struct Seen {
        var life: Int
        var offsets: LogOffsets
    }

    private let model: SwarmModel
    private var seen: [Int: Seen] = [:]

    init(model: SwarmModel) { self.model = model }

    /// The marks of every log: in order, and never going back as long as the broker lives.
    func glance(_ context: BrokerContext?, life: Int) {
        guard let context else { return }
        model.noteTime()
        for topic in model.topics where !topic.isDeleted {
            guard let held = context.replicas.topic(id: topic.id) else { continue }
            for partition in topic.partitions {
                guard let log = held.partition(partition.index)?.log else { continue }
                glance(partition, log, life)
            }
        }
    }

    private func glance(_ partition: PartitionModel, _ log: UnifiedLog, _ life: Int) {
        let now = log.offsets
        if let before = seen[partition.place], before.life == life {
            if now == before.offsets { return }
            compare(partition, before.offsets, now)
            partition.startSeen(at: now.logStartOffset, remainingBytes: log.size)
        }
        seen[partition.place] = Seen(life: life, offsets: now)
        let isInOrder =
            now.logStartOffset <= now.highWatermark && now.lastStableOffset <= now.highWatermark
            && now.highWatermark <= now.logEndOffset && now.recoveryPoint <= now.logEndOffset
        if !isInOrder { model.find("\(partition.name): the marks are out of order: \(now)") }
        if !partition.mayHaveLost { partition.noteDurable(now.recoveryPoint) }
    }

    private func compare(_ partition: PartitionModel, _ before: LogOffsets, _ now: LogOffsets) {
        func check(_ what: String, _ mark: KeyPath<LogOffsets, Int64>) {
            if now[keyPath: mark] < before[keyPath: mark] {
                model.find("\(partition.name): \(what) went from \(before[keyPath: mark]) to \(now[keyPath: mark])")
            }
        }
        check("the log's start", \.logStartOffset)
        check("the log's end", \.logEndOffset)
        check("the high watermark", \.highWatermark)
        check("the recovery point", \.recoveryPoint)
    }

    /// Reads every log from its start to its end and compares it with what is known.
    ///
    /// - Parameter mayBeOffline: whether the disk has failed, so that logs may be out of service.
    func inspect(_ context: BrokerContext?, mayBeOffline: Bool, when: String) {
        guard let context else { return }
        for topic in model.topics where !topic.isDeleted {
            guard let held = context.replicas.topic(id: topic.id) else {
                if topic.isDeletionAsked { continue }
                model.find("topic \(topic.plan.name) (\(topic.id)) is gone \(when)")
                continue
            }
            for partition in topic.partitions {
                guard let log = held.partition(partition.index)?.log, log.failure == nil else {
                    if !mayBeOffline, !topic.isDeletionAsked {
                        model.find("\(partition.name) is out of service \(when)")
                    }
                    continue
                }
                inspect(partition, log, when)
                if !model.isFine { return }
            }
        }
    }

    private func inspect(_ partition: PartitionModel, _ log: UnifiedLog, _ when: String) {
        let offsets = log.offsets
        let hasLost = partition.mayHaveLost
        if hasLost { partition.lost(from: offsets.logEndOffset) }
        if offsets.logEndOffset < partition.knownEnd {
            return model.find(
                "\(partition.name): ends at \(offsets.logEndOffset) \(when), but offsets up to \(partition.knownEnd) "
                    + "are taken")
        }
        partition.startSeen(at: offsets.logStartOffset, remainingBytes: hasLost ? nil : log.size)
        let start = offsets.logStartOffset
        var present = [Bool](repeating: false, count: Int(offsets.logEndOffset - start))
        do {
            try read(partition, log, offsets, when) { present[Int($0 - start)] = true }
        } catch {
            // It may be about to be deleted, or the request may have got lost and it goes on.
            if partition.topic.isDeletionAsked { return }
            return model.find("\(partition.name): cannot be read \(when): \(error)")
        }
        if !partition.topic.limits.mayCompact, let missing = present.firstIndex(of: false), model.isFine {
            model.find("\(partition.name): offset \(start + Int64(missing)) is missing \(when)")
        }
        if hasLost, partition.topic.limits.mayCompact { partition.lostWithin(present, from: start) }
        if model.isFine { partition.check(present: present, from: start) }
    }

    private func read(
        _ partition: PartitionModel, _ log: UnifiedLog, _ offsets: LogOffsets, _ when: String,
        _ each: @escaping (Int64) -> Void
    ) throws {
        var reading = SwarmReading(
            partition: partition, model: model, how: "found \(when)", position: offsets.logStartOffset, each: each)
        while reading.position < offsets.logEndOffset, model.isFine {
            let range = try log.read(
                from: reading.position, maxBytes: 1 << 20, isolation: .logEnd, atLeastOne: true)
            guard let file = range.file, range.count > 0 else {
                // A compacted log keeps its end, whatever it has lost before it; the records are looked at one by one.
                if !partition.topic.limits.mayCompact {
                    model.find(
                        "\(partition.name): ends at \(reading.position) \(when), not at \(offsets.logEndOffset)")
                }
                return
            }
            let bytes = try file.readBytes(at: range.position, count: range.count)
            let before = reading.position
            bytes.withUnsafeBytes { _ = reading.take($0, below: offsets.logEndOffset) }
            if reading.position == before {
                return model.find("\(partition.name): a read at \(before) \(when) gives nothing whole")
            }
        }
    }
}
