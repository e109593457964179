// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaRuntime
import KafkaSimulator
import Testing

@Suite struct HostileTests {
    private static let corpus = RequestCorpus(
        seed: 1, attempts: 8, topic: "workload", topicID: KafkaUUID(high: 1, low: 2))

    @Test func `the corpus has requests of every API in every version, all valid`() throws {
        let found = Set(Self.corpus.kinds.map { "\($0.api) \($0.version)" })
        var types: [Int16: any RequestMessage.Type] = [:]
        for type in AllMessages.types {
            guard let request = type as? any RequestMessage.Type else { continue }
            types[request.apiKey.rawValue] = request
            for version in request.versions {
                #expect(found.contains("\(request.apiKey.rawValue) \(version)"), "\(request) \(version)")
            }
        }
        for request in Self.corpus.requests {
            try request.withUnsafeBytes { bytes in
                var reader = ByteReader(bytes)
                let header = try RequestHeader(receivedFrom: &reader)
                let type = try #require(types[header.apiKey])
                _ = try type.init(decoding: reader.rest, version: header.apiVersion)
            }
        }
        // Most are more than a default instance.
        #expect(Self.corpus.requests.count > 3 * found.count)
    }

    @Test func `mutated frames differ from the request and repeat with the seed`() {
        var first = FrameMutator(seed: 5)
        var second = FrameMutator(seed: 5)
        let (request, other) = (Self.corpus.requests[10], Self.corpus.requests[20])
        let frames = (0..<1_000).map { _ in first.frame(from: request, and: other) }
        #expect(frames == (0..<1_000).map { _ in second.frame(from: request, and: other) })
        let unchanged = frames.count { Array($0.dropFirst(4)) == request }
        #expect((20..<300).contains(unchanged))
        #expect(frames.allSatisfy { $0.count <= 16_388 })
    }

    @Test func `a client goes on from connection to connection until enough was judged`() throws {
        let simulation = SimulatedRuntime(seed: 2, options: .immediate)
        let broker = try ScriptedBroker(host: "broker", port: 9092, runtime: simulation.host("broker").runtime)
        let runtime = simulation.host("client").runtime
        let done = Journal<Bool>()
        let client = HostileClient(
            runtime: runtime, address: SocketAddress(host: "broker", port: 9092),
            reactor: runtime.network.reactors[0], corpus: Self.corpus, seed: 3, total: 2_000
        ) { done.add(true) }
        client.start()
        #expect(try simulation.run(within: 100_000_000) { done.count == 1 })
        #expect(client.tally.judged >= 2_000)
        #expect(client.tally.answers > 50)
        #expect(client.tally.closedByBroker > 500)
        #expect(client.tally.refused == 0)
        #expect(broker.requests.values.reduce(0, +) > 0)
        try simulation.advance(by: 5_000)
        #expect(simulation.connectionCount == 0)
    }
}
