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

/// Setting and reading socket options.
enum SocketOptions {
    static func set(_ socket: Int32, _ level: Int32, _ option: Int32, _ value: Int32) throws(Errno) {
        var value = value
        try Syscall.check { setsockopt(socket, level, option, &value, socklen_t(MemoryLayout<Int32>.size)) }
    }

    /// Buffer sizes; before `listen` or `connect`, because TCP agrees on its window there.
    static func setBuffers(_ socket: Int32, _ options: ListenOptions) throws(Errno) {
        if options.sendBufferBytes >= 0 { try set(socket, SOL_SOCKET, SO_SNDBUF, options.sendBufferBytes) }
        if options.receiveBufferBytes >= 0 { try set(socket, SOL_SOCKET, SO_RCVBUF, options.receiveBufferBytes) }
    }

    /// What every connection has: no delay for small answers, and probes that find dead peers. What stays on this
    /// machine is not paced either.
    static func setStream(_ socket: Int32, peer: SocketAddress) {
        // A connection works without them; and the peer may have closed it already, which makes them fail.
        try? set(socket, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        try? set(socket, SOL_SOCKET, SO_KEEPALIVE, 1)
        Platform.suppressBrokenPipeSignal(socket)
        if peer.host == "::1" || peer.host.hasPrefix("127.") { Platform.stopPacing(socket) }
    }

    /// The error that is waiting on the socket; 0 when there is none.
    static func takeError(_ socket: Int32) -> Int32 {
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(socket, SOL_SOCKET, SO_ERROR, &code, &size) == 0 ? code : errno
    }
}
