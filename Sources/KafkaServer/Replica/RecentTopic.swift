// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaReplication

extension ReplicaManager {
    /// The topic that a connection asked for last, which its next request is mostly about, too: found again without the
    /// lock and the reference counts that all reactors would share.
    struct RecentTopic {
        /// Kept alive for `held`.
        private let topic: Topic?
        let held: HeldTopic?
        let generation: UInt64

        init(_ topic: Topic? = nil, generation: UInt64 = 0) {
            self.topic = topic
            self.generation = generation
            held = topic.map(HeldTopic.init)
        }
    }

    /// A topic that a `RecentTopic` keeps alive, and only as long as that is not replaced: using it counts no references.
    struct HeldTopic {
        private let topic: Unmanaged<Topic>

        fileprivate init(_ topic: Topic) { self.topic = .passUnretained(topic) }

        var id: KafkaUUID { topic._withUnsafeGuaranteedRef { $0.id } }
        var name: String { topic._withUnsafeGuaranteedRef { $0.name } }
        var isInternal: Bool { topic._withUnsafeGuaranteedRef { $0.isInternal } }
        var counters: TopicCounters? { topic._withUnsafeGuaranteedRef { $0.counters } }

        func hasName(_ bytes: UnsafeRawBufferPointer) -> Bool { topic._withUnsafeGuaranteedRef { $0.hasName(bytes) } }

        func partition(_ index: Int32) -> Partition? { topic._withUnsafeGuaranteedRef { $0.partition(index) } }

        /// Why `partition(_:)` is nil for a client.
        func faultForMissing(_ index: Int32) -> ErrorCode {
            topic._withUnsafeGuaranteedRef { $0.faultForMissing(index) }
        }
    }
}
