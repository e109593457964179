// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaProtocol
internal import KafkaRecords
internal import KafkaReplication
internal import KafkaRuntime
internal import KafkaStorage

/// An attempt to answer a fetch: reads one partition after the other and writes the answer as it goes. Whether the answer
/// is enough, or the fetch has to wait, shows in the end.
///
/// Batches stay where they lie in their segment files, except for versions before 4, which get them converted.
struct FetchAttempt: ~Copyable {
    private let limits: FetchLimits
    /// nil while no quotas are set for anybody.
    private let quota: RequestQuota?
    private var response: FetchResponseWriter
    /// What the partitions to come may still add, in bytes.
    private var left: Int
    /// The first batch always comes whole (version 3 on). Earlier versions had hard limits; their batches are converted,
    /// which needs them whole as well.
    private var needsOne = true
    private var isEmpty = true
    private var mustAnswerNow = false
    /// Bytes of records found.
    private(set) var byteCount = 0
    private var partitionCount = 0
    /// Whether the request turned out to come from another broker, so that what was written is no answer to it.
    private(set) var isForReplica = false
    /// The topic of a session that is read now.
    private var sessionTopic = ReplicaManager.RecentTopic()
    /// Milliseconds that the client must wait first, which has the answer empty (KIP-219).
    private var throttle: Int64 = 0
    /// About what a partition takes in an answer besides its records, in bytes.
    private static let partitionOverhead = 60

    init(_ limits: FetchLimits, _ quota: RequestQuota?) {
        self.limits = limits
        self.quota = quota
        response = FetchResponseWriter(version: limits.version)
        left = limits.maxBytes
    }

    /// Whether the client need not wait, or would wait for nothing.
    var isEnough: Bool {
        limits.maxWait <= 0 || byteCount >= limits.minBytes || isEmpty || mustAnswerNow
    }

    /// Writes the body of the answer to a request without a session, while it reads the request: each partition where the
    /// request has it.
    mutating func write(
        _ request: FetchRequestHead, _ broker: BrokerContext, recent: inout ReplicaManager.RecentTopic,
        into buffer: inout AnswerBuffer
    ) throws(WireError) {
        response.begin(sessionID: 0, into: &buffer.writer)
        var walk = request.walk()
        while let named = try walk.nextTopic() {
            let topic = broker.replicas.topic(name: named.name, id: named.id, recent: &recent)
            response.beginTopic(named, into: &buffer.writer)
            while let asked = try walk.nextPartition() {
                let read = read(asked, of: topic, broker)
                if buffer.isMeasured { note(read, of: topic, broker, in: &buffer) }
                try write(read, of: asked, into: &buffer)
            }
            response.endTopic(into: &buffer.writer)
        }
        if let replicaID = try walk.finish(), replicaID >= 0 {
            isForReplica = true
            return
        }
        response.end(into: &buffer.writer)
        charge()
        if throttle > 0 { writeEmpty(sessionID: 0, into: &buffer) }
    }

    /// Counts the answer, if it is one, against the client's quotas.
    private mutating func charge() {
        guard let quota, isEnough else { return }
        throttle = quota.chargeFetch(bytes: byteCount + partitionCount * Self.partitionOverhead)
    }

    /// Puts an answer without partitions in place of what was written.
    private func writeEmpty(sessionID: Int32, into buffer: inout AnswerBuffer) {
        buffer.restart()
        buffer.throttle = throttle
        var response = FetchResponseWriter(version: limits.version)
        response.begin(throttleTime: Int32(clamping: throttle), sessionID: sessionID, into: &buffer.writer)
        response.end(into: &buffer.writer)
    }

    /// Writes the body of the answer to a request of a session: its partitions in its own order.
    mutating func write(
        _ joined: JoinedSession, _ broker: BrokerContext, into buffer: inout AnswerBuffer
    ) throws(WireError) {
        try joined.session.withPartitions { (partitions) throws(WireError) in
            try write(&partitions, of: joined.session.id, joined.reply, broker, into: &buffer)
        }
        // The session could only have begun with an answer that names every partition: the client asks for it again.
        if throttle > 0, joined.reply == .full { broker.fetchSessions.remove(joined.session.id) }
    }

    private mutating func write(
        _ partitions: inout FetchSessionPartitions, of id: Int32, _ reply: FetchSessionReply, _ broker: BrokerContext,
        into buffer: inout AnswerBuffer
    ) throws(WireError) {
        response.begin(sessionID: partitions.count == 0 ? 0 : id, into: &buffer.writer)
        var last: FetchPartitionKey?
        var topic: ReplicaManager.HeldTopic?
        var isTopicOpen = false
        for turn in 0..<partitions.count {
            let (key, asked) = (partitions[turn].key, partitions[turn].asked)
            if last.map({ !key.isOfSameTopic(as: $0) }) ?? true {
                if isTopicOpen { response.endTopic(into: &buffer.writer) }
                isTopicOpen = false
                sessionTopic = .init(broker.replicas.topic(name: key.topicName, id: key.topicID))
                topic = sessionTopic.held
                last = key
            }
            let read = read(asked, of: topic, broker)
            if buffer.isMeasured { note(read, of: topic, broker, in: &buffer) }
            let mustTell = partitions.note(
                turn, read.told, hasData: read.byteCount > 0 || read.diverging != nil, isError: read.error != .none)
            guard mustTell || reply == .full else { continue }
            if !isTopicOpen {
                var name = key.topicName
                name.withUTF8 {
                    response.beginTopic(
                        NamedTopic(name: UnsafeRawBufferPointer($0), id: key.topicID), into: &buffer.writer)
                }
                isTopicOpen = true
            }
            try write(read, of: asked, into: &buffer)
        }
        if isTopicOpen { response.endTopic(into: &buffer.writer) }
        response.end(into: &buffer.writer)
        charge()
        guard throttle > 0 else {
            if isEnough { partitions.commit() }
            return
        }
        let goesOn = reply == .incremental && partitions.count > 0
        writeEmpty(sessionID: goesOn ? id : 0, into: &buffer)
    }

    @inline(__always)
    private mutating func read(
        _ asked: FetchRequestView.Partition, of topic: ReplicaManager.HeldTopic?, _ broker: BrokerContext
    ) -> PartitionRead {
        guard let partition = topic?.partition(asked.index) else {
            isEmpty = false
            partitionCount += 1
            mustAnswerNow = true
            return PartitionRead(error: faultForMissing(asked, of: topic))
        }
        let read = FetchReader.read(asked, of: partition, limits, maxBytes: left, atLeastOne: needsOne, broker)
        isEmpty = false
        partitionCount += 1
        byteCount += read.byteCount
        left = max(0, left - read.byteCount)
        if read.byteCount > 0 { needsOne = false }
        if read.mustAnswerNow { mustAnswerNow = true }
        return read
    }

    private func faultForMissing(_ asked: FetchRequestView.Partition, of topic: ReplicaManager.HeldTopic?) -> ErrorCode
    {
        if let topic { return topic.faultForMissing(asked.index) }
        return limits.version >= 13 ? .unknownTopicID : .unknownTopicOrPartition
    }

    private func note(
        _ read: borrowing PartitionRead, of topic: ReplicaManager.HeldTopic?, _ broker: BrokerContext,
        in buffer: inout AnswerBuffer
    ) {
        buffer.note(
            topic?.counters ?? broker.metrics?.topics.unknown, bytes: read.byteCount, isError: read.error != .none)
        buffer.note(error: read.error.rawValue)
    }

    @inline(__always)
    private mutating func write(
        _ read: borrowing PartitionRead, of asked: FetchRequestView.Partition, into buffer: inout AnswerBuffer
    ) throws(WireError) {
        let partition = FetchResponseWriter.Partition(
            index: asked.index, errorCode: read.error.rawValue, highWatermark: read.told.highWatermark,
            lastStableOffset: read.told.lastStableOffset, logStartOffset: read.told.logStartOffset)
        if read.found == nil, read.diverging == nil {
            response.writeEmpty(partition, committedOnly: limits.isolation == .lastStable, into: &buffer.writer)
        } else {
            try write(partition, read, of: asked, into: &buffer)
        }
    }

    @inline(never)
    private mutating func write(
        _ partition: FetchResponseWriter.Partition, _ read: borrowing PartitionRead,
        of asked: FetchRequestView.Partition, into buffer: inout AnswerBuffer
    ) throws(WireError) {
        var partition = partition
        // Consumers that read uncommitted data get null, those that read committed data a list (KIP-98).
        var aborted: [FetchResponse.AbortedTransaction]? = limits.isolation == .lastStable ? [] : nil
        var records = RecordBytes.owned([])
        if let found = read.found {
            let range = found.range
            if limits.isolation == .lastStable {
                aborted = range.abortedTransactions.map {
                    .init(producerID: $0.producerID, firstOffset: $0.firstOffset)
                }
            }
            if limits.version < 4 {
                let converted = OldFormatConversion.convert(
                    range, of: found.log, from: asked.fetchOffset, maxBytes: Int(asked.maxBytes),
                    forVersion: limits.version)
                switch converted {
                case .success(let bytes): records = .owned(bytes)
                case .failure(let fault): partition.errorCode = fault.code.rawValue
                }
            } else if let file = range.file {
                records = .spliced(range.count)
                buffer.files.append(FileSlice(file: file, offset: range.position, count: range.count))
            }
        }
        try response.write(
            partition, diverging: read.diverging, aborted: aborted, records: records, into: &buffer.writer)
    }
}
