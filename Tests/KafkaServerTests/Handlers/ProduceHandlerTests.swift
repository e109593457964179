// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaRecords
import KafkaServer
import Testing

@Suite struct ProduceHandlerTests {
    @Test func `starts`() throws {
        let broker = try TestBroker()
        try broker.createTopic("t")
        #expect(try broker.produce(["a", "b"], to: "t") == 0)
        #expect(try broker.records(of: "t") == ["0=a", "1=b"])
        #expect(broker.log.complaints == [])
    }
}
