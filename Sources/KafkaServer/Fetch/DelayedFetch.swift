// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaProtocol
internal import KafkaReplication
internal import KafkaRuntime
internal import Synchronization

/// A fetch that waits until its partitions have gathered `minBytes`, or until its deadline.
///
/// Lives on the reactor of its connection; producers on other reactors only add to `gathered` and, when that is
/// enough, send one message over. Completes exactly once.
final class DelayedFetch: PartitionWaiter, ParkedRequest, @unchecked Sendable {
    /// What says which partitions are read.
    private enum Source {
        /// The request's body, copied.
        case request([UInt8])
        case session(JoinedSession)
    }

    private let source: Source
    private let limits: FetchLimits
    private let quota: RequestQuota?
    private let place: ReservedPlace
    private let broker: BrokerContext
    /// Bytes seen so far, by the first reading and by what producers reported since.
    private let gathered: Atomic<Int>
    private let isNotified = Atomic<Bool>(false)
    // Touched on the reactor only.
    private var isDone = false
    private var timer: TimerToken?
    private var watched: [Partition] = []

    private init(
        _ source: Source, _ limits: FetchLimits, _ quota: RequestQuota?, _ place: ReservedPlace, bytesSeen: Int,
        _ broker: BrokerContext
    ) {
        self.source = source
        self.limits = limits
        self.quota = quota
        self.place = place
        self.broker = broker
        gathered = Atomic(bytesSeen)
    }

    /// Parks the fetch. Called on the reactor.
    static func park(
        _ joined: JoinedSession?, _ request: FetchRequestHead, _ limits: FetchLimits, _ quota: RequestQuota?,
        at place: ReservedPlace, bytesSeen: Int, _ broker: BrokerContext
    ) {
        let source = joined.map { Source.session($0) } ?? .request([UInt8](request.bytes))
        let fetch = DelayedFetch(source, limits, quota, place, bytesSeen: bytesSeen, broker)
        place.park(fetch)
        broker.metrics?.waitingFetches.add(1, ordering: .relaxed)
        fetch.timer = place.queue.schedule(after: limits.maxWait) { fetch.complete() }
        guard let partitions = fetch.partitions(request), fetch.watch(partitions) else { return fetch.complete() }
        // What was produced between the first reading and the registration was reported to nobody.
        fetch.completeIfEnough()
    }

    /// What is read, each partition once; nil when one has gone meanwhile.
    private func partitions(_ request: FetchRequestHead) -> [Partition]? {
        var partitions: [Partition] = []
        // A request may name a partition again and again, and every waiter costs each of its appends.
        var seen: Set<ObjectIdentifier> = []
        var isWhole = true
        func add(_ partition: Partition?) {
            guard let partition else { return isWhole = false }
            if seen.insert(ObjectIdentifier(partition)).inserted { partitions.append(partition) }
        }
        // The request was read whole when it was answered first: it cannot fail now.
        try? forEachPartition(request, add)
        return isWhole ? partitions : nil
    }

    private func forEachPartition(_ request: FetchRequestHead, _ body: (Partition?) -> Void) throws(WireError) {
        let replicas = broker.replicas
        if case .session(let joined) = source {
            return try joined.session.withPartitions { (partitions) throws(WireError) in
                for turn in 0..<partitions.count {
                    let key = partitions[turn].key
                    body(replicas.topic(name: key.topicName, id: key.topicID)?.partition(key.partition))
                }
            }
        }
        var walk = request.walk()
        while let named = try walk.nextTopic() {
            let topic = replicas.topic(name: named.name, id: named.id)
            while let asked = try walk.nextPartition() { body(topic?.partition(asked.index)) }
        }
    }

    private func watch(_ partitions: [Partition]) -> Bool {
        for partition in partitions {
            guard partition.add(self) else { return false }
            watched.append(partition)
        }
        return true
    }

    func partitionAdvanced(by bytes: Int) {
        let total = gathered.add(bytes, ordering: .relaxed).newValue
        guard total >= limits.minBytes else { return }
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
        place.queue.async { [self] in
            isNotified.store(false, ordering: .releasing)
            completeIfEnough()
        }
    }

    private func completeIfEnough() { answer(evenWhereTooLittle: false) }

    private func complete() { answer(evenWhereTooLittle: true) }

    private func answer(evenWhereTooLittle: Bool) {
        guard !isDone else { return }
        let limits = evenWhereTooLittle ? limits.withoutWaiting : limits
        place.answer { (buffer) throws(WireError) in
            var attempt = FetchAttempt(limits, quota?.beginningAgain)
            switch source {
            case .session(let joined): try attempt.write(joined, broker, into: &buffer)
            case .request(let bytes):
                let written = bytes.withUnsafeBytes { bytes in
                    Result { () throws(WireError) in
                        let request = try FetchRequestHead(bytes, version: limits.version)
                        var recent = ReplicaManager.RecentTopic()
                        try attempt.write(request, broker, recent: &recent, into: &buffer)
                    }
                }
                try written.get()
            }
            gathered.store(attempt.byteCount, ordering: .relaxed)
            guard attempt.isEnough else { return .withheld }
            finish()
            return .complete
        }
    }

    private func finish() {
        if isDone { return }
        isDone = true
        broker.metrics?.waitingFetches.subtract(1, ordering: .relaxed)
        if let timer { place.queue.cancel(timer) }
        for partition in watched { partition.remove(self) }
        watched = []
    }
}
