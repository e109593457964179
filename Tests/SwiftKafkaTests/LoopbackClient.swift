// SPDX-License-Identifier: Apache-2.0
import DispatchRuntime
import Foundation
import KafkaBase
import KafkaProtocol
import KafkaRecords
import KafkaRuntime
import Synchronization

/// A client over a real socket, one request at a time.
///
/// `@unchecked Sendable`: confined to its reactor, except for what the mutex guards.
final class LoopbackClient: ConnectionHandler, @unchecked Sendable {
    enum Failure: Error { case closed }

    private struct State {
        var continuation: CheckedContinuation<[UInt8], any Error>?
        var isClosed = false
    }

    private static let runtime = Result {
        try DispatchRuntime.makeRuntime(reactorCount: 1, blockingThreads: 2)
    }

    private let connection: any Connection
    private let state = Mutex(State())

    private init(_ connection: any Connection) { self.connection = connection }

    static func connect(to host: String, port: UInt16) async throws -> LoopbackClient {
        let network = try runtime.get().network
        return try await withCheckedThrowingContinuation { continuation in
            network.connect(
                to: SocketAddress(host: host, port: port), on: network.reactors[0], options: ListenOptions()
            ) { result in
                let client = result.map { LoopbackClient($0) }
                continuation.resume(with: client)
                return try? client.get()
            }
        }
    }

    func call<Request: RequestMessage>(_ request: Request, version: Int16) async throws -> Request.Response {
        var writer = ByteWriter()
        try Frame.write(request, version: version, correlationID: 1, clientID: "test", into: &writer)
        let bytes = writer.toArray()
        let frame = try await withCheckedThrowingContinuation { continuation in
            let isClosed = state.withLock { state in
                state.continuation = continuation
                return state.isClosed
            }
            if isClosed { return finish(.failure(Failure.closed)) }
            connection.queue.async { [connection] in bytes.withUnsafeBytes { connection.send($0) } }
        }
        return try frame.withUnsafeBytes { frame in
            var reader = ByteReader(frame)
            _ = try ResponseHeader(
                from: &reader,
                version: ResponseHeader.headerVersion(apiKey: Request.Response.apiKey, version: version))
            return try Request.Response(from: &reader, version: version)
        }
    }

    func close() { connection.queue.async { [connection] in connection.close() } }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    private func finish(_ result: Result<[UInt8], any Error>) {
        let waiting = state.withLock { state in
            defer { state.continuation = nil }
            return state.continuation
        }
        waiting?.resume(with: result)
    }

    // MARK: ConnectionHandler

    func received(_ bytes: UnsafeMutableRawBufferPointer) -> Consumption {
        guard bytes.count >= 4 else { return Consumption(consumed: 0, needed: 4) }
        let length = Int(Int32(bigEndian: UnsafeRawBufferPointer(bytes).loadUnaligned(as: Int32.self)))
        guard bytes.count >= 4 + length else { return Consumption(consumed: 0, needed: 4 + length) }
        finish(.success(Array(bytes[4..<(4 + length)])))
        return Consumption(consumed: 4 + length)
    }

    func drained() {}

    func closed(_ reason: CloseReason) {
        state.withLock { $0.isClosed = true }
        finish(.failure(Failure.closed))
    }
}

extension LoopbackClient {
    /// Creates the topic, produces one record to it and returns the record's offset.
    func produce(_ value: String, to topic: String) async throws -> Int64 {
        _ = try await call(
            CreateTopicsRequest(topics: [.init(name: topic, numPartitions: 1, replicationFactor: 1)]), version: 7)
        var builder = RecordBatchBuilder()
        try builder.append(timestamp: .now, key: nil, value: Array(value.utf8))
        let request = ProduceRequest(
            acks: -1, timeoutMs: 1_000,
            topicData: [
                .init(name: topic, partitionData: [.init(index: 0, records: .owned(try builder.finish()))])
            ])
        return try await call(request, version: 9).responses[0].partitionResponses[0].baseOffset
    }

    /// The end of the topic's only partition; nil when there is no such topic.
    func endOffset(of topic: String) async throws -> Int64? {
        let request = ListOffsetsRequest(topics: [
            .init(name: topic, partitions: [.init(partitionIndex: 0, timestamp: -1)])
        ])
        let answer = try await call(request, version: 7).topics[0].partitions[0]
        return answer.errorCode == 0 ? answer.offset : nil
    }
}

extension Int64 {
    /// The present time in milliseconds: records of long ago would be removed by retention while a test uses them.
    static var now: Int64 { Int64(Date.now.timeIntervalSince1970 * 1_000) }
}
