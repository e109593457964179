// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaMetadata
import KafkaProtocol
import KafkaRaft
import KafkaRecords
import Testing

/// A node's metadata in memory: raft node, log, snapshots, controller and published image, driven by effects.
///
/// `crash` forgets what was not made durable, `stop` nothing.
private struct MetadataNode {
    /// What would be on disk. A write is durable when it was flushed; `quorum-state` and snapshots always are.
    struct Disk {
        var quorumState: [UInt8]?
        var log: [RaftBatch] = []
        var durableEndOffset: Int64 = 0
        var logStartOffset: Int64 = 0
        var snapshots: [SnapshotID: [UInt8]] = [:]
        var bootstrap: [UInt8] = []
    }

    var disk: Disk
    var raft: RaftNode
    var controller: Controller?
    var replay = MetadataReplay()
    /// What brokers may see: the images after appended batches, the committed one first.
    var images: [(endOffset: Int64, image: MetadataImage)] = [(0, .empty)]
    var committedImage: MetadataImage { images[0].image }
    var now: Int64
    private var committedOffset: Int64 = 0
    private var generator = SeededGenerator(seed: 1)

    static func formatted() throws -> Disk {
        var disk = Disk()
        disk.bootstrap = try SnapshotWriter.snapshot(
            of: try BootstrapMetadata.standard.encodedRecords(), epoch: 0, timestamp: 1, lastContainedTimestamp: 0)
        return disk
    }

    init(_ disk: Disk, now: Int64) throws {
        self.disk = disk
        self.now = now
        var recovered = RaftNode.Recovered()
        recovered.quorumState = try disk.quorumState.map { try QuorumState(decoding: $0) }
        recovered.logStartOffset = disk.logStartOffset
        recovered.logEndOffset = disk.log.last.map { $0.lastOffset + 1 } ?? 0
        recovered.logEpoch = disk.log.last?.epoch
        for (id, bytes) in disk.snapshots.sorted(by: { $0.key < $1.key }) {
            recovered.snapshots.append(
                StoredSnapshot(id: id, size: Int64(bytes.count), lastContainedTimestamp: 0))
        }
        var configuration = RaftNode.Configuration(
            nodeID: 1, directoryID: KafkaUUID(high: 1, low: 1_000), staticVoters: [1])
        configuration.snapshots.bytesBetweenSnapshots = 2_000
        configuration.snapshots.retentionBytes = 3_000
        raft = try RaftNode(configuration, recovered: recovered)
        try loadSnapshot(recovered.snapshots.last?.id)
        try perform(try raft.start(now: now))
    }

    private mutating func loadSnapshot(_ id: SnapshotID?) throws {
        guard let id, let bytes = disk.snapshots[id] else { return }
        for value in try SnapshotReader.values(in: bytes, id: id) {
            try value.withUnsafeBytes { try replay.replay(MetadataRecord(decoding: $0), offset: -1) }
        }
        replay.finishBatch(lastOffset: id.endOffset - 1, epoch: id.epoch, timestamp: 0)
        committedOffset = id.endOffset
    }

    private mutating func perform(_ effects: [RaftEffect]) throws {
        for effect in effects {
            switch effect {
            case .persistQuorumState(let state, let version): disk.quorumState = state.encoded(kraftVersion: version)
            case .resetLog(let offset):
                disk.log = []
                disk.logStartOffset = offset
            case .append(let batch): disk.log.append(batch)
            case .flush(let offset):
                disk.durableEndOffset = offset
                try perform(raft.flushed(upTo: offset))
            case .committed(let offset): try committed(offset)
            case .becameLeader: try activate()
            case .lostLeadership: controller = nil
            case .takeSnapshot(let id, let timestamp): try takeSnapshot(id, timestamp)
            case .advanceLogStart(let offset):
                disk.logStartOffset = offset
                disk.log.removeAll { $0.lastOffset < offset }
            case .deleteSnapshots(let ids): for id in ids { disk.snapshots[id] = nil }
            }
        }
    }

    private mutating func committed(_ offset: Int64) throws {
        var bytes: Int64 = 0
        for batch in disk.log where batch.baseOffset >= committedOffset && batch.lastOffset < offset {
            bytes += Int64(batch.bytes.count)
            if controller == nil { try replayBatch(batch) }
        }
        committedOffset = offset
        if controller != nil {
            images.removeFirst(images.prefix { $0.endOffset <= offset }.count - 1)
        } else {
            images = [(offset, replay.visibleImage)]
        }
        let image = committedImage.provenance
        try perform(
            raft.applied(
                upTo: image.offset + 1, epoch: image.epoch, bytes: bytes, timestamp: image.timestamp, now: now))
    }

    private mutating func replayBatch(_ batch: RaftBatch) throws {
        try batch.bytes.withUnsafeBytes { bytes in
            var reader = RaftBatchReader(bytes)
            while let batch = try reader.next() {
                if !batch.isControl {
                    var records: [(MetadataRecord, Int64)] = []
                    var failure: MetadataError?
                    try batch.forEachValue { (value, offset) throws(RaftError) in
                        do throws(MetadataError) {
                            records.append((try MetadataRecord(decoding: value), offset))
                        } catch { failure = error }
                    }
                    if let failure { throw failure }
                    for (record, offset) in records { try replay.replay(record, offset: offset) }
                }
                replay.finishBatch(
                    lastOffset: batch.header.lastOffset, epoch: batch.epoch, timestamp: batch.timestamp)
            }
        }
    }

    private mutating func activate() throws {
        var settings = ControllerSettings(nodeID: 1, clusterID: TestCluster.clusterID)
        settings.defaultPartitionCount = 3
        controller = Controller(settings, state: replay, now: now)
        let records = try SnapshotReader.values(in: disk.bootstrap, id: nil).map { value in
            try value.withUnsafeBytes { try MetadataRecord(decoding: $0) }
        }
        let bootstrap = BootstrapMetadata(records: records) ?? .standard
        try append(bootstrap.activationRecords(replay).records, at: bootstrap.metadataVersion)
    }

    mutating func append(_ records: [MetadataRecord], at version: MetadataVersion? = nil, flushing: Bool = true) throws
    {
        guard !records.isEmpty, var controller else { return }
        let version = version ?? controller.image.metadataVersion
        var effects: [RaftEffect] = []
        let base = raft.logEndOffset
        let end = try raft.append(
            try records.map { try $0.encoded(at: version) }, .oneBatch, now: now, into: &effects)
        try controller.replay(records, baseOffset: base, epoch: raft.epoch, timestamp: now)
        images.append((end, controller.visibleImage))
        self.controller = controller
        try perform(
            flushing ? effects : effects.filter { if case .flush = $0 { false } else { true } })
    }

    mutating func createTopic(_ name: String, flushing: Bool = true) throws {
        guard let controller else { return }
        var generator = self.generator
        let request = CreateTopicsRequest(topics: [.init(name: name, numPartitions: -1, replicationFactor: 1)])
        let result = controller.createTopics(request, schema: TestSchema()) { generator.next() }
        self.generator = generator
        #expect(result.response.topics.map(\.errorCode) == [0])
        try append(result.records, flushing: flushing)
    }

    mutating func startBroker(incarnation: UInt64) throws {
        let cluster = try TestCluster(brokers: [])
        guard var active = controller else { return }
        let registration = active.registerBroker(
            cluster.registration(1, incarnation: incarnation), nextOffset: raft.logEndOffset, now: now)
        controller = active
        try append(registration.records)
        guard let registered = controller else { return }
        active = registered
        let heartbeat = active.brokerHeartbeat(
            BrokerHeartbeatRequest(
                brokerID: 1, brokerEpoch: registration.response.brokerEpoch,
                currentMetadataOffset: raft.logEndOffset - 1), nextOffset: raft.logEndOffset, now: now)
        controller = active
        try append(heartbeat.records)
    }

    private mutating func takeSnapshot(_ id: SnapshotID, _ timestamp: Int64) throws {
        let image = committedImage
        #expect(image.provenance.offset + 1 == id.endOffset)
        let bytes = try SnapshotWriter.snapshot(
            of: try image.encodedRecords(), epoch: id.epoch, timestamp: now, control: raft.control,
            lastContainedTimestamp: timestamp)
        disk.snapshots[id] = bytes
        try perform(
            raft.snapshotWritten(
                StoredSnapshot(id: id, size: Int64(bytes.count), lastContainedTimestamp: timestamp), now: now))
    }

    /// What a power failure leaves.
    func crashed() -> Disk {
        var disk = self.disk
        disk.log.removeAll { $0.lastOffset >= disk.durableEndOffset }
        return disk
    }
}

@Suite struct MetadataLogTests {
    @Test func `a formatted node starts, keeps its topics over crashes and cuts its log by snapshots`() throws {
        var disk = try MetadataNode.formatted()
        var expected: [String] = []
        for start in 0..<12 {
            var node = try MetadataNode(disk, now: Int64(start) * 1_000)
            #expect(node.raft.epoch == Int32(start) + 1)
            #expect(node.raft.isActiveLeader)
            #expect(node.committedImage.metadataVersion == .latestStable)
            #expect(node.committedImage.topics.names == expected)
            try node.startBroker(incarnation: UInt64(start) + 1)
            for index in 0..<5 {
                let name = "topic-\(start)-\(index)"
                try node.createTopic(name)
                expected.append(name)
            }
            expected.sort()
            #expect(node.committedImage.topics.names == expected)
            let partition = node.committedImage.topics.partition(TopicPartition(topic: expected[0], partition: 2))
            #expect(partition?.leader == 1)
            try node.createTopic("lost-\(start)", flushing: false)
            #expect(node.committedImage.topics.names == expected)
            disk = node.crashed()
        }
        #expect(disk.snapshots.count < 4)
        #expect(disk.logStartOffset > 0)
    }

    @Test func `snapshot and log make the same image as the log alone`() throws {
        var disk = try MetadataNode.formatted()
        for start in 0..<6 {
            var node = try MetadataNode(disk, now: Int64(start) * 1_000)
            try node.startBroker(incarnation: UInt64(start) + 1)
            for index in 0..<4 { try node.createTopic("t-\(start)-\(index)") }
            let image = try node.committedImage.encodedRecords()
            disk = node.crashed()
            let restarted = try MetadataNode(disk, now: Int64(start) * 1_000)
            #expect(try restarted.committedImage.encodedRecords() == image)
        }
        #expect(!disk.snapshots.isEmpty)
    }

    @Test func `two runs of the same inputs leave the same bytes`() throws {
        func run() throws -> MetadataNode.Disk {
            var node = try MetadataNode(try MetadataNode.formatted(), now: 5)
            try node.startBroker(incarnation: 1)
            for index in 0..<50 { try node.createTopic("topic-\(index)") }
            return node.disk
        }
        let first = try run()
        let second = try run()
        #expect(first.log == second.log)
        #expect(first.snapshots == second.snapshots)
        #expect(first.quorumState == second.quorumState)
    }
}
