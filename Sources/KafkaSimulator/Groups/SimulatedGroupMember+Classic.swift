// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol

/// The classic protocol, eagerly: whoever rejoins gives everything up first. Who leads assigns; in a consumer group the
/// broker does.
extension SimulatedGroupMember {
    func join() {
        guard !isStopped else { return }
        drop(held)
        let request = JoinGroupRequest(
            groupID: Self.group, sessionTimeoutMs: Self.sessionTimeout,
            rebalanceTimeoutMs: Self.rebalanceTimeout, memberID: memberID,
            groupInstanceID: instanceID, protocolType: "consumer",
            protocols: [.init(name: "range", metadata: Self.subscription)])
        let sent = now
        client.send(request, to: KafkaClient.anyBroker) { [self] result in
            guard !isStopped else { return }
            guard case .success(let response) = result else { return later { self.join() } }
            switch ErrorCode(rawValue: response.errorCode) {
            case ErrorCode.none?:
                memberID = response.memberID
                epoch = response.generationID
                sync(response, sent)
            case .memberIDRequired?:
                memberID = response.memberID
                join()
            default:
                take(response.errorCode, of: "JoinGroup")
                if ErrorCode(rawValue: response.errorCode) == .fencedInstanceID { memberID = "" }
                later { self.join() }
            }
        }
    }

    /// - Parameter joinedAt: when it asked to join: its session may count from then on.
    private func sync(_ joined: JoinGroupResponse, _ joinedAt: Int64) {
        var assignments: [SyncGroupRequest.SyncGroupRequestAssignment] = []
        if joined.leader == memberID, !joined.skipAssignment {
            let members = joined.members.map(\.memberID)
            assignments = members.enumerated().map { place, member in
                let share = (0..<model.partitionCount).filter { $0 % members.count == place }
                return .init(memberID: member, assignment: Self.assignment(of: share))
            }
        }
        let request = SyncGroupRequest(
            groupID: Self.group, generationID: epoch, memberID: memberID, groupInstanceID: instanceID,
            protocolType: "consumer", protocolName: "range", assignments: assignments)
        let sent = now
        client.send(request, to: KafkaClient.anyBroker) { [self] result in
            guard !isStopped else { return }
            // What was on its way for longer than others wait is as good as lost.
            guard case .success(let response) = result, now - sent < Int64(Self.rebalanceTimeout) else {
                return later { self.join() }
            }
            guard response.errorCode == 0 else {
                take(response.errorCode, of: "SyncGroup")
                if ErrorCode(rawValue: response.errorCode) == .fencedInstanceID { memberID = "" }
                return later { self.join() }
            }
            add(Self.partitions(response.assignment))
            lives(since: joinedAt)
            lookUp()
        }
    }

    func heartbeat() {
        let request = HeartbeatRequest(
            groupID: Self.group, generationID: epoch, memberID: memberID, groupInstanceID: instanceID)
        let sent = now
        client.send(request, to: KafkaClient.anyBroker) { [self] result in
            guard case .success(let response) = result else { return later { self.live() } }
            if response.errorCode == 0, sent > model.blindUntil { lives(since: sent) }
            take(response.errorCode, of: "Heartbeat")
            goOn(response.errorCode)
        }
    }

    func leave() {
        let left = LeaveGroupRequest(
            groupID: Self.group, members: [.init(memberID: memberID, groupInstanceID: instanceID)])
        client.send(left, to: KafkaClient.anyBroker) { _ in }
    }

    // MARK: The consumers' own messages

    private static let subscription: [UInt8] = {
        bytes(ConsumerProtocolSubscription(topics: [topic]), version: 1)
    }()

    private static func assignment(of partitions: [Int]) -> [UInt8] {
        bytes(
            ConsumerProtocolAssignment(assignedPartitions: [
                .init(topic: topic, partitions: partitions.map { Int32($0) })
            ]), version: 1)
    }

    private static func bytes<Message: WireMessage>(_ message: Message, version: Int16) -> [UInt8] {
        var writer = ByteWriter()
        writer.writeInt16(version)
        do throws(WireError) {
            try message.encode(into: &writer, version: version)
        } catch {
            preconditionFailure("a short message can be written: \(error)")
        }
        return writer.toArray()
    }

    private static func partitions(_ bytes: [UInt8]) -> [Int] {
        bytes.withUnsafeBytes { raw in
            var reader = ByteReader(raw)
            guard let version = try? reader.readInt16(),
                let assignment = try? ConsumerProtocolAssignment(from: &reader, version: min(version, 1))
            else { return [] }
            return assignment.assignedPartitions.flatMap(\.partitions).map { Int($0) }
        }
    }
}
