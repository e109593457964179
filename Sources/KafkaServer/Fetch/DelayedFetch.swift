// SPDX-License-Identifier: Apache-2.0
internal import KafkaProtocol
internal import KafkaReplication
internal import KafkaRuntime
internal import Synchronization

/// A fetch that waits until its partitions have gathered `minBytes`, or until its deadline.
///
/// Lives on the reactor of its connection; producers on other reactors only add to `gathered` and, when that is
/// enough, send one message over. Completes exactly once.
final class DelayedFetch: PartitionWaiter, ParkedRequest, @unchecked Sendable {
    private let plan: FetchPlan
    private let context: RequestContext
    private let ticket: ReplyTicket<FetchResponse>
    /// Bytes seen so far, by the first reading and by what producers reported since.
    private let gathered: Atomic<Int>
    private let isNotified = Atomic<Bool>(false)
    // Touched on the reactor only.
    private var isDone = false
    private var timer: TimerToken?
    private var watched: [Partition] = []

    private init(
        _ plan: FetchPlan, _ context: RequestContext, _ ticket: ReplyTicket<FetchResponse>, bytesSeen: Int
    ) {
        self.plan = plan
        self.context = context
        self.ticket = ticket
        gathered = Atomic(bytesSeen)
    }

    /// Parks the fetch. Called on the reactor.
    static func park(
        _ plan: FetchPlan, _ context: RequestContext, _ ticket: ReplyTicket<FetchResponse>, bytesSeen: Int
    ) {
        let fetch = DelayedFetch(plan, context, ticket, bytesSeen: bytesSeen)
        context.broker.metrics?.waitingFetches.add(1, ordering: .relaxed)
        ticket.park(fetch)
        fetch.timer = context.queue.schedule(after: plan.maxWait) { fetch.complete() }
        // A request may name a partition again and again, and every waiter costs each of its appends.
        var watched: Set<ObjectIdentifier> = []
        for request in plan.partitions {
            let key = request.key
            guard let topic = context.broker.replicas.topic(name: key.topicName, id: key.topicID),
                let partition = topic.partition(key.partition)
            else { return fetch.complete() }
            if plan.partitions.count > 1, !watched.insert(ObjectIdentifier(partition)).inserted { continue }
            guard partition.add(fetch) else { return fetch.complete() }
            fetch.watched.append(partition)
        }
        // What was produced between the first reading and the registration was reported to nobody.
        fetch.completeIfEnough()
    }

    func partitionAdvanced(by bytes: Int) {
        let total = gathered.add(bytes, ordering: .relaxed).newValue
        guard total >= plan.minBytes else { return }
        wake()
    }

    func partitionLost() {
        gathered.store(.max / 2, ordering: .relaxed)
        wake()
    }

    func answerNow() { complete() }

    func abandon() { finish() }

    private func wake() {
        guard !isNotified.exchange(true, ordering: .acquiringAndReleasing) else { return }
        context.queue.async { [self] in
            isNotified.store(false, ordering: .releasing)
            completeIfEnough()
        }
    }

    private func completeIfEnough() {
        guard !isDone else { return }
        let reads = FetchReader.read(plan, context)
        let bytes = reads.reduce(0) { $0 + $1.byteCount }
        gathered.store(bytes, ordering: .relaxed)
        if bytes >= plan.minBytes || reads.contains(where: { $0.mustAnswerNow }) { complete(with: reads) }
    }

    private func complete() {
        guard !isDone else { return }
        complete(with: FetchReader.read(plan, context))
    }

    private func complete(with reads: [PartitionRead]) {
        finish()
        ticket.complete(FetchAnswer.make(reads, plan, context))
    }

    private func finish() {
        if isDone { return }
        isDone = true
        context.broker.metrics?.waitingFetches.subtract(1, ordering: .relaxed)
        if let timer { context.queue.cancel(timer) }
        for partition in watched { partition.remove(self) }
        watched = []
    }
}
