// SPDX-License-Identifier: Apache-2.0
package import KafkaBase
package import KafkaProtocol
package import KafkaRuntime

/// Why a client's request has no response.
package enum KafkaClientError: Error, Equatable, Sendable, CustomStringConvertible {
    /// No connection could be made.
    case unreachable(NetworkError)
    /// The connection ended first.
    case closed(CloseReason)
    /// No response within the request timeout; the connection is closed, since responses come in order.
    case timedOut(APIKey)
    /// The request cannot be encoded, or the response not decoded.
    case wire(WireError)
    /// The broker and this client have no version of the API in common.
    case notOffered(APIKey)
    /// The broker refused to tell its versions.
    case refused(ErrorCode)
    /// The broker broke the rules of the protocol.
    case violation(String)
    /// More requests are outstanding than the options allow.
    case tooManyRequests
    /// The cluster has no such broker, or nobody leads the partition at the moment.
    case noLeader

    package var description: String {
        switch self {
        case .unreachable(let error): "unreachable: \(error)"
        case .closed(let reason): "the connection ended: \(reason)"
        case .timedOut(let api): "no response to \(api.name) in time"
        case .wire(let error): "malformed: \(error)"
        case .notOffered(let api): "no common version of \(api.name)"
        case .refused(let code): "refused with \(code.name)"
        case .violation(let what): "protocol violation: \(what)"
        case .tooManyRequests: "too many requests are outstanding"
        case .noLeader: "no leader is known"
        }
    }
}

package struct KafkaClientOptions: Sendable {
    package var clientID: String? = "swiftkafka-simulator"
    /// Milliseconds to wait for a response.
    package var requestTimeout: Int64 = 30_000
    /// Bytes of the largest response that is accepted.
    package var maximumResponseBytes = 128 << 20
    /// Requests that may wait for a response on one connection.
    package var maximumOutstanding = 1_000
    /// The newest versions to use, for APIs where that is not the newest both sides know.
    package var versionCeilings: [APIKey: Int16] = [:]
    /// Milliseconds, and up to as many again by chance, before something that failed is tried again.
    package var retryBackoff: Int64 = 100

    package init() {}
}
