// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaMetadata
internal import KafkaRuntime
internal import KafkaStorage
internal import Logging

struct OpenStorage {
    let clusterID: String
    let logs: LogManager
    let metadataDirectory: String
    let metadataDirectoryID: KafkaUUID
    let directoryIDs: [KafkaUUID]
    let bootstrap: BootstrapMetadata
    let previousBrokerEpoch: Int64
    static func open(_ configuration: BrokerConfiguration, runtime: Runtime, log: Logger) throws -> OpenStorage { fatalError() }
    func didLoad(referenced: ReplicaManager) {}
    func abandon() {}
    func close(brokerEpoch: Int64) throws {}
}
final class LogManager: Sendable {
    func delete(_ p: TopicPartition) throws(StorageError) {}
    func openOrCreate(_ name: TopicPartition, topicID: KafkaUUID, configuration: LogConfiguration) throws(StorageError) -> UnifiedLog { fatalError() }
}
