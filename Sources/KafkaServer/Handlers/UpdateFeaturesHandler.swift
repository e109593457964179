// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaMetadata
package import KafkaProtocol

/// UpdateFeatures (key 57): raises and lowers the finalised levels of features (KIP-584).
/// v1 validate-only, kind of downgrade · v2 no results of single features.
/// Not served: another level of `kraft.version`.
package enum UpdateFeaturesHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...2

    package static func handle(
        _ request: UpdateFeaturesRequest, _ context: RequestContext,
        _ ticket: () -> ReplyTicket<UpdateFeaturesResponse>
    ) -> Reply<UpdateFeaturesResponse> {
        let ticket = ticket()
        let version = context.version
        context.broker.metadata.submit(
            { controller, decision in
                controller.updateFeatures(request, version: version, kraftVersion: decision.kraftVersion)
            },
            completion: { result in
                switch result {
                case .success(let response): ticket.complete(response)
                case .failure(let error):
                    ticket.complete(
                        UpdateFeaturesResponse(errorCode: error.code.rawValue, errorMessage: error.message))
                }
            })
        return .later
    }
}
