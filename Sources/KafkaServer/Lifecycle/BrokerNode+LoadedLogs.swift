// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaMetadata
internal import KafkaStorage
internal import Logging

/// What a start makes of the logs it found, before anything in them is served.
extension BrokerNode {
    /// One directory in service is enough, where it is the one that holds the metadata or those are elsewhere; the
    /// partitions in the others are offline.
    func checkDirectories(_ logs: LogManager, _ report: LoadReport) throws(StartError) {
        let directories = logs.directories
        guard directories.contains(where: \.isOnline) else {
            throw StartError(
                "no log directory can be used: "
                    + report.failedDirectories.map { "\($0.error)" }.joined(separator: "; "))
        }
        if let failed = directories.first(where: { $0.path == configuration.storage.metadataLogDirectory }),
            let failure = failed.failure
        {
            throw StartError("\(failed.path), which holds the cluster's metadata, cannot be used: \(failure)")
        }
    }

    /// Logs of partitions that the metadata do not know, or know under another topic id: a topic that was deleted, and
    /// perhaps made again, while their removal was cut short.
    ///
    /// - Parameter image: committed: by a change that is not, and that is lost with the next loss of power, a topic would
    ///   begin anew without its records.
    func setStraysAside(_ logs: LogManager, _ image: MetadataImage) {
        for (name, topicID) in logs.partitions {
            let topic = image.topics.topic(named: name.topic)
            let isKnown =
                topic?.partition(name.partition)?.replicas.contains(configuration.nodeID) == true
                && (topicID == nil || topicID == topic?.id)
            guard !isKnown else { continue }
            do throws(StorageError) {
                try logs.setAside(name)
                self.log.warning("stray partition set aside", metadata: ["partition": "\(name)"])
            } catch {
                self.log.error(
                    "stray partition cannot be set aside", metadata: ["partition": "\(name)", "reason": "\(error)"])
            }
        }
    }
}
