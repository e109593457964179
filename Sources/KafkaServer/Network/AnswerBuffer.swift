// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaProtocol
internal import KafkaRuntime

/// An answer while it is written: a frame's bytes, and the file ranges that stand where they are spliced in. A connection
/// has one and uses it again and again, so that an answer costs no memory of its own.
///
/// Answers to requests that came together may wait in it, in front of the one that is written, to be sent together.
struct AnswerBuffer: ~Copyable {
    /// Memory an idle connection's buffer may keep, in bytes.
    private static let kept = 16 << 10
    /// Bytes of finished answers up to which further ones are added.
    private static let waitingMax = 8 << 10

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
    /// Where the answer begins, behind those that wait.
    private var start = 0

    /// Whether finished answers wait to be sent.
    var hasWaiting: Bool { start > 0 }

    /// Bytes of the answer on the wire, file ranges included.
    var length: Int { writer.length - start }

    /// Writes what stands before the body; the frame's length is known in the end.
    ///
    /// - Parameter hasTags: whether the response header has tagged fields.
    @inline(__always)
    mutating func begin(correlationID: Int32, hasTags: Bool) {
        header = (correlationID, hasTags)
        writer.writeFixed(9) { fields in
            fields.int32(0)
            fields.int32(correlationID)
            if hasTags { fields.uint8(0) }
        }
    }

    /// A copy of what was written as the body, which holds no file ranges; for `write(body:)` when it may leave.
    borrowing func body() -> [UInt8] { [UInt8](writer.bytes[(start + (header.hasTags ? 9 : 8))...]) }

    mutating func write(body: [UInt8]) -> AnswerOutcome {
        writer.write(body)
        return .complete
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
    @inline(__always)
    mutating func finish() throws(WireError) {
        let length = length - 4
        guard length <= Int(Int32.max) else { throw WireError(.valueTooLarge(length + 4)) }
        precondition(writer.splices.count == files.count, "every spliced field needs its file range")
        writer.overwriteInt32(Int32(length), at: start)
    }

    /// Takes the body back, for another in its place.
    mutating func restart() {
        takeBack()
        begin(correlationID: header.correlationID, hasTags: header.hasTags)
    }

    /// Has the finished answer wait for those behind it, where that is possible: it has no file ranges, and there are not
    /// many bytes yet. Otherwise everything is to be sent now.
    @inline(__always)
    mutating func wait() -> Bool {
        guard files.isEmpty, writer.count <= Self.waitingMax else { return false }
        forgetNotes()
        start = writer.count
        return true
    }

    mutating func note(error code: Int16) {
        if isMeasured, code != 0 { notes.errors.append(code) }
    }

    /// Records of a topic are in the answer, or an error about it.
    mutating func note(_ counters: TopicCounters?, bytes: Int, isError: Bool) {
        if isMeasured, let counters { notes.fetched.append((counters, bytes, isError)) }
    }

    /// Forgets the answer, but not those that wait.
    mutating func takeBack() {
        forgetNotes()
        writer.truncate(to: start)
        if !files.isEmpty { files.removeAll(keepingCapacity: files.capacity <= 16) }
    }

    /// Forgets everything.
    mutating func removeAll() {
        forgetNotes()
        start = 0
        writer.removeAll(keeping: Self.kept)
        if !files.isEmpty { files.removeAll(keepingCapacity: files.capacity <= 16) }
    }

    private mutating func forgetNotes() {
        throttle = 0
        if isMeasured { notes.removeAll() }
    }

    /// Sends the answers that wait and the one that stands behind them.
    mutating func send(on connection: any Connection) {
        Self.send(writer.bytes, writer.splices, files, on: connection)
        removeAll()
    }

    /// A copy, for an answer that has to wait for those before it.
    borrowing func copy() -> WaitingAnswer {
        WaitingAnswer(
            bytes: [UInt8](writer.bytes[start...]),
            splices: writer.splices.map { .init(position: $0.position - start, length: $0.length) }, files: files,
            byteCount: length)
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
}

extension ResponseMessage {
    /// Whether the header of the answer has tagged fields. ApiVersions answers with header version 0 at every version, so
    /// that a client that guessed too high a version can still read the error (KIP-511).
    static func headerHasTags(_ version: Int16) -> Bool { apiKey != .apiVersions && isFlexible(version) }
}
