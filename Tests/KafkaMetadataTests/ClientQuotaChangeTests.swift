// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaMetadata
import KafkaProtocol
import Testing

/// AlterClientQuotas (key 49) and the filter of DescribeClientQuotas (key 48).
@Suite struct ClientQuotaChangeTests {
    typealias Part = (type: String, name: String?)
    typealias Change = (key: String, value: Double?)

    static func entry(_ parts: [Part], _ changes: [Change]) -> AlterClientQuotasRequest.EntryData {
        .init(
            entity: parts.map { .init(entityType: $0.type, entityName: $0.name) },
            ops: changes.map { .init(key: $0.key, value: $0.value ?? 0, remove: $0.value == nil) })
    }

    private func alter(
        _ cluster: inout TestCluster, _ entries: [AlterClientQuotasRequest.EntryData], validateOnly: Bool = false
    ) throws -> [AlterClientQuotasResponse.EntryData] {
        let result = cluster.controller.alterClientQuotas(
            AlterClientQuotasRequest(entries: entries, validateOnly: validateOnly))
        try cluster.commit(result.records)
        return result.response.entries
    }

    @Test func `quotas are set, changed and removed`() throws {
        var cluster = try TestCluster()
        let user: [Part] = [("user", "u"), ("client-id", nil)]
        let set = try alter(
            &cluster, [Self.entry(user, [("producer_byte_rate", 1_000), ("request_percentage", 12.5)])])
        #expect(set.map(\.errorCode) == [0])
        #expect(set[0].errorMessage == nil && set[0].entity.map(\.entityType) == ["user", "client-id"])
        _ = try alter(
            &cluster, [Self.entry(user, [("producer_byte_rate", 2_000), ("request_percentage", nil)])])
        #expect(cluster.image.clientQuotas.quota(.producerByteRate, user: "u", clientID: "c")?.limit == 2_000)
        #expect(cluster.image.clientQuotas.quota(.requestPercentage, user: "u", clientID: "c") == nil)
        _ = try alter(&cluster, [Self.entry(user, [("producer_byte_rate", nil)])])
        #expect(cluster.image.clientQuotas.isEmpty)
    }

    @Test func `what stays the same, or is not there to be removed, needs no record`() throws {
        var cluster = try TestCluster()
        _ = try alter(&cluster, [Self.entry([("user", "u")], [("producer_byte_rate", 1)])])
        let offset = cluster.nextOffset
        let again = try alter(
            &cluster, [Self.entry([("user", "u")], [("producer_byte_rate", 1), ("consumer_byte_rate", nil)])])
        #expect(again.map(\.errorCode) == [0])
        #expect(cluster.nextOffset == offset)
    }

    @Test func `validate-only changes nothing`() throws {
        var cluster = try TestCluster()
        let entries = [Self.entry([("ip", "10.0.0.1")], [("connection_creation_rate", 1)])]
        #expect(try alter(&cluster, entries, validateOnly: true).map(\.errorCode) == [0])
        #expect(cluster.image.clientQuotas.isEmpty)
    }

    static let refusals: [([Part], [Change])] = [
        ([], [("producer_byte_rate", 1)]),
        ([("user", "")], [("producer_byte_rate", 1)]),
        ([("group", "g")], [("producer_byte_rate", 1)]),
        ([("user", "u"), ("user", nil)], [("producer_byte_rate", 1)]),
        ([("user", "u"), ("ip", "10.0.0.1")], [("connection_creation_rate", 1)]),
        ([("ip", "some.host")], [("connection_creation_rate", 1)]),
        ([("ip", nil)], [("producer_byte_rate", 1)]),
        ([("user", "u")], [("connection_creation_rate", 1)]),
        ([("user", "u")], [("no_such_rate", 1)]),
        ([("user", "u")], [("producer_byte_rate", 0)]),
        ([("user", "u")], [("producer_byte_rate", -1)]),
        ([("user", "u")], [("producer_byte_rate", 1.5)]),
        ([("user", "u")], [("producer_byte_rate", 1e19)]),
        ([("user", "u")], [("producer_byte_rate", .nan)]),
        ([("user", "u")], [("request_percentage", .infinity)]),
        ([("ip", nil)], [("connection_creation_rate", 3e9)]),
        ([("user", "u")], [("producer_byte_rate", 1), ("producer_byte_rate", 2)]),
    ]

    @Test(arguments: refusals.indices)
    func `an entity that cannot have these quotas is refused whole, the others are not`(index: Int) throws {
        var cluster = try TestCluster()
        let (parts, changes) = Self.refusals[index]
        let results = try alter(
            &cluster, [Self.entry(parts, changes), Self.entry([("client-id", "c")], [("consumer_byte_rate", 5)])])
        #expect(results.map(\.errorCode) == [ErrorCode.invalidRequest.rawValue, 0])
        #expect(results[0].errorMessage != nil)
        #expect(cluster.image.clientQuotas.entities.count == 1)
    }

    @Test func `an entity that is named twice is refused once`() throws {
        var cluster = try TestCluster()
        let results = try alter(
            &cluster,
            [
                Self.entry([("user", "u"), ("client-id", "c")], [("producer_byte_rate", 1)]),
                Self.entry([("client-id", "c"), ("user", "u")], [("producer_byte_rate", 2)]),
            ])
        #expect(results.map(\.errorCode) == [ErrorCode.invalidRequest.rawValue])
        #expect(cluster.image.clientQuotas.isEmpty)
    }

    @Test func `too many changes for one batch are refused`() throws {
        var cluster = try TestCluster()
        let entries = (0...Controller.recordsPerRequestMax).map {
            Self.entry([("user", "u\($0)")], [("producer_byte_rate", 1)])
        }
        let results = try alter(&cluster, entries)
        #expect(results.filter { $0.errorCode != 0 }.map(\.errorCode) == [ErrorCode.policyViolation.rawValue])
    }

    // MARK: Filter

    private static let all: [[Part]] = [
        [("user", "u")], [("user", nil)], [("user", "u"), ("client-id", "c")], [("client-id", "c")],
        [("client-id", nil)], [("ip", "10.0.0.1")],
    ]

    private func matching(
        _ components: [(String, Int8, String?)], strict: Bool = false
    ) throws -> [Int] {
        let filter = try ClientQuotaFilter(
            DescribeClientQuotasRequest(
                components: components.map { .init(entityType: $0.0, matchType: $0.1, match: $0.2) }, strict: strict))
        return Self.all.indices.filter { index in
            filter.matches(QuotaEntity(Self.all[index].map { QuotaEntity.Part(type: $0.type, name: $0.name) }))
        }
    }

    @Test func `entities match by name, by default, by type, and strictly`() throws {
        #expect(try matching([]) == [0, 1, 2, 3, 4, 5])
        #expect(try matching([], strict: true) == [])
        #expect(try matching([("user", 0, "u")]) == [0, 2])
        #expect(try matching([("user", 0, "u")], strict: true) == [0])
        #expect(try matching([("user", 1, nil)]) == [1])
        #expect(try matching([("user", 2, nil)]) == [0, 1, 2])
        #expect(try matching([("user", 2, nil), ("client-id", 2, nil)], strict: true) == [2])
        #expect(try matching([("client-id", 2, nil)], strict: true) == [3, 4])
        #expect(try matching([("ip", 0, "10.0.0.1")]) == [5])
    }

    static let badFilters: [([(String, Int8, String?)], ErrorCode)] = [
        ([("", 0, "u")], .invalidRequest), ([("user", 0, nil)], .invalidRequest), ([("user", 1, "u")], .invalidRequest),
        ([("user", 2, "u")], .invalidRequest), ([("user", 3, nil)], .invalidRequest),
        ([("user", 2, nil), ("user", 1, nil)], .invalidRequest),
        ([("user", 2, nil), ("ip", 2, nil)], .invalidRequest), ([("host", 2, nil)], .unsupportedVersion),
    ]

    @Test(arguments: badFilters.indices)
    func `a filter that makes no sense is refused`(index: Int) {
        #expect {
            _ = try matching(Self.badFilters[index].0)
        } throws: { error in
            (error as? APIError)?.code == Self.badFilters[index].1
        }
    }
}
