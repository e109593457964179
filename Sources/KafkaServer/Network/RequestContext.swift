// SPDX-License-Identifier: Apache-2.0
package import KafkaProtocol
package import KafkaRuntime

/// What a handler knows about the request besides its body.
package struct RequestContext {
    package let broker: BrokerContext
    package let version: Int16
    /// The name of the listener the request came in through.
    package let listenerName: String
    package let client: ClientIdentity
    /// The reactor that serves the connection; delayed operations keep their timers here.
    package let queue: any SerialQueue
    /// Whose quotas it counts against; nil while none are set for anybody.
    package let quota: RequestQuota?
}

/// Serves one API: one file per handler in `Handlers/`.
package protocol FrameHandler {
    /// The versions that are advertised and served.
    static var servedVersions: ClosedRange<Int16> { get }

    /// Answers the request of a served version, at once or later. Runs on the connection's reactor and must not block.
    static func serve(_ frame: RequestFrame, on connection: RequestConnection, _ broker: BrokerContext)
}

/// Serves one API whose request is decoded, and whose answer is written, as a whole.
package protocol RequestHandler: FrameHandler {
    associatedtype Request: RequestMessage

    /// Runs on the connection's reactor and must not block. Returns `.later` after it has given `ticket` to whoever
    /// completes the request.
    static func handle(
        _ request: Request, _ context: RequestContext, _ ticket: () -> ReplyTicket<Request.Response>
    ) -> Reply<Request.Response>
}

extension RequestHandler {
    package static func serve(_ frame: RequestFrame, on connection: RequestConnection, _ broker: BrokerContext) {
        connection.serve(Self.self, frame, broker)
    }
}
