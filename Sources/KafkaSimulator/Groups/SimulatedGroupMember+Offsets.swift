// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol

/// Looking up what is committed, and committing.
extension SimulatedGroupMember {
    /// A commit that its partition's owner meant to send before it gave the partition up.
    struct LateCommit {
        let memberID: String
        let epoch: Int32
        let partition: Int
        let offset: Int64
        let crashes: Int
        /// Of the partition, when it was given up.
        let handovers: Int
    }

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

    func commit() {
        guard !isStopped else { return }
        let partition = held[random.value(in: 0...(held.count - 1))]
        guard let position = positions[partition] else { return live() }
        if late?.partition == partition { late = nil }
        let offset = position + random.value(in: 1...10)
        positions[partition] = offset
        model.attempts(offset, of: partition)
        ask(commitRequest(partition, offset, epoch), version: 9) { [self] response in
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

    private func commitRequest(_ partition: Int, _ offset: Int64, _ epoch: Int32) -> OffsetCommitRequest {
        OffsetCommitRequest(
            groupID: Self.group, generationIDOrMemberEpoch: epoch, memberID: memberID, groupInstanceID: instanceID,
            topics: [
                .init(
                    name: Self.topic,
                    partitions: [.init(partitionIndex: Int32(partition), committedOffset: offset)])
            ])
    }

    /// Unless the broker went down and is where it was, this must be refused by a classic group, and by any where the
    /// partition was somebody else's since, or is not the member's now. Who owned it all the time, as far as a group of the
    /// consumer protocol knows, may commit it (KIP-1251).
    func commit(_ late: LateCommit) {
        self.late = nil
        guard late.crashes == model.crashes else { return live() }
        let (reached, partition) = (epoch, late.partition)
        let mustBeRefused =
            isOfClassicGroup || model.handovers[partition] != late.handovers
            || rules == .consumer && !held.contains(partition)
        ask(commitRequest(partition, late.offset, late.epoch), version: 9) { [self] response in
            if response?.topics.first?.partitions.first?.errorCode == 0 {
                model.acknowledges(late.offset, of: partition)
                if mustBeRefused, late.crashes == model.crashes {
                    model.find("member \(number): a commit of epoch \(late.epoch) is taken at epoch \(reached)")
                }
            }
            later { self.live() }
        }
    }
}
