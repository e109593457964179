// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaProtocol
internal import KafkaRecords
internal import KafkaReplication
internal import KafkaRuntime
internal import KafkaStorage

/// Turns what was read into an answer: batches stay where they lie in their segment files, except for versions
/// before 4, which get them converted.
enum FetchAnswer {
    typealias PartitionData = FetchResponse.PartitionData

    /// About what a partition takes in an answer besides its records, in bytes.
    private static let partitionOverhead = 60

    static func make(
        _ reads: [PartitionRead], _ plan: FetchPlan, _ context: RequestContext
    ) -> Answer<FetchResponse> {
        if let quota = context.quota, let throttled = throttled(reads, plan, quota, context) { return throttled }
        return make(reads, plan)
    }

    /// The empty answer to a client above its quota (KIP-219); nil where it is within.
    private static func throttled(
        _ reads: [PartitionRead], _ plan: FetchPlan, _ quota: RequestQuota, _ context: RequestContext
    ) -> Answer<FetchResponse>? {
        let throttle = quota.chargeFetch(bytes: reads.reduce(0) { $0 + $1.byteCount + partitionOverhead })
        guard throttle > 0 else { return nil }
        guard let session = plan.session, plan.isIncremental else {
            // A session would begin with an answer that names every partition, so the client must ask for it again.
            if let session = plan.session { context.broker.fetchSessions.remove(session.id) }
            return Answer(FetchResponse(), throttle: throttle)
        }
        return Answer(
            FetchResponse(sessionID: session.partitionCount == 0 ? 0 : session.id), throttle: throttle)
    }

    private static func make(_ reads: [PartitionRead], _ plan: FetchPlan) -> Answer<FetchResponse> {
        var topics: [FetchResponse.FetchableTopicResponse] = []
        var files: [FileSlice] = []
        for read in reads {
            let key = read.request.key
            let counters = read.counters ?? plan.unknownTopics
            counters?.fetched(bytes: read.byteCount, isError: read.error != .none)
            if let session = plan.session {
                let told = FetchPartitionTold(
                    highWatermark: read.highWatermark, lastStableOffset: read.lastStableOffset,
                    logStartOffset: read.logStartOffset)
                let hasData = read.byteCount > 0 || read.diverging != nil
                let mustTell = session.mustTell(key, told, hasData: hasData, isError: read.error != .none)
                if plan.isIncremental, !mustTell { continue }
            }
            let data = partitionData(read, plan, &files)
            if let last = topics.last, last.topic == key.topicName, last.topicID == key.topicID {
                topics[topics.count - 1].partitions.append(data)
            } else {
                topics.append(.init(topic: key.topicName, topicID: key.topicID, partitions: [data]))
            }
        }
        let response = FetchResponse(
            sessionID: plan.session.map { $0.partitionCount == 0 ? 0 : $0.id } ?? 0, responses: topics)
        return Answer(response, files: files)
    }

    private static func partitionData(
        _ read: PartitionRead, _ plan: FetchPlan, _ files: inout [FileSlice]
    ) -> PartitionData {
        var data = PartitionData(
            partitionIndex: read.request.key.partition, errorCode: read.error.rawValue,
            highWatermark: read.highWatermark, lastStableOffset: read.lastStableOffset,
            logStartOffset: read.logStartOffset)
        if let diverging = read.diverging {
            data.divergingEpoch = .init(epoch: diverging.epoch, endOffset: diverging.endOffset)
        }
        // Consumers that read uncommitted data get null, those that read committed data a list (KIP-98).
        data.abortedTransactions =
            plan.isolation == .lastStable
            ? (read.range?.abortedTransactions ?? []).map {
                .init(producerID: $0.producerID, firstOffset: $0.firstOffset)
            } : nil
        attachRecords(read, plan, &data, &files)
        return data
    }

    private static func attachRecords(
        _ read: PartitionRead, _ plan: FetchPlan, _ data: inout PartitionData, _ files: inout [FileSlice]
    ) {
        guard let range = read.range, let file = range.file, range.count > 0 else {
            data.records = .owned([])
            return
        }
        guard plan.version < 4 else {
            data.records = .spliced(range.count)
            files.append(FileSlice(file: file, offset: range.position, count: range.count))
            return
        }
        let converted = OldFormatConversion.convert(
            range, of: read.partition?.log, from: read.request.fetchOffset, maxBytes: Int(read.request.maxBytes),
            forVersion: plan.version)
        switch converted {
        case .success(let bytes): data.records = .owned(bytes)
        case .failure(let fault):
            data.errorCode = fault.code.rawValue
            data.records = .owned([])
        }
    }
}
