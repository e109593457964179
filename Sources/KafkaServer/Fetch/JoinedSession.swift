// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaProtocol
internal import KafkaReplication
internal import KafkaRuntime

/// The session that a fetch request is part of, brought up to date by it (KIP-227).
struct JoinedSession {
    let session: FetchSession
    let reply: FetchSessionReply

    /// Whether a request has nothing to do with any session, not even to end it.
    static func isNone(_ request: FetchRequestHead) -> Bool { request.sessionEpoch == -1 && request.sessionID == 0 }

    /// nil for a request that stands for itself.
    ///
    /// - Throws: the error for the whole request.
    static func join(_ request: FetchRequestView, _ broker: BrokerContext) throws(FetchRejection) -> JoinedSession? {
        let cache = broker.fetchSessions
        let head = request.head
        // Epoch −1 asks for no session, 0 for a new one; both end the session they name.
        if head.sessionEpoch == -1 || head.sessionEpoch == 0 {
            if head.sessionID != 0 { cache.remove(head.sessionID) }
            guard head.sessionEpoch == 0, head.version >= 7 else { return nil }
            let made = cache.make(for: request, now: broker.runtime.clock.monotonicMilliseconds)
            return made.map { JoinedSession(session: $0, reply: .full) }
        }
        let now = broker.runtime.clock.monotonicMilliseconds
        guard let session = cache.session(head.sessionID, now: now) else {
            throw FetchRejection(code: .fetchSessionIDNotFound)
        }
        guard session.usesTopicIDs == (head.version >= 13) else {
            throw FetchRejection(code: .fetchSessionTopicIDError)
        }
        guard let count = session.update(epoch: head.sessionEpoch, by: request) else {
            throw FetchRejection(code: .invalidFetchSessionEpoch)
        }
        if count == 0 { cache.remove(session.id) }
        return JoinedSession(session: session, reply: .incremental)
    }
}

/// Which of a session's partitions an answer tells of.
enum FetchSessionReply {
    case full
    /// Those that have something new.
    case incremental
}
