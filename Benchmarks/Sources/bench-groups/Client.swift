// SPDX-License-Identifier: Apache-2.0
import Foundation
import KafkaBase
import KafkaProtocol

struct BenchmarkError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// A blocking connection that sends requests and reads answers in order.
final class Client {
    let descriptor: Int32
    private var correlationID: Int32 = 0
    /// Of the last request and the last answer, their lengths included.
    private(set) var last = Exchange()

    init(port: UInt16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let outcome = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard outcome == 0 else { throw BenchmarkError("cannot connect to port \(port)") }
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(4))
        // No pacing on loopback, where the machine's default paces.
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_CONGESTION, "reno", socklen_t(4))
    }

    deinit { close(descriptor) }

    func send<Request: RequestMessage>(_ request: Request, version: Int16) throws {
        correlationID += 1
        var writer = ByteWriter()
        try Frame.write(
            request, version: version, correlationID: correlationID, clientID: "bench", into: &writer)
        try sendBytes(writer.toArray())
    }

    func sendBytes(_ bytes: [UInt8]) throws {
        last.sent = bytes.count
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress! + sent, bytes.count - sent) }
            guard count > 0 else { throw BenchmarkError("the broker closed the connection") }
            sent += count
        }
    }

    func receive<Response: ResponseMessage>(_ type: Response.Type, version: Int16) throws -> Response {
        let body = try receiveFrame()
        return try body.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            _ = try ResponseHeader(
                from: &reader, version: ResponseHeader.headerVersion(apiKey: Response.apiKey, version: version))
            return try Response(from: &reader, version: version)
        }
    }

    /// One frame without its length.
    @discardableResult
    func receiveFrame() throws -> [UInt8] {
        let length = try read(4).reduce(0) { $0 << 8 | Int($1) }
        last.received = 4 + length
        return try read(length)
    }

    /// Everything until the other end closes.
    func readToEnd() throws -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            guard count >= 0 else { throw BenchmarkError("the connection failed") }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
        }
    }

    func call<Request: RequestMessage>(_ request: Request, version: Int16) throws -> Request.Response {
        try send(request, version: version)
        return try receive(Request.Response.self, version: version)
    }

    private func read(_ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var got = 0
        while got < count {
            let more = bytes.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress! + got, count - got) }
            guard more > 0 else { throw BenchmarkError("the broker closed the connection") }
            got += more
        }
        return bytes
    }
}
