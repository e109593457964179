// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaRuntime

/// What a sync of a partition's log came to.
enum SyncOutcome: Sendable {
    case durable(below: Int64)
    case failed(PartitionFault)

    /// What somebody is told who waited for everything below `endOffset`; nil where it is durable.
    func fault(below endOffset: Int64) -> PartitionFault? {
        switch self {
        case .durable(let point) where endOffset <= point: nil
        // The log was cut back meanwhile, as only that of a follower is.
        case .durable: PartitionFault(.notLeaderOrFollower)
        case .failed(let fault): fault
        }
    }
}

/// Who waits for everything below `endOffset` to be durable.
struct SyncWaiter: Sendable {
    let endOffset: Int64
    let complete: @Sendable (PartitionFault?) -> Void
}

/// Those who are told on the same queue: by one piece of work, so that a reactor wakes up, and its answers go out, once a
/// sync.
struct SyncWaiters: Sendable {
    /// nil: on the thread that made the sync.
    let queue: (any SerialQueue)?
    var list: [SyncWaiter]

    func tell(_ outcome: SyncOutcome) {
        guard let queue else { return complete(outcome) }
        queue.async { complete(outcome) }
    }

    private func complete(_ outcome: SyncOutcome) {
        for waiter in list { waiter.complete(outcome.fault(below: waiter.endOffset)) }
    }
}
