// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaProtocol
internal import KafkaRecords
internal import KafkaReplication
internal import KafkaRuntime
internal import KafkaStorage
internal import Logging

/// The appends that a produce request asks for, one partition after the other. The answer is written as it goes.
struct ProduceAttempt: ~Copyable {
    /// Versions whose records field must hold batches of format 2.
    private static let firstBatchVersion: Int16 = 3
    private static let firstZstdVersion: Int16 = 7
    private static let firstTopicIDVersion: Int16 = 13

    private let request: ProduceRequestView
    /// Milliseconds since 1970.
    private let now: Int64
    private var response: ProduceResponseWriter
    /// Why something was refused, where something was.
    private(set) var failed: ErrorCode?
    /// What must be durable before the answer, as it was written, is true.
    private(set) var unsynced: [ProduceSync.Unsynced] = []

    init(_ request: ProduceRequestView, _ broker: BrokerContext) {
        self.request = request
        now = broker.runtime.clock.wallMilliseconds
        response = ProduceResponseWriter(version: request.version)
    }

    /// Appends everything and writes the body of the answer up to its end, where the throttle time stands.
    ///
    /// - Parameter group: given where further requests came together with this one.
    mutating func append(
        to broker: BrokerContext, group: AppendGroup?, recent: inout ReplicaManager.RecentTopic,
        into buffer: inout AnswerBuffer
    ) throws(WireError) {
        response.begin(into: &buffer.writer)
        var walk = request.walk()
        var topicCount = 0
        while let named = try walk.nextTopic() {
            let topic = broker.replicas.topic(name: named.name, id: named.id, recent: &recent)
            response.beginTopic(named, into: &buffer.writer)
            var partitionCount = 0
            while let data = try walk.nextPartition() {
                let partition = topic?.partition(data.index)
                switch append(data, to: topic, partition, group) {
                case .success(let appended):
                    note(appended, to: topic, partition, place: (topicCount, partitionCount))
                    let info = appended.info
                    response.write(
                        data.index, baseOffset: info.firstOffset, logAppendTime: info.logAppendTime,
                        logStartOffset: info.logStartOffset, into: &buffer.writer)
                case .failure(let fault):
                    note(fault, data, of: topic, broker)
                    buffer.note(error: fault.code.rawValue)
                    try response.write(data.index, .init(fault), into: &buffer.writer)
                }
                partitionCount += 1
            }
            response.endTopic(into: &buffer.writer)
            topicCount += 1
        }
    }

    /// - Parameter throttle: milliseconds that the client must wait.
    mutating func end(throttle: Int64, into buffer: inout AnswerBuffer) {
        buffer.throttle = throttle
        response.end(throttleTime: Int32(clamping: throttle), into: &buffer.writer)
    }

    // MARK: One partition

    private func append(
        _ data: ProduceRequestView.Partition, to topic: ReplicaManager.HeldTopic?, _ partition: Partition?,
        _ group: AppendGroup?
    ) -> Result<Partition.Appended, PartitionFault> {
        guard (-1...1).contains(request.acks) else { return .failure(.init(.invalidRequiredAcks)) }
        guard let topic else {
            return .failure(
                .init(request.version >= Self.firstTopicIDVersion ? .unknownTopicID : .unknownTopicOrPartition))
        }
        if topic.isInternal {
            return .failure(
                .init(.invalidTopicException, message: "Cannot append to internal topic \(topic.name)"))
        }
        guard let partition else { return .failure(.init(topic.faultForMissing(data.index))) }
        guard let bytes = data.records else {
            return .failure(.init(.invalidRecord, message: "Produce requests with null records are not allowed"))
        }
        if let fault = Self.formatFault(bytes, request.version) { return .failure(fault) }
        // The connection lends its buffer to be changed in place.
        return partition.append(
            UnsafeMutableRawBufferPointer(mutating: bytes), origin: .client, now: now, group: group)
    }

    /// What Kafka refuses by the request's version alone: the record format, and zstd before version 7.
    private static func formatFault(_ bytes: UnsafeRawBufferPointer, _ version: Int16) -> PartitionFault? {
        guard bytes.count > RecordBatchHeader.magicPosition else {
            return version >= firstBatchVersion && bytes.isEmpty
                ? PartitionFault(
                    .invalidRecord, message: "Produce requests with version \(version) must have a record batch")
                : nil
        }
        let magic = bytes[RecordBatchHeader.magicPosition]
        guard version >= firstBatchVersion else {
            return magic < 2
                ? nil
                : PartitionFault(
                    .unsupportedForMessageFormat,
                    message: "Produce requests with version \(version) cannot carry record batches of format \(magic)")
        }
        guard magic == 2 else {
            return PartitionFault(
                .invalidRecord,
                message: "Produce requests with version \(version) must carry record batches of format 2")
        }
        guard let header = RecordBatchHeader.glance(at: bytes) else { return nil }
        if header.sizeInBytes < bytes.count {
            return PartitionFault(
                .invalidRecord,
                message: "Produce requests with version \(version) must contain exactly one record batch a partition")
        }
        if header.attributes.isTransactional {
            return PartitionFault(.invalidTxnState, message: "Transactions are not supported by this broker")
        }
        if header.attributes.compression == .zstd, version < firstZstdVersion {
            return PartitionFault(
                .unsupportedCompressionType,
                message: "Produce requests with version \(version) cannot carry batches compressed with zstd")
        }
        return nil
    }

    // MARK: Noting

    private mutating func note(
        _ appended: Partition.Appended, to topic: ReplicaManager.HeldTopic?, _ partition: Partition?,
        place: (topic: Int, partition: Int)
    ) {
        let info = appended.info
        topic?.counters?.appended(records: info.lastOffset - info.firstOffset + 1, bytes: info.byteCount)
        guard appended.mustSync, let partition else { return }
        unsynced.append(.init(partition: partition, endOffset: info.lastOffset + 1, place: place))
    }

    private mutating func note(
        _ fault: PartitionFault, _ data: ProduceRequestView.Partition, of topic: ReplicaManager.HeldTopic?,
        _ broker: BrokerContext
    ) {
        failed = fault.code
        fault.log(to: broker.log)
        guard let metrics = broker.metrics else { return }
        (topic?.counters ?? metrics.topics.unknown).refused(bytes: data.records?.count ?? 0)
    }
}

extension PartitionFault {
    /// Says what is the broker's own failure.
    func log(to log: Logger) {
        guard code == .unknownServerError || code == .kafkaStorageError else { return }
        log.error("append failed", metadata: ["reason": "\(message ?? code.name)"])
    }

    /// The single records that are the reason, as an answer names them.
    var namedRecords: [ProduceResponse.BatchIndexAndErrorMessage] {
        recordErrors.map { .init(batchIndex: $0.index, batchIndexErrorMessage: $0.defect.description) }
    }
}

extension ProduceResponseWriter.Refusal {
    init(_ fault: PartitionFault) {
        self.init(errorCode: fault.code.rawValue, records: fault.namedRecords, message: fault.message)
    }
}
