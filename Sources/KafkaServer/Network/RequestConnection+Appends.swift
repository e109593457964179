// SPDX-License-Identifier: Apache-2.0
internal import KafkaReplication
internal import KafkaStorage
internal import Logging

/// The appends of Produce requests that came together (`AppendGroup`).
extension RequestConnection {
    /// Given to the handler of Produce where further such requests came together with the one that is handled now: what is
    /// appended through it is written, and the answers go out, when all of them have been handled.
    var groupOfAppends: AppendGroup? { isGroupingAppends ? appendGroup : nil }

    /// Writes what the Produce requests that came together have appended. Their answers are in the output, which goes
    /// out only after this; where they would not be true, the connection ends instead.
    func commitAppends() {
        guard let appendGroup, !appendGroup.isEmpty, let error = appendGroup.commit() else { return }
        listener.log.error("append failed", metadata: ["peer": "\(remoteAddress)", "reason": "\(error)"])
        isClosed = true
        abandonOutstanding()
        giveBackMemory()
        connection.close()
    }

    /// Decides whether the Produce request that is handled now is appended together with others.
    ///
    /// - Parameter next: whether another one follows.
    func groupAppends(withNext next: Bool) {
        if next, appendGroup == nil { appendGroup = AppendGroup() }
        isGroupingAppends = next || appendGroup?.isEmpty == false
    }
}
