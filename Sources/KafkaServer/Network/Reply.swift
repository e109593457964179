// SPDX-License-Identifier: Apache-2.0
package import KafkaProtocol
package import KafkaRuntime

/// A range of a file that stands in an answer where its records field is `.spliced`.
package struct FileSlice: Sendable {
    package let file: any File
    package let offset: Int64
    package let count: Int

    package init(file: any File, offset: Int64, count: Int) {
        self.file = file
        self.offset = offset
        self.count = count
    }
}

/// An answer and the file ranges its records fields stand for, in the order of those fields.
package struct Answer<Response: ResponseMessage>: Sendable {
    package let response: Response
    package let files: [FileSlice]
    /// Milliseconds that the client must wait because of what its quota says of this answer.
    package let throttle: Int64

    package init(_ response: Response, files: [FileSlice] = [], throttle: Int64 = 0) {
        self.response = response
        self.files = files
        self.throttle = throttle
    }

    /// The answer, telling the client how long to wait.
    func telling(_ throttle: Int64) -> Answer {
        var response = response
        response.setThrottleTime(Int32(clamping: throttle))
        return Answer(response, files: files, throttle: throttle)
    }
}

/// What a handler makes of a request.
package enum Reply<Response: ResponseMessage> {
    /// The answer is ready.
    case now(Answer<Response>)
    /// The answer comes later, through the ticket the handler was given.
    case later
    /// The client wants no answer (Produce with acks=0).
    case none
    /// The connection must end: the client could not understand, or must notice, any other answer.
    case close(reason: String)

    package static func answer(_ response: Response) -> Reply { .now(Answer(response)) }
}

/// A request that waits for something to happen. Called on the reactor of its connection.
package protocol ParkedRequest: AnyObject {
    /// The broker stops: answers with what there is.
    func answerNow()
    /// The client is gone: stops waiting, without an answer.
    func abandon()
}

/// The claim to a place in a connection's order of answers. Redeemed once, from any queue; redeeming it after the
/// connection has closed does nothing.
package struct ReplyTicket<Response: ResponseMessage>: Sendable {
    private let connection: RequestConnection
    private let slot: UInt64
    private let correlationID: Int32
    private let version: Int16

    init(connection: RequestConnection, slot: UInt64, correlationID: Int32, version: Int16) {
        self.connection = connection
        self.slot = slot
        self.correlationID = correlationID
        self.version = version
    }

    /// Remembers who waits, so that it is told when the client leaves or the broker stops. On the reactor only.
    package func park(_ request: any ParkedRequest) { connection.park(request, slot: slot) }

    package func complete(_ answer: Answer<Response>) {
        let queue = connection.queue
        if queue.isCurrent {
            connection.finish(slot: slot, answer, correlationID: correlationID, version: version)
        } else {
            queue.async { [self] in
                connection.finish(slot: slot, answer, correlationID: correlationID, version: version)
            }
        }
    }

    package func complete(_ response: Response) { complete(Answer(response)) }
}
