// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaMetadata
package import KafkaProtocol

/// AlterConfigs (key 33): replaces all configurations of resources; what is not named is deleted.
/// v1 throttling before the answer (none here) · v2 flexible. Topics, brokers, groups and client metrics.
package enum AlterConfigsHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...2

    package static func handle(
        _ request: AlterConfigsRequest, _ context: RequestContext, _ ticket: () -> ReplyTicket<AlterConfigsResponse>
    ) -> Reply<AlterConfigsResponse> {
        let ticket = ticket()
        let screen = ConfigurationChangeScreen(nodeID: context.broker.nodeID)
        let resources = request.resources.map { ConfigResource(rawKind: $0.resourceType, name: $0.resourceName) }
        // The loggers' levels cannot be replaced as a whole.
        let refused = resources.filter(ConfigurationChangeScreen.isLocal).map {
            ConfigurationChangeOutcome(
                $0, screen.refusal(of: $0) ?? APIError(.invalidRequest, "Unexpected resource type \($0.rawKind)."))
        }
        var passed = request
        passed.resources = zip(request.resources, resources)
            .filter { !ConfigurationChangeScreen.isLocal($1) && screen.refusal(of: $1) == nil }.map(\.0)
        context.broker.metadata.alterConfigs(passed) { result in
            let outcomes = screen.outcomes(
                of: resources, result.map { $0.responses.map(ConfigurationChangeOutcome.init) }, local: refused)
            ticket.complete(AlterConfigsResponse(responses: outcomes.map(\.response)))
        }
        return .later
    }
}

extension ConfigurationChangeOutcome {
    fileprivate init(_ response: AlterConfigsResponse.AlterConfigsResourceResponse) {
        self.init(
            resource: ConfigResource(rawKind: response.resourceType, name: response.resourceName),
            errorCode: response.errorCode, errorMessage: response.errorMessage)
    }

    fileprivate var response: AlterConfigsResponse.AlterConfigsResourceResponse {
        .init(
            errorCode: errorCode, errorMessage: errorMessage, resourceType: resource.rawKind,
            resourceName: resource.name)
    }
}
