// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
package import KafkaProtocol

extension Controller {
    /// What an operator allows for a feature (KIP-584, KIP-778).
    private enum UpgradeType: Int8 {
        case upgrade = 1
        case safeDowngrade = 2
        case unsafeDowngrade = 3
    }

    /// UpdateFeatures (key 57): raises and lowers finalised feature levels. All updates of a request stand or fall
    /// together; what only asks whether they could stand changes nothing.
    ///
    /// - Parameter kraftVersion: the level of `kraft.version`, which no record finalises and which cannot be changed here.
    package func updateFeatures(
        _ request: UpdateFeaturesRequest, version: Int16, kraftVersion: Int16
    ) -> ControllerResult<UpdateFeaturesResponse> {
        do throws(APIError) {
            var levels = SortedMap<String, Int16>()
            for update in request.featureUpdates {
                if levels.contains(update.feature) {
                    throw APIError(
                        .invalidRequest, "The feature \(update.feature) is named more than once in the request.")
                }
                levels[update.feature] = update.maxVersionLevel
            }
            for update in request.featureUpdates {
                try check(update, Self.upgradeType(update, version: version), kraftVersion: kraftVersion)
            }
            try checkDependencies(levels)
            var response = UpdateFeaturesResponse(errorMessage: nil)
            if version <= 1 {
                response.results = request.featureUpdates.map { .init(feature: $0.feature, errorMessage: nil) }
            }
            return ControllerResult(request.validateOnly ? [] : records(levels), response: response)
        } catch {
            return ControllerResult(
                response: UpdateFeaturesResponse(
                    errorCode: error.code.rawValue,
                    errorMessage: "The update failed for all features since the following feature had an error: "
                        + (error.message ?? error.code.name)))
        }
    }

    /// nil for a type that does not exist. Version 0 has a flag instead of the type.
    private static func upgradeType(
        _ update: UpdateFeaturesRequest.FeatureUpdateKey, version: Int16
    ) -> UpgradeType? {
        if version == 0 { return update.allowDowngrade ? .safeDowngrade : .upgrade }
        return UpgradeType(rawValue: update.upgradeType)
    }

    /// Throws INVALID_UPDATE_VERSION where the feature cannot be brought to the level.
    private func check(
        _ update: UpdateFeaturesRequest.FeatureUpdateKey, _ type: UpgradeType?, kraftVersion: Int16
    ) throws(APIError) {
        let (name, level) = (update.feature, update.maxVersionLevel)
        func refusal(_ reason: String) -> APIError {
            APIError(.invalidUpdateVersion, "Invalid update version \(level) for feature \(name). \(reason)")
        }
        guard let type else { throw refusal("The controller does not support the given upgrade type.") }
        if level < 0 { throw refusal("A feature version cannot be less than 0.") }
        guard let feature = Feature.named(name) else {
            throw refusal("Local controller \(settings.nodeID) does not support this feature.")
        }
        guard feature.supportedLevels.contains(level) else {
            let supported = feature.supportedLevels
            throw refusal(
                "Local controller \(settings.nodeID) only supports versions \(supported.lowerBound)-"
                    + "\(supported.upperBound)")
        }
        if let reason = reasonBrokersDoNotSupport(name, level) { throw refusal(reason) }
        let current = feature == .kraftVersion ? kraftVersion : image.features.level(of: name)
        if level < current, type == .upgrade {
            throw refusal(
                "Can't downgrade the version of this feature without setting the upgrade type to either safe or "
                    + "unsafe downgrade.")
        }
        if level > current, type != .upgrade { throw refusal("Can't downgrade to a newer version.") }
        if feature == .kraftVersion, level != current {
            throw refusal("This feature cannot be changed while the node runs.")
        }
        if feature == .metadataVersion, level < current {
            try checkMetadataDowngrade(to: MetadataVersion(rawValue: level), type, refusal)
        }
    }

    private func reasonBrokersDoNotSupport(_ name: String, _ level: Int16) -> String? {
        for broker in image.cluster.allBrokers {
            guard let supported = broker.supportedLevels(ofFeature: name) else {
                // Older registrations leave out features with the lowest level 0 (KAFKA-17011).
                if level == 0 { continue }
                return "Broker \(broker.id) does not support this feature."
            }
            if !supported.contains(level) {
                return "Broker \(broker.id) only supports versions \(supported.lowerBound)-\(supported.upperBound)"
            }
        }
        return nil
    }

    /// Only levels may be given up that brought nothing into the records.
    private func checkMetadataDowngrade(
        to level: MetadataVersion, _ type: UpgradeType, _ refusal: (String) -> APIError
    ) throws(APIError) {
        guard MetadataVersion.changesRecords(between: level, and: image.metadataVersion) else { return }
        throw refusal(
            type == .unsafeDowngrade
                ? "Unsafe metadata downgrade is not supported in this version."
                : "Refusing to perform the requested downgrade because it might delete metadata information.")
    }

    /// Some features need a level of `metadata.version`, present or to be.
    private func checkDependencies(_ levels: SortedMap<String, Int16>) throws(APIError) {
        func level(_ feature: Feature) -> Int16 { levels[feature.name] ?? image.features.level(of: feature.name) }
        let metadataVersion = MetadataVersion(rawValue: level(.metadataVersion))
        if level(.eligibleLeaderReplicas) > 0, !metadataVersion.supportsEligibleLeaderReplicas {
            throw APIError(
                .invalidUpdateVersion,
                "\(Feature.eligibleLeaderReplicas.name) could not be set to "
                    + "\(level(.eligibleLeaderReplicas)) because it depends on metadata.version level 23")
        }
    }

    private func records(_ levels: SortedMap<String, Int16>) -> [MetadataRecord] {
        var records: [MetadataRecord] = []
        for (name, level) in levels where level != image.features.level(of: name) && name != Feature.kraftVersion.name {
            if name == Feature.eligibleLeaderReplicas.name {
                records += level > 0 ? safetyRecords() : clearingRecords()
            }
            records.append(.featureLevel(FeatureLevelRecord(name: name, featureLevel: level)))
        }
        return records
    }

    /// Without the feature nobody would keep the eligible leader replicas up to date.
    private func clearingRecords() -> [MetadataRecord] {
        var isAnySet = false
        image.topics.forEachPartition { _, _, partition in
            isAnySet =
                isAnySet || !partition.eligibleLeaderReplicas.isEmpty
                || !partition.lastKnownEligibleLeaderReplicas.isEmpty
        }
        return isAnySet ? [.clearElr(ClearElrRecord(topicName: ""))] : []
    }

    /// Eligible leader replicas rest on one `min.insync.replicas` for the whole cluster: the present value becomes the
    /// cluster's, and single brokers lose theirs (KIP-966).
    private func safetyRecords() -> [MetadataRecord] {
        let key = "min.insync.replicas"
        var records: [MetadataRecord] = []
        if image.config(key, of: .clusterDefault) == nil {
            let record = Self.configRecord(.clusterDefault, key: key, value: "\(settings.minInSyncReplicas)")
            records.append(.config(record))
        }
        for (resource, values) in image.configs
        where resource.kind == .broker && resource != .clusterDefault && values.contains(key) {
            records.append(.config(Self.configRecord(resource, key: key, value: nil)))
        }
        return records
    }
}
