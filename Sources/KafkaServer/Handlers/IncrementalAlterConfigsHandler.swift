// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaMetadata
package import KafkaProtocol

/// IncrementalAlterConfigs (key 44): sets, deletes, appends to and subtracts from single configurations.
/// v1 flexible. Topics, brokers, groups and client metrics, and the levels of this broker's loggers (resource type 8),
/// which last until it stops.
package enum IncrementalAlterConfigsHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...1

    package static func handle(
        _ request: IncrementalAlterConfigsRequest, _ context: RequestContext,
        _ ticket: () -> ReplyTicket<IncrementalAlterConfigsResponse>
    ) -> Reply<IncrementalAlterConfigsResponse> {
        let ticket = ticket()
        let screen = ConfigurationChangeScreen(nodeID: context.broker.nodeID)
        let resources = request.resources.map { ConfigResource(rawKind: $0.resourceType, name: $0.resourceName) }
        let local = changeLoggers(request, resources, screen, context.broker.loggerLevels)
        var passed = request
        passed.resources = zip(request.resources, resources)
            .filter { !ConfigurationChangeScreen.isLocal($1) && screen.refusal(of: $1) == nil }.map(\.0)
        context.broker.metadata.incrementalAlterConfigs(passed) { result in
            let outcomes = screen.outcomes(
                of: resources, result.map { $0.responses.map(ConfigurationChangeOutcome.init) }, local: local)
            ticket.complete(IncrementalAlterConfigsResponse(responses: outcomes.map(\.incrementalResponse)))
        }
        return .later
    }

    /// Makes the changes of this broker's loggers. The same resource twice is refused, as by the controller.
    private static func changeLoggers(
        _ request: IncrementalAlterConfigsRequest, _ resources: [ConfigResource], _ screen: ConfigurationChangeScreen,
        _ levels: LoggerLevels
    ) -> [ConfigurationChangeOutcome] {
        let places = resources.indices.filter {
            ConfigurationChangeScreen.isLocal(resources[$0]) && screen.refusal(of: resources[$0]) == nil
        }
        guard let first = places.first else { return [] }
        do throws(APIError) {
            if places.count > 1 { throw APIError(.invalidRequest, "Each resource must appear at most once.") }
            let change = try BrokerLoggerChange(request.resources[first].configs, levels)
            if !request.validateOnly { change.apply(to: levels) }
            return [ConfigurationChangeOutcome(resources[first], nil)]
        } catch {
            return places.map { ConfigurationChangeOutcome(resources[$0], error) }
        }
    }
}

extension ConfigurationChangeOutcome {
    fileprivate init(_ response: IncrementalAlterConfigsResponse.AlterConfigsResourceResponse) {
        self.init(
            resource: ConfigResource(rawKind: response.resourceType, name: response.resourceName),
            errorCode: response.errorCode, errorMessage: response.errorMessage)
    }

    fileprivate var incrementalResponse: IncrementalAlterConfigsResponse.AlterConfigsResourceResponse {
        .init(
            errorCode: errorCode, errorMessage: errorMessage, resourceType: resource.rawKind,
            resourceName: resource.name)
    }
}
