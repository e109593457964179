// SPDX-License-Identifier: Apache-2.0
package import KafkaRuntime

/// How bytes travel on a listener.
package enum SecurityProtocol: String, Sendable, CaseIterable {
    case plaintext = "PLAINTEXT"
    case ssl = "SSL"
    case saslPlaintext = "SASL_PLAINTEXT"
    case saslSSL = "SASL_SSL"

    /// The number of the protocol in Kafka's messages.
    package var id: Int16 {
        switch self {
        case .plaintext: 0
        case .ssl: 1
        case .saslPlaintext: 2
        case .saslSSL: 3
        }
    }

    /// Whether this broker can serve it. TLS and SASL are not there yet.
    package var isSupported: Bool { self == .plaintext }
}

/// One `NAME://host:port` of `listeners` with everything that belongs to it.
package struct ListenerConfiguration: Sendable, Equatable {
    /// In upper case, as Kafka compares it.
    package let name: String
    package let securityProtocol: SecurityProtocol
    /// Where to listen. No host is every address, port 0 asks for a free port.
    package let address: SocketAddress
    /// What clients are told; nil when the listener is not advertised. Port 0 stands for the port that was bound.
    package let advertisedAddress: SocketAddress?
    /// Whether the listener is named in `controller.listener.names`.
    package let isController: Bool
}

/// A `NAME://host:port` by itself.
struct ListenerAddress: Equatable {
    let name: String
    let host: String
    let port: UInt16

    /// Reads `NAME://host:port`; an IPv6 address stands in brackets or by itself. nil when the text is no such thing.
    init?(_ text: String) {
        guard let mark = text.firstRange(ofText: "://") else { return nil }
        let name = text[..<mark.lowerBound]
        let rest = text[mark.upperBound...]
        guard !name.isEmpty, name.utf8.allSatisfy(ListenerAddress.isNameByte),
            let colon = rest.lastIndex(of: ":"), let port = UInt16(rest[rest.index(after: colon)...])
        else { return nil }
        var host = rest[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard host.utf8.allSatisfy(ListenerAddress.isHostByte) else { return nil }
        self.name = name.uppercased()
        self.host = String(host)
        self.port = port
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
            true
        default: false
        }
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        isNameByte(byte) || byte == UInt8(ascii: ":") || byte == UInt8(ascii: "%")
    }
}

extension String {
    /// The first occurrence of `part`, which must not be empty.
    func firstRange(ofText part: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(part) { return start..<index(start, offsetBy: part.count) }
            start = index(after: start)
        }
        return nil
    }
}
