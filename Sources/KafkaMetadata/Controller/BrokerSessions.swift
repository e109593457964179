// SPDX-License-Identifier: Apache-2.0

/// When each broker was last heard of, and how far it has replayed. Soft state of the active controller.
struct BrokerSessions: Sendable {
    private struct Session: Sendable {
        var lastContact: Int64
        var metadataOffset: Int64
        /// The offset that every active broker must have replayed before this one may go.
        var shutdownOffset: Int64?
    }

    private var sessions = SortedMap<Int32, Session>()

    mutating func touch(_ broker: Int32, metadataOffset: Int64, now: Int64) {
        let shutdownOffset = sessions[broker]?.shutdownOffset
        sessions[broker] = Session(lastContact: now, metadataOffset: metadataOffset, shutdownOffset: shutdownOffset)
    }

    mutating func remove(_ broker: Int32) { sessions[broker] = nil }

    func isValid(_ broker: Int32, timeout: Int64, now: Int64) -> Bool {
        guard let session = sessions[broker] else { return false }
        return now - session.lastContact <= timeout
    }

    /// Notes that the broker's leaderships were moved by records that end at `offset`.
    mutating func beginShutdown(_ broker: Int32, offset: Int64) {
        sessions.update(broker) { $0.shutdownOffset = offset }
    }

    /// Whether every one of `others` has replayed the records that moved the broker's leaderships.
    func mayShutDown(_ broker: Int32, others: [Int32]) -> Bool {
        guard let offset = sessions[broker]?.shutdownOffset else { return true }
        return others.allSatisfy { sessions[$0]?.metadataOffset ?? -1 >= offset }
    }
}
