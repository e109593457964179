// SPDX-License-Identifier: Apache-2.0
package import KafkaBase

/// Why a request of a group is refused.
package struct GroupRefusal: Error, Equatable, Sendable {
    package let code: ErrorCode
    /// For the client's log.
    package let message: String

    init(_ code: ErrorCode, _ message: String) {
        self.code = code
        self.message = message
    }
}
