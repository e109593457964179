// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaMetadata
import KafkaProtocol
import Testing

@Suite struct ClientQuotasTests {
    typealias Entity = [(type: String, name: String?)]

    static func image(_ quotas: [(Entity, String, Double?)]) throws -> MetadataImage {
        var replay = MetadataReplay()
        let records = quotas.map { entity, key, value in
            MetadataRecord.clientQuota(
                ClientQuotaRecord(
                    entity: entity.map { .init(entityType: $0.type, entityName: $0.name) }, key: key,
                    value: value ?? 0, remove: value == nil))
        }
        try replay.replay(records, baseOffset: 0, epoch: 1, timestamp: 0)
        return replay.newestImage
    }

    /// From the most specific to the least, each with who shares it.
    static let precedence: [(Entity, ClientQuotaShare)] = [
        ([("user", "u"), ("client-id", "c")], .init(user: "u", clientID: "c")),
        ([("user", "u"), ("client-id", nil)], .init(user: "u", clientID: "c")),
        ([("user", "u")], .init(user: "u", clientID: nil)),
        ([("user", nil), ("client-id", "c")], .init(user: "u", clientID: "c")),
        ([("user", nil), ("client-id", nil)], .init(user: "u", clientID: "c")),
        ([("user", nil)], .init(user: "u", clientID: nil)),
        ([("client-id", "c")], .init(user: nil, clientID: "c")),
        ([("client-id", nil)], .init(user: nil, clientID: "c")),
    ]

    @Test(arguments: precedence.indices)
    func `the most specific entity counts`(first: Int) throws {
        let quotas = Self.precedence[first...].enumerated().map { ($1.0, "producer_byte_rate", Double($0 + 1)) }
        // The order in which they were set must not matter.
        for quotas in [Array(quotas), quotas.reversed()] {
            let quota = try Self.image(quotas).clientQuotas.quota(.producerByteRate, user: "u", clientID: "c")
            #expect(quota == ClientQuota(limit: 1, share: Self.precedence[first].1))
        }
    }

    @Test func `an entity without a value for the quota does not hide a less specific one`() throws {
        let image = try Self.image([
            ([("user", "u")], "producer_byte_rate", 5), ([("client-id", nil)], "consumer_byte_rate", 7),
        ])
        #expect(image.clientQuotas.quota(.consumerByteRate, user: "u", clientID: "c")?.limit == 7)
        #expect(image.clientQuotas.quota(.producerByteRate, user: "u", clientID: "c")?.limit == 5)
        #expect(image.clientQuotas.quota(.requestPercentage, user: "u", clientID: "c") == nil)
        #expect(image.clientQuotas.quota(.producerByteRate, user: "v", clientID: "c") == nil)
    }

    @Test func `a quota that is removed holds no more`() throws {
        let image = try Self.image([
            ([("user", "u")], "producer_byte_rate", 5), ([("user", "u")], "producer_byte_rate", nil),
        ])
        #expect(image.clientQuotas.isEmpty)
        #expect(image.clientQuotas.quota(.producerByteRate, user: "u", clientID: "") == nil)
    }

    @Test func `a limit that cannot be kept is none`() throws {
        let image = try Self.image([
            ([("user", "u")], "producer_byte_rate", 0), ([("user", "v")], "producer_byte_rate", -.infinity),
            ([("user", "w")], "producer_byte_rate", .nan), ([("ip", nil)], "connection_creation_rate", .infinity),
        ])
        for user in ["u", "v", "w"] {
            #expect(image.clientQuotas.quota(.producerByteRate, user: user, clientID: "") == nil)
        }
        #expect(image.clientQuotas.connectionCreationRate(of: "10.0.0.1") == nil)
    }

    @Test func `an address has its own rate, however it is written, else the default`() throws {
        let image = try Self.image([
            ([("ip", nil)], "connection_creation_rate", 9),
            ([("ip", "0:0:0:0:0:0:0:1")], "connection_creation_rate", 3),
            ([("ip", "10.0.0.1")], "connection_creation_rate", 4), ([("user", "u")], "producer_byte_rate", 1),
        ])
        #expect(image.clientQuotas.connectionCreationRate(of: "::1") == 3)
        #expect(image.clientQuotas.connectionCreationRate(of: "::ffff:10.0.0.1") == 4)
        #expect(image.clientQuotas.connectionCreationRate(of: "10.0.0.2") == 9)
        #expect(MetadataImage.empty.clientQuotas.connectionCreationRate(of: "10.0.0.2") == nil)
    }

    @Test func `an address under two spellings keeps the one that is left`() throws {
        let image = try Self.image([
            ([("ip", "::1")], "connection_creation_rate", 3), ([("ip", "0::1")], "connection_creation_rate", 4),
            ([("ip", "0::1")], "connection_creation_rate", nil), ([("user", "u")], "producer_byte_rate", 1),
        ])
        #expect(image.clientQuotas.connectionCreationRate(of: "::1") == 3)
    }

    @Test func `a snapshot brings all of them back`() throws {
        let image = try Self.image(
            Self.precedence.map { ($0.0, "request_percentage", 12.5) } + [
                ([("ip", "10.0.0.1")], "connection_creation_rate", 4)
            ])
        var replay = MetadataReplay()
        try replay.replay(image.records, baseOffset: 0, epoch: 1, timestamp: 0)
        #expect(replay.newestImage.clientQuotas == image.clientQuotas)
    }
}

@Suite struct GroupConfigurationTests {
    @Test func `what a group has set is read, the rest is left to the broker`() throws {
        var replay = MetadataReplay()
        let values = [
            ("consumer.session.timeout.ms", "30000"), ("consumer.heartbeat.interval.ms", "4000"),
            ("share.isolation.level", "read_committed"), ("of.a.later.release", "1"),
            ("streams.num.standby.replicas", "no number"),
        ]
        try replay.replay(
            values.map {
                .config(ConfigRecord(resourceType: 32, resourceName: "g", name: $0.0, value: $0.1))
            }, baseOffset: 0, epoch: 1, timestamp: 0)
        let configuration = replay.newestImage.configuration(ofGroup: "g")
        #expect(configuration.consumerSessionTimeoutMilliseconds == 30_000)
        #expect(configuration.consumerHeartbeatIntervalMilliseconds == 4_000)
        #expect(configuration.consumerAssignmentIntervalMilliseconds == nil)
        #expect(configuration.shareIsolationLevel == "read_committed")
        #expect(configuration.streamsStandbyReplicas == nil)
        #expect(replay.newestImage.configuration(ofGroup: "other") == GroupConfiguration())
    }
}
