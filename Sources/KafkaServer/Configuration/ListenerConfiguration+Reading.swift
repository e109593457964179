// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime

extension ListenerConfiguration {
    /// The broker's listeners, in the order of `listeners`. What is wrong with them is noted in `reader`.
    ///
    /// `hostName` is this machine's name, which is advertised where neither list names a host.
    static func read(_ reader: inout ConfigurationReader, hostName: String) -> [ListenerConfiguration] {
        let controllers = reader.list("controller.listener.names").map { $0.uppercased() }
        let listeners = addresses("listeners", &reader)
        let advertised = addresses("advertised.listeners", &reader)
        let protocols = securityProtocols(&reader)
        checkDistinct(listeners, &reader)
        checkAdvertised(advertised, listeners: listeners, &reader)
        for name in controllers where reader.isSet("listeners") && !listeners.contains(where: { $0.name == name }) {
            reader.refuse("controller.listener.names", "must name listeners of listeners; \(name) is none")
        }

        var result: [ListenerConfiguration] = []
        for listener in listeners {
            let isController = controllers.contains(listener.name)
            guard
                let securityProtocol = protocols[listener.name]
                    ?? (isController && !reader.isSet("listener.security.protocol.map") ? .plaintext : nil)
            else {
                reader.refuse(
                    "listeners", "must only name listeners of listener.security.protocol.map; \(listener.name) is none")
                continue
            }
            guard securityProtocol.isSupported else {
                reader.refuse(
                    "listeners",
                    "must only name listeners with the protocol PLAINTEXT; \(listener.name) has "
                        + "\(securityProtocol.rawValue), and TLS and SASL are not supported yet")
                continue
            }
            result.append(
                ListenerConfiguration(
                    name: listener.name, securityProtocol: securityProtocol,
                    address: SocketAddress(host: listener.host, port: listener.port),
                    advertisedAddress: advertisedAddress(
                        of: listener, among: advertised, isController: isController, hostName: hostName, &reader),
                    isController: isController))
        }
        if !listeners.isEmpty, !result.contains(where: { $0.advertisedAddress != nil && !$0.isController }) {
            reader.refuse("listeners", "must have an advertised listener that is not the controller's")
        }
        return result
    }

    private static func addresses(_ name: String, _ reader: inout ConfigurationReader) -> [ListenerAddress] {
        reader.list(name).compactMap { item in
            guard let address = ListenerAddress(item) else {
                reader.refuse(name, "must be a list of NAME://host:port with a port from 0 to 65535")
                return nil
            }
            return address
        }
    }

    private static func securityProtocols(_ reader: inout ConfigurationReader) -> [String: SecurityProtocol] {
        let name = "listener.security.protocol.map"
        var protocols: [String: SecurityProtocol] = [:]
        for item in ConfigurationValue.items(of: reader.text(name)) {
            let parts = item.split(separator: ":", omittingEmptySubsequences: false).map { String($0).trimmedBlanks }
            guard parts.count == 2, !parts[0].isEmpty,
                let securityProtocol = SecurityProtocol(rawValue: parts[1].uppercased())
            else {
                reader.refuse(
                    name,
                    "must be a list of NAME:PROTOCOL, the protocol one of "
                        + SecurityProtocol.allCases.map(\.rawValue).joined(separator: ", "))
                continue
            }
            protocols[parts[0].uppercased()] = securityProtocol
        }
        return protocols
    }

    /// Listeners need names of their own, and ports of their own unless one is on IPv4 and the other on IPv6.
    private static func checkDistinct(_ listeners: [ListenerAddress], _ reader: inout ConfigurationReader) {
        for (index, listener) in listeners.enumerated() {
            for other in listeners[..<index] {
                if other.name == listener.name {
                    reader.refuse("listeners", "must not name a listener twice; \(listener.name) is")
                }
                let families = [ipVersion(listener.host), ipVersion(other.host)]
                if other.port == listener.port, listener.port != 0, families != [4, 6], families != [6, 4] {
                    reader.refuse(
                        "listeners",
                        "must not use a port twice, except by an IPv4 and an IPv6 address; \(listener.port) is")
                }
            }
        }
    }

    private static func ipVersion(_ host: String) -> Int? {
        if host.contains(":") { return 6 }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil } ? 4 : nil
    }

    private static func checkAdvertised(
        _ advertised: [ListenerAddress], listeners: [ListenerAddress], _ reader: inout ConfigurationReader
    ) {
        for address in advertised {
            if !listeners.contains(where: { $0.name == address.name }) {
                reader.refuse("advertised.listeners", "must only name listeners of listeners; \(address.name) is none")
            }
            if advertised.filter({ $0.name == address.name }).count > 1 {
                reader.refuse("advertised.listeners", "must not name a listener twice; \(address.name) is")
            }
        }
    }

    private static func advertisedAddress(
        of listener: ListenerAddress, among advertised: [ListenerAddress], isController: Bool, hostName: String,
        _ reader: inout ConfigurationReader
    ) -> SocketAddress? {
        let isGiven = reader.isSet("advertised.listeners")
        // A list of advertised listeners may leave the controller's out, which are then known by where they listen.
        let found = advertised.first { $0.name == listener.name } ?? (isController || !isGiven ? listener : nil)
        guard let found else { return nil }
        if found.host == "0.0.0.0" || found.host == "::" {
            reader.refuse(
                isGiven ? "advertised.listeners" : "listeners",
                "must advertise an address that clients can reach, not \(found.host): set advertised.listeners")
        }
        return SocketAddress(host: found.host.isEmpty ? hostName : found.host, port: found.port)
    }
}
