// SPDX-License-Identifier: Apache-2.0
package import KafkaProtocol

/// A change of the cluster's state, as it stands in the metadata log. One case for each record that KRaft defines.
package enum MetadataRecord: Sendable {
    case registerBroker(RegisterBrokerRecord)
    case unregisterBroker(UnregisterBrokerRecord)
    case topic(TopicRecord)
    case partition(PartitionRecord)
    case config(ConfigRecord)
    case partitionChange(PartitionChangeRecord)
    case fenceBroker(FenceBrokerRecord)
    case unfenceBroker(UnfenceBrokerRecord)
    case removeTopic(RemoveTopicRecord)
    case delegationToken(DelegationTokenRecord)
    case userScramCredential(UserScramCredentialRecord)
    case featureLevel(FeatureLevelRecord)
    case clientQuota(ClientQuotaRecord)
    case producerIDs(ProducerIdsRecord)
    case brokerRegistrationChange(BrokerRegistrationChangeRecord)
    case accessControlEntry(AccessControlEntryRecord)
    case removeAccessControlEntry(RemoveAccessControlEntryRecord)
    case noOp(NoOpRecord)
    case zkMigrationState(ZkMigrationStateRecord)
    case removeUserScramCredential(RemoveUserScramCredentialRecord)
    case beginTransaction(BeginTransactionRecord)
    case endTransaction(EndTransactionRecord)
    case abortTransaction(AbortTransactionRecord)
    case removeDelegationToken(RemoveDelegationTokenRecord)
    case registerController(RegisterControllerRecord)
    case clearElr(ClearElrRecord)
    case unregisterController(UnregisterControllerRecord)
}

extension MetadataRecord {
    /// The record's type number, which stands in its frame.
    package var type: UInt32 {
        switch self {
        case .registerBroker: 0
        case .unregisterBroker: 1
        case .topic: 2
        case .partition: 3
        case .config: 4
        case .partitionChange: 5
        case .fenceBroker: 7
        case .unfenceBroker: 8
        case .removeTopic: 9
        case .delegationToken: 10
        case .userScramCredential: 11
        case .featureLevel: 12
        case .clientQuota: 14
        case .producerIDs: 15
        case .brokerRegistrationChange: 17
        case .accessControlEntry: 18
        case .removeAccessControlEntry: 19
        case .noOp: 20
        case .zkMigrationState: 21
        case .removeUserScramCredential: 22
        case .beginTransaction: 23
        case .endTransaction: 24
        case .abortTransaction: 25
        case .removeDelegationToken: 26
        case .registerController: 27
        case .clearElr: 28
        case .unregisterController: 29
        }
    }

    /// The schema's name, for messages to people.
    package var name: String { "\(Swift.type(of: message))" }

    /// The message in the record.
    package var message: any WireMessage {
        switch self {
        case .registerBroker(let record): record
        case .unregisterBroker(let record): record
        case .topic(let record): record
        case .partition(let record): record
        case .config(let record): record
        case .partitionChange(let record): record
        case .fenceBroker(let record): record
        case .unfenceBroker(let record): record
        case .removeTopic(let record): record
        case .delegationToken(let record): record
        case .userScramCredential(let record): record
        case .featureLevel(let record): record
        case .clientQuota(let record): record
        case .producerIDs(let record): record
        case .brokerRegistrationChange(let record): record
        case .accessControlEntry(let record): record
        case .removeAccessControlEntry(let record): record
        case .noOp(let record): record
        case .zkMigrationState(let record): record
        case .removeUserScramCredential(let record): record
        case .beginTransaction(let record): record
        case .endTransaction(let record): record
        case .abortTransaction(let record): record
        case .removeDelegationToken(let record): record
        case .registerController(let record): record
        case .clearElr(let record): record
        case .unregisterController(let record): record
        }
    }
}
