// SPDX-License-Identifier: Apache-2.0
import CLoad

/// Single requests that prepare a measurement.
enum KafkaCall {
    private static func call(_ request: [UInt8], port: UInt16) -> [UInt8]? {
        var answer = [UInt8](repeating: 0, count: 1 << 20)
        let count = load_call(port, request, request.count, &answer, answer.count)
        return count < 0 ? nil : Array(answer.prefix(count))
    }

    private static func bytes<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }

    /// ApiVersions 0; nil when nobody answers.
    static func apiVersions(port: UInt16) -> [UInt8]? {
        call(bytes(Int16(18)) + bytes(Int16(0)) + bytes(Int32(1)) + bytes(Int16(-1)), port: port)
    }

    /// CreateTopics 7.
    static func createTopic(_ name: String, partitions: Int, port: UInt16) throws {
        var request = bytes(Int16(19)) + bytes(Int16(7)) + bytes(Int32(1)) + bytes(Int16(-1)) + [0]
        request += [2, UInt8(name.utf8.count + 1)] + Array(name.utf8)
        request += bytes(Int32(partitions)) + bytes(Int16(1)) + [1, 1, 0]
        request += bytes(Int32(30_000)) + [0, 0]
        guard let answer = call(request, port: port) else { throw BenchmarkError("CreateTopics was not answered") }
        // Correlation id, tags, throttle time, one topic, its name, its id.
        let at = 4 + 1 + 4 + 1 + 1 + name.utf8.count + 16
        guard answer.count > at + 2 else { throw BenchmarkError("CreateTopics: unexpected answer") }
        let code = Int16(answer[at]) << 8 | Int16(answer[at + 1])
        guard code == 0 else { throw BenchmarkError("CreateTopics: error code \(code)") }
    }
}
