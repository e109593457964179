// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaRuntime
import KafkaServer
import KafkaSimulator
import Testing

/// DescribeClientQuotas (key 48) and AlterClientQuotas (key 49).
@Suite struct ClientQuotaHandlersTests {
    private func describe(_ broker: TestBroker, version: Int16) throws -> [String] {
        let response = try broker.call(DescribeClientQuotasRequest(components: [], strict: false), version: version)
        #expect(response.errorCode == 0)
        return try #require(response.entries).map { entry in
            let entity = entry.entity.map { "\($0.entityType)=\($0.entityName ?? "<default>")" }
            let values = entry.values.map { "\($0.key)=\($0.value)" }
            return (entity + values).joined(separator: " ")
        }
    }

    @Test(arguments: 0...1 as ClosedRange<Int16>)
    func `quotas are kept through restarts and snapshots`(version: Int16) throws {
        // A snapshot after every few bytes.
        let broker = try TestBroker(["metadata.log.max.record.bytes.between.snapshots": "100"])
        let changed = try broker.call(
            AlterClientQuotasRequest(entries: [
                .init(
                    entity: [
                        .init(entityType: "user", entityName: "u"), .init(entityType: "client-id", entityName: nil),
                    ],
                    ops: [
                        .init(key: "producer_byte_rate", value: 1_024, remove: false),
                        .init(key: "request_percentage", value: 12.5, remove: false),
                    ]),
                .init(
                    entity: [.init(entityType: "ip", entityName: "10.0.0.1")],
                    ops: [.init(key: "producer_byte_rate", value: 1, remove: false)]),
            ]), version: version)
        #expect(changed.entries.map { ErrorCode($0.errorCode) } == [.none, .invalidRequest])
        #expect(changed.entries.map(\.entity.count) == [2, 1])
        let wanted = ["client-id=<default> user=u producer_byte_rate=1024.0 request_percentage=12.5"]
        #expect(try describe(broker, version: version) == wanted)
        for number in 0..<5 { try broker.createTopic("t\(number)") }
        _ = try broker.world.run(within: 1_000) { false }
        #expect(try broker.files.list("/data/__cluster_metadata-0").contains { $0.hasSuffix(".checkpoint") })
        try broker.restart()
        #expect(try describe(broker, version: version) == wanted)
        try broker.crash()
        #expect(try describe(broker, version: version) == wanted)
    }

    @Test(arguments: 0...1 as ClosedRange<Int16>)
    func `a bad filter has no entries`(version: Int16) throws {
        let broker = try TestBroker()
        let response = try broker.call(
            DescribeClientQuotasRequest(
                components: [.init(entityType: "host", matchType: 2, match: nil)], strict: false), version: version)
        #expect(ErrorCode(response.errorCode) == .unsupportedVersion)
        #expect(response.errorMessage != nil && response.entries == nil)
    }
}
