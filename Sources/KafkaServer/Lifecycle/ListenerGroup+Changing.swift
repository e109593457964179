// SPDX-License-Identifier: Apache-2.0
internal import KafkaRuntime
internal import Logging
internal import Synchronization

/// Listeners that come and go while the broker runs.
extension ListenerGroup {
    /// Milliseconds that connections of a listener that goes have to take what they were answered.
    private static let leaveTimeout: Int64 = 5_000

    /// What has to happen so that the listeners are those of a configuration.
    private struct Change {
        var removed: [Member] = []
        /// Listeners that are to be bound elsewhere.
        var moved: [(member: Member, configuration: ListenerConfiguration)] = []
        var added: [ListenerConfiguration] = []
        /// Listeners that stay where they are, under another configuration.
        var kept: [ListenerConfiguration] = []

        init(_ members: [Member], _ wanted: [ListenerConfiguration]) {
            let wanted = wanted.filter { !$0.isController }
            removed = members.filter { member in !wanted.contains { $0.name == member.configuration.name } }
            for listener in wanted {
                guard let member = members.first(where: { $0.configuration.name == listener.name }) else {
                    added.append(listener)
                    continue
                }
                if member.isBound(at: listener.address) {
                    if member.configuration != listener { kept.append(listener) }
                } else {
                    moved.append((member, listener))
                }
            }
        }

        var isEmpty: Bool { removed.isEmpty && moved.isEmpty && added.isEmpty && kept.isEmpty }
    }

    /// Why these listeners could not be bound now; nil where they could, or before there are any. Each port that is not
    /// bound yet is bound for a moment.
    func failure(ofListeningAs wanted: [ListenerConfiguration]) -> String? {
        let (members, terms) = state.withLock { ($0.members, $0.terms) }
        guard let terms else { return nil }
        let change = Change(members, wanted)
        let freed = change.removed.map(\.listener.boundAddress.port)
        for address in change.added.map(\.address) + change.moved.map(\.configuration.address)
        where address.port == 0 || !freed.contains(address.port) {
            do throws(NetworkError) {
                try runtime.network.listen(on: address, options: terms.options) { _ in nil }.close()
            } catch {
                return "\(error)"
            }
        }
        return nil
    }

    /// Has the listeners be those of a configuration: binds those that are new, before that closes those that are gone,
    /// whose connections end once what they have asked is answered. A listener that is to be elsewhere keeps its
    /// connections. What cannot be bound is logged and left out. Does nothing before `bind` and after `stopAccepting`.
    ///
    /// - Returns: whether anything was different.
    func change(to wanted: [ListenerConfiguration], on queue: any SerialQueue) -> Bool {
        let (members, terms, isClosed) = state.withLock { ($0.members, $0.terms, $0.isClosed) }
        guard let terms, !isClosed else { return false }
        let change = Change(members, wanted)
        guard !change.isEmpty else { return false }
        for member in change.removed { remove(member, terms, on: queue) }
        for (member, configuration) in change.moved { move(member, configuration, terms) }
        for listener in change.kept { update(listener.name) { $0.configuration = listener } }
        for listener in change.added {
            do throws(NetworkError) {
                try add(listener, terms)
                terms.log.info(
                    "listener added",
                    metadata: ["listener": "\(listener.name)", "address": "\(boundAddress(of: listener.name))"])
            } catch {
                complain(listener, error, terms)
            }
        }
        updateExemption()
        return true
    }

    private func remove(_ member: Member, _ terms: Terms, on queue: any SerialQueue) {
        member.listener.close()
        limits.forget(member.context)
        state.withLock { state in
            state.members.removeAll { $0.context === member.context }
            state.leaving.append(member.context)
        }
        terms.log.info("listener removed", metadata: ["listener": "\(member.configuration.name)"])
        close([member.context], timeout: Self.leaveTimeout, on: queue) { [self] in
            state.withLock { state in state.leaving.removeAll { $0 === member.context } }
        }
    }

    private func move(_ member: Member, _ configuration: ListenerConfiguration, _ terms: Terms) {
        do throws(NetworkError) {
            let listener = try listen(on: configuration.address, terms, member.context)
            member.listener.close()
            update(configuration.name) { $0.listener = listener }
            update(configuration.name) { $0.configuration = configuration }
            terms.log.info(
                "listener moved",
                metadata: ["listener": "\(configuration.name)", "address": "\(listener.boundAddress)"])
        } catch {
            complain(configuration, error, terms)
        }
    }

    private func update(_ name: String, _ change: (inout Member) -> Void) {
        state.withLock { state in
            guard let place = state.members.firstIndex(where: { $0.configuration.name == name }) else { return }
            change(&state.members[place])
        }
    }

    private func boundAddress(of name: String) -> String {
        bound.first { $0.configuration.name == name }.map { "\($0.address)" } ?? ""
    }

    private func complain(_ listener: ListenerConfiguration, _ error: NetworkError, _ terms: Terms) {
        terms.log.error("listener not bound", metadata: ["listener": "\(listener.name)", "reason": "\(error)"])
    }
}

extension ListenerGroup.Member {
    /// Whether this is where it listens. A port that was free to choose is the one that was chosen, too.
    fileprivate func isBound(at address: SocketAddress) -> Bool {
        configuration.address == address
            || configuration.address.host == address.host && listener.boundAddress.port == address.port
    }
}
