// SPDX-License-Identifier: Apache-2.0
import KafkaRecords

/// A segment as it was seen: where it begins, and its bytes.
typealias SegmentExtent = (baseOffset: Int64, size: Int64)

/// What is known of one partition's log.
///
/// `@unchecked Sendable`: only touched by the thread that steps the simulation.
final class PartitionModel: @unchecked Sendable {
    unowned let topic: TopicModel
    let index: Int32
    /// Its place among all partitions of the run.
    let place: Int
    unowned let model: SwarmModel
    /// By offset, the serial number of the record that was acknowledged or seen there; −1 where none was.
    private(set) var serials: [Int32] = []
    /// Everything below must survive whatever happens.
    private(set) var durableEnd: Int64 = 0
    /// How far the log's start was seen to have moved.
    var judgedStart: Int64 = 0
    var deletedUpTo: Int64 {
        get { topic.limits.deletedUpTo[Int(index)] }
        set { topic.limits.deletedUpTo[Int(index)] = newValue }
    }
    /// Where the log began when the broker was last stopped cleanly: there it must not begin before that again.
    var keptStart: Int64 = 0
    /// Whether a loss has left a gap in a compacted log, so that batches may be missing whose successors are there.
    private(set) var mayHaveGap = false
    /// Set by a loss until the log was looked through.
    var mayHaveLost = false
    /// Whether that may have taken names of files, too.
    var mayHaveLostNames = false
    /// Records sent so far, by sender.
    private var numbers: [Int32: Int32] = [:]

    init(topic: TopicModel, index: Int32, place: Int, model: SwarmModel) {
        self.topic = topic
        self.index = index
        self.place = place
        self.model = model
    }

    var name: String { "\(topic.plan.name)-\(index) (\(topic.id))" }

    /// Offsets that are known to be taken.
    var knownEnd: Int64 { Int64(serials.count) }

    /// The number of the sender's next record here.
    func nextNumber(_ sender: Int32) -> Int32 {
        defer { numbers[sender, default: 0] += 1 }
        return numbers[sender, default: 0]
    }

    // MARK: What is learnt

    /// A producer was told that these records stand from `base` on.
    ///
    /// - Parameter losses: the model's count when they were sent. An answer from before a loss promises nothing, unless
    ///   every acknowledgement waits for a sync.
    func acknowledged(_ batch: Range<Int32>, at base: Int64, losses: Int) {
        guard losses == model.losses || topic.plan.isSynced else { return }
        guard base >= 0 else { return model.find("\(name): acknowledged at offset \(base)") }
        for (index, serial) in batch.enumerated() {
            if take(serial, at: base + Int64(index), how: "acknowledged") { model.acknowledge(serial) }
        }
        if topic.plan.isSynced { noteDurable(base + Int64(batch.count)) }
    }

    /// A record was read.
    func observed(_ record: borrowing RecordView, how: String) {
        guard let serial = SwarmRecordBytes.serial(of: record), serial >= 0, Int(serial) < model.records.count else {
            return model.find("\(name): what was \(how) at offset \(record.offset) was never sent")
        }
        let sent = model.records[Int(serial)]
        guard sent.partition == place else {
            return model.find(
                "\(name): record \(serial) \(how) at offset \(record.offset) was sent to another partition")
        }
        if let fault = SwarmRecordBytes.fault(record, serial, sent) {
            return model.find("\(name): record \(serial) \(how) at offset \(record.offset): \(fault)")
        }
        model.noteObserved()
        if sent.timestamp != record.timestamp || !sent.isTimestampKnown { model.setTimestamp(serial, record.timestamp) }
        _ = take(serial, at: record.offset, how: how)
    }

    /// Whatever is known of an offset and of a record stays so.
    private func take(_ serial: Int32, at offset: Int64, how: String) -> Bool {
        let known = model.records[Int(serial)].offset
        if known != offset, known >= 0 {
            model.find("\(name): record \(serial), known at offset \(known), was \(how) at \(offset) too")
            return false
        }
        if offset < knownEnd, serials[Int(offset)] >= 0, serials[Int(offset)] != serial {
            model.find("\(name): offset \(offset) holds record \(serials[Int(offset)]), but \(serial) was \(how) there")
            return false
        }
        guard offset < 10_000_000 else {
            model.find("\(name): record \(serial) was \(how) at offset \(offset)")
            return false
        }
        while knownEnd <= offset { serials.append(-1) }
        serials[Int(offset)] = serial
        model.setOffset(serial, offset)
        return true
    }

    /// Everything below `end` was synced.
    func noteDurable(_ end: Int64) { durableEnd = max(durableEnd, end) }

    /// The log ends at `end` after what was not synced may have been lost: what was known behind is so no more.
    func lost(from end: Int64) {
        mayHaveLost = false
        if end < durableEnd {
            model.find("\(name): everything below \(durableEnd) was synced, but the log ends at \(end)")
        }
        guard end < knownEnd else { return }
        for serial in serials[Int(end)...] where serial >= 0 { model.setOffset(serial, -1) }
        serials.removeLast(Int(knownEnd - end))
    }

    /// Whether the log is yet to be made: nothing was written, or nothing was synced and the machine stopped, which may have
    /// taken the whole directory.
    var mayHaveNoLog: Bool { knownEnd == 0 || (mayHaveLostNames && durableEnd == 0) }

    /// The log begins at `start` after names that were not synced may have been lost. Of a log that always began at 0 and
    /// of which nothing was ever synced, that may be the name of the first segment: all that tells where such a log begins
    /// is which segments there are, so that it then begins with the next, as in Apache Kafka.
    func lostBeginning(below start: Int64) {
        defer { mayHaveLostNames = false }
        guard mayHaveLostNames, judgedStart == 0, durableEnd == 0, start > 0 else { return }
        judgedStart = start
        for offset in 0..<Int(min(start, knownEnd)) where serials[offset] >= 0 {
            model.setOffset(serials[offset], -1)
            serials[offset] = -1
        }
    }

    /// A compacted log may have lost what was not synced from the middle, too: a gap is nothing special to it.
    func lostWithin(_ present: [Bool], from start: Int64) {
        // Compaction takes nothing that is not synced.
        let synced = min(max(durableEnd - start, 0), Int64(present.count))
        if present[Int(synced)...].contains(false) { mayHaveGap = true }
        for offset in max(durableEnd, start)..<max(durableEnd, start, knownEnd) where !present[Int(offset - start)] {
            let serial = serials[Int(offset)]
            guard serial >= 0 else { continue }
            model.setOffset(serial, -1)
            serials[Int(offset)] = -1
        }
    }

    /// The offsets that are known and were read.
    private func known(_ present: [Bool], from start: Int64) -> Range<Int64> {
        start..<max(start, min(knownEnd, start + Int64(present.count)))
    }

    /// Looks at what a whole reading of the log has found: `present` by offset from `start` on.
    ///
    /// - Parameter cleanedUpTo: compaction has come so far; nil where it never came.
    func check(present: [Bool], from start: Int64, cleanedUpTo: Int64? = nil) {
        if topic.limits.mayCompact { checkCompacted(present, from: start) }
        if let cleanedUpTo { checkCleaned(present, from: start, upTo: cleanedUpTo) }
        checkOrder(present, from: start)
    }

    /// Below where compaction has come there is one record for a key: an older one goes when the newer is met. What was
    /// deleted by request before it came is back where that was not written down yet when the broker went down, and is left
    /// out.
    private func checkCleaned(_ present: [Bool], from start: Int64, upTo end: Int64) {
        var last: [Int32: Int64] = [:]
        for offset in known(present, from: start)
        where offset >= judgedStart && offset < end && present[Int(offset - start)] {
            let serial = serials[Int(offset)]
            guard serial >= 0 else { continue }
            let key = model.records[Int(serial)].key
            if let before = last[key] {
                return model.find(
                    "\(name): the log is clean up to \(end), but offsets \(before) and \(offset) both have key \(key)")
            }
            last[key] = offset
        }
    }

    /// Every record that is missing must have a successor of the same key, or be a tombstone that was due.
    private func checkCompacted(_ present: [Bool], from start: Int64) {
        var lastPresent: [Int32: Int64] = [:]
        var lastKnown: [Int32: Int64] = [:]
        for offset in known(present, from: start) where serials[Int(offset)] >= 0 {
            let key = model.records[Int(serials[Int(offset)])].key
            lastKnown[key] = offset
            if present[Int(offset - start)] { lastPresent[key] = offset }
        }
        for offset in known(present, from: start) where !present[Int(offset - start)] {
            let serial = serials[Int(offset)]
            guard serial >= 0 else { continue }
            let key = model.records[Int(serial)].key
            if key < 0 || lastPresent[key, default: -1] > offset { continue }
            let last = lastKnown[key] ?? offset
            let newest = serials[Int(last)]
            if model.records[Int(newest)].isTombstone || mayHoldTombstone(key) {
                if model.latestTime - model.earliestSight(of: newest) >= topic.limits.deleteRetentionMs { continue }
            }
            return model.find(
                "\(name): offset \(offset), the last of key \(key), was compacted away; known of the key: "
                    + describe(key, present, from: start))
        }
    }

    private func describe(_ key: Int32, _ present: [Bool], from start: Int64) -> String {
        let known = known(present, from: start).filter {
            serials[Int($0)] >= 0 && model.records[Int(serials[Int($0)])].key == key
        }
        return known.map { offset in
            let record = model.records[Int(serials[Int(offset)])]
            return "\(offset)\(record.isTombstone ? " (tombstone)" : "")\(present[Int(offset - start)] ? "" : " gone")"
        }.joined(separator: ", ")
    }

    /// Whether a tombstone of the key was sent that nobody knows to be in the log or not.
    private func mayHoldTombstone(_ key: Int32) -> Bool {
        model.records.contains { $0.partition == place && $0.key == key && $0.isTombstone && $0.offset < 0 }
    }

    /// The records of one sender stand in the order in which it sent them.
    private func checkOrder(_ present: [Bool], from start: Int64) {
        var last: [Int32: Int32] = [:]
        for offset in known(present, from: start) where present[Int(offset - start)] {
            let serial = serials[Int(offset)]
            guard serial >= 0 else { continue }
            let record = model.records[Int(serial)]
            guard record.sender >= 0 else { continue }
            if let before = last[record.sender], before >= record.number {
                return model.find(
                    "\(name): record \(serial) at offset \(offset) is number \(record.number) of its sender, "
                        + "behind number \(before)")
            }
            last[record.sender] = record.number
        }
    }
}
