// SPDX-License-Identifier: Apache-2.0
import CPlatform
import KafkaRuntime

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// An address as the socket calls want it.
struct NativeAddress: Sendable {
    private var storage = sockaddr_storage()
    private(set) var length = socklen_t(MemoryLayout<sockaddr_storage>.size)

    /// Filled by one of the calls that tell an address.
    init<R>(_ fill: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> R, result: inout R) {
        result = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in fill(address, &length) }
        }
    }

    init(copying address: UnsafePointer<sockaddr>, length: socklen_t) {
        self.length = min(length, socklen_t(MemoryLayout<sockaddr_storage>.size))
        withUnsafeMutableBytes(of: &storage) { bytes in
            bytes.copyMemory(from: UnsafeRawBufferPointer(start: address, count: Int(self.length)))
        }
    }

    /// Every local address: IPv6 with IPv4 behind it, or IPv4 alone.
    static func any(family: Int32, port: UInt16) -> NativeAddress {
        var result = NativeAddress(family: family)
        withUnsafeMutableBytes(of: &result.storage) { bytes in
            // The port stands at the same place in both kinds of addresses; zeros mean every address.
            bytes.storeBytes(of: port.bigEndian, toByteOffset: 2, as: UInt16.self)
        }
        return result
    }

    private init(family: Int32) {
        storage.ss_family = sa_family_t(family)
        let size = family == AF_INET6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size
        length = socklen_t(size)
        #if canImport(Darwin)
            storage.ss_len = UInt8(size)
        #endif
    }

    var family: Int32 { Int32(storage.ss_family) }

    /// Whether it stands for every local address.
    var isAny: Bool {
        withUnsafeBytes(of: storage) { bytes in
            family == AF_INET6 ? bytes[8..<24].allSatisfy { $0 == 0 } : bytes[4..<8].allSatisfy { $0 == 0 }
        }
    }

    func withPointer<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        withUnsafePointer(to: storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }

    /// The numeric form; IPv4 behind an IPv6 socket in its own form.
    var socketAddress: SocketAddress {
        withUnsafeBytes(of: storage) { bytes in
            let port = UInt16(bigEndian: bytes.load(fromByteOffset: 2, as: UInt16.self))
            switch family {
            case AF_INET:
                return SocketAddress(host: Self.text(AF_INET, bytes, offset: 4), port: port)
            case AF_INET6:
                let mappedPrefix: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
                if bytes[8..<20].elementsEqual(mappedPrefix) {
                    return SocketAddress(host: Self.text(AF_INET, bytes, offset: 20), port: port)
                }
                return SocketAddress(host: Self.text(AF_INET6, bytes, offset: 8), port: port)
            default:
                return SocketAddress(host: "", port: 0)
            }
        }
    }

    private static func text(_ family: Int32, _ bytes: UnsafeRawBufferPointer, offset: Int) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { buffer in
            guard let address = bytes.baseAddress, let start = buffer.baseAddress,
                inet_ntop(family, address + offset, start, socklen_t(INET6_ADDRSTRLEN)) != nil
            else { return "" }
            return String(cString: start)
        }
    }

    // MARK: Names

    /// The addresses of a name or a numeric address, IPv4 first as in Java. Asks the resolver, which may take seconds,
    /// unless `numericOnly`; nil then when the host is a name.
    static func resolve(_ address: SocketAddress, numericOnly: Bool) throws(NetworkError) -> [NativeAddress]? {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Platform.streamSocket
        hints.ai_flags = numericOnly ? AI_NUMERICHOST : 0
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(address.host, String(address.port), &hints, &list)
        defer { if let list { freeaddrinfo(list) } }
        if code == EAI_NONAME, numericOnly { return nil }
        guard code == 0 else {
            let reason = gai_strerror(code).map { String(cString: $0) } ?? "error \(code)"
            throw NetworkError("cannot resolve \(address.host): \(reason)")
        }
        var found: [NativeAddress] = []
        var next = list
        while let entry = next {
            if let native = entry.pointee.ai_addr {
                found.append(NativeAddress(copying: native, length: entry.pointee.ai_addrlen))
            }
            next = entry.pointee.ai_next
        }
        let (four, others) = (found.filter { $0.family == AF_INET }, found.filter { $0.family != AF_INET })
        guard !found.isEmpty else { throw NetworkError("cannot resolve \(address.host): no address") }
        return four + others
    }
}
