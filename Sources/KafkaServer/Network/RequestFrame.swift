// SPDX-License-Identifier: Apache-2.0
package import KafkaBase
package import KafkaProtocol

/// One request as it lies in the connection's buffer: the header read, the body still bytes.
///
/// Borrowed: valid only while the connection shows its buffer. The body may be changed in place, which is how the
/// log gives a produced batch its offsets without copying it.
package struct RequestFrame {
    package let apiKey: Int16
    package let apiVersion: Int16
    /// nil for an API that this broker does not know.
    package let key: APIKey?
    /// Whether the version has compact lengths and tagged fields.
    package let isFlexible: Bool
    package let correlationID: Int32
    /// UTF-8 of the client id, nil when the client sent null.
    package let clientIDBytes: UnsafeRawBufferPointer?
    /// Bytes of header and body.
    package let size: Int
    /// The bytes behind the header.
    package let body: UnsafeMutableRawBufferPointer

    /// Reads the header of `frame`, which is the request without its length prefix.
    ///
    /// - Throws: `WireError` when the header is cut short or a tagged field in it is malformed.
    @inline(__always)
    package init(_ frame: UnsafeMutableRawBufferPointer) throws(WireError) {
        size = frame.count
        var reader = ByteReader(UnsafeRawBufferPointer(frame))
        var fields = try reader.readFixed(10)
        apiKey = fields.int16()
        apiVersion = fields.int16()
        correlationID = fields.int32()
        let clientIDLength = fields.int16()
        clientIDBytes = clientIDLength < 0 ? nil : try reader.readBorrowed(Int(clientIDLength))
        // Request header version 2 goes with flexible request versions; an unknown API is read as version 1.
        key = APIKey(rawValue: apiKey)
        isFlexible = key?.isFlexible(apiVersion) ?? false
        if isFlexible, !reader.skipZero() { try Self.skipTags(&reader) }
        body = UnsafeMutableRawBufferPointer(
            start: frame.baseAddress.map { $0 + reader.position }, count: reader.remaining)
    }

    @inline(never)
    private static func skipTags(_ reader: inout ByteReader) throws(WireError) {
        var left = try reader.readUnsignedVarint()
        while left > 0 {
            _ = try reader.readUnsignedVarint()
            try reader.skip(Int(try reader.readUnsignedVarint()))
            left -= 1
        }
    }

    /// Whether a whole Produce request is at the front of what was received, its length prefix included.
    static func isProduceWhole(atFrontOf bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count >= 6 else { return false }
        let length = Int(Int32(bigEndian: bytes.loadUnaligned(as: Int32.self)))
        let key = Int16(bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: Int16.self))
        return key == APIKey.produce.rawValue && length <= bytes.count - 4
    }

    package var clientID: String? { clientIDBytes.map { String(decoding: $0, as: UTF8.self) } }
}
