// SPDX-License-Identifier: Apache-2.0
private import KafkaBase
package import KafkaProtocol

extension Controller {
    static func configRecord(_ resource: ConfigResource, key: String, value: String?) -> ConfigRecord {
        ConfigRecord(resourceType: resource.rawKind, resourceName: resource.name, name: key, value: value)
    }

    /// IncrementalAlterConfigs (key 44): changes single configurations. A resource's changes stand or fall together.
    package func incrementalAlterConfigs(
        _ request: IncrementalAlterConfigsRequest, schema: any ConfigurationSchema
    ) -> ControllerResult<IncrementalAlterConfigsResponse> {
        let resources = request.resources.map { ConfigResource(rawKind: $0.resourceType, name: $0.resourceName) }
        let alteration = alteration(of: resources, schema) { place throws(APIError) in
            try incrementalChanges(resources[place], request.resources[place].configs, schema: schema)
        }
        let response = IncrementalAlterConfigsResponse(
            responses: alteration.outcomes.map { resource, error in
                .init(
                    errorCode: error?.code.rawValue ?? 0, errorMessage: error?.message, resourceType: resource.rawKind,
                    resourceName: resource.name)
            })
        return ControllerResult(request.validateOnly ? [] : alteration.records, response: response)
    }

    /// AlterConfigs (key 33): replaces all configurations of resources; what is not named is deleted.
    package func alterConfigs(
        _ request: AlterConfigsRequest, schema: any ConfigurationSchema
    ) -> ControllerResult<AlterConfigsResponse> {
        let resources = request.resources.map { ConfigResource(rawKind: $0.resourceType, name: $0.resourceName) }
        let alteration = alteration(of: resources, schema) { place throws(APIError) in
            try replacingChanges(resources[place], request.resources[place].configs)
        }
        let response = AlterConfigsResponse(
            responses: alteration.outcomes.map { resource, error in
                .init(
                    errorCode: error?.code.rawValue ?? 0, errorMessage: error?.message, resourceType: resource.rawKind,
                    resourceName: resource.name)
            })
        return ControllerResult(request.validateOnly ? [] : alteration.records, response: response)
    }

    /// What the changes of several resources come to: the records of those that are accepted, and an outcome for each
    /// resource, in the order in which they are first named. A resource that is named twice is refused.
    ///
    /// - Parameter changes: the changes of the resource at a place of `resources`.
    private func alteration(
        of resources: [ConfigResource], _ schema: any ConfigurationSchema,
        changes: (_ place: Int) throws(APIError) -> [Change]
    ) -> (records: [MetadataRecord], outcomes: [(ConfigResource, APIError?)]) {
        var counts = SortedMap<ConfigResource, Int>()
        for resource in resources { counts[resource] = (counts[resource] ?? 0) + 1 }
        var records: [MetadataRecord] = []
        var outcomes: [(ConfigResource, APIError?)] = []
        for (place, resource) in resources.enumerated() {
            guard let count = counts[resource] else { continue }
            counts[resource] = nil
            do throws(APIError) {
                if count > 1 { throw APIError(.invalidRequest, "Each resource must appear at most once.") }
                records += try accepted(
                    try changes(place), of: resource, recordsBefore: records.count, schema: schema)
                outcomes.append((resource, nil))
            } catch {
                outcomes.append((resource, error))
            }
        }
        return (records, outcomes)
    }

    // MARK: Changes of one resource

    /// The most bytes of one value, as in Apache Kafka, and of a name.
    private static let configurationValueBytesMax = 32_767

    /// One key's new value, nil to delete it.
    private typealias Change = (key: String, value: String?)

    private func incrementalChanges(
        _ resource: ConfigResource, _ configs: [IncrementalAlterConfigsRequest.AlterableConfig],
        schema: any ConfigurationSchema
    ) throws(APIError) -> [Change] {
        let kind = try checkResource(resource)
        var changes: [Change] = []
        var keys = SortedMap<String, Bool>()
        for config in configs {
            if keys.contains(config.name) {
                throw APIError(.invalidRequest, "Error due to duplicate config keys")
            }
            keys[config.name] = true
            guard let operation = ConfigurationOperation(rawValue: config.configOperation) else {
                throw APIError(.invalidRequest, "Unknown operation type \(config.configOperation)")
            }
            if operation == .delete {
                changes.append((config.name, nil))
                continue
            }
            guard let value = config.value else {
                throw APIError(.invalidRequest, "Null value not supported for : \(config.name)")
            }
            if operation == .set {
                changes.append((config.name, value))
                continue
            }
            guard schema.isList(config.name, of: kind) else {
                throw APIError(
                    .invalidConfig,
                    "Can't \(operation == .append ? "APPEND" : "SUBTRACT") to key \(config.name) because its type is "
                        + "not LIST.")
            }
            let current =
                image.config(config.name, of: resource) ?? schema.defaultValue(of: config.name, of: kind) ?? ""
            changes.append((config.name, Self.edited(current, operation, value)))
        }
        return changes
    }

    /// The comma-separated list with the values of another added, where they are not in it yet, or taken away.
    private static func edited(_ list: String, _ operation: ConfigurationOperation, _ values: String) -> String {
        var elements = list.split(separator: ",").map(String.init)
        for value in values.split(separator: ",").map(String.init) {
            if operation == .subtract {
                elements.removeAll { $0 == value }
            } else if !elements.contains(value) {
                elements.append(value)
            }
        }
        return elements.joined(separator: ",")
    }

    private func replacingChanges(
        _ resource: ConfigResource, _ configs: [AlterConfigsRequest.AlterableConfig]
    ) throws(APIError) -> [Change] {
        _ = try checkResource(resource)
        var keys = SortedMap<String, Bool>()
        var changes: [Change] = []
        for config in configs {
            if keys.contains(config.name) {
                throw APIError(.invalidRequest, "Error due to duplicate config keys")
            }
            guard let value = config.value else {
                throw APIError(.invalidRequest, "Null value not supported for : \(config.name)")
            }
            keys[config.name] = true
            changes.append((config.name, value))
        }
        for (key, _) in image.configs(of: resource) where !keys.contains(key) { changes.append((key, nil)) }
        return changes
    }

    /// Only topics, brokers, client metrics and groups have configurations here, and a topic or broker must exist.
    private func checkResource(_ resource: ConfigResource) throws(APIError) -> ConfigResource.Kind {
        if resource.name.utf8.count > Self.configurationValueBytesMax {
            throw APIError(
                .invalidRequest, "A resource's name has more than \(Self.configurationValueBytesMax) bytes.")
        }
        switch resource.kind {
        case .topic:
            if resource.name.isEmpty {
                throw APIError(.invalidRequest, "Default topic resources are not allowed.")
            }
            if let reason = TopicName.invalidity(of: resource.name) {
                throw APIError(.invalidTopicException, "Topic name is invalid: \(reason)")
            }
            if image.topics.id(ofTopic: resource.name) == nil {
                throw APIError(.unknownTopicOrPartition, "The topic '\(resource.name)' does not exist.")
            }
            return .topic
        case .broker:
            try checkBrokerResource(resource.name)
            return .broker
        case .clientMetrics:
            if resource.name.isEmpty {
                throw APIError(.invalidRequest, "Default client metrics resources are not allowed.")
            }
            return .clientMetrics
        case .group:
            if resource.name.isEmpty { throw APIError(.invalidRequest, "Default group resources are not allowed.") }
            return .group
        case .brokerLogger, nil:
            throw APIError(.invalidRequest, "Unexpected resource type \(resource.rawKind).")
        }
    }

    private func checkBrokerResource(_ name: String) throws(APIError) {
        if name.isEmpty { return }
        // Under another spelling, as "01", nobody would look for the settings.
        guard let id = Int32(name), name == "\(id)" else {
            throw APIError(.invalidRequest, "Unable to parse broker name as a base 10 number.")
        }
        guard id >= 0 else { throw APIError(.invalidRequest, "Invalid negative broker ID.") }
        guard image.cluster.broker(id) != nil else {
            throw APIError(.brokerIDNotRegistered, "No broker with id \(id) found.")
        }
    }

    /// Eligible leader replicas rest on one `min.insync.replicas` for the whole cluster (KIP-966).
    private func checkMinInSyncReplicas(_ change: Change, of resource: ConfigResource) throws(APIError) {
        guard change.key == "min.insync.replicas", resource.kind == .broker,
            image.features.keepsEligibleLeaderReplicas
        else { return }
        if resource != .clusterDefault {
            throw APIError(
                .invalidConfig, "Broker-level min.insync.replicas cannot be altered while ELR is enabled.")
        }
        if change.value == nil {
            throw APIError(
                .invalidConfig, "Cluster-level min.insync.replicas cannot be removed while ELR is enabled.")
        }
    }

    /// The records of changes that the schema accepts. What stays the same needs none, but for brokers, which read files
    /// that a configuration names again when it is written again.
    private func accepted(
        _ changes: [Change], of resource: ConfigResource, recordsBefore: Int, schema: any ConfigurationSchema
    ) throws(APIError) -> [MetadataRecord] {
        let current = image.configs[resource] ?? SortedMap()
        var values = current
        for change in changes {
            if change.key.utf8.count > Self.configurationValueBytesMax {
                throw APIError(
                    .invalidConfig, "A configuration's name has more than \(Self.configurationValueBytesMax) bytes.")
            }
            try checkMinInSyncReplicas(change, of: resource)
            if let value = change.value, value.utf8.count > Self.configurationValueBytesMax {
                throw APIError(
                    .invalidConfig, "The value of \(change.key) has more than \(Self.configurationValueBytesMax) bytes."
                )
            }
            values[change.key] = change.value
        }
        let all = values.map { (key: $0.key, value: $0.value) }
        if let error = schema.validate(all, of: resource, image: image) { throw error }
        let records: [MetadataRecord] = changes.compactMap { change in
            if resource.kind != .broker, current[change.key] == change.value { return nil }
            return .config(Self.configRecord(resource, key: change.key, value: change.value))
        }
        try checkRecordCount(records.count, left: Self.recordsPerRequestMax - recordsBefore)
        return records
    }
}
