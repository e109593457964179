// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaMetadata
import KafkaProtocol
import KafkaServer
import Testing

/// What clients and administrators who know SASL are told by a broker without it: SaslHandshake (key 17) and
/// DescribeUserScramCredentials (key 50).
@Suite struct SASLRefusalTests {
    @Test(arguments: 0...1 as ClosedRange<Int16>)
    func `a client that is set up for SASL is told that it may not, and is not cut off`(version: Int16) throws {
        let broker = try TestBroker()
        let connection = broker.connect()
        let answer = try connection.call(SaslHandshakeRequest(mechanism: "PLAIN"), version: version)
        #expect(ErrorCode(answer.errorCode) == .illegalSaslState)
        #expect(answer.mechanisms.isEmpty)
        #expect(try connection.call(MetadataRequest(topics: []), version: 9).brokers.count == 1)
    }

    @Test func `SASL is not advertised, and other versions of it end the connection`() throws {
        #expect(!RequestRouter.served(unstable: true).contains { $0.key == .saslHandshake })
        let broker = try TestBroker()
        let connection = broker.connect()
        var writer = ByteWriter()
        writer.writeInt32(8 + 2 + 7)
        writer.writeInt16(APIKey.saslHandshake.rawValue)
        writer.writeInt16(2)
        writer.writeInt32(1)
        writer.writeInt16(-1)
        writer.write([0, 5, 80, 76, 65, 73, 78])
        try connection.send(writer.toArray())
        #expect(try connection.waitForClose())
    }

    @Test func `nobody has credentials, which is no error unless somebody is named`() throws {
        let broker = try TestBroker()
        for users in [nil, []] as [[DescribeUserScramCredentialsRequest.UserName]?] {
            let answer = try broker.call(DescribeUserScramCredentialsRequest(users: users), version: 0)
            #expect(answer.errorCode == 0 && answer.errorMessage == nil && answer.results.isEmpty)
        }
        let answer = try broker.call(
            DescribeUserScramCredentialsRequest(users: [.init(name: "u"), .init(name: "t")]), version: 0)
        #expect(answer.errorCode == 0)
        #expect(answer.results.map(\.user) == ["t", "u"])
        #expect(answer.results.allSatisfy { ErrorCode($0.errorCode) == .resourceNotFound })
    }

    @Test func `credentials of the metadata log are described without their secrets`() throws {
        var replay = MetadataReplay()
        let known: [(user: String, kind: Int8, iterations: Int32)] = [
            ("b", 2, 8_192), ("b", 1, 4_096), ("a", 2, 5_000),
        ]
        let records = known.map { user, kind, iterations in
            var record = UserScramCredentialRecord()
            record.name = user
            record.mechanism = kind
            record.iterations = iterations
            return MetadataRecord.userScramCredential(record)
        }
        try replay.replay(records, baseOffset: 0, epoch: 1, timestamp: 0)
        let image = replay.newestImage
        func described(_ users: [String]) -> [String] {
            DescribeUserScramCredentialsHandler.describe(users, image).map { result in
                let kinds = result.credentialInfos.map { " \($0.mechanism):\($0.iterations)" }.joined()
                return "\(result.user) \(ErrorCode(result.errorCode).name)\(kinds)"
            }
        }
        #expect(described([]) == ["a NONE 2:5000", "b NONE 1:4096 2:8192"])
        #expect(described(["b", "c"]) == ["b NONE 1:4096 2:8192", "c RESOURCE_NOT_FOUND"])
        #expect(described(["b", "a", "b"]) == ["a NONE 2:5000", "b DUPLICATE_RESOURCE"])
    }
}
