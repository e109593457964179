// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaMetadata
package import KafkaProtocol

/// DescribeCluster (key 60): cluster id, controller and brokers (KIP-700).
/// v1 endpoint type · v2 fenced brokers. Not served: the endpoints of controllers (type 2).
package enum DescribeClusterHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...2

    private static let brokerEndpoints: Int8 = 1

    package static func handle(
        _ request: DescribeClusterRequest, _ context: RequestContext,
        _ ticket: () -> ReplyTicket<DescribeClusterResponse>
    ) -> Reply<DescribeClusterResponse> {
        guard request.endpointType == brokerEndpoints else {
            return .answer(
                DescribeClusterResponse(
                    errorCode: request.endpointType == 2
                        ? ErrorCode.mismatchedEndpointType.rawValue : ErrorCode.unsupportedEndpointType.rawValue,
                    errorMessage: "This is a broker listener: it describes brokers", clusterID: ""))
        }
        let cluster = context.broker.metadata.image.cluster
        let brokers = request.includeFencedBrokers ? cluster.allBrokers : cluster.unfencedBrokers
        return .answer(
            DescribeClusterResponse(
                endpointType: brokerEndpoints, clusterID: context.broker.clusterID,
                controllerID: context.broker.nodeID,
                brokers: brokers.compactMap { broker in
                    broker.endpoint(listener: context.listenerName).map {
                        .init(
                            brokerID: broker.id, host: $0.host, port: Int32($0.port), rack: broker.rack,
                            isFenced: broker.isFenced)
                    }
                },
                clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
                    ? AuthorizedOperations.cluster : AuthorizedOperations.notAsked))
    }
}
