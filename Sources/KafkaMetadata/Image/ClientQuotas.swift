// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase

/// The quotas that may be set for clients (KIP-13, KIP-124, KIP-599, KIP-612).
package enum ClientQuotaKey: String, CaseIterable, Sendable {
    /// Bytes per second that may be produced to this broker.
    case producerByteRate = "producer_byte_rate"
    /// Bytes per second that may be fetched from this broker.
    case consumerByteRate = "consumer_byte_rate"
    /// The share of one thread's time, in percent, that requests may take: 200 is two threads.
    case requestPercentage = "request_percentage"
    /// Partitions per second that may be created or deleted, or topics' partitions added.
    case controllerMutationRate = "controller_mutation_rate"
    /// Connections per second that an address may open. The only quota of addresses, and of nothing else.
    case connectionCreationRate = "connection_creation_rate"

    /// Whether it is set for addresses, not for users and client ids.
    package var isForAddresses: Bool { self == .connectionCreationRate }
}

/// A quota, and who has to get by with it together.
package struct ClientQuota: Equatable, Sendable {
    /// Always finite and above zero.
    package let limit: Double
    /// Clients with an equal share use up the same quota.
    package let share: ClientQuotaShare

    package init(limit: Double, share: ClientQuotaShare) {
        self.limit = limit
        self.share = share
    }
}

/// The clients that share a quota: all of a user, all with a client id, or those of a user with a client id. A quota of
/// a default (`user` default, `client-id` default) is for each user or client id by itself, not for all together.
package struct ClientQuotaShare: Hashable, Sendable {
    /// nil where the quota does not look at the user.
    package let user: String?
    /// nil where the quota does not look at the client id.
    package let clientID: String?

    package init(user: String?, clientID: String?) {
        self.user = user
        self.clientID = clientID
    }
}

/// The client quotas of the cluster, and which of them holds for a client.
///
/// A value that shares its parts with the images it came from: cheap to copy and to keep.
package struct ClientQuotas: Equatable, Sendable {
    /// What is set, by entity and by the quota's name, names of later releases included.
    package private(set) var entities = SortedMap<QuotaEntity, SortedMap<String, Double>>()
    /// The rates of entities that are a numeric address, by what the address means.
    private var addressRates = SortedMap<InternetAddress, Double>()

    package init() {}

    package var isEmpty: Bool { entities.isEmpty }

    /// The values set for exactly this entity, ascending by name.
    package func values(of entity: QuotaEntity) -> [(key: String, value: Double)] {
        entities[entity].map { $0.map { (key: $0.key, value: $0.value) } } ?? []
    }

    // MARK: Which quota holds

    /// The quota that holds for requests of a user with a client id; nil where there is none.
    ///
    /// The most specific entity with a value of its own for `key` counts: user and client id, user and any client id,
    /// user; then the same for any user; then client id, and any client id.
    ///
    /// - Parameters:
    ///   - key: any but `connectionCreationRate`.
    ///   - user: the name of the principal, `ANONYMOUS` where nobody logs in.
    ///   - clientID: as the request says, empty where it says none.
    package func quota(_ key: ClientQuotaKey, user: String, clientID: String) -> ClientQuota? {
        if entities.isEmpty { return nil }
        func find(user isForUser: Bool, client isForClient: Bool, _ parts: QuotaEntity.Part...) -> ClientQuota? {
            guard let limit = entities[QuotaEntity(parts)]?[key.rawValue], limit > 0, limit.isFinite else { return nil }
            return ClientQuota(
                limit: limit,
                share: ClientQuotaShare(user: isForUser ? user : nil, clientID: isForClient ? clientID : nil))
        }
        let client = QuotaEntity.Part(type: QuotaEntity.clientIDType, name: clientID)
        let anyClient = QuotaEntity.Part(type: QuotaEntity.clientIDType, name: nil)
        for name in [user, nil] {
            let user = QuotaEntity.Part(type: QuotaEntity.userType, name: name)
            if let quota = find(user: true, client: true, user, client) { return quota }
            if let quota = find(user: true, client: true, user, anyClient) { return quota }
            if let quota = find(user: true, client: false, user) { return quota }
        }
        return find(user: false, client: true, client) ?? find(user: false, client: true, anyClient)
    }

    /// Connections per second that the numeric address may open; nil where there is no limit. A default is for each
    /// address by itself.
    package func connectionCreationRate(of address: String) -> Double? {
        if entities.isEmpty { return nil }
        if let parsed = InternetAddress(address), let rate = addressRates[parsed] { return rate }
        return rate(of: QuotaEntity([.init(type: QuotaEntity.addressType, name: nil)]))
    }

    private func rate(of entity: QuotaEntity) -> Double? {
        guard let rate = entities[entity]?[ClientQuotaKey.connectionCreationRate.rawValue], rate > 0, rate.isFinite
        else { return nil }
        return rate
    }

    // MARK: Replay

    /// - Parameter value: nil removes it.
    mutating func set(_ key: String, of entity: QuotaEntity, to value: Double?) {
        var values = entities[entity] ?? SortedMap()
        values[key] = value
        entities[entity] = values.isEmpty ? nil : values
        if key == ClientQuotaKey.connectionCreationRate.rawValue, let address = entity.address {
            addressRates[address] = rate(of: entity) ?? rateOfAnotherSpelling(of: address)
        }
    }

    /// The same address may have been written in two ways.
    private func rateOfAnotherSpelling(of address: InternetAddress) -> Double? {
        let first = QuotaEntity([.init(type: QuotaEntity.addressType, name: "")])
        for (entity, _) in entities.entries(from: first) {
            guard entity.parts.first?.type == QuotaEntity.addressType else { return nil }
            if entity.address == address, let rate = rate(of: entity) { return rate }
        }
        return nil
    }
}

extension QuotaEntity {
    /// The address it stands for, where it stands for one by its number.
    fileprivate var address: InternetAddress? {
        guard parts.count == 1, parts[0].type == Self.addressType else { return nil }
        return parts[0].name.flatMap { InternetAddress($0) }
    }
}
