// SPDX-License-Identifier: Apache-2.0

/// The head of an HTTP/1 request, as far as this server wants to know it.
struct HTTPRequest: Equatable {
    enum Method: Equatable {
        case get, head, other
    }

    /// What the bytes at the front of a connection are.
    enum Parsed: Equatable {
        /// Not a whole head yet.
        case incomplete
        case request(HTTPRequest, byteCount: Int)
        /// Answer with this status and close.
        case refused(HTTPStatus)
    }

    /// The longest head that is read, in bytes.
    static let sizeMax = 8 << 10

    let method: Method
    /// Without the query.
    let path: String
    /// Whether the client wants to send another request.
    let keepsAlive: Bool

    /// Reads a head that ends in an empty line. Requests with a body are refused, for nothing here takes one.
    static func parse(_ bytes: UnsafeRawBufferPointer) -> Parsed {
        guard let end = headEnd(bytes) else {
            return bytes.count >= sizeMax ? .refused(.headTooLarge) : .incomplete
        }
        guard end <= sizeMax else { return .refused(.headTooLarge) }
        var lines = bytes[..<end].split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).makeIterator()
        guard let first = lines.next(), let line = RequestLine(withoutReturn(first)) else {
            return .refused(.badRequest)
        }
        var keepsAlive = line.isVersion11
        while let header = lines.next().map(withoutReturn), !header.isEmpty {
            guard let colon = header.firstIndex(of: UInt8(ascii: ":")), colon > header.startIndex else {
                return .refused(.badRequest)
            }
            let value = text(header[(colon + 1)...]).lowercased()
            switch text(header[..<colon]).lowercased() {
            case "content-length" where value != "0": return .refused(.contentTooLarge)
            case "transfer-encoding": return .refused(.contentTooLarge)
            case "connection":
                if value == "close" { keepsAlive = false }
                if value == "keep-alive" { keepsAlive = true }
            default: break
            }
        }
        return .request(HTTPRequest(method: line.method, path: line.path, keepsAlive: keepsAlive), byteCount: end)
    }

    private struct RequestLine {
        let method: Method
        let path: String
        let isVersion11: Bool

        init?(_ line: Slice<UnsafeRawBufferPointer>) {
            let parts = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
            guard parts.count == 3, !parts[0].isEmpty, parts[1].first == UInt8(ascii: "/"),
                parts[1].allSatisfy({ (0x21...0x7E).contains($0) })
            else { return nil }
            switch HTTPRequest.text(parts[2]) {
            case "HTTP/1.1": isVersion11 = true
            case "HTTP/1.0": isVersion11 = false
            default: return nil
            }
            switch HTTPRequest.text(parts[0]) {
            case "GET": method = .get
            case "HEAD": method = .head
            default: method = .other
            }
            path = HTTPRequest.text(parts[1].prefix { $0 != UInt8(ascii: "?") })
        }
    }

    /// Where the empty line behind the head ends; nil where there is none yet.
    private static func headEnd(_ bytes: UnsafeRawBufferPointer) -> Int? {
        var lineIsEmpty = false
        for (index, byte) in bytes.prefix(sizeMax + 2).enumerated() {
            if byte == UInt8(ascii: "\n") {
                if lineIsEmpty { return index + 1 }
                lineIsEmpty = true
            } else if byte != UInt8(ascii: "\r") {
                lineIsEmpty = false
            }
        }
        return nil
    }

    private static func withoutReturn(_ line: Slice<UnsafeRawBufferPointer>) -> Slice<UnsafeRawBufferPointer> {
        line.last == UInt8(ascii: "\r") ? line.dropLast() : line
    }

    private static func text(_ bytes: Slice<UnsafeRawBufferPointer>) -> String {
        let isBlank = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        let front = bytes.drop(while: isBlank)
        let blanksBehind = front.reversed().prefix(while: isBlank).count
        return String(decoding: front.dropLast(blanksBehind), as: UTF8.self)
    }
}
