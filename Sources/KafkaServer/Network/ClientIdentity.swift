// SPDX-License-Identifier: Apache-2.0
internal import KafkaRuntime

/// Who sends the requests of a connection, as far as they say so.
///
/// Made once for a connection and shared by its requests: the client id hardly ever changes between two of them.
package final class ClientIdentity: Sendable {
    /// The client id of the request header; empty where the client sent none.
    package let clientID: String
    /// The address the connection comes from, without the port.
    package let host: String
    private let clientIDBytes: [UInt8]

    init(_ clientIDBytes: UnsafeRawBufferPointer?, host: String) {
        self.clientIDBytes = clientIDBytes.map { [UInt8]($0) } ?? []
        clientID = String(decoding: self.clientIDBytes, as: UTF8.self)
        self.host = host
    }

    /// Whether a header with this client id means this identity.
    func matches(_ bytes: UnsafeRawBufferPointer?) -> Bool {
        guard let bytes else { return clientIDBytes.isEmpty }
        return clientIDBytes.elementsEqual(bytes)
    }
}
