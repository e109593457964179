// SPDX-License-Identifier: Apache-2.0
internal import KafkaProtocol

/// Whom a client quota holds for: a combination of user, client id and address, each by name or by default.
package struct QuotaEntity: Equatable, Comparable, Sendable {
    package struct Part: Equatable, Comparable, Sendable {
        /// `user`, `client-id` or `ip`.
        package let type: String
        /// nil for the default of the type.
        package let name: String?

        package init(type: String, name: String?) {
            self.type = type
            self.name = name
        }

        package static func < (left: Part, right: Part) -> Bool {
            guard left.type == right.type else { return left.type < right.type }
            switch (left.name, right.name) {
            case (nil, nil), (_, nil): return false
            case (nil, _): return true
            case (let left?, let right?): return left < right
            }
        }
    }

    package static let userType = "user"
    package static let clientIDType = "client-id"
    package static let addressType = "ip"
    package static let types = [clientIDType, addressType, userType]

    /// In ascending order of type.
    package let parts: [Part]

    package init(_ parts: [Part]) { self.parts = parts.sorted() }

    init(_ record: ClientQuotaRecord) {
        self.init(record.entity.map { Part(type: $0.entityType, name: $0.entityName) })
    }

    func record(key: String, value: Double) -> ClientQuotaRecord {
        var record = ClientQuotaRecord()
        record.entity = parts.map { ClientQuotaRecord.EntityData(entityType: $0.type, entityName: $0.name) }
        record.key = key
        record.value = value
        return record
    }

    package static func < (left: QuotaEntity, right: QuotaEntity) -> Bool {
        left.parts.lexicographicallyPrecedes(right.parts)
    }
}
