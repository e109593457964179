// SPDX-License-Identifier: Apache-2.0
import DispatchRuntime
import KafkaRuntime

/// Answers its first frame late, with much, and has the whole frames behind it wait until that is out; those it answers
/// with their size.
final class HoldingHandler: ConnectionHandler, @unchecked Sendable {
    // Guard: the connection's queue.
    static let answerSize = 8 << 20

    private let connection: any Connection
    private var isFirst = true
    private var isWaiting = false

    init(_ connection: any Connection) { self.connection = connection }

    static func serve() throws -> any Listener {
        let runtime = try DispatchRuntime.makeRuntime(reactorCount: 1, blockingThreads: 1)
        return try runtime.network.listen(
            on: SocketAddress(host: "127.0.0.1", port: 0), options: ListenOptions()
        ) { HoldingHandler($0) }
    }

    func received(_ bytes: UnsafeMutableRawBufferPointer) -> Consumption {
        var used = 0
        while bytes.count - used >= 4 {
            let size = Int(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: used, as: UInt32.self)))
            guard bytes.count - used >= 4 + size else { return Consumption(consumed: used, needed: 4 + size) }
            if isWaiting {
                connection.pauseReading()
                return Consumption(consumed: used)
            }
            used += 4 + size
            if isFirst { answerLate() } else { send(Array("\(size)".utf8)) }
        }
        return Consumption(consumed: used, needed: used == bytes.count ? 0 : 4)
    }

    private func answerLate() {
        isFirst = false
        isWaiting = true
        connection.queue.schedule(after: 100) { [self] in send(pattern(Self.answerSize)) }
    }

    private func send(_ payload: [UInt8]) {
        frame(payload).withUnsafeBytes { connection.send($0) }
    }

    func drained() {
        isWaiting = false
        connection.resumeReading()
    }

    func closed(_ reason: CloseReason) {}
}
