// SPDX-License-Identifier: Apache-2.0

/// A place in a connection's order of answers.
struct AnswerSlot {
    let id: UInt64
    /// Who waits for what the answer needs, where it is known.
    var parked: (any ParkedRequest)?
    /// The encoded answer once it is there, waiting for those before it.
    var ready: WaitingAnswer?
    var measured: RequestMeasurement?
    /// Milliseconds that the client must wait because of its request.
    var throttle: Int64 = 0
}
