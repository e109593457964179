// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaMetadata
package import KafkaProtocol

/// ApiVersions (key 18): which APIs and versions this broker serves, and its features.
/// v1 throttle time · v3 flexible, client name and version, features · v4 features with level 0 ·
/// v5 cluster and node id checked (KIP-1242).
package enum ApiVersionsHandler: RequestHandler {
    package static let servedVersions: ClosedRange<Int16> = 0...5

    package static func handle(
        _ request: ApiVersionsRequest, _ context: RequestContext, _ ticket: () -> ReplyTicket<ApiVersionsResponse>
    ) -> Reply<ApiVersionsResponse> {
        if context.version >= 3, !isValid(request.clientSoftwareName) || !isValid(request.clientSoftwareVersion) {
            return .answer(ApiVersionsResponse(errorCode: ErrorCode.invalidRequest.rawValue))
        }
        if context.version >= 5, !isMeantForUs(request, context) {
            return .answer(ApiVersionsResponse(errorCode: ErrorCode.rebootstrapRequired.rawValue))
        }
        return .answer(response(context.broker, version: context.version))
    }

    /// The answer to a version this broker does not know: error and the versions of ApiVersions itself, in the form
    /// of version 0, so that the client can ask again (KIP-511).
    static func unsupportedVersionResponse() -> ApiVersionsResponse {
        ApiVersionsResponse(
            errorCode: ErrorCode.unsupportedVersion.rawValue,
            apiKeys: [
                .init(
                    apiKey: APIKey.apiVersions.rawValue, minVersion: servedVersions.lowerBound,
                    maxVersion: servedVersions.upperBound)
            ])
    }

    private static func response(_ broker: BrokerContext, version: Int16) -> ApiVersionsResponse {
        // Clients of version 3 cannot read a feature whose lowest level is 0 (KAFKA-17011).
        let features = version >= 4 ? Feature.all : Feature.all.filter { $0.supportedLevels.lowerBound > 0 }
        let image = broker.metadata.image
        return ApiVersionsResponse(
            apiKeys: RequestRouter.served(unstable: broker.configuration.unstableAPIVersionsEnabled).map {
                .init(apiKey: $0.key.rawValue, minVersion: $0.versions.lowerBound, maxVersion: $0.versions.upperBound)
            },
            supportedFeatures: features.map {
                .init(
                    name: $0.name, minVersion: $0.supportedLevels.lowerBound,
                    maxVersion: $0.supportedLevels.upperBound)
            },
            finalizedFeaturesEpoch: image.provenance.offset,
            finalizedFeatures: image.features.all.filter { $0.level > 0 }.map {
                .init(name: $0.name, maxVersionLevel: $0.level, minVersionLevel: $0.level)
            })
    }

    /// Letters, digits, dots and dashes, beginning and ending with a letter or digit (KIP-511).
    private static func isValid(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        guard let first = bytes.first, let last = bytes.last, isAlphanumeric(first), isAlphanumeric(last) else {
            return false
        }
        return bytes.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
    }

    private static func isMeantForUs(_ request: ApiVersionsRequest, _ context: RequestContext) -> Bool {
        if let clusterID = request.clusterID, clusterID != context.broker.clusterID { return false }
        return request.nodeID < 0 || request.nodeID == context.broker.nodeID
    }
}
