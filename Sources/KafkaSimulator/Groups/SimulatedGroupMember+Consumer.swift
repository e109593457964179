// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol

/// The consumer protocol (KIP-848): the broker says what to own, and the member says what it still does.
extension SimulatedGroupMember {
    func beat() {
        guard !isStopped else { return }
        // Not every consumer is quick to give up what it shall not have.
        if !owed.isEmpty, random.chance(2, in: 3) { drop(owed) }
        var request = ConsumerGroupHeartbeatRequest(groupID: Self.group, memberID: memberID, memberEpoch: epoch)
        request.instanceID = instanceID
        request.topicPartitions = []
        if epoch == 0 || isUnsure {
            request.rebalanceTimeoutMs = 60_000
            if number % 2 == 0 {
                request.subscribedTopicNames = [Self.topic]
            } else {
                request.subscribedTopicRegex = "\(Self.topic)+"
            }
        }
        if epoch > 0 {
            guard let topicID = client.topic(Self.topic)?.id else { return learnTopic() }
            request.topicPartitions = [.init(topicID: topicID, partitions: held.map { Int32($0) })]
        }
        let sent = now
        isUnsure = true
        client.send(request, to: KafkaClient.anyBroker) { [self] result in
            // What was on its way for longer than a session is as good as lost.
            guard case .success(let response) = result, now - sent < Int64(Self.sessionTimeout) else {
                return later { self.live() }
            }
            guard !isStopped else { return }
            guard response.errorCode == 0 else {
                take(response.errorCode, of: "ConsumerGroupHeartbeat")
                return refused(response.errorCode)
            }
            isUnsure = false
            epoch = response.memberEpoch
            if let assignment = response.assignment { reconcile(assignment) }
            lives(since: sent)
            later { self.live() }
        }
    }

    private func refused(_ code: Int16) {
        switch ErrorCode(rawValue: code) {
        // Its predecessor's session has to run out.
        case .unreleasedInstanceID?: later(500...1_500) { self.enter() }
        case .unknownMemberID?, .fencedMemberEpoch?, .groupIDNotFound?:
            drop(held)
            later { self.enter() }
        default: goOn(code)
        }
    }

    /// What is new may be used at once; what is not its own any more is owed.
    private func reconcile(_ assignment: ConsumerGroupHeartbeatResponse.Assignment) {
        let told = assignment.topicPartitions.flatMap(\.partitions).map { Int($0) }
        owed = held.filter { !told.contains($0) }
        add(told.filter { !held.contains($0) })
    }

    private func learnTopic() {
        client.refresh([Self.topic]) { [self] _ in later { self.beat() } }
    }

    /// A static member means to come back, mostly.
    func leaveConsumerGroup() {
        let comesBack = instanceID != nil && random.chance(2, in: 3)
        let request = ConsumerGroupHeartbeatRequest(
            groupID: Self.group, memberID: memberID, memberEpoch: comesBack ? -2 : -1, instanceID: instanceID)
        client.send(request, to: KafkaClient.anyBroker) { _ in }
    }
}
