// SPDX-License-Identifier: Apache-2.0
internal import KafkaMetadata
internal import KafkaRuntime
internal import Synchronization

/// Measures clients that have quotas, and says how long they must wait (KIP-13, KIP-124, KIP-219, KIP-599).
///
/// While no quota is set for anybody a request costs one look at `isActive`. What is measured belongs to those who share
/// a quota; it is forgotten after an hour without requests, and at 10,000 of them those that were quiet longest make
/// room. From any thread.
package final class ClientQuotaManager: Sendable {
    /// The name of everybody who does not log in.
    static let anonymous = "ANONYMOUS"
    private static let sensorsMax = 10_000
    /// Milliseconds.
    private static let expiry: Int64 = 3_600_000

    private struct SensorKey: Hashable {
        let quota: ClientQuotaKey
        let share: ClientQuotaShare
    }

    private struct ClientKey: Hashable {
        let quota: ClientQuotaKey
        let user: String
        let clientID: String
    }

    private enum Measure {
        case rate(SampledRate)
        case bucket(TokenBucket)
    }

    private struct Sensor {
        var measure: Measure
        var limit: Double
        var lastUsed: Int64
        /// In the order in which they were made, so that the oldest of several is known.
        let number: UInt64
    }

    private struct State {
        var quotas = ClientQuotas()
        /// What holds for a client, found out before; emptied when a quota changes, and when it grows large.
        var known: [ClientKey: ClientQuota?] = [:]
        var sensors: [SensorKey: Sensor] = [:]
        var sensorsMade: UInt64 = 0
        var expiredAt: Int64 = 0
    }

    private let configuration: QuotaConfiguration
    private let clock: any Clock
    private let active = Atomic<Bool>(false)
    private let state = Mutex(State())

    init(_ configuration: QuotaConfiguration, clock: any Clock) {
        self.configuration = configuration
        self.clock = clock
    }

    /// Whether any quota is set.
    var isActive: Bool { active.load(ordering: .relaxed) }

    /// The cluster's quotas have changed.
    func update(_ quotas: ClientQuotas) {
        state.withLock { state in
            state.quotas = quotas
            state.known = [:]
            if quotas.isEmpty { state.sensors = [:] }
        }
        active.store(!quotas.isEmpty, ordering: .relaxed)
    }

    /// How many are measured.
    var sensorCount: Int { state.withLock { $0.sensors.count } }

    // MARK: Rates

    /// Counts `amount` against a quota; how many milliseconds the client must wait, 0 where it is within it.
    func record(_ key: ClientQuotaKey, _ amount: Double, user: String, clientID: String) -> Int64 {
        measure(key, user: user, clientID: clientID) { sensor, now in
            guard case .rate(var rate) = sensor.measure else { return 0 }
            rate.record(amount, at: now)
            let time = rate.throttleTime(limit: sensor.limit, at: now)
            sensor.measure = .rate(rate)
            // A client must not be kept waiting for longer than a window by the time of one slow request.
            return key == .requestPercentage ? min(time, configuration.windowLength) : time
        }
    }

    /// As `record`, but where the client must wait nothing is counted.
    func recordUnlessExceeded(_ key: ClientQuotaKey, _ amount: Double, user: String, clientID: String) -> Int64 {
        measure(key, user: user, clientID: clientID) { sensor, now in
            guard case .rate(let before) = sensor.measure else { return 0 }
            var rate = before
            rate.record(amount, at: now)
            let time = rate.throttleTime(limit: sensor.limit, at: now)
            sensor.measure = .rate(time > 0 ? before : rate)
            return time
        }
    }

    /// The most that the windows together allow; nil where there is no quota. More in one answer could never be sent.
    func allowedInWindows(_ key: ClientQuotaKey, user: String, clientID: String) -> Double? {
        state.withLock { state in
            Self.quota(key, user, clientID, &state).map {
                $0.limit * Double(max(1, configuration.windowCount - 1)) * Double(configuration.windowLength) / 1_000
            }
        }
    }

    // MARK: Changes of the cluster

    /// Takes `amount` changes out of the client's allowance; false where it has used it up, so that they must not be made.
    func takeMutations(_ amount: Int, user: String, clientID: String) -> Bool {
        var isTaken = true
        _ = measure(.controllerMutationRate, user: user, clientID: clientID) { sensor, now in
            guard case .bucket(var bucket) = sensor.measure else { return 0 }
            isTaken = bucket.take(Double(amount), at: now)
            sensor.measure = .bucket(bucket)
            return 0
        }
        return isTaken
    }

    /// As `takeMutations`, for clients that do not know the error: the changes are made in any case.
    func takeMutationsAnyway(_ amount: Int, user: String, clientID: String) {
        _ = measure(.controllerMutationRate, user: user, clientID: clientID) { sensor, now in
            guard case .bucket(var bucket) = sensor.measure else { return 0 }
            bucket.takeAnyway(Double(amount), at: now)
            sensor.measure = .bucket(bucket)
            return 0
        }
    }

    /// Milliseconds until the client may change the cluster again.
    func mutationThrottleTime(user: String, clientID: String) -> Int64 {
        measure(.controllerMutationRate, user: user, clientID: clientID) { sensor, now in
            guard case .bucket(var bucket) = sensor.measure else { return 0 }
            let time = bucket.throttleTime(at: now)
            sensor.measure = .bucket(bucket)
            return time
        }
    }

    // MARK: Sensors

    private static func quota(
        _ key: ClientQuotaKey, _ user: String, _ clientID: String, _ state: inout State
    ) -> ClientQuota? {
        let client = ClientKey(quota: key, user: user, clientID: clientID)
        if let known = state.known[client] { return known }
        let quota = state.quotas.quota(key, user: user, clientID: clientID)
        if state.known.count >= sensorsMax { state.known = [:] }
        state.known[client] = .some(quota)
        return quota
    }

    private func measure(
        _ key: ClientQuotaKey, user: String, clientID: String, _ body: (inout Sensor, Int64) -> Int64
    ) -> Int64 {
        let now = clock.monotonicMilliseconds
        return state.withLock { state in
            guard let quota = Self.quota(key, user, clientID, &state) else { return 0 }
            let sensorKey = SensorKey(quota: key, share: quota.share)
            var sensor = state.sensors[sensorKey] ?? make(key, quota.limit, now, &state)
            if sensor.limit != quota.limit { adjust(&sensor, to: quota.limit, now) }
            sensor.lastUsed = now
            let time = body(&sensor, now)
            state.sensors[sensorKey] = sensor
            return time
        }
    }

    private func make(_ key: ClientQuotaKey, _ limit: Double, _ now: Int64, _ state: inout State) -> Sensor {
        makeRoom(now, &state)
        state.sensorsMade += 1
        return Sensor(
            measure: key == .controllerMutationRate ? .bucket(bucket(limit, now)) : .rate(rate()), limit: limit,
            lastUsed: now, number: state.sensorsMade)
    }

    private func rate() -> SampledRate {
        SampledRate(windowCount: configuration.windowCount, windowLength: configuration.windowLength)
    }

    private func bucket(_ limit: Double, _ now: Int64) -> TokenBucket {
        TokenBucket(rate: limit, burstSeconds: configuration.mutationBurstSeconds, now: now)
    }

    /// What was measured stays; an allowance begins anew.
    private func adjust(_ sensor: inout Sensor, to limit: Double, _ now: Int64) {
        sensor.limit = limit
        if case .bucket = sensor.measure { sensor.measure = .bucket(bucket(limit, now)) }
    }

    private func makeRoom(_ now: Int64, _ state: inout State) {
        let isFull = state.sensors.count >= Self.sensorsMax
        guard isFull || now - state.expiredAt >= Self.expiry else { return }
        state.expiredAt = now
        state.sensors = state.sensors.filter { now - $0.value.lastUsed < Self.expiry }
        guard state.sensors.count >= Self.sensorsMax else { return }
        // A quarter at once, so that a flood of client ids does not sort at every one of them.
        let quietest = state.sensors.sorted {
            ($0.value.lastUsed, $0.value.number) < ($1.value.lastUsed, $1.value.number)
        }
        for (key, _) in quietest.prefix(Self.sensorsMax / 4) { state.sensors[key] = nil }
    }
}
