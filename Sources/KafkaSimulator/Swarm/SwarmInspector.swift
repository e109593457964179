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
        /// Where segments may be deleted for their size or age.
        var segments: [SegmentExtent] = []
        var bytes: Int64 = 0
    }

    private let model: SwarmModel
    private var seen: [Int: Seen] = [:]

    init(model: SwarmModel) { self.model = model }

    /// The marks of every log: in order, and never going back as long as the broker lives.
    ///
    /// - Parameter onlyDeleting: looks only at logs whose segments may be deleted for their size or age.
    func glance(_ context: BrokerContext?, life: Int, onlyDeleting: Bool = false) {
        guard let context else { return }
        model.noteTime()
        for topic in model.topics where !topic.isDeleted && (!onlyDeleting || topic.limits.deletesOld) {
            guard let held = context.replicas.topic(id: topic.id) else { continue }
            for partition in topic.partitions {
                guard let log = held.partition(partition.index)?.log else { continue }
                glance(partition, log, life)
            }
        }
    }

    /// Where the log began when it was last looked at, in this life of the broker; nil where it was not.
    func start(of partition: PartitionModel, life: Int) -> Int64? {
        guard let last = seen[partition.place], last.life == life else { return nil }
        return last.offsets.logStartOffset
    }

    private func glance(_ partition: PartitionModel, _ log: UnifiedLog, _ life: Int) {
        let now = log.offsets
        var next = Seen(life: life, offsets: now)
        if let before = seen[partition.place], before.life == life {
            let isWatched = partition.topic.limits.deletesOld
            if now == before.offsets, !isWatched || log.size == before.bytes { return }
            compare(partition, before.offsets, now)
            partition.startSeen(at: now.logStartOffset, segments: before.segments, remainingBytes: log.size)
        }
        if partition.topic.limits.deletesOld {
            next.segments = log.segmentSizes
            next.bytes = next.segments.reduce(0) { $0 + $1.size }
        }
        seen[partition.place] = next
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
    /// - Parameters:
    ///   - mayBeOffline: whether the disk has failed, so that logs may be out of service.
    ///   - mayLackNew: whether the disk was full, so that logs that are to be made may not be there yet.
    func inspect(_ context: BrokerContext?, mayBeOffline: Bool, mayLackNew: Bool = false, when: String) {
        guard let context else { return }
        for topic in model.topics where !topic.isDeleted {
            guard let held = context.replicas.topic(id: topic.id) else {
                if topic.isDeletionAsked { continue }
                model.find("topic \(topic.plan.name) (\(topic.id)) is gone \(when)")
                continue
            }
            for partition in topic.partitions {
                let log = held.partition(partition.index)?.log
                guard let log, log.failure == nil else {
                    if log == nil, mayLackNew, partition.mayHaveNoLog {
                        if partition.mayHaveLost { partition.lost(from: 0) }
                        continue
                    }
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
        partition.lostBeginning(below: offsets.logStartOffset)
        if offsets.logEndOffset < partition.knownEnd {
            return model.find(
                "\(partition.name): ends at \(offsets.logEndOffset) \(when), but offsets up to \(partition.knownEnd) "
                    + "are taken")
        }
        // In the middle of a deletion the broker may have gone down before it was seen.
        partition.startSeen(
            at: offsets.logStartOffset, segments: hasLost ? [] : seen[partition.place]?.segments ?? [],
            remainingBytes: hasLost ? nil : log.size)
        partition.checkKept(start: offsets.logStartOffset, when)
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
        if model.isFine { partition.check(present: present, from: start, cleanedUpTo: log.cleanedUpTo) }
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
