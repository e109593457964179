// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaCoordination
import KafkaProtocol
import OrderedCollections
import Testing

/// Clients that do what clients do, in random order, on a coordinator whose log fails now and then and that crashes:
/// after every step the invariants of groups hold.
@Suite struct RandomGroupTests {
    @Test(arguments: 1...12)
    func `no partition has two owners, nothing acknowledged is lost, every request is answered once`(
        seed: UInt64
    ) throws {
        var world = RandomGroup(seed: seed)
        for step in 0..<1_500 {
            world.step()
            if let violation = world.violation {
                Issue.record("seed \(seed), step \(step): \(violation)")
                return
            }
        }
        world.end()
        #expect(world.violation == nil, "seed \(seed)")
        #expect(world.stableGenerations > 3, "seed \(seed): hardly any rebalance came to its end")
        #expect(world.acknowledgedCommits > 5, "seed \(seed): hardly any commit was accepted")
    }
}

/// One group, its clients, and what must hold of them.
struct RandomGroup {
    enum Phase { case idle, joining, syncing, stable }

    struct Client {
        var memberID = ""
        var instanceID: String?
        var generation: Int32 = -1
        var phase = Phase.idle
        var token: RequestToken?
        var owned: [Int32] = []
    }

    private var random: SplitMix
    private var harness = ShardHarness()
    private var clients: [Client]
    private var nextOffset: Int64 = 0
    /// By partition, the newest commit that was acknowledged.
    private var committed: [Int32: Int64] = [:]
    private var parked: Set<RequestToken> = []
    private(set) var violation: String?
    private(set) var stableGenerations: Int32 = 0
    private(set) var acknowledgedCommits = 0

    init(seed: UInt64) {
        random = SplitMix(state: seed)
        clients = (0..<6).map { Client(instanceID: $0 < 2 ? "i\($0)" : nil) }
        harness.configure { $0.initialRebalanceDelayMilliseconds = 500 }
    }

    mutating func step() {
        switch random.below(40) {
        case 0...7: harness.wait(Int64(random.below(1_500)))
        case 8: harness.nextAppendError = .notEnoughReplicas
        case 9 where random.below(8) == 0: crash()
        default: act(random.below(clients.count))
        }
        deliver()
        check()
    }

    /// The coordinator goes: nobody is left without an answer.
    mutating func end() {
        harness.unload()
        deliver()
        if !parked.isEmpty { violation = "\(parked.count) requests were never answered" }
    }

    private mutating func crash() {
        parked = []
        harness.crash()
        for index in clients.indices where clients[index].token != nil {
            clients[index].token = nil
            clients[index].phase = .idle
        }
    }

    // MARK: Clients

    private mutating func act(_ index: Int) {
        switch (clients[index].phase, random.below(20)) {
        case (.idle, _): join(index)
        // The client dies without a word; a static one comes back under its name.
        case (_, 0): clients[index] = Client(instanceID: clients[index].instanceID)
        case (.joining, _), (.syncing, _): break
        case (.stable, 1):
            let request = LeaveGroupRequest(
                groupID: "g",
                members: [.init(memberID: clients[index].memberID, groupInstanceID: clients[index].instanceID)])
            _ = harness.ask(request, harness.context(version: 5)) { $0.leaveGroup($1, $2) }
            clients[index] = Client(instanceID: clients[index].instanceID)
        case (.stable, 2...9): commit(index)
        case (.stable, _): heartbeat(index)
        }
    }

    private mutating func join(_ index: Int) {
        let context = harness.joinContext(version: Int16([3, 5, 9][random.below(3)]), clientID: "c\(index)")
        let request = JoinGroupRequest(
            groupID: "g", sessionTimeoutMs: 6_000, rebalanceTimeoutMs: 8_000, memberID: clients[index].memberID,
            groupInstanceID: context.apiVersion >= 5 ? clients[index].instanceID : nil, protocolType: "consumer",
            protocols: [.init(name: "range", metadata: [UInt8(random.below(2))])])
        if let answer = harness.ask(request, context, { $0.joinGroup($1, $2) }) {
            joined(index, answer)
        } else {
            park(index, context.token, .joining)
        }
    }

    private mutating func park(_ index: Int, _ token: RequestToken, _ phase: Phase) {
        parked.insert(token)
        clients[index].token = token
        clients[index].phase = phase
        deliver()
    }

    private mutating func joined(_ index: Int, _ answer: JoinGroupResponse) {
        switch ErrorCode(rawValue: answer.errorCode) {
        case .some(ErrorCode.none):
            clients[index].memberID = answer.memberID
            clients[index].generation = answer.generationID
            sync(index, answer)
        case .memberIDRequired:
            clients[index].memberID = answer.memberID
            clients[index].phase = .idle
        default:
            clients[index] = Client(instanceID: clients[index].instanceID)
        }
    }

    private mutating func sync(_ index: Int, _ join: JoinGroupResponse) {
        let context = harness.context(version: 5)
        var request = SyncGroupRequest(
            groupID: "g", generationID: join.generationID, memberID: join.memberID, protocolType: "consumer",
            protocolName: "range")
        if !join.skipAssignment {
            request.assignments = join.members.enumerated().map { place, member in
                let share = (0..<8).filter { $0 % join.members.count == place }.map { UInt8($0) }
                return .init(memberID: member.memberID, assignment: share)
            }
        }
        if let answer = harness.ask(request, context, { $0.syncGroup($1, $2) }) {
            synced(index, answer)
        } else {
            park(index, context.token, .syncing)
        }
    }

    private mutating func synced(_ index: Int, _ answer: SyncGroupResponse) {
        guard answer.errorCode == 0 else { return failed(index, answer.errorCode) }
        clients[index].owned = answer.assignment.map { Int32($0) }
        clients[index].phase = .stable
    }

    private mutating func failed(_ index: Int, _ error: Int16) {
        guard ErrorCode(rawValue: error) == .rebalanceInProgress else {
            clients[index] = Client(instanceID: clients[index].instanceID)
            return
        }
        clients[index].phase = .idle
        clients[index].owned = []
    }

    private mutating func heartbeat(_ index: Int) {
        let request = HeartbeatRequest(
            groupID: "g", generationID: clients[index].generation, memberID: clients[index].memberID)
        let answer = harness.ask(request, harness.context(version: 4)) { $0.heartbeat($1, $2) }
        if let answer, answer.errorCode != 0 { failed(index, answer.errorCode) }
    }

    private mutating func commit(_ index: Int) {
        guard !clients[index].owned.isEmpty else { return }
        nextOffset += 1
        let request = OffsetCommitRequest(
            groupID: "g", generationIDOrMemberEpoch: clients[index].generation, memberID: clients[index].memberID,
            topics: [
                .init(
                    name: "t",
                    partitions: clients[index].owned.map { .init(partitionIndex: $0, committedOffset: nextOffset) })
            ])
        guard let answer = harness.ask(request, harness.context(version: 9), { $0.commitOffsets($1, $2) }),
            let error = answer.topics.first?.partitions.first?.errorCode
        else { return }
        if error == 0 {
            acknowledgedCommits += 1
            for partition in clients[index].owned { committed[partition] = nextOffset }
        } else {
            failed(index, error)
        }
    }

    /// Takes answers to the clients that still wait for them.
    private mutating func deliver() {
        while !harness.outputs.isEmpty {
            let outputs = harness.outputs
            harness.outputs = []
            for output in outputs {
                switch output {
                case .appended: break
                case .join(let token, let answer):
                    if let index = answered(token) { joined(index, answer) }
                case .sync(let token, let answer):
                    if let index = answered(token) { synced(index, answer) }
                }
            }
        }
    }

    private mutating func answered(_ token: RequestToken) -> Int? {
        // A request that is answered in the call that parks it is not in the set yet.
        parked.remove(token)
        let index = clients.firstIndex { $0.token == token }
        if let index { clients[index].token = nil }
        return index
    }

    // MARK: Invariants

    private mutating func check() {
        guard let group = harness.shard.classicGroups["g"] else { return }
        if group.state == .stable {
            stableGenerations = max(stableGenerations, group.generation)
            let owned = group.members.values.flatMap(\.assignment)
            if Set(owned).count != owned.count { violation = "a partition is assigned twice" }
        }
        for (partition, offset) in committed
        where harness.shard.offsets.offset(groupID: "g", topic: "t", partition: partition)?.offset != offset {
            violation = "partition \(partition) lost its commit of \(offset)"
        }
        for left in clients.indices where clients[left].phase == .stable {
            for right in clients.indices where right > left && clients[right].phase == .stable {
                guard clients[left].generation == clients[right].generation,
                    clients[left].memberID != clients[right].memberID
                else { continue }
                if !Set(clients[left].owned).isDisjoint(with: clients[right].owned) {
                    violation = "clients \(left) and \(right) own the same in generation \(clients[left].generation)"
                }
            }
        }
        checkReplay(group)
    }

    /// What a new coordinator would load is what this one has, once a generation is stored.
    private mutating func checkReplay(_ group: ClassicGroup) {
        guard random.below(20) == 0 else { return }
        let replayed = ShardHarness.replayed(harness.log, harness.configuration)
        if replayed.offsets != harness.shard.offsets { violation = "replayed offsets differ" }
        guard group.state == .stable || (group.state == .empty && !group.members.isEmpty) else { return }
        guard let loaded = replayed.classicGroups["g"] else { return violation = "the replayed group is missing" }
        let pairs = zip(loaded.members.values, group.members.values)
        if loaded.generation != group.generation || loaded.leaderID != group.leaderID
            || loaded.protocolName != group.protocolName || loaded.members.count != group.members.count
            || !pairs.allSatisfy({
                $0.memberID == $1.memberID && $0.assignment == $1.assignment && $0.offers == $1.offers
            })
        {
            violation = "the replayed group differs"
        }
    }
}

/// A small generator that gives the same numbers for a seed on every machine.
struct SplitMix {
    var state: UInt64

    mutating func below(_ bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ (mixed >> 31)) % UInt64(bound))
    }
}
