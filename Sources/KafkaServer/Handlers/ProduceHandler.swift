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
/// · v5 log start offset · v7 zstd · v8 errors per record · v9 flexible · v13 topic id. Versions 0 to 2 are served too, unlike by Apache Kafka 4; their messages are converted to batches.
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
        let responses = request.topicData.map { topic in
            let known = context.broker.replicas.topic(name: topic.name, id: topic.topicID)
            return ProduceResponse.TopicProduceResponse(
                name: topic.name, topicID: topic.topicID,
                partitionResponses: topic.partitionData.map { partition in
                    let outcome: Result<AppendInfo, PartitionFault>
                    if wrongAcks {
                        outcome = .failure(.init(.invalidRequiredAcks))
                    } else {
                        outcome = append(partition, to: known, topic, context, now: now)
                    }
                    if case .failure(let fault) = outcome { failed = fault.code }
                    return response(partition.index, outcome, context)
                })
        }
        if request.acks == 0 {
            // The client reads no answer; the closed connection is how it notices and asks for metadata again.
            if let failed { return .close(reason: "Produce with acks=0 failed: \(failed)") }
            return .none
        }
        return .answer(ProduceResponse(responses: responses))
    }

    // MARK: One partition

    private static func append(
        _ request: ProduceRequest.PartitionProduceData, to topic: ReplicaManager.Topic?,
        _ named: ProduceRequest.TopicProduceData, _ context: RequestContext, now: Int64
    ) -> Result<AppendInfo, PartitionFault> {
        guard let topic else {
            return .failure(.init(context.version >= firstTopicIDVersion ? .unknownTopicID : .unknownTopicOrPartition))
        }
        if topic.isInternal {
            return .failure(
                .init(.invalidTopicException, message: "Cannot append to internal topic \(topic.name)"))
        }
        guard let partition = topic.partition(request.index) else {
            return .failure(.init(topic.faultForMissing(request.index)))
        }
        guard case .borrowed(let bytes) = request.records else {
            return .failure(.init(.invalidRecord, message: "Produce requests with null records are not allowed"))
        }
        if let fault = formatFault(bytes, context.version) { return .failure(fault) }
        return partition.append(UnsafeMutableRawBufferPointer(mutating: bytes), origin: .client, now: now)
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
        _ index: Int32, _ outcome: Result<AppendInfo, PartitionFault>, _ context: RequestContext
    ) -> ProduceResponse.PartitionProduceResponse {
        switch outcome {
        case .success(let info):
            return .init(
                index: index, baseOffset: info.firstOffset, logAppendTimeMs: info.logAppendTime,
                logStartOffset: info.logStartOffset)
        case .failure(let fault):
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
}
