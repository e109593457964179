// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaRuntime

/// A member of a group that reads nothing and commits ever larger offsets: enters, looks up what is committed, commits and
/// sends heartbeats, and now and then leaves, restarts or falls silent. Each time it begins anew it speaks one of the
/// protocols it is allowed.
///
/// One request follows the other; whatever is answered leads to the next.
///
/// `@unchecked Sendable`: confined to its client's queue.
final class SimulatedGroupMember: @unchecked Sendable {
    enum Rules: CaseIterable {
        case classic
        /// KIP-848.
        case consumer
    }

    static let group = "swarm"
    static let topic = "t"
    /// Milliseconds; the broker's for the consumer protocol is the same.
    static let sessionTimeout: Int32 = 6_000

    let number: Int
    let client: KafkaClient
    let model: GroupModel
    /// Of a static member.
    let instanceID: String?
    private let allowed: [Rules]
    var random: Xoshiro256
    private(set) var rules = Rules.classic
    var memberID = ""
    /// The generation, or the member's epoch.
    var epoch: Int32 = -1
    /// What it uses, ascending.
    private(set) var held: [Int] = []
    /// Where it stands in what it has looked up.
    private var positions: [Int: Int64] = [:]
    /// What the coordinator wants to have back and the member still uses.
    var owed: [Int] = []
    /// Whether the last heartbeat was not answered: then the next one says everything again.
    var isUnsure = false
    private(set) var isStopped = false
    /// Whether it leaves, restarts or falls silent at times.
    var isRestless = true
    /// Set from outside: leaves at the next opportunity.
    var mustLeave = false
    private(set) var assignmentsSeen = 0

    init(
        _ number: Int, model: GroupModel, client: KafkaClient, seed: UInt64, allowed: [Rules], instanceID: String?
    ) {
        self.number = number
        self.model = model
        self.client = client
        self.allowed = allowed
        self.instanceID = instanceID
        random = Xoshiro256(seed: seed)
    }

    func start() { client.queue.async { [self] in begin() } }
    func stop() { isStopped = true }

    var now: Int64 { client.runtime.clock.monotonicMilliseconds }

    func later(_ delay: ClosedRange<Int64> = 50...300, _ work: @escaping @Sendable () -> Void) {
        guard !isStopped else { return }
        client.queue.schedule(after: random.value(in: delay), work)
    }

    /// Asks in a version that has topics by name.
    func ask<Request: RequestMessage>(
        _ request: Request, version: Int16, _ completion: @escaping (Request.Response?) -> Void
    ) {
        client.connection(to: KafkaClient.anyBroker) { connected in
            guard case .success(let connection) = connected else { return completion(nil) }
            connection.send(request, version: version) { completion(try? $0.get()) }
        }
    }

    // MARK: Lives

    /// A new process: it knows nothing of the one before but its instance id.
    func begin() {
        guard !isStopped else { return }
        drop(held)
        rules = allowed[random.value(in: 0...(allowed.count - 1))]
        memberID = rules == .consumer ? "m\(number)-\(random.next())" : ""
        enter()
    }

    /// Begins with nothing under the id that it has.
    func enter() {
        guard !isStopped else { return }
        drop(held)
        switch rules {
        case .classic: join()
        case .consumer:
            epoch = 0
            beat()
        }
    }

    func drop(_ partitions: [Int]) {
        model.takes(partitions, from: number)
        held.removeAll { partitions.contains($0) }
        owed.removeAll { partitions.contains($0) }
        for partition in partitions { positions[partition] = nil }
    }

    func add(_ partitions: [Int]) {
        assignmentsSeen += 1
        model.gives(partitions, to: number, now: now)
        held = (held + partitions).sortedWithoutRepetitions()
    }

    /// A sign of life that was sent at `sent` was answered.
    func lives(since sent: Int64) { model.lives(number, until: sent + Int64(Self.sessionTimeout), held) }

    func live() {
        guard !isStopped else { return }
        if mustLeave || isRestless && random.chance(3, in: 100) { return pause() }
        if held.contains(where: { positions[$0] == nil }) { return lookUp() }
        if !held.isEmpty, random.chance(1, in: 2) { return commit() }
        beatOn()
    }

    private func beatOn() {
        switch rules {
        case .classic: heartbeat()
        case .consumer: beat()
        }
    }

    /// Leaves, restarts at once, or falls silent for longer than its session and goes on as if nothing had happened.
    private func pause() {
        let isForced = mustLeave
        mustLeave = false
        switch isForced ? 0 : random.value(in: 0...2) {
        case 0:
            drop(held)
            rules == .classic ? leave() : leaveConsumerGroup()
            later(100...2_000) { self.begin() }
        case 1 where instanceID != nil: restart()
        default: later(7_000...12_000) { self.held.isEmpty ? self.beatOn() : self.commit() }
        }
    }

    /// The process is gone without a word, and another one is there at once. Whatever the old one still sends is refused
    /// once the new one is in, unless the broker went down and forgot.
    private func restart() {
        let (old, generation, crashes) = (memberID, epoch, model.crashes)
        let oldRules = rules
        begin()
        guard oldRules == .classic, !old.isEmpty else { return }
        later(3_000...4_000) { [self] in
            let entered = memberID
            guard rules == .classic, entered != old, !entered.isEmpty, epoch > 0, model.crashes == crashes else {
                return
            }
            let request = HeartbeatRequest(
                groupID: Self.group, generationID: generation, memberID: old, groupInstanceID: instanceID)
            ask(request, version: 4) { [self] response in
                guard response?.errorCode == 0, model.crashes == crashes, memberID == entered else { return }
                model.find("member \(number): its predecessor \(old) may go on")
            }
        }
    }

    // MARK: Offsets

    /// Asks where its partitions stand.
    func lookUp() {
        guard !isStopped else { return }
        let asked = held.filter { positions[$0] == nil }
        guard !asked.isEmpty else { return later { self.live() } }
        let known = model.acknowledged
        let isConsumer = rules == .consumer
        let request = OffsetFetchRequest(groups: [
            .init(
                groupID: Self.group, memberID: isConsumer ? memberID : nil, memberEpoch: isConsumer ? epoch : -1,
                topics: [.init(name: Self.topic, partitionIndexes: asked.map { Int32($0) })])
        ])
        ask(request, version: 9) { [self] response in
            guard let group = response?.groups.first else { return later { self.live() } }
            guard group.errorCode == 0 else {
                take(group.errorCode, of: "OffsetFetch")
                return goOn(group.errorCode)
            }
            for partition in group.topics.flatMap(\.partitions) {
                let index = Int(partition.partitionIndex)
                model.found(partition.committedOffset, of: index, known: known[index])
                if held.contains(index) { positions[index] = max(partition.committedOffset, 0) }
            }
            later { self.live() }
        }
    }

    private func commit() {
        guard !isStopped else { return }
        let partition = held[random.value(in: 0...(held.count - 1))]
        guard let position = positions[partition] else { return live() }
        let offset = position + random.value(in: 1...10)
        positions[partition] = offset
        model.attempts(offset, of: partition)
        let request = OffsetCommitRequest(
            groupID: Self.group, generationIDOrMemberEpoch: epoch, memberID: memberID, groupInstanceID: instanceID,
            topics: [
                .init(
                    name: Self.topic,
                    partitions: [.init(partitionIndex: Int32(partition), committedOffset: offset)])
            ])
        ask(request, version: 9) { [self] response in
            // Without an answer nobody knows how far the group is; a commit again from here would be a guess.
            guard let code = response?.topics.first?.partitions.first?.errorCode else {
                positions[partition] = nil
                return later { self.live() }
            }
            if code == 0 { model.acknowledges(offset, of: partition) } else { positions[partition] = nil }
            take(code, of: "OffsetCommit")
            goOn(code)
        }
    }

    // MARK: Errors

    /// What follows from an answer with this error.
    func goOn(_ code: Int16) {
        switch ErrorCode(rawValue: code) {
        case ErrorCode.none?, .coordinatorLoadInProgress?, .coordinatorNotAvailable?, .notCoordinator?:
            later { self.live() }
        // A member of the consumer protocol hears its new epoch with its next heartbeat.
        case .staleMemberEpoch? where rules == .consumer: later(0...20) { self.beat() }
        case .fencedInstanceID?: later(0...20) { self.begin() }
        default: later(0...20) { self.enter() }
        }
    }

    /// Errors that a member must expect; anything else is a finding.
    func take(_ code: Int16, of what: String) {
        switch ErrorCode(rawValue: code) {
        case ErrorCode.none?, .coordinatorLoadInProgress?, .coordinatorNotAvailable?, .notCoordinator?,
            .rebalanceInProgress?, .illegalGeneration?:
            break
        case .unknownMemberID?: if rules == .classic { memberID = "" }
        case .staleMemberEpoch? where rules == .consumer, .fencedMemberEpoch? where rules == .consumer,
            .groupIDNotFound? where rules == .consumer:
            break
        case .unreleasedInstanceID? where rules == .consumer && instanceID != nil: break
        case .fencedInstanceID? where instanceID != nil: break
        default: model.find("member \(number): \(what) of \(rules) got error \(code)")
        }
    }
}

extension Array where Element: Comparable {
    /// Ascending, each element once.
    func sortedWithoutRepetitions() -> [Element] {
        sorted().reduce(into: []) { if $0.last != $1 { $0.append($1) } }
    }
}
