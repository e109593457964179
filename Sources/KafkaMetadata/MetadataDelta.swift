// SPDX-License-Identifier: Apache-2.0
package import KafkaBase

/// What changed between two images: where a broker has to look to bring itself up to date.
///
/// The lists ascend and hold nothing twice. They name places; the new state stands in the new image. A topic that came and
/// went between the two images is in neither list.
package struct MetadataDelta: Sendable {
    /// A topic that is gone.
    package struct DeletedTopic: Equatable, Comparable, Sendable {
        package let name: String
        package let id: KafkaUUID
        package let partitionCount: Int

        package static func < (left: DeletedTopic, right: DeletedTopic) -> Bool {
            left.name == right.name ? left.id < right.id : left.name < right.name
        }
    }

    package internal(set) var createdTopics: [KafkaUUID] = []
    package internal(set) var deletedTopics: [DeletedTopic] = []
    /// Partitions that are new or have a new registration, those of created topics included.
    package internal(set) var changedPartitions: [TopicIDPartition] = []
    package internal(set) var changedConfigs: [ConfigResource] = []
    /// Brokers that registered, changed or left.
    package internal(set) var changedBrokers: [Int32] = []
    package internal(set) var changedControllers: [Int32] = []
    package internal(set) var changedFeatures: [String] = []
    package internal(set) var changedClientQuotas: [QuotaEntity] = []
    package internal(set) var changedScramCredentials: [ScramKey] = []
    package internal(set) var areAccessControlEntriesChanged = false
    package internal(set) var areDelegationTokensChanged = false
    package internal(set) var areProducerIDsChanged = false

    /// Whether it leads from nothing to a whole image, as at the start of a broker.
    package private(set) var isEverything = false

    package init() {}

    /// Everything in `image`, for one who had nothing.
    package init(everythingIn image: MetadataImage) {
        isEverything = true
        createdTopics = image.topics.all.map(\.id)
        image.topics.forEachPartition { topic, index, _ in
            changedPartitions.append(TopicIDPartition(topicID: topic.id, partition: index))
        }
        changedConfigs = image.configs.keys
        changedBrokers = image.cluster.brokers.keys
        changedControllers = image.cluster.controllers.keys
        changedFeatures = image.features.all.map(\.name)
        changedClientQuotas = image.clientQuotas.entities.keys
        changedScramCredentials = image.scramCredentials.keys
        areAccessControlEntriesChanged = !image.accessControlEntries.isEmpty
        areDelegationTokensChanged = !image.delegationTokens.isEmpty
        areProducerIDsChanged = image.producerIDs != nil
        normalize()
    }

    package var isEmpty: Bool {
        createdTopics.isEmpty && deletedTopics.isEmpty && changedPartitions.isEmpty && changedConfigs.isEmpty
            && changedBrokers.isEmpty && changedControllers.isEmpty && changedFeatures.isEmpty
            && changedClientQuotas.isEmpty && changedScramCredentials.isEmpty && !areAccessControlEntriesChanged
            && !areDelegationTokensChanged && !areProducerIDsChanged
    }

    /// Sorts the lists and drops what stands in them twice or has no meaning any more.
    mutating func normalize() {
        createdTopics = Self.unique(createdTopics)
        let deletedIDs = Self.unique(deletedTopics.map(\.id))
        if !deletedIDs.isEmpty {
            let passing = createdTopics.filter { Self.contains(deletedIDs, $0) }
            createdTopics.removeAll { Self.contains(passing, $0) }
            deletedTopics = Self.unique(deletedTopics.filter { !Self.contains(passing, $0.id) })
            changedPartitions.removeAll { Self.contains(deletedIDs, $0.topicID) }
        }
        changedPartitions = Self.unique(changedPartitions)
        changedConfigs = Self.unique(changedConfigs)
        changedBrokers = Self.unique(changedBrokers)
        changedControllers = Self.unique(changedControllers)
        changedFeatures = Self.unique(changedFeatures)
        changedClientQuotas = Self.unique(changedClientQuotas)
        changedScramCredentials = Self.unique(changedScramCredentials)
    }

    private static func unique<Element: Comparable>(_ elements: [Element]) -> [Element] {
        guard elements.count > 1 else { return elements }
        var result: [Element] = []
        result.reserveCapacity(elements.count)
        for element in elements.sorted() where result.last != element { result.append(element) }
        return result
    }

    private static func contains<Element: Comparable>(_ sorted: [Element], _ element: Element) -> Bool {
        var low = 0
        var high = sorted.count
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle] < element { low = middle + 1 } else { high = middle }
        }
        return low < sorted.count && sorted[low] == element
    }

    /// Adds what a later delta says.
    package mutating func merge(_ later: MetadataDelta) {
        createdTopics += later.createdTopics
        deletedTopics += later.deletedTopics
        changedPartitions += later.changedPartitions
        changedConfigs += later.changedConfigs
        changedBrokers += later.changedBrokers
        changedControllers += later.changedControllers
        changedFeatures += later.changedFeatures
        changedClientQuotas += later.changedClientQuotas
        changedScramCredentials += later.changedScramCredentials
        areAccessControlEntriesChanged = areAccessControlEntriesChanged || later.areAccessControlEntriesChanged
        areDelegationTokensChanged = areDelegationTokensChanged || later.areDelegationTokensChanged
        areProducerIDsChanged = areProducerIDsChanged || later.areProducerIDsChanged
        normalize()
    }
}
