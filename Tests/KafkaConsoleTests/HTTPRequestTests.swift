// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import KafkaConsole

@Suite struct HTTPRequestTests {
    private static func parse(_ text: String) -> HTTPRequest.Parsed { parse(Array(text.utf8)) }

    private static func parse(_ bytes: [UInt8]) -> HTTPRequest.Parsed {
        bytes.withUnsafeBytes { HTTPRequest.parse($0) }
    }

    @Test func `a request of a browser is read`() {
        let text = "GET /metrics?name=x HTTP/1.1\r\nHost: a:9404\r\nAccept: */*\r\n\r\n"
        #expect(
            Self.parse(text + "GET /")
                == .request(.init(method: .get, path: "/metrics", keepsAlive: true), byteCount: text.utf8.count))
    }

    @Test(arguments: [
        ("GET / HTTP/1.0\r\n\r\n", HTTPRequest(method: .get, path: "/", keepsAlive: false)),
        ("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", HTTPRequest(method: .get, path: "/", keepsAlive: true)),
        ("HEAD / HTTP/1.1\r\nconnection:close \r\n\r\n", HTTPRequest(method: .head, path: "/", keepsAlive: false)),
        ("POST /x HTTP/1.1\nContent-Length: 0\n\n", HTTPRequest(method: .other, path: "/x", keepsAlive: true)),
    ])
    func `version and headers say whether the connection stays`(text: String, request: HTTPRequest) {
        #expect(Self.parse(text) == .request(request, byteCount: text.utf8.count))
    }

    @Test(arguments: [
        "\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/2.0\r\n\r\n", "GET  / HTTP/1.1\r\n\r\n", "GET x HTTP/1.1\r\n\r\n",
        "GET /a b HTTP/1.1\r\n\r\n", " / HTTP/1.1\r\n\r\n", "GET /\u{1}x HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\n: x\r\n\r\n",
        "GET / HTTP/1.1\r\nno colon\r\n\r\n",
    ])
    func `what is no request is refused`(text: String) {
        #expect(Self.parse(text) == .refused(.badRequest))
    }

    @Test(arguments: ["Content-Length: 1", "content-length: -1", "Transfer-Encoding: chunked"])
    func `a request with a body is refused`(header: String) {
        #expect(Self.parse("GET / HTTP/1.1\r\n\(header)\r\n\r\n") == .refused(.contentTooLarge))
    }

    @Test func `every part of a request asks for more`() {
        let text = "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"
        for length in 0..<text.utf8.count {
            #expect(Self.parse(Array(text.utf8.prefix(length))) == .incomplete, "\(length) bytes")
        }
    }

    @Test func `a head that is too long is refused, whole or not`() {
        let line = "GET / HTTP/1.1\r\nX: "
        let filler = String(repeating: "x", count: HTTPRequest.sizeMax)
        #expect(Self.parse(line + filler) == .refused(.headTooLarge))
        #expect(Self.parse(line + filler + "\r\n\r\n") == .refused(.headTooLarge))
        let fits = HTTPRequest.sizeMax - line.utf8.count - 4
        let whole = line + filler.prefix(fits) + "\r\n\r\n"
        #expect(
            Self.parse(whole)
                == .request(.init(method: .get, path: "/", keepsAlive: true), byteCount: HTTPRequest.sizeMax))
    }

    @Test func `arbitrary bytes never stop the program`() {
        var state: UInt64 = 7
        for _ in 0..<2_000 {
            var bytes = Array("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n".utf8)
            for _ in 0..<3 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                bytes[Int(state >> 33) % bytes.count] = UInt8(truncatingIfNeeded: state >> 20)
            }
            bytes.removeLast(Int(state >> 40) % bytes.count)
            _ = bytes.withUnsafeBytes { HTTPRequest.parse($0) }
        }
    }
}
