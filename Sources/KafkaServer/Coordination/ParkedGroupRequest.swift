// SPDX-License-Identifier: Apache-2.0
internal import KafkaProtocol

/// A JoinGroup or SyncGroup that waits for the other members of its group.
///
/// The group itself is not told when the client goes away: the member's session ends by its timeout, as in Apache Kafka,
/// unless it comes back before. The answer then finds nobody.
final class ParkedGroupRequest<Response: ResponseMessage>: ParkedRequest {
    private let ticket: ReplyTicket<Response>
    private let atStop: Response

    /// - Parameter atStop: the answer when the broker stops, which sends the client to look for the next coordinator.
    init(_ ticket: ReplyTicket<Response>, atStop: Response) {
        self.ticket = ticket
        self.atStop = atStop
    }

    func answerNow() { ticket.complete(atStop) }

    func abandon() {}
}
