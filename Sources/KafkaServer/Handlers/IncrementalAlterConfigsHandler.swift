// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaMetadata
package import KafkaProtocol

/// IncrementalAlterConfigs (key 44): sets, deletes, appends to and subtracts from single configurations.
/// v1 flexible. Topics, brokers, groups and client metrics. Not served: the levels of a broker's loggers (resource
/// type 8).
package enum IncrementalAlterConfigsHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...1

    package static func handle(
        _ request: IncrementalAlterConfigsRequest, _ context: RequestContext,
        _ ticket: () -> ReplyTicket<IncrementalAlterConfigsResponse>
    ) -> Reply<IncrementalAlterConfigsResponse> {
        let ticket = ticket()
        let screen = ConfigurationChangeScreen(nodeID: context.broker.nodeID)
        let resources = request.resources.map { ConfigResource(rawKind: $0.resourceType, name: $0.resourceName) }
        var passed = request
        passed.resources = zip(request.resources, resources).filter { screen.refusal(of: $1) == nil }.map(\.0)
        context.broker.metadata.incrementalAlterConfigs(passed) { result in
            let outcomes = screen.outcomes(
                of: resources, result.map { $0.responses.map(ConfigurationChangeOutcome.init) })
            ticket.complete(IncrementalAlterConfigsResponse(responses: outcomes.map(\.incrementalResponse)))
        }
        return .later
    }
}

extension ConfigurationChangeOutcome {
    fileprivate init(_ response: IncrementalAlterConfigsResponse.AlterConfigsResourceResponse) {
        resource = ConfigResource(rawKind: response.resourceType, name: response.resourceName)
        errorCode = response.errorCode
        errorMessage = response.errorMessage
    }

    fileprivate var incrementalResponse: IncrementalAlterConfigsResponse.AlterConfigsResourceResponse {
        .init(
            errorCode: errorCode, errorMessage: errorMessage, resourceType: resource.rawKind,
            resourceName: resource.name)
    }
}
