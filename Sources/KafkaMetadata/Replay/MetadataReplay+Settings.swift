// SPDX-License-Identifier: Apache-2.0
internal import KafkaProtocol

// Records that set or remove one entry of a table: configurations, features, quotas, producer ids, credentials, access.
extension MetadataReplay {
    mutating func replay(_ record: ConfigRecord) {
        let resource = ConfigResource(rawKind: record.resourceType, name: record.resourceName)
        var values = newestImage.configs[resource] ?? SortedMap()
        values[record.name] = record.value
        newestImage.configs[resource] = values.isEmpty ? nil : values
        delta.changedConfigs.append(resource)
    }

    mutating func replay(_ record: FeatureLevelRecord) {
        if record.name == MetadataVersion.featureName {
            newestImage.features.finalizedMetadataVersion = MetadataVersion(rawValue: record.featureLevel)
        } else {
            newestImage.features.otherLevels[record.name] = record.featureLevel == 0 ? nil : record.featureLevel
        }
        delta.changedFeatures.append(record.name)
    }

    mutating func replay(_ record: ZkMigrationStateRecord) {
        newestImage.features.zkMigrationState = record.zkMigrationState
    }

    mutating func replay(_ record: ClientQuotaRecord) {
        let entity = QuotaEntity(record)
        newestImage.clientQuotas.set(record.key, of: entity, to: record.remove ? nil : record.value)
        delta.changedClientQuotas.append(entity)
    }

    mutating func replay(_ record: ProducerIdsRecord) throws(MetadataError) {
        guard record.nextProducerID >= newestImage.nextProducerID else {
            throw .inconsistent(
                record: "ProducerIdsRecord",
                reason: "the next id falls from \(newestImage.nextProducerID) to \(record.nextProducerID)")
        }
        newestImage.producerIDs = record
        delta.areProducerIDsChanged = true
    }

    mutating func replay(_ record: UserScramCredentialRecord) {
        let key = ScramKey(mechanism: record.mechanism, user: record.name)
        newestImage.scramCredentials[key] = record
        delta.changedScramCredentials.append(key)
    }

    mutating func replay(_ record: RemoveUserScramCredentialRecord) {
        let key = ScramKey(mechanism: record.mechanism, user: record.name)
        newestImage.scramCredentials[key] = nil
        delta.changedScramCredentials.append(key)
    }

    mutating func replay(_ record: AccessControlEntryRecord) {
        newestImage.accessControlEntries[record.id] = record
        delta.areAccessControlEntriesChanged = true
    }

    mutating func replay(_ record: RemoveAccessControlEntryRecord) throws(MetadataError) {
        guard newestImage.accessControlEntries.removeValue(forKey: record.id) != nil else {
            throw .inconsistent(
                record: "RemoveAccessControlEntryRecord", reason: "there is no entry \(record.id)")
        }
        delta.areAccessControlEntriesChanged = true
    }

    mutating func replay(_ record: DelegationTokenRecord) {
        newestImage.delegationTokens[record.tokenID] = record
        delta.areDelegationTokensChanged = true
    }

    mutating func replay(_ record: RemoveDelegationTokenRecord) {
        newestImage.delegationTokens[record.tokenID] = nil
        delta.areDelegationTokensChanged = true
    }
}
