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
    /// Milliseconds that the client must wait: because of its request, and of what stands in the answer.
    var throttle: Int64 = 0
    /// Whether `notes` are wanted.
    var isMeasured = false
    /// What is to be counted once the answer is sent.
    private(set) var notes = AnswerNotes()
    private var header: (correlationID: Int32, hasTags: Bool) = (0, false)

    /// Writes what stands before the body; the frame's length is known in the end.
    ///
    /// - Parameter hasTags: whether the response header has tagged fields.
    mutating func begin(correlationID: Int32, hasTags: Bool) {
        header = (correlationID, hasTags)
        writer.writeInt32(0)
        writer.writeInt32(correlationID)
        if hasTags { writer.writeUInt8(0) }
    }

    /// Writes a whole message as the body.
    mutating func write<Response: ResponseMessage>(
        _ answer: Answer<Response>, version: Int16
    ) throws(WireError) -> AnswerOutcome {
        throttle = max(throttle, answer.throttle)
        if isMeasured { notes.add(errorsIn: answer.response) }
        if throttle > 0 {
            var told = answer.response
            told.setThrottleTime(Int32(clamping: throttle))
            try told.encode(into: &writer, version: version)
        } else {
            try answer.response.encode(into: &writer, version: version)
        }
        files = answer.files
        return .complete
    }

    /// Ends the frame.
    mutating func finish() throws(WireError) {
        guard let length = Int32(exactly: writer.length - 4) else { throw WireError(.valueTooLarge(writer.length)) }
        precondition(writer.splices.count == files.count, "every spliced field needs its file range")
        writer.overwriteInt32(length, at: 0)
    }

    /// Takes the body back, for another in its place.
    mutating func restart() {
        removeAll()
        begin(correlationID: header.correlationID, hasTags: header.hasTags)
    }

    mutating func note(error code: Int16) {
        if isMeasured, code != 0 { notes.errors.append(code) }
    }

    /// Records of a topic are in the answer, or an error about it.
    mutating func note(_ counters: TopicCounters?, bytes: Int, isError: Bool) {
        if isMeasured, let counters { notes.fetched.append((counters, bytes, isError)) }
    }

    mutating func removeAll() {
        throttle = 0
        if isMeasured { notes.removeAll() }
        writer.removeAll(keeping: Self.kept)
        if !files.isEmpty { files.removeAll(keepingCapacity: files.capacity <= 16) }
    }

    borrowing func send(on connection: any Connection) {
        Self.send(writer.bytes, writer.splices, files, on: connection)
    }

    /// A copy, for an answer that has to wait for those before it.
    borrowing func copy() -> WaitingAnswer {
        WaitingAnswer(
            bytes: writer.toArray(), splices: writer.splices, files: files, byteCount: writer.length)
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

/// What an answer says that metrics want to know. Used again and again.
struct AnswerNotes {
    /// Without those of success.
    fileprivate(set) var errors: [Int16] = []
    fileprivate(set) var fetched: [(counters: TopicCounters, bytes: Int, isError: Bool)] = []

    fileprivate mutating func add(errorsIn response: some ResponseMessage) {
        var found = errors
        response.forEachErrorCode { code in
            if code != 0 { found.append(code) }
        }
        errors = found
    }

    fileprivate mutating func removeAll() {
        if !errors.isEmpty { errors.removeAll(keepingCapacity: errors.count <= 64) }
        if !fetched.isEmpty { fetched.removeAll(keepingCapacity: fetched.count <= 64) }
    }
}

/// A finished answer in memory of its own.
struct WaitingAnswer {
    let bytes: [UInt8]
    let splices: [ByteWriter.Splice]
    let files: [FileSlice]
    /// On the wire, file ranges included.
    let byteCount: Int

    func send(on connection: any Connection) {
        bytes.withUnsafeBytes { AnswerBuffer.send($0, splices, files, on: connection) }
    }

    /// The body, which holds no file ranges, as a message again.
    func message<Response: ResponseMessage>(_ place: AnswerPlace) throws(WireError) -> Response {
        // The frame's length and the correlation id stand before it.
        let start = place.headerHasTags ? 9 : 8
        // Typed throws do not pass through an array's `withUnsafeBytes`.
        return try bytes.withUnsafeBytes { bytes -> Result<Response, WireError> in
            let body = UnsafeRawBufferPointer(rebasing: bytes[start...])
            return Result { () throws(WireError) in try Response(decoding: body, version: place.version) }
        }.get()
    }
}

extension ResponseMessage {
    /// Whether the header of the answer has tagged fields. ApiVersions answers with header version 0 at every version, so
    /// that a client that guessed too high a version can still read the error (KIP-511).
    static func headerHasTags(_ version: Int16) -> Bool { apiKey != .apiVersions && isFlexible(version) }
}
