// SPDX-License-Identifier: Apache-2.0
internal import KafkaMetadata
internal import KafkaStorage
internal import Synchronization

/// Replicas of this broker that have no log yet because there was no space to make it, or the like, in the order in
/// which that was noticed.
final class UnopenedReplicas: Sendable {
    private struct State: Sendable {
        var replicas: [(replica: TopicIDPartition, expectation: LogExpectation)] = []
        var isScheduled = false
    }

    private let state = Mutex(State())

    func add(_ replica: TopicIDPartition, _ expectation: LogExpectation) {
        state.withLock { $0.replicas.append((replica, expectation)) }
    }

    /// Whether another attempt has to be scheduled; whoever is told so does it.
    func mustSchedule() -> Bool {
        state.withLock { state in
            guard !state.isScheduled, !state.replicas.isEmpty else { return false }
            state.isScheduled = true
            return true
        }
    }

    /// Ends the attempt that was scheduled.
    func takeAll() -> [(replica: TopicIDPartition, expectation: LogExpectation)] {
        state.withLock { state in
            state.isScheduled = false
            defer { state.replicas = [] }
            return state.replicas
        }
    }
}
