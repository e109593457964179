// SPDX-License-Identifier: Apache-2.0
package import KafkaBase

/// Who computes the target assignments of a consumer group (KIP-848), by the names of `group.consumer.assignors`.
package enum ServerAssignor: String, CaseIterable, Sendable {
    /// Spreads all partitions evenly over the members and moves as few as that allows.
    case uniform
    /// Gives each member a run of every topic's partitions; the same run of topics with equally many partitions.
    case range

    /// Assigns every partition that somebody subscribes to, exactly once, to a member that subscribes to its topic.
    ///
    /// The result depends on nothing but the input; members stand in it in the input's order.
    package func assign(_ input: AssignmentInput) -> [TopicPartitionSet] {
        switch self {
        case .uniform: UniformAssignor.assign(input)
        case .range: RangeAssignor.assign(input)
        }
    }
}

/// What an assignment is computed from.
package struct AssignmentInput: Sendable {
    package struct Topic: Sendable {
        package var id: KafkaUUID
        package var partitionCount: Int32

        package init(id: KafkaUUID, partitionCount: Int32) {
            self.id = id
            self.partitionCount = partitionCount
        }
    }

    package struct Member: Sendable {
        package var id: String
        /// `group.instance.id` of a static member.
        package var instanceID: String?
        /// Which of the input's topics it subscribes to, by index, ascending.
        package var topics: [Int]
        /// What it was assigned before. May name what no longer exists.
        package var previous: TopicPartitionSet

        package init(id: String, instanceID: String? = nil, topics: [Int], previous: TopicPartitionSet = .init()) {
            self.id = id
            self.instanceID = instanceID
            self.topics = topics
            self.previous = previous
        }
    }

    /// Ascending by id.
    package let topics: [Topic]
    /// Ascending by id.
    package let members: [Member]

    /// - Parameter topics: ascending by id; members refer to them by index.
    package init(topics: [Topic], members: [Member]) {
        precondition(zip(topics, topics.dropFirst()).allSatisfy { $0.id < $1.id }, "topics are in ascending order")
        precondition(zip(members, members.dropFirst()).allSatisfy { $0.id < $1.id }, "members are in ascending order")
        self.topics = topics
        self.members = members
    }

    func topicIndex(of id: KafkaUUID) -> Int? {
        var low = 0
        var high = topics.count
        while low < high {
            let middle = (low + high) / 2
            if topics[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low < topics.count && topics[low].id == id ? low : nil
    }
}
