// SPDX-License-Identifier: Apache-2.0
internal import KafkaMetadata
internal import KafkaRuntime
internal import Synchronization

/// Measures how fast connections come in and says who must wait (KIP-612).
///
/// Connections beyond `max.connection.creation.rate`, the broker's or a listener's, stay with the operating system until
/// it is their turn. The quota `connection_creation_rate` of an address is only known once a connection is accepted: one
/// beyond it is held, unread, and closed after the time by which the address is above its quota, at most a window; it
/// counts for nobody's rate. The time keeps a client that comes again at once from coming again all the time.
///
/// Rates are those of `quota.window.num` windows. An address is forgotten when it has been quiet for so long, and at
/// 10,000 of them those that were quiet longest make room. From any thread.
final class ConnectionRates: Sendable {
    static let addressesMax = 10_000

    /// The rates that the configuration allows; nil is any.
    struct Limits: Sendable {
        var broker: Double?
        /// By the listener's name.
        var listeners: [String: Double]
    }

    private struct State {
        var limits: Limits
        var broker: SampledRate
        var listeners: [String: SampledRate] = [:]
        var quotas = ClientQuotas()
        var addresses: [String: Address] = [:]
        /// Listeners that go on by a timer.
        var delayed: Set<String> = []
        /// For those timers; made for the first.
        var queue: (any SerialQueue)?
    }

    private struct Address {
        var rate: SampledRate
        var lastUsed: Int64
    }

    private let windows: QuotaConfiguration
    private let runtime: Runtime
    private let state: Mutex<State>

    init(_ windows: QuotaConfiguration, limits: Limits, runtime: Runtime) {
        self.windows = windows
        self.runtime = runtime
        state = Mutex(State(limits: limits, broker: windows.emptyRate))
    }

    func update(_ limits: Limits) { state.withLock { $0.limits = limits } }

    func update(_ quotas: ClientQuotas) { state.withLock { $0.quotas = quotas } }

    /// How many addresses are measured.
    var addressCount: Int { state.withLock { $0.addresses.count } }

    // MARK: Broker and listeners

    /// Counts a connection that `listener` is about to accept. False: it must wait, nothing is counted, and the listener's
    /// `resumeAccepting` is called when it may try again.
    func take(for listener: ListenerContext) -> Bool {
        let now = runtime.clock.monotonicMilliseconds
        let delay = state.withLock { state -> (queue: any SerialQueue, milliseconds: Int64)? in
            var broker = state.broker
            var own = state.listeners[listener.name] ?? windows.emptyRate
            var wait: Int64 = 0
            if let limit = state.limits.broker, !listener.isExempt {
                broker.record(1, at: now)
                wait = broker.throttleTime(limit: limit, at: now)
            }
            if let limit = state.limits.listeners[listener.name] {
                own.record(1, at: now)
                wait = max(wait, own.throttleTime(limit: limit, at: now))
            }
            guard wait > 0 else {
                state.broker = broker
                if state.limits.listeners[listener.name] != nil { state.listeners[listener.name] = own }
                return nil
            }
            let queue = state.queue ?? runtime.queues.makeQueue(label: "connection-rates")
            state.queue = queue
            // One timer is enough: whoever it wakes asks again.
            guard state.delayed.insert(listener.name).inserted else { return (queue, -1) }
            return (queue, min(wait, windows.windowLength))
        }
        guard let delay else { return true }
        guard delay.milliseconds >= 0 else { return false }
        delay.queue.schedule(after: delay.milliseconds) { [weak self, weak listener] in
            guard let self, let listener else { return }
            state.withLock { _ = $0.delayed.remove(listener.name) }
            listener.resumeAccepting()
        }
        return false
    }

    /// Takes back what `take` has counted: there was no connection, or it is not let in.
    func giveBack(_ listener: ListenerContext) {
        let now = runtime.clock.monotonicMilliseconds
        state.withLock { state in
            if state.limits.broker != nil, !listener.isExempt { state.broker.record(-1, at: now) }
            if state.limits.listeners[listener.name] != nil { state.listeners[listener.name]?.record(-1, at: now) }
        }
    }

    // MARK: Addresses

    /// Counts a connection of an address; for how many milliseconds it is to be held where the address is above its quota,
    /// 0 where it is not.
    func throttleTime(of address: String) -> Int64 {
        state.withLock { state in
            guard let limit = state.quotas.connectionCreationRate(of: address) else { return 0 }
            let now = runtime.clock.monotonicMilliseconds
            if state.addresses[address] == nil { makeRoom(now, &state) }
            let before = state.addresses[address]?.rate ?? windows.emptyRate
            var rate = before
            rate.record(1, at: now)
            let time = rate.throttleTime(limit: limit, at: now)
            state.addresses[address] = Address(rate: time > 0 ? before : rate, lastUsed: now)
            return min(time, windows.windowLength)
        }
    }

    private func makeRoom(_ now: Int64, _ state: inout State) {
        guard state.addresses.count >= Self.addressesMax else { return }
        let memory = Int64(windows.windowCount) * windows.windowLength
        state.addresses = state.addresses.filter { now - $0.value.lastUsed < memory }
        guard state.addresses.count >= Self.addressesMax else { return }
        let quietest = state.addresses.sorted { ($0.value.lastUsed, $0.key) < ($1.value.lastUsed, $1.key) }
        for (address, _) in quietest.prefix(Self.addressesMax / 10) { state.addresses[address] = nil }
    }
}

extension QuotaConfiguration {
    fileprivate var emptyRate: SampledRate { SampledRate(windowCount: windowCount, windowLength: windowLength) }
}
