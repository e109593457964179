// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime

/// What must hold between keys.
extension BrokerConfiguration {
    /// A node is broker and controller at once until quorums of several nodes are supported.
    func checkRoles(_ reader: inout ConfigurationReader) {
        if Set(reader.list("process.roles")) != ["broker", "controller"] {
            reader.refuse(
                "process.roles",
                "must be broker,controller: separate brokers and controllers are not supported yet")
        }
        if let old = reader.optionalInteger("broker.id"), old != -1, old != Int64(nodeID) {
            reader.refuse("broker.id", "must be the same as node.id=\(nodeID)")
        }
    }

    /// The quorum may only be this node.
    func checkQuorum(_ reader: inout ConfigurationReader) {
        let alone = "other nodes in the quorum are not supported yet"
        let voters = reader.list("controller.quorum.voters")
        for voter in voters {
            guard let at = voter.firstIndex(of: "@"), let id = Int32(voter[..<at]), id >= 0,
                BrokerConfiguration.hostAndPort(String(voter[voter.index(after: at)...])) != nil
            else {
                reader.refuse("controller.quorum.voters", "must be a list of id@host:port")
                return
            }
            if id != nodeID {
                reader.refuse("controller.quorum.voters", "must only name node.id=\(nodeID): \(alone)")
            }
        }
        if voters.count > 1 {
            reader.refuse("controller.quorum.voters", "must only name this node: \(alone)")
        }
        let servers = reader.list("controller.quorum.bootstrap.servers")
        for server in servers {
            guard let address = BrokerConfiguration.hostAndPort(server) else {
                reader.refuse("controller.quorum.bootstrap.servers", "must be a list of host:port")
                return
            }
            if servers.count > 1 || !isOwn(host: address.host, port: address.port) {
                reader.refuse(
                    "controller.quorum.bootstrap.servers",
                    "must only name a controller listener of this node, by localhost or its advertised host: \(alone)")
            }
        }
    }

    /// Whether a controller of this node can be meant by `host` and `port`, as far as the names tell.
    private func isOwn(host: String, port: UInt16) -> Bool {
        let controllers = network.listeners.filter(\.isController)
        if !controllers.isEmpty,
            !controllers.contains(where: { $0.address.port == port || $0.advertisedAddress?.port == port })
        {
            return false
        }
        if host == "localhost" || host == "::1" || host.hasPrefix("127.") { return true }
        return network.listeners.contains { $0.address.host == host || $0.advertisedAddress?.host == host }
    }

    /// Reads `host:port`, with brackets around an IPv6 address.
    private static func hostAndPort(_ text: String) -> (host: String, port: UInt16)? {
        guard let address = ListenerAddress("X://\(text)"), !address.host.isEmpty, address.port > 0 else { return nil }
        return (address.host, address.port)
    }

    static func replicationFactor(_ reader: inout ConfigurationReader) -> Int16 {
        let name = "default.replication.factor"
        guard let factor = Int16(exactly: reader.integer(name)), factor >= 1 else {
            reader.refuse(name, "must be from 1 to \(Int16.max)")
            return 1
        }
        return factor
    }

    /// The listener that `inter.broker.listener.name` or `security.inter.broker.protocol` names. When neither is set
    /// and no listener has the default's name, the first one will do, because a single node has no one to talk to.
    static func interBrokerListener(
        _ listeners: [ListenerConfiguration], _ reader: inout ConfigurationReader
    ) -> String {
        let candidates = listeners.filter { $0.advertisedAddress != nil && !$0.isController }.map(\.name)
        let protocolKey = "security.inter.broker.protocol"
        let nameKey = "inter.broker.listener.name"
        if let name = reader.optionalText(nameKey)?.uppercased() {
            if reader.isSet(protocolKey) {
                reader.refuse(nameKey, "must not be set together with \(protocolKey)")
            } else if !candidates.contains(name), !candidates.isEmpty {
                reader.refuse(nameKey, "must be an advertised listener: \(candidates.joined(separator: ", "))")
            }
            return name
        }
        let name = reader.text(protocolKey)
        if candidates.contains(name) { return name }
        if reader.isSet(protocolKey), !candidates.isEmpty {
            reader.refuse(
                protocolKey, "must be the name of an advertised listener: \(candidates.joined(separator: ", "))")
        }
        return candidates.first ?? name
    }
}
