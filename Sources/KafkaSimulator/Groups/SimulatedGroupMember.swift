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
    /// Milliseconds that the classic protocol's rebalances wait for a member. One that is silent for longer is out, or, if
    /// it is static, in a generation that it does not know of.
    static let rebalanceTimeout: Int32 = 3_000

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
    var positions: [Int: Int64] = [:]
    /// What it may still send though it is too late.
    var late: LateCommit?
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

    /// Whether no member of its group ever speaks another protocol.
    var isOfClassicGroup: Bool { allowed == [.classic] }

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
        model.note("member \(number) begins with the \(rules) protocol, \(instanceID ?? "dynamic")")
        enter()
    }

    /// Begins with nothing under the id that it has.
    func enter() {
        guard !isStopped else { return }
        drop(held)
        model.begins(number)
        switch rules {
        case .classic: join()
        case .consumer:
            epoch = 0
            beat()
        }
    }

    func drop(_ partitions: [Int]) {
        if !partitions.isEmpty { model.note("member \(number) gives up \(partitions)") }
        if let partition = partitions.first, let position = positions[partition] {
            late = LateCommit(
                memberID: memberID, epoch: epoch, partition: partition, offset: position, crashes: model.crashes,
                handovers: model.handovers[partition])
        }
        model.takes(partitions, from: number)
        held.removeAll { partitions.contains($0) }
        owed.removeAll { partitions.contains($0) }
        for partition in partitions { positions[partition] = nil }
    }

    func add(_ partitions: [Int]) {
        assignmentsSeen += 1
        if !partitions.isEmpty { model.note("member \(number) \(memberID) gets \(partitions) at epoch \(epoch)") }
        model.gives(partitions, to: number, now: now)
        held = (held + partitions).sortedWithoutRepetitions()
    }

    /// A sign of life that was sent at `sent` was answered.
    func lives(since sent: Int64) {
        let patience = rules == .classic ? min(Self.sessionTimeout, Self.rebalanceTimeout) : Self.sessionTimeout
        model.lives(number, until: sent + Int64(patience), now: now, held)
    }

    func live() {
        guard !isStopped else { return }
        if mustLeave || isRestless && random.chance(3, in: 100) { return pause() }
        if let late, late.memberID == memberID, late.epoch < epoch { return commit(late) }
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
        case 1: later(3_100...5_900) { self.held.isEmpty ? self.beatOn() : self.commit() }
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
        if code != 0 { model.note("member \(number) \(memberID)@\(epoch): \(what) of \(rules) got error \(code)") }
        switch ErrorCode(rawValue: code) {
        case ErrorCode.none?, .coordinatorLoadInProgress?, .coordinatorNotAvailable?, .notCoordinator?,
            .rebalanceInProgress?, .illegalGeneration?:
            break
        // Nobody was in it for a while, and nothing was committed: it is deleted. A commit is told so from version 9 on.
        case .groupIDNotFound? where what == "OffsetCommit", .unknownMemberID?: if rules == .classic { memberID = "" }
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
