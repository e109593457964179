// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaCoordination
internal import KafkaRecords

/// One thing that a client wants of a shard: how it is decided, and who gets the answer.
struct GroupOperation<Response: Sendable>: Sendable {
    enum Kind: Sendable {
        /// A commit of offsets: decided by the members of its group, not by other commits.
        case commit
        case other
    }

    typealias Decision = @Sendable (inout GroupCoordinatorShard, GroupRequestContext) -> GroupOutcome<Response>

    var kind = Kind.other
    let version: Int16
    let client: ClientIdentity
    let decide: Decision
    let complete: @Sendable (Response) -> Void
    /// Answers with an error: the shard is not there, or its log does not take the change.
    let refuse: @Sendable (ErrorCode) -> Void
    /// Remembers the request under its token until other members let it be answered.
    var park: @Sendable (GroupShardRuntime, RequestToken) -> Void = { _, _ in
        preconditionFailure("only JoinGroup and SyncGroup wait for others")
    }
}

extension GroupOutcome {
    /// For whoever only writes and performs it.
    var withoutReply: GroupOutcome<Void> {
        var outcome = GroupOutcome<Void>(.now(()), records: records, effects: effects, ticket: ticket)
        outcome.isAtomic = isAtomic
        return outcome
    }
}

extension GroupShardRuntime {
    /// What was decided and is not in the log yet.
    struct Gathered {
        let outcome: GroupOutcome<Void>
        let encoded: [EncodedRecord]
        /// Why the records cannot be written.
        let fault: WireError?
        /// About what the records add to a batch.
        let bytes: Int
        let cause: GroupChangeCause
        /// Sends the reply, if there is one.
        let answer: () -> Void
        let fail: (ErrorCode) -> Void

        init(
            _ outcome: GroupOutcome<Void>, cause: GroupChangeCause = .other, answer: @escaping () -> Void,
            fail: @escaping (ErrorCode) -> Void
        ) {
            self.outcome = outcome
            self.cause = cause
            var encoded: [EncodedRecord] = []
            encoded.reserveCapacity(outcome.records.count)
            var fault: WireError?
            do throws(WireError) {
                for record in outcome.records { encoded.append(try record.encoded()) }
            } catch {
                fault = error
            }
            self.encoded = encoded
            self.fault = fault
            bytes = encoded.reduce(0) { $0 + Self.size(of: $1) }
            self.answer = answer
            self.fail = fail
        }

        static func size(of record: EncodedRecord) -> Int {
            RecordBatchBuilder.recordSizeMax(keySize: record.key.count, valueSize: record.value?.count ?? 0)
        }
    }
}
