// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
package import KafkaMetadata
package import KafkaProtocol

/// DescribeUserScramCredentials (key 50): which users have SCRAM credentials, and of what kind (KIP-554). No user, or
/// null, asks for all.
///
/// There are only those that an Apache Kafka wrote into the metadata log: credentials cannot be altered yet, and nobody
/// logs in with them. It is served because administrators' tools ask for them whenever they describe users' quotas.
package enum DescribeUserScramCredentialsHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...0

    package typealias Described = DescribeUserScramCredentialsResponse.DescribeUserScramCredentialsResult

    package static func handle(
        _ request: DescribeUserScramCredentialsRequest, _ context: RequestContext,
        _ ticket: () -> ReplyTicket<DescribeUserScramCredentialsResponse>
    ) -> Reply<DescribeUserScramCredentialsResponse> {
        let users = request.users.map { $0.map(\.name) } ?? []
        let results = describe(users, context.broker.metadata.image)
        return .answer(DescribeUserScramCredentialsResponse(errorMessage: nil, results: results))
    }

    /// What is known of these users, or of all that have credentials where none is named, each once and in ascending
    /// order.
    package static func describe(_ users: [String], _ image: MetadataImage) -> [Described] {
        var kinds: [String: [DescribeUserScramCredentialsResponse.CredentialInfo]] = [:]
        for (key, credential) in image.scramCredentials {
            kinds[key.user, default: []].append(.init(mechanism: key.mechanism, iterations: credential.iterations))
        }
        var timesNamed: [String: Int] = [:]
        for user in users { timesNamed[user, default: 0] += 1 }
        return (users.isEmpty ? kinds.keys.sorted() : timesNamed.keys.sorted()).map { user in
            if timesNamed[user, default: 0] > 1 {
                return failed(user, .duplicateResource, "The user is named more than once")
            }
            guard let known = kinds[user] else {
                return failed(user, .resourceNotFound, "The user has no SCRAM credentials")
            }
            return Described(user: user, errorMessage: nil, credentialInfos: known)
        }
    }

    private static func failed(_ user: String, _ error: ErrorCode, _ message: String) -> Described {
        Described(user: user, errorCode: error.rawValue, errorMessage: message)
    }
}
