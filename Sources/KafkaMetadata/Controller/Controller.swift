// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
package import KafkaProtocol

/// Decides about the cluster: every request that changes metadata becomes records here.
///
/// The cycle is *decide → append → replay → commit*. A decision reads the newest image, in which every appended record
/// is replayed, so that decisions need not wait for one another's commit. The owner appends the records, calls `replay`
/// with their offsets, and publishes the image and answers the request when raft commits them. A node that stops
/// leading drops its controller: what was not committed is forgotten with it.
///
/// Besides the image it holds one kind of soft state, the brokers' sessions, which a new leader starts afresh.
package struct Controller: Sendable {
    /// The most records that one request may cause, so that they always fit one batch.
    package static let recordsPerRequestMax = 10_000

    package let settings: ControllerSettings
    package private(set) var state: MetadataReplay
    var sessions = BrokerSessions()

    /// Takes over the cluster in the state that the log has brought about.
    ///
    /// - Parameter now: milliseconds of a clock that never goes back, like every `now` of the controller.
    package init(_ settings: ControllerSettings, state: MetadataReplay, now: Int64) {
        self.settings = settings
        self.state = state
        for broker in state.newestImage.cluster.allBrokers where !broker.isFenced {
            sessions.touch(broker.id, metadataOffset: -1, now: now)
        }
    }

    /// With every appended record: what decisions are made on.
    package var image: MetadataImage { state.newestImage }

    /// Without the records of an open metadata transaction: what is published once its records are committed.
    package var visibleImage: MetadataImage { state.visibleImage }

    /// Replays records of one of its decisions, or of the log, that stand in one batch.
    package mutating func replay(
        _ records: [MetadataRecord], baseOffset: Int64, epoch: Int32, timestamp: Int64
    ) throws(MetadataError) {
        try state.replay(records, baseOffset: baseOffset, epoch: epoch, timestamp: timestamp)
    }

    /// What changed since the last call, for publishing together with the image.
    package mutating func takeDelta() -> MetadataDelta { state.takeDelta() }

    // MARK: Common to decisions

    /// Throws STALE_BROKER_EPOCH unless the broker is registered with this epoch.
    func checkBroker(_ id: Int32, epoch: Int64) throws(APIError) -> BrokerRegistration {
        guard let broker = image.cluster.broker(id) else {
            throw APIError(.staleBrokerEpoch, "No broker registration found for broker id \(id)")
        }
        guard broker.epoch == epoch else {
            throw APIError(.staleBrokerEpoch, "Expected broker epoch \(broker.epoch), but got broker epoch \(epoch)")
        }
        return broker
    }

    /// A topic's configuration: the topic's own, else this node's, else the cluster's, else nil for the static one.
    func dynamicConfig(_ key: String, topic: String) -> String? {
        image.config(key, of: .topic(topic)) ?? image.config(key, of: .broker(settings.nodeID))
            ?? image.config(key, of: .clusterDefault)
    }

    /// The directory to record for a new replica on a broker.
    func defaultDirectory(ofBroker id: Int32) -> KafkaUUID {
        image.cluster.broker(id)?.defaultDirectory ?? DirectoryID.unassigned
    }
}
