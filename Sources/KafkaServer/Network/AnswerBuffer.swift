// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaProtocol
internal import KafkaRuntime

/// An answer while it is written: a frame's bytes, and the file ranges that stand where they are spliced in. A connection
/// has one and uses it again and again, so that an answer costs no memory of its own.
struct AnswerBuffer: ~Copyable {
    /// Memory an idle connection's buffer may keep, in bytes.
    private static let kept = 16 << 10

    var writer = ByteWriter(capacity: 512)
    /// In the order of the writer's splices.
    var files: [FileSlice] = []

    /// Writes what stands before the body; the frame's length is known in the end.
    ///
    /// - Parameter hasTags: whether the response header has tagged fields.
    mutating func begin(correlationID: Int32, hasTags: Bool) {
        writer.writeInt32(0)
        writer.writeInt32(correlationID)
        if hasTags { writer.writeUInt8(0) }
    }

    /// Writes a whole message as the body.
    mutating func write<Response: ResponseMessage>(
        _ answer: Answer<Response>, version: Int16
    ) throws(WireError) -> AnswerOutcome {
        try answer.response.encode(into: &writer, version: version)
        files = answer.files
        return .complete
    }

    /// Ends the frame.
    mutating func finish() throws(WireError) {
        guard let length = Int32(exactly: writer.length - 4) else { throw WireError(.valueTooLarge(writer.length)) }
        precondition(writer.splices.count == files.count, "every spliced field needs its file range")
        writer.overwriteInt32(length, at: 0)
    }

    mutating func removeAll() {
        writer.removeAll(keeping: Self.kept)
        if !files.isEmpty { files.removeAll(keepingCapacity: files.capacity <= 16) }
    }

    borrowing func send(on connection: any Connection) {
        Self.send(writer.bytes, writer.splices, files, on: connection)
    }

    /// A copy, for an answer that has to wait for those before it.
    borrowing func copy() -> WaitingAnswer {
        WaitingAnswer(bytes: writer.toArray(), splices: writer.splices, files: files)
    }

    fileprivate static func send(
        _ bytes: UnsafeRawBufferPointer, _ splices: [ByteWriter.Splice], _ files: [FileSlice],
        on connection: any Connection
    ) {
        var sent = 0
        for index in splices.indices {
            let position = splices[index].position
            connection.send(UnsafeRawBufferPointer(rebasing: bytes[sent..<position]))
            let file = files[index]
            connection.sendFile(file.file, offset: file.offset, count: file.count)
            sent = position
        }
        connection.send(UnsafeRawBufferPointer(rebasing: bytes[sent...]))
    }
}

/// A finished answer in memory of its own.
struct WaitingAnswer {
    let bytes: [UInt8]
    let splices: [ByteWriter.Splice]
    let files: [FileSlice]

    func send(on connection: any Connection) {
        bytes.withUnsafeBytes { AnswerBuffer.send($0, splices, files, on: connection) }
    }
}

extension ResponseMessage {
    /// Whether the header of the answer has tagged fields. ApiVersions answers with header version 0 at every version, so
    /// that a client that guessed too high a version can still read the error (KIP-511).
    static func headerHasTags(_ version: Int16) -> Bool { apiKey != .apiVersions && isFlexible(version) }
}
