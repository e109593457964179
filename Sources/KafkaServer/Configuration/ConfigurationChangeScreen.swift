// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaMetadata

/// What came of the change of one resource's configurations.
struct ConfigurationChangeOutcome: Sendable {
    let resource: ConfigResource
    let errorCode: Int16
    let errorMessage: String?

    init(_ resource: ConfigResource, _ error: APIError?) {
        self.resource = resource
        errorCode = error?.code.rawValue ?? 0
        errorMessage = error?.message
    }

    init(resource: ConfigResource, errorCode: Int16, errorMessage: String?) {
        self.resource = resource
        self.errorCode = errorCode
        self.errorMessage = errorMessage
    }
}

/// What a broker sees to itself in a request to change configurations, before and after the controller decides.
struct ConfigurationChangeScreen: Sendable {
    /// This broker: the settings of another one are that one's to check.
    let nodeID: Int32

    /// Why the controller is not asked about `resource`; nil where it is.
    func refusal(of resource: ConfigResource) -> APIError? {
        switch resource.kind {
        case .topic, .group, .clientMetrics: return nil
        case .broker, .brokerLogger:
            if resource.kind == .broker, resource.name.isEmpty { return nil }
            // Under another spelling, as "01", nobody would look for the settings.
            guard let id = Int32(resource.name), resource.name == "\(id)" else {
                return APIError(
                    .invalidRequest, "Node id must be an integer, but it is: \(resource.name.printable)")
            }
            guard id != nodeID else { return nil }
            return APIError(
                .invalidRequest, "Unexpected broker id, expected \(nodeID), but received \(resource.name)")
        case nil:
            return APIError(.invalidRequest, "Unknown resource type \(resource.rawKind)")
        }
    }

    /// Whether this broker, not the controller, makes the changes of `resource`.
    static func isLocal(_ resource: ConfigResource) -> Bool { resource.kind == .brokerLogger }

    /// An outcome for each of the `resources` of a request, in their order, also where one is named twice.
    ///
    /// - Parameters:
    ///   - result: what the controller says of those that were not refused.
    ///   - local: what came of those that this broker changes.
    func outcomes(
        of resources: [ConfigResource], _ result: Result<[ConfigurationChangeOutcome], APIError>,
        local: [ConfigurationChangeOutcome] = []
    ) -> [ConfigurationChangeOutcome] {
        var decided = SortedMap<ConfigResource, ConfigurationChangeOutcome>()
        for outcome in local { decided[outcome.resource] = outcome }
        var failure: APIError?
        switch result {
        case .success(let outcomes): for outcome in outcomes { decided[outcome.resource] = outcome }
        case .failure(let error): failure = error
        }
        return resources.map { resource in
            if let outcome = decided[resource] { return outcome }
            let error = refusal(of: resource) ?? failure ?? APIError(.unknownServerError)
            return ConfigurationChangeOutcome(resource, error)
        }
    }
}
