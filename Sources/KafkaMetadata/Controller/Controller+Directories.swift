// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
package import KafkaProtocol

extension Controller {
    /// What follows from the failed directories that a heartbeat names: other leaders where there are any, and a
    /// registration without the directories. Those that were known to have failed change nothing.
    func directoryRecords(_ broker: BrokerRegistration, _ request: BrokerHeartbeatRequest) -> [MetadataRecord] {
        let failed = broker.directories.filter { request.offlineLogDirs.contains($0) }
        // A broker without any directory stops; a registration cannot say that there is none.
        guard !failed.isEmpty, failed.count < broker.directories.count else { return [] }
        var change = BrokerRegistrationChangeRecord()
        change.brokerID = broker.id
        change.brokerEpoch = broker.epoch
        change.logDirs = broker.directories.filter { !failed.contains($0) }
        return partitionChanges(.losesDirectories(broker.id, failed)) + [.brokerRegistrationChange(change)]
    }

    /// AssignReplicasToDirs (key 73): notes in which of its log directories a broker has put its replicas. A replica that
    /// cannot be served where it is leads nothing; one that can be served now may lead a partition that has no leader.
    package func assignReplicasToDirs(
        _ request: AssignReplicasToDirsRequest
    ) -> ControllerResult<AssignReplicasToDirsResponse> {
        var response = AssignReplicasToDirsResponse()
        var records: [MetadataRecord] = []
        do throws(APIError) {
            guard image.metadataVersion.supportsDirectories else {
                throw APIError(.unsupportedVersion, "Directory assignment is not supported yet.")
            }
            let broker = try checkBroker(request.brokerID, epoch: request.brokerEpoch)
            let count = request.directories.reduce(0) { sum, directory in
                directory.topics.reduce(sum) { $0 + $1.partitions.count }
            }
            guard count <= Self.recordsPerRequestMax else {
                throw APIError(.invalidRequest, "More than \(Self.recordsPerRequestMax) partitions in one request")
            }
            for directory in request.directories {
                var answered = AssignReplicasToDirsResponse.DirectoryData(id: directory.id)
                for topic in directory.topics {
                    var answeredTopic = AssignReplicasToDirsResponse.TopicData(topicID: topic.topicID)
                    for partition in topic.partitions {
                        let place = TopicIDPartition(topicID: topic.topicID, partition: partition.partitionIndex)
                        let code = assign(place, to: directory.id, on: broker, &records)
                        answeredTopic.partitions.append(
                            .init(partitionIndex: partition.partitionIndex, errorCode: code.rawValue))
                    }
                    answered.topics.append(answeredTopic)
                }
                response.directories.append(answered)
            }
        } catch {
            response.errorCode = error.code.rawValue
            return ControllerResult(response: response)
        }
        return ControllerResult(records, .severalBatches, response: response)
    }

    private func assign(
        _ place: TopicIDPartition, to directory: KafkaUUID, on broker: BrokerRegistration,
        _ records: inout [MetadataRecord]
    ) -> ErrorCode {
        guard let topic = image.topics.topic(id: place.topicID) else { return .unknownTopicID }
        guard var partition = topic.partition(place.partition) else { return .unknownTopicOrPartition }
        guard let replica = partition.replicas.firstIndex(of: broker.id) else { return .notLeaderOrFollower }
        guard partition.directories[replica] != directory else { return .none }
        partition.directories[replica] = directory
        var decision = decision(for: partition, of: topic)
        let isOnline = broker.hasOnlineDirectory(directory)
        if !isOnline { decision.leaving = broker.id }
        var change = PartitionChangeRecord()
        if !isOnline || !partition.hasLeader {
            change = decision.record { candidate in mayLead(partition, candidate) } ?? PartitionChangeRecord()
        }
        change.topicID = place.topicID
        change.partitionID = place.partition
        change.directories = partition.directories
        records.append(.partitionChange(change))
        return .none
    }
}
