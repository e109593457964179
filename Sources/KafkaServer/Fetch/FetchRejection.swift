// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaProtocol

/// An error for a whole fetch request.
struct FetchRejection: Error {
    let code: ErrorCode

    /// Writes the answer: the error at the top from version 7 on, at each partition before, where there is no top.
    func write(_ request: FetchRequestView, into buffer: inout AnswerBuffer) throws(WireError) {
        var response = FetchResponseWriter(version: request.version)
        buffer.note(error: code.rawValue)
        response.begin(errorCode: code.rawValue, sessionID: 0, into: &buffer.writer)
        if request.version < 7 {
            var walk = request.walk()
            while let topic = try walk.nextTopic() {
                response.beginTopic(topic, into: &buffer.writer)
                while let asked = try walk.nextPartition() {
                    response.writeEmpty(
                        .init(index: asked.index, errorCode: code.rawValue), committedOnly: false, into: &buffer.writer)
                }
                response.endTopic(into: &buffer.writer)
            }
        }
        response.end(into: &buffer.writer)
    }
}
