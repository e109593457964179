// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaProtocol
internal import KafkaRuntime

/// Writes answers as frames: length, response header, body, with file ranges spliced in.
enum AnswerEncoder {
    /// Appends the frame to `writer`, which is empty before.
    static func encode<Response: ResponseMessage>(
        _ response: Response, correlationID: Int32, version: Int16, into writer: inout ByteWriter
    ) throws(WireError) {
        let lengthPosition = writer.reserveField(4)
        writer.writeInt32(correlationID)
        // ApiVersions answers with header version 0 at every version, so that a client that guessed too high a
        // version can still read the error (KIP-511).
        if Response.apiKey != .apiVersions, let first = Response.firstFlexibleVersion, version >= first {
            writer.writeUnsignedVarint(0)
        }
        try response.encode(into: &writer, version: version)
        guard let length = Int32(exactly: writer.length - 4) else { throw WireError(.valueTooLarge(writer.length)) }
        writer.overwriteInt32(length, at: lengthPosition)
    }

    /// Sends what `encode` wrote.
    static func send(_ writer: borrowing ByteWriter, files: [FileSlice], on connection: any Connection) {
        let bytes = writer.bytes
        precondition(writer.splices.count == files.count, "every spliced field needs its file range")
        var sent = 0
        for (splice, file) in zip(writer.splices, files) {
            connection.send(UnsafeRawBufferPointer(rebasing: bytes[sent..<splice.position]))
            connection.sendFile(file.file, offset: file.offset, count: file.count)
            sent = splice.position
        }
        connection.send(UnsafeRawBufferPointer(rebasing: bytes[sent...]))
    }
}
