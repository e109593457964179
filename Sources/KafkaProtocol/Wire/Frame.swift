// SPDX-License-Identifier: Apache-2.0
public import KafkaBase

/// Frames on a connection: four bytes of length, not counting themselves, then a header and a message.
public enum Frame {
    /// Bytes in front of the header.
    public static let prefixSize = 4

    /// The length that the first four received bytes announce; nil while they have not all arrived.
    ///
    /// - Throws: `.invalidLength` where it is negative or more than `limit`.
    public static func length(in received: UnsafeRawBufferPointer, limit: Int) throws(WireError) -> Int? {
        guard received.count >= prefixSize else { return nil }
        let length = Int(Int32(bigEndian: received.loadUnaligned(as: Int32.self)))
        guard length >= 0, length <= limit else { throw WireError(.invalidLength(length)) }
        return length
    }

    /// Appends a request with its header and length.
    public static func write<Request: RequestMessage>(
        _ request: Request, version: Int16, correlationID: Int32, clientID: String?, into writer: inout ByteWriter
    ) throws(WireError) {
        let start = begin(&writer)
        let header = RequestHeader(
            apiKey: Request.apiKey.rawValue, apiVersion: version, correlationID: correlationID, clientID: clientID)
        let headerVersion = RequestHeader.headerVersion(apiKey: Request.apiKey, version: version)
        try header.encode(into: &writer, version: headerVersion)
        try request.encode(into: &writer, version: version)
        try end(start, &writer)
    }

    /// Appends a response with its header and length. Spliced record bytes count in the length.
    public static func write<Response: ResponseMessage>(
        _ response: Response, version: Int16, correlationID: Int32, into writer: inout ByteWriter
    ) throws(WireError) {
        let start = begin(&writer)
        let headerVersion = ResponseHeader.headerVersion(apiKey: Response.apiKey, version: version)
        try ResponseHeader(correlationID: correlationID).encode(into: &writer, version: headerVersion)
        try response.encode(into: &writer, version: version)
        try end(start, &writer)
    }

    /// Where a frame begins: its position in the buffer, and the length of all before it.
    private struct Start {
        let position: Int
        let length: Int
    }

    private static func begin(_ writer: inout ByteWriter) -> Start {
        let position = writer.reserveField(prefixSize)
        return Start(position: position, length: writer.length)
    }

    private static func end(_ start: Start, _ writer: inout ByteWriter) throws(WireError) {
        let length = writer.length - start.length
        guard let size = Int32(exactly: length) else { throw WireError(.valueTooLarge(length)) }
        writer.overwriteInt32(size, at: start.position)
    }
}
