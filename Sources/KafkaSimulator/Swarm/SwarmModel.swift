// SPDX-License-Identifier: Apache-2.0
import KafkaBase

/// What is known of one record that was sent.
struct SwarmRecord {
    let partition: Int
    /// −1 for none.
    let key: Int32
    let isTombstone: Bool
    let valueBytes: Int32
    /// Who sent it, and as which of the records sent to this partition. Negative senders promise no order.
    let sender: Int32
    let number: Int32
    /// The record's own, until the log's is seen.
    var timestamp: Int64
    /// False until the log's is seen, where the log gives records the time of the append.
    var isTimestampKnown = true
    /// The broker's time of day when it was sent.
    let sentAt: Int64
    /// −1 while it was not seen.
    var offset: Int64 = -1
    var isAcknowledged = false
}

/// What the clients of a swarm run know: what was sent, acknowledged and read, and therefore what must be there. Whoever
/// finds that something is not as it must be says so here.
///
/// `@unchecked Sendable`: only touched by the thread that steps the simulation.
final class SwarmModel: @unchecked Sendable {
    private static let findingsMax = 20

    private(set) var records: [SwarmRecord] = []
    private(set) var topics: [TopicModel] = []
    private(set) var partitions: [PartitionModel] = []
    private var byID: [KafkaUUID: TopicModel] = [:]
    private var limits: [String: TopicLimits] = [:]
    private(set) var findings: [String] = []
    /// Goes up whenever what was not synced may be lost: answers that were under way then promise nothing.
    private(set) var losses = 0
    /// The latest that the broker's clock ever was.
    private(set) var latestTime: Int64 = 0
    /// The broker's clock.
    var brokerTime: () -> Int64 = { 0 }
    /// Told of what would help to understand a finding.
    var note: (String) -> Void = { _ in }
    /// How often the broker was started.
    var brokerLife: () -> Int = { 0 }
    private(set) var acknowledgedCount = 0
    private(set) var observedCount = 0
    /// Where the broker's clock was set back to, with how many records had been sent before.
    private var clockSetBack: [(records: Int, time: Int64)] = []
    private var producerIDs: Set<Int64> = []

    var isFine: Bool { findings.isEmpty }

    func find(_ what: String) {
        if findings.count < Self.findingsMax { findings.append(what) }
    }

    func noteTime() { latestTime = max(latestTime, brokerTime()) }

    /// The broker's clock was moved.
    func noteClockMoved() { clockSetBack.append((records.count, brokerTime())) }

    /// The earliest time at which the broker can have seen a record for the first time. A tombstone stays for
    /// `delete.retention.ms` from the cleaning that first meets it (KIP-534), by the clock as it is then: where that was
    /// set back since the tombstone was sent, it goes sooner than its own time says.
    func earliestSight(of serial: Int32) -> Int64 {
        clockSetBack.filter { $0.records > serial }.reduce(records[Int(serial)].sentAt) { min($0, $1.time) }
    }

    /// - Parameter isOfPower: the machine stopped; otherwise the disk has dropped pages that the process had written.
    func noteLoss(isOfPower: Bool = true) {
        losses += 1
        for partition in partitions {
            partition.mayHaveLost = true
            if isOfPower { partition.mayHaveLostNames = true }
        }
    }

    // MARK: Topics

    func topic(_ id: KafkaUUID) -> TopicModel? { byID[id] }

    /// Takes note of a topic that the broker says it has.
    @discardableResult
    func register(_ plan: SwarmPlan.Topic, id: KafkaUUID) -> TopicModel {
        if let known = byID[id] { return known }
        let limits = limits[plan.name] ?? TopicLimits(plan)
        self.limits[plan.name] = limits
        let topic = TopicModel(plan: plan, id: id, limits: limits)
        for index in 0..<plan.partitions {
            let partition = PartitionModel(topic: topic, index: index, place: partitions.count, model: self)
            partitions.append(partition)
            topic.partitions.append(partition)
        }
        topics.append(topic)
        byID[id] = topic
        return topic
    }

    /// The topics that may be used.
    var usableTopics: [TopicModel] { topics.filter { !$0.isDeleted } }

    // MARK: Records

    /// Takes note of a record that is about to be sent; returns its serial number.
    func add(_ record: SwarmRecord) -> Int32 {
        records.append(record)
        return Int32(records.count - 1)
    }

    func setOffset(_ serial: Int32, _ offset: Int64) {
        records[Int(serial)].offset = offset
        if offset < 0 { records[Int(serial)].isAcknowledged = false }
    }

    func setTimestamp(_ serial: Int32, _ timestamp: Int64) {
        records[Int(serial)].timestamp = timestamp
        records[Int(serial)].isTimestampKnown = true
    }

    /// A time that the record in the log is not older than.
    func earliestTimestamp(of serial: Int32) -> Int64 {
        let record = records[Int(serial)]
        return record.isTimestampKnown ? record.timestamp : earliestSight(of: serial)
    }

    func acknowledge(_ serial: Int32) {
        if !records[Int(serial)].isAcknowledged { acknowledgedCount += 1 }
        records[Int(serial)].isAcknowledged = true
    }

    func noteObserved() { observedCount += 1 }

    /// False for one that was given out before.
    func takeProducerID(_ id: Int64) -> Bool { producerIDs.insert(id).inserted }
}

/// One life of a topic, from its creation to its deletion.
final class TopicModel: @unchecked Sendable {
    let plan: SwarmPlan.Topic
    let id: KafkaUUID
    var partitions: [PartitionModel] = []
    var isDeletionAsked = false
    var isDeleted = false
    /// What is allowed to go, of all topics of this name.
    let limits: TopicLimits

    init(plan: SwarmPlan.Topic, id: KafkaUUID, limits: TopicLimits) {
        self.plan = plan
        self.id = id
        self.limits = limits
    }
}

/// What may be deleted from topics of one name: the least that was ever asked for. It is by name because settings and
/// deletions are asked for by name and may reach a later topic of the same name.
final class TopicLimits: @unchecked Sendable {
    /// −1 for none.
    private(set) var retentionMs: Int64
    private(set) var retentionBytes: Int64
    let deleteRetentionMs: Int64
    var mayCompact: Bool
    /// By partition, the largest offset that DeleteRecords was asked to delete up to.
    var deletedUpTo: [Int64]

    init(_ plan: SwarmPlan.Topic) {
        retentionMs = plan.retentionMs
        retentionBytes = plan.retentionBytes
        deleteRetentionMs = plan.deleteRetentionMs
        mayCompact = plan.isCompacted
        deletedUpTo = Array(repeating: 0, count: Int(plan.partitions))
    }

    /// Whether segments go for their size or age.
    var deletesOld: Bool { retentionMs >= 0 || retentionBytes >= 0 }

    /// The settings are about to become these, or not.
    func allow(retentionMs ms: Int64) { retentionMs = retentionMs < 0 ? ms : min(retentionMs, ms) }
    func allow(retentionBytes bytes: Int64) {
        retentionBytes = retentionBytes < 0 ? bytes : min(retentionBytes, bytes)
    }
}
