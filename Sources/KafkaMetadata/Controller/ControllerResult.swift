// SPDX-License-Identifier: Apache-2.0
package import KafkaBase
package import KafkaProtocol

/// What a decision of the controller comes to: records to append and replay, and the answer to give once they are
/// committed. A decision changes nothing by itself.
package struct ControllerResult<Response: Sendable>: Sendable {
    package enum Atomicity: Sendable {
        /// The records make sense only together: one batch.
        case oneBatch
        /// Each record leaves a consistent state, so they may be spread over batches.
        case severalBatches
    }

    package var records: [MetadataRecord]
    package var response: Response
    package var atomicity: Atomicity

    package init(_ records: [MetadataRecord] = [], _ atomicity: Atomicity = .oneBatch, response: Response) {
        self.records = records
        self.response = response
        self.atomicity = atomicity
    }
}

/// An error code with what to tell the user: how a request, or one item of it, fails.
package struct APIError: Error, Equatable, Sendable, CustomStringConvertible {
    package let code: ErrorCode
    package let message: String?

    package init(_ code: ErrorCode, _ message: String? = nil) {
        self.code = code
        self.message = message
    }

    package var description: String { message.map { "\(code.name): \($0)" } ?? code.name }
}
