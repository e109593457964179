// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
package import KafkaProtocol

extension Controller {
    private typealias Operation = AlterClientQuotasRequest.OpData

    /// AlterClientQuotas (key 49): sets and removes quotas. An entity's changes stand or fall together; an entity that is
    /// named twice, or a quota of it, is refused.
    ///
    /// Unlike Apache Kafka it takes only numeric addresses for the type `ip`, no names of hosts.
    package func alterClientQuotas(
        _ request: AlterClientQuotasRequest
    ) -> ControllerResult<AlterClientQuotasResponse> {
        var records: [MetadataRecord] = []
        var response = AlterClientQuotasResponse()
        var occurrences = SortedMap<QuotaEntity, Int>()
        for entry in request.entries {
            let entity = Self.entity(entry)
            occurrences[entity] = (occurrences[entity] ?? 0) + 1
        }
        for entry in request.entries {
            let entity = Self.entity(entry)
            guard let count = occurrences[entity] else { continue }
            occurrences[entity] = nil
            var result = AlterClientQuotasResponse.EntryData(
                errorMessage: nil,
                entity: entry.entity.map { .init(entityType: $0.entityType, entityName: $0.entityName) })
            do throws(APIError) {
                if count > 1 { throw APIError(.invalidRequest, "An entity must appear at most once.") }
                let changes = try quotaChanges(entity, entry.ops)
                try checkRecordCount(changes.count, left: Self.recordsPerRequestMax - records.count)
                records += changes
            } catch {
                result.errorCode = error.code.rawValue
                result.errorMessage = error.message
            }
            response.entries.append(result)
        }
        return ControllerResult(request.validateOnly ? [] : records, response: response)
    }

    private static func entity(_ entry: AlterClientQuotasRequest.EntryData) -> QuotaEntity {
        QuotaEntity(entry.entity.map { QuotaEntity.Part(type: $0.entityType, name: $0.entityName) })
    }

    private func quotaChanges(
        _ entity: QuotaEntity, _ operations: [Operation]
    ) throws(APIError) -> [MetadataRecord] {
        let isAddress = try checkEntity(entity)
        var seen = SortedMap<String, Bool>()
        var records: [MetadataRecord] = []
        let current = image.clientQuotas.entities[entity] ?? SortedMap()
        for operation in operations {
            if seen.contains(operation.key) {
                throw APIError(.invalidRequest, "Duplicate quota key \(operation.key) not allowed")
            }
            seen[operation.key] = true
            var record = entity.record(key: operation.key, value: operation.value)
            if operation.remove {
                // Whatever stands there may be removed, also what this release does not know.
                guard current.contains(operation.key) else { continue }
                record.value = 0
                record.remove = true
            } else {
                try Self.checkQuota(operation, isAddress: isAddress)
                if current[operation.key] == operation.value { continue }
            }
            records.append(.clientQuota(record))
        }
        return records
    }

    /// Whether the entity is an address; throws where it is nothing that can have quotas.
    private func checkEntity(_ entity: QuotaEntity) throws(APIError) -> Bool {
        if entity.parts.isEmpty { throw APIError(.invalidRequest, "Invalid empty client quota entity") }
        for (index, part) in entity.parts.enumerated() {
            if index > 0, entity.parts[index - 1].type == part.type {
                throw APIError(
                    .invalidRequest, "Invalid client quota entity, duplicate entity entry \(part.type)")
            }
            guard QuotaEntity.types.contains(part.type) else {
                throw APIError(.invalidRequest, "Unhandled client quota entity type: \(part.type)")
            }
            if part.name?.isEmpty == true { throw APIError(.invalidRequest, "Empty \(part.type) not supported") }
        }
        guard let address = entity.parts.first(where: { $0.type == QuotaEntity.addressType }) else { return false }
        if entity.parts.count > 1 {
            throw APIError(
                .invalidRequest,
                "Invalid quota entity combination, IP entity should not be used with user or client ID entity.")
        }
        if let name = address.name, InternetAddress(name) == nil {
            throw APIError(.invalidRequest, "\(name) is not a valid IP address.")
        }
        return true
    }

    private static func checkQuota(_ operation: Operation, isAddress: Bool) throws(APIError) {
        guard let key = ClientQuotaKey(rawValue: operation.key), key.isForAddresses == isAddress else {
            throw APIError(.invalidRequest, "Invalid configuration key \(operation.key)")
        }
        let value = operation.value
        guard value > 0, value.isFinite else {
            throw APIError(.invalidRequest, "Quota \(operation.key) must be greater than 0")
        }
        // What Kafka keeps as integers.
        let maximum: Double
        switch key {
        case .producerByteRate, .consumerByteRate: maximum = Double(Int64.max)
        case .connectionCreationRate: maximum = Double(Int32.max)
        case .requestPercentage, .controllerMutationRate: return
        }
        if value > maximum {
            throw APIError(.invalidRequest, "Proposed value for \(operation.key) is too large.")
        }
        if value.truncatingRemainder(dividingBy: 1) > 1e-6 {
            throw APIError(.invalidRequest, "\(operation.key) cannot be a fractional value.")
        }
    }
}
