// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
package import KafkaProtocol
internal import KafkaRecords
internal import KafkaReplication
internal import KafkaRuntime
internal import KafkaStorage
internal import Logging

/// Produce (key 0): appends record batches to partitions.
/// v0 message set format 0 · v1 throttle time · v2 append time, message format 1 · v3 transactional id, batch format 2
/// · v5 log start offset · v7 zstd · v8 errors per record · v9 flexible · v13 topic id. Versions 0 to 2 are served too, unlike
/// by Apache Kafka 4; their messages are converted to batches.
/// Not served: transactional batches.
package enum ProduceHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...13

    /// Versions whose records field must hold batches of format 2.
    private static let firstBatchVersion: Int16 = 3
    private static let firstZstdVersion: Int16 = 7
    private static let firstTopicIDVersion: Int16 = 13

    package static func handle(
        _ request: ProduceRequest, _ context: RequestContext, _ ticket: () -> ReplyTicket<ProduceResponse>
    ) -> Reply<ProduceResponse> {
        let wrongAcks = !(-1...1).contains(request.acks)
        let now = context.broker.runtime.clock.wallMilliseconds
        var failed: ErrorCode?
        var unsynced: [ProduceSync.Unsynced] = []
        var response = ProduceResponse()
        response.responses.reserveCapacity(request.topicData.count)
        for topic in request.topicData {
            let known = context.broker.replicas.topic(name: topic.name, id: topic.topicID)
            var answered = ProduceResponse.TopicProduceResponse(name: topic.name, topicID: topic.topicID)
            answered.partitionResponses.reserveCapacity(topic.partitionData.count)
            for data in topic.partitionData {
                let partition = known?.partition(data.index)
                let outcome: Result<Partition.Appended, PartitionFault> =
                    wrongAcks
                    ? .failure(.init(.invalidRequiredAcks)) : append(data, to: known, partition, context, now: now)
                switch outcome {
                case .failure(let fault):
                    failed = fault.code
                    count(refused: data, of: known, context)
                case .success(let appended):
                    known?.counters?.appended(
                        records: appended.info.lastOffset - appended.info.firstOffset + 1,
                        bytes: appended.info.byteCount)
                    guard appended.mustSync, let partition else { break }
                    unsynced.append(
                        .init(
                            partition: partition, endOffset: appended.info.lastOffset + 1,
                            place: (response.responses.count, answered.partitionResponses.count)))
                }
                answered.partitionResponses.append(Self.response(data.index, outcome, context))
            }
            response.responses.append(answered)
        }
        guard request.acks != 0 else {
            for one in unsynced {
                one.partition.sync(upTo: one.endOffset, on: context.broker.runtime.queues) { _ in }
            }
            // The client reads no answer; the closed connection is how it notices and asks for metadata again.
            return failed.map { .close(reason: "Produce with acks=0 failed: \($0)") } ?? .none
        }
        guard !unsynced.isEmpty else { return .answer(response) }
        ProduceSync.begin(unsynced, response, ticket(), context)
        return .later
    }

    // MARK: One partition

    private static func append(
        _ request: ProduceRequest.PartitionProduceData, to topic: ReplicaManager.Topic?, _ partition: Partition?,
        _ context: RequestContext, now: Int64
    ) -> Result<Partition.Appended, PartitionFault> {
        guard let topic else {
            return .failure(.init(context.version >= firstTopicIDVersion ? .unknownTopicID : .unknownTopicOrPartition))
        }
        if topic.isInternal {
            return .failure(
                .init(.invalidTopicException, message: "Cannot append to internal topic \(topic.name)"))
        }
        guard let partition else {
            return .failure(.init(topic.faultForMissing(request.index)))
        }
        guard case .borrowed(let bytes) = request.records else {
            return .failure(.init(.invalidRecord, message: "Produce requests with null records are not allowed"))
        }
        if let fault = formatFault(bytes, context.version) { return .failure(fault) }
        return partition.append(
            UnsafeMutableRawBufferPointer(mutating: bytes), origin: .client, now: now, group: context.appendGroup)
    }

    private static func count(
        refused data: ProduceRequest.PartitionProduceData, of topic: ReplicaManager.Topic?, _ context: RequestContext
    ) {
        guard let metrics = context.broker.metrics else { return }
        let counters = topic?.counters ?? metrics.topics.unknown
        if case .borrowed(let bytes) = data.records {
            counters.refused(bytes: bytes.count)
        } else {
            counters.refused(bytes: 0)
        }
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
        guard let header = try? RecordBatchHeader(parsing: bytes) else { return nil }
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

    // MARK: Answers

    private static func response(
        _ index: Int32, _ outcome: Result<Partition.Appended, PartitionFault>, _ context: RequestContext
    ) -> ProduceResponse.PartitionProduceResponse {
        switch outcome {
        case .success(let appended):
            let info = appended.info
            return .init(
                index: index, baseOffset: info.firstOffset, logAppendTimeMs: info.logAppendTime,
                logStartOffset: info.logStartOffset)
        case .failure(let fault): return refusal(index, fault, context)
        }
    }

    static func refusal(
        _ index: Int32, _ fault: PartitionFault, _ context: RequestContext
    ) -> ProduceResponse.PartitionProduceResponse {
        if fault.code == .unknownServerError || fault.code == .kafkaStorageError {
            context.broker.log.error("append failed", metadata: ["reason": "\(fault.message ?? fault.code.name)"])
        }
        return .init(
            index: index, errorCode: fault.code.rawValue, baseOffset: -1, logAppendTimeMs: -1, logStartOffset: -1,
            recordErrors: fault.recordErrors.map {
                .init(batchIndex: $0.index, batchIndexErrorMessage: $0.defect.description)
            },
            errorMessage: fault.message)
    }
}
