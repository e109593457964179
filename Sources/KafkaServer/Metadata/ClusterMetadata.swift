// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
package import KafkaMetadata
internal import KafkaProtocol
internal import KafkaRuntime

/// The cluster's metadata as handlers use them: the published image, and requests to the controller.
package final class ClusterMetadata: Sendable {
    private let published: PublishedMetadata
    private let quorum: MetadataQuorum
    private let random: any RandomSource
    private let schema: any ConfigurationSchema

    init(
        published: PublishedMetadata, quorum: MetadataQuorum, random: any RandomSource,
        schema: any ConfigurationSchema
    ) {
        self.published = published
        self.quorum = quorum
        self.random = random
        self.schema = schema
    }

    /// The newest committed image that this broker has acted on.
    package var image: MetadataImage { published.image }

    /// Has the controller decide. `completion` runs on the metadata queue.
    package func submit<Response: Sendable>(
        _ decide: @escaping MetadataQuorum.Decision<Response>,
        completion: @escaping @Sendable (Result<Response, APIError>) -> Void
    ) {
        quorum.submit(decide, completion: completion)
    }

    /// Tells who leads the metadata quorum and votes in it. `completion` runs on the metadata queue.
    func describeQuorum(_ completion: @escaping @Sendable (Result<QuorumDescription, APIError>) -> Void) {
        quorum.describe(completion: completion)
    }

    /// Creates topics with the broker's defaults. `completion` gets what kept which of them from being created; that one
    /// exists by now is among it.
    func autoCreate(_ names: [String], completion: @escaping @Sendable ([String: APIError]) -> Void) {
        let request = CreateTopicsRequest(
            topics: names.map { .init(name: $0, numPartitions: -1, replicationFactor: -1) })
        createTopics(request) { result in
            switch result {
            case .failure(let error): completion(Dictionary(uniqueKeysWithValues: names.map { ($0, error) }))
            case .success(let response):
                var errors: [String: APIError] = [:]
                for topic in response.topics {
                    guard let code = ErrorCode(rawValue: topic.errorCode), code != .none else { continue }
                    errors[topic.name] = APIError(code, topic.errorMessage)
                }
                completion(errors)
            }
        }
    }

    func createTopics(
        _ request: CreateTopicsRequest,
        completion: @escaping @Sendable (Result<CreateTopicsResponse, APIError>) -> Void
    ) {
        let (random, schema) = (random, schema)
        submit(
            { controller, _ in
                controller.createTopics(request, schema: schema, random: { random.next() })
            }, completion: completion)
    }

    func incrementalAlterConfigs(
        _ request: IncrementalAlterConfigsRequest,
        completion: @escaping @Sendable (Result<IncrementalAlterConfigsResponse, APIError>) -> Void
    ) {
        let schema = schema
        submit(
            { controller, _ in controller.incrementalAlterConfigs(request, schema: schema) }, completion: completion)
    }

    func alterConfigs(
        _ request: AlterConfigsRequest,
        completion: @escaping @Sendable (Result<AlterConfigsResponse, APIError>) -> Void
    ) {
        let schema = schema
        submit({ controller, _ in controller.alterConfigs(request, schema: schema) }, completion: completion)
    }

    func createPartitions(
        _ request: CreatePartitionsRequest,
        completion: @escaping @Sendable (Result<CreatePartitionsResponse, APIError>) -> Void
    ) {
        let random = random
        submit(
            { controller, _ in
                controller.createPartitions(request, random: { random.next() })
            }, completion: completion)
    }
}
