// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
package import KafkaProtocol

/// Which entities DescribeClientQuotas is asked about.
package struct ClientQuotaFilter: Sendable {
    private enum Match {
        /// The entity of this name, nil for the default.
        case exactly(String?)
        /// Any name and the default.
        case specified
    }

    /// In the order of the types' names.
    private let components: [(type: String, match: Match)]
    /// Whether entities with further parts are left out.
    private let isStrict: Bool

    /// Reads the filter of a request.
    ///
    /// Throws INVALID_REQUEST where the filter makes no sense, and UNSUPPORTED_VERSION for types that do not exist.
    package init(_ request: DescribeClientQuotasRequest) throws(APIError) {
        var components: [(type: String, match: Match)] = []
        for component in request.components {
            let type = component.entityType
            if type.isEmpty { throw APIError(.invalidRequest, "Invalid empty entity type.") }
            if components.contains(where: { $0.type == type }) {
                throw APIError(.invalidRequest, "Entity type \(type) cannot appear more than once in the filter.")
            }
            guard QuotaEntity.types.contains(type) else {
                throw APIError(.unsupportedVersion, "Unsupported entity type \(type)")
            }
            components.append((type, try Self.match(component)))
        }
        if components.count > 1, components.contains(where: { $0.type == QuotaEntity.addressType }) {
            throw APIError(
                .invalidRequest,
                "Invalid entity filter component combination, IP filter component should not be used with user or "
                    + "clientId filter component.")
        }
        self.components = components
        isStrict = request.strict
    }

    private static func match(_ component: DescribeClientQuotasRequest.ComponentData) throws(APIError) -> Match {
        switch (component.matchType, component.match) {
        case (0, let name?): return .exactly(name)
        case (0, nil):
            throw APIError(.invalidRequest, "The match type EXACT needs a name to match.")
        case (1, nil): return .exactly(nil)
        case (2, nil): return .specified
        case (1...2, _):
            throw APIError(.invalidRequest, "The match types DEFAULT and SPECIFIED take no name to match.")
        default: throw APIError(.invalidRequest, "Unknown match type \(component.matchType)")
        }
    }

    /// Whether `entity` is asked for.
    package func matches(_ entity: QuotaEntity) -> Bool {
        if isStrict, entity.parts.count != components.count { return false }
        return components.allSatisfy { type, match in
            guard let part = entity.parts.first(where: { $0.type == type }) else { return false }
            switch match {
            case .exactly(let name): return part.name == name
            case .specified: return true
            }
        }
    }
}
