// SPDX-License-Identifier: Apache-2.0
internal import KafkaMetadata
internal import KafkaProtocol
internal import KafkaRuntime

/// Whose quotas a request counts against. Exists only while any quota is set, and is a class so that all others carry
/// nothing but a null around.
package final class RequestQuota: Sendable {
    let manager: ClientQuotaManager
    let user: String
    let clientID: String
    private let clock: any Clock
    /// Since when the request is handled, monotonic nanoseconds.
    private let began: Int64

    init(manager: ClientQuotaManager, user: String, clientID: String, clock: any Clock) {
        self.manager = manager
        self.user = user
        self.clientID = clientID
        self.clock = clock
        began = clock.monotonicNanoseconds
    }

    /// The same for work on the request that begins now.
    var beginningAgain: RequestQuota {
        RequestQuota(manager: manager, user: user, clientID: clientID, clock: clock)
    }

    // MARK: Any request

    /// Counts the time that a request has taken, and what a producer has sent, in bytes. Returns for how many milliseconds
    /// the client must wait.
    func charge(_ key: APIKey, requestBytes: Int) -> Int64 {
        charge(key, requestBytes: requestBytes, nanoseconds: clock.monotonicNanoseconds - began)
    }

    func charge(_ key: APIKey, requestBytes: Int, nanoseconds: Int64) -> Int64 {
        let percentSeconds = Double(nanoseconds) * 100 / 1e9
        let time = manager.record(.requestPercentage, percentSeconds, user: user, clientID: clientID)
        guard key == .produce else { return time }
        return max(
            time, manager.record(.producerByteRate, Double(requestBytes), user: user, clientID: clientID))
    }

    // MARK: Fetch

    /// The most bytes an answer may have, so that it can be sent within the quota at all; nil where there is none.
    var fetchBytesMax: Int? {
        manager.allowedInWindows(.consumerByteRate, user: user, clientID: clientID).map {
            Int(min($0, Double(Int32.max)))
        }
    }

    /// Counts the time of a fetch and its answer. Where the client must wait (milliseconds), the answer is not counted, and
    /// it gets an empty one instead.
    func chargeFetch(bytes: Int) -> Int64 {
        let time = charge(.fetch, requestBytes: 0)
        if time > 0 { return time }
        return manager.recordUnlessExceeded(.consumerByteRate, Double(bytes), user: user, clientID: clientID)
    }

    // MARK: Changes of the cluster

    /// Whether the partitions may be created or deleted; they are counted, if so. `isStrict` is for requests of a version
    /// that knows THROTTLING_QUOTA_EXCEEDED; those of other versions are always carried out, and counted.
    func allowsMutations(_ partitions: Int, _ strictness: MutationStrictness) -> Bool {
        switch strictness {
        case .strict: return manager.takeMutations(partitions, user: user, clientID: clientID)
        case .permissive:
            manager.takeMutationsAnyway(partitions, user: user, clientID: clientID)
            return true
        }
    }

    /// Milliseconds until the client should try again.
    var mutationThrottleTime: Int64 { manager.mutationThrottleTime(user: user, clientID: clientID) }
}

/// What happens to changes beyond `controller_mutation_rate` (KIP-599).
enum MutationStrictness {
    /// They are refused.
    case strict
    /// They are made, and the client is told to wait afterwards.
    case permissive
}
