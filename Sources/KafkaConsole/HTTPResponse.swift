// SPDX-License-Identifier: Apache-2.0

/// The states that this server answers with.
enum HTTPStatus: Int, Equatable, Sendable {
    case ok = 200
    case badRequest = 400
    case notFound = 404
    case methodNotAllowed = 405
    case contentTooLarge = 413
    case headTooLarge = 431
    case unavailable = 503

    var reason: String {
        switch self {
        case .ok: "OK"
        case .badRequest: "Bad Request"
        case .notFound: "Not Found"
        case .methodNotAllowed: "Method Not Allowed"
        case .contentTooLarge: "Content Too Large"
        case .headTooLarge: "Request Header Fields Too Large"
        case .unavailable: "Service Unavailable"
        }
    }
}

/// An answer with a text as its body.
struct HTTPResponse: Sendable {
    static let plainText = "text/plain; charset=utf-8"

    let status: HTTPStatus
    let contentType: String
    let body: [UInt8]

    init(_ status: HTTPStatus, contentType: String = plainText, body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    /// Says the status in words.
    init(_ status: HTTPStatus) { self.init(status, body: Array("\(status.reason)\n".utf8)) }

    /// The head and, unless it was asked for alone, the body.
    func encoded(_ method: HTTPRequest.Method, keepsAlive: Bool) -> [UInt8] {
        var head = "HTTP/1.1 \(status.rawValue) \(status.reason)\r\n"
        head += "Content-Type: \(contentType)\r\nContent-Length: \(body.count)\r\n"
        if status == .methodNotAllowed { head += "Allow: GET, HEAD\r\n" }
        head += "Connection: \(keepsAlive ? "keep-alive" : "close")\r\n\r\n"
        return Array(head.utf8) + (method == .head ? [] : body)
    }
}
