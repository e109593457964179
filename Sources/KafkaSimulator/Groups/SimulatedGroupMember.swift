// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaRuntime

/// A member of a classic group that reads nothing and commits ever larger offsets: joins, assigns when it leads, looks up
/// what is committed, commits and sends heartbeats, and now and then leaves or falls silent.
///
/// `@unchecked Sendable`: confined to its client's queue.
final class SimulatedGroupMember: @unchecked Sendable {
    static let group = "swarm"
    static let topic = "t"
    private static let sessionTimeout: Int32 = 6_000

    private let number: Int
    private let client: KafkaClient
    private let model: GroupModel
    private var random: Xoshiro256
    private var memberID = ""
    private var generation: Int32 = -1
    private var partitions: [Int] = []
    private var positions: [Int: Int64] = [:]
    private var isStopped = false
    /// Whether it leaves or falls silent at times.
    var isRestless = true
    private(set) var generationsSeen = 0

    init(_ number: Int, model: GroupModel, client: KafkaClient, seed: UInt64) {
        self.number = number
        self.model = model
        self.client = client
        random = Xoshiro256(seed: seed)
    }

    func start() { client.queue.async { [self] in join() } }
    func stop() { isStopped = true }

    private func later(_ delay: ClosedRange<Int64> = 50...300, _ work: @escaping @Sendable () -> Void) {
        guard !isStopped else { return }
        client.queue.schedule(after: random.value(in: delay), work)
    }

    // MARK: Joining

    private func join() {
        guard !isStopped else { return }
        partitions = []
        positions = [:]
        let request = JoinGroupRequest(
            groupID: Self.group, sessionTimeoutMs: Self.sessionTimeout, rebalanceTimeoutMs: 6_000, memberID: memberID,
            protocolType: "consumer", protocols: [.init(name: "range", metadata: [])])
        client.send(request, to: KafkaClient.anyBroker) { [self] result in
            guard case .success(let response) = result else { return later { self.join() } }
            switch ErrorCode(rawValue: response.errorCode) {
            case ErrorCode.none?:
                memberID = response.memberID
                generation = response.generationID
                generationsSeen += 1
                sync(response)
            case .memberIDRequired?:
                memberID = response.memberID
                join()
            default:
                take(response.errorCode, of: "JoinGroup")
                later { self.join() }
            }
        }
    }

    private func sync(_ joined: JoinGroupResponse) {
        var assignments: [SyncGroupRequest.SyncGroupRequestAssignment] = []
        if joined.leader == memberID {
            let members = joined.members.map(\.memberID)
            assignments = members.enumerated().map { place, member in
                .init(
                    memberID: member,
                    assignment: (0..<model.partitionCount).filter { $0 % members.count == place }.map { UInt8($0) })
            }
        }
        let request = SyncGroupRequest(
            groupID: Self.group, generationID: generation, memberID: memberID, protocolType: "consumer",
            protocolName: "range", assignments: assignments)
        let asked = generation
        client.send(request, to: KafkaClient.anyBroker) { [self] result in
            guard case .success(let response) = result else { return later { self.join() } }
            guard response.errorCode == 0 else {
                take(response.errorCode, of: "SyncGroup")
                return later { self.join() }
            }
            partitions = response.assignment.map { Int($0) }
            model.assigned(partitions, to: number, generation: asked)
            lookUp()
        }
    }

    /// Asks where its partitions stand.
    private func lookUp() {
        guard !partitions.isEmpty else { return later { self.live() } }
        let known = model.acknowledged
        let request = OffsetFetchRequest(groups: [
            .init(
                groupID: Self.group, memberID: nil, memberEpoch: -1,
                topics: [.init(name: Self.topic, partitionIndexes: partitions.map { Int32($0) })])
        ])
        client.connection(to: KafkaClient.anyBroker) { [self] connected in
            guard case .success(let connection) = connected else { return later { self.lookUp() } }
            connection.send(request, version: 9) { [self] result in
                guard case .success(let response) = result, let group = response.groups.first, group.errorCode == 0
                else { return later { self.lookUp() } }
                for partition in group.topics.flatMap(\.partitions) {
                    let index = Int(partition.partitionIndex)
                    model.found(partition.committedOffset, of: index, known: known[index])
                    positions[index] = max(partition.committedOffset, 0)
                }
                later { self.live() }
            }
        }
    }

    // MARK: Living

    private func live() {
        guard !isStopped else { return }
        if isRestless, random.value(in: 0...99) < 3 { return pause() }
        if !partitions.isEmpty, random.value(in: 0...1) == 0 { commit() } else { heartbeat() }
    }

    /// Leaves, or falls silent for longer than its session.
    private func pause() {
        let isPolite = random.value(in: 0...1) == 0
        let left = LeaveGroupRequest(groupID: Self.group, members: [.init(memberID: memberID)])
        memberID = isPolite ? "" : memberID
        partitions = []
        if isPolite { client.send(left, to: KafkaClient.anyBroker) { _ in } }
        later(isPolite ? 100...2_000 : 7_000...12_000) { self.join() }
    }

    private func heartbeat() {
        let request = HeartbeatRequest(groupID: Self.group, generationID: generation, memberID: memberID)
        client.send(request, to: KafkaClient.anyBroker) { [self] result in
            guard case .success(let response) = result else { return later { self.live() } }
            take(response.errorCode, of: "Heartbeat")
            goOn(response.errorCode)
        }
    }

    private func commit() {
        let partition = partitions[Int(random.value(in: 0...Int64(partitions.count - 1)))]
        let offset = (positions[partition] ?? 0) + random.value(in: 1...10)
        positions[partition] = offset
        model.attempts(offset, of: partition)
        let request = OffsetCommitRequest(
            groupID: Self.group, generationIDOrMemberEpoch: generation, memberID: memberID,
            topics: [
                .init(
                    name: Self.topic,
                    partitions: [.init(partitionIndex: Int32(partition), committedOffset: offset)])
            ])
        client.connection(to: KafkaClient.anyBroker) { [self] connected in
            guard case .success(let connection) = connected else { return later { self.live() } }
            connection.send(request, version: 9) { [self] result in
                // Without an answer nobody knows how far the group is; a commit again from here would be a guess.
                guard case .success(let response) = result,
                    let code = response.topics.first?.partitions.first?.errorCode
                else { return later { self.lookUp() } }
                if code == 0 { model.acknowledges(offset, of: partition) }
                take(code, of: "OffsetCommit")
                goOn(code)
            }
        }
    }

    private func goOn(_ code: Int16) {
        switch ErrorCode(rawValue: code) {
        case ErrorCode.none?, .coordinatorLoadInProgress?, .coordinatorNotAvailable?, .notCoordinator?:
            later { self.live() }
        default: later(0...20) { self.join() }
        }
    }

    /// Errors that a member must expect; anything else is a finding.
    private func take(_ code: Int16, of what: String) {
        switch ErrorCode(rawValue: code) {
        case ErrorCode.none?, .coordinatorLoadInProgress?, .coordinatorNotAvailable?, .notCoordinator?,
            .rebalanceInProgress?, .illegalGeneration?:
            break
        case .unknownMemberID?: memberID = ""
        default: model.find("member \(number): \(what) got error \(code)")
        }
    }
}
