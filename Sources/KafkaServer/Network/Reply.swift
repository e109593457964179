// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
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
}

/// What a handler makes of a request.
package enum Reply<Response: ResponseMessage> {
    /// The answer is ready.
    case now(Answer<Response>)
    /// The answer comes later, through the ticket the handler was given.
    case later
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

/// Which request an answer is for, and how its header is written.
struct AnswerPlace {
    let api: APIKey
    let version: Int16
    let correlationID: Int32
    let headerHasTags: Bool

    init<Response: ResponseMessage>(_ response: Response.Type, correlationID: Int32, version: Int16) {
        api = Response.apiKey
        self.version = version
        self.correlationID = correlationID
        headerHasTags = Response.headerHasTags(version)
    }
}

/// What was made of an answer.
enum AnswerOutcome {
    /// It was sent, or waits for those before it.
    case complete
    /// Nothing of it may leave; its place stays open.
    case withheld
    /// The connection has ended.
    case failed
}

/// A place that is kept in a connection's order of answers. Used from the reactor only, where nothing else is said; after
/// the connection has closed it does nothing.
struct ReservedPlace: Sendable {
    fileprivate let connection: RequestConnection
    let slot: UInt64
    let answer: AnswerPlace

    init(connection: RequestConnection, slot: UInt64, answer: AnswerPlace) {
        self.connection = connection
        self.slot = slot
        self.answer = answer
    }

    var queue: any SerialQueue { connection.queue }

    /// Remembers who waits, so that it is told when the client leaves or the broker stops.
    func park(_ request: any ParkedRequest) { connection.park(request, slot: slot) }

    /// Has `write` put the body into the answer, and sends it in its turn unless it is withheld.
    func answer(_ write: (inout AnswerBuffer) throws(WireError) -> AnswerOutcome) { connection.answer(self, write) }
}

/// The claim to a place in a connection's order of answers. Redeemed once, from any queue; redeeming it after the
/// connection has closed does nothing.
package struct ReplyTicket<Response: ResponseMessage>: Sendable {
    private let place: ReservedPlace

    init(_ place: ReservedPlace) { self.place = place }

    /// Remembers who waits, so that it is told when the client leaves or the broker stops. On the reactor only.
    package func park(_ request: any ParkedRequest) { place.park(request) }

    package func complete(_ answer: Answer<Response>) {
        let (place, queue) = (place, place.queue)
        if queue.isCurrent {
            place.answer { (buffer) throws(WireError) in try buffer.write(answer, version: place.answer.version) }
        } else {
            queue.async {
                place.answer { (buffer) throws(WireError) in try buffer.write(answer, version: place.answer.version) }
            }
        }
    }

    package func complete(_ response: Response) { complete(Answer(response)) }
}
