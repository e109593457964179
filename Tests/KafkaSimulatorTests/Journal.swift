// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime
import Synchronization

/// What a test saw, in order.
final class Journal<Entry: Sendable>: Sendable {
    private let storage = Mutex<[Entry]>([])

    func add(_ entry: Entry) { storage.withLock { $0.append(entry) } }

    var entries: [Entry] { storage.withLock { $0 } }
    var count: Int { storage.withLock { $0.count } }
}

/// A connection handler that keeps what it received, and echoes it when told to.
///
/// `@unchecked Sendable`: simulations run in one thread.
final class Peer: ConnectionHandler, @unchecked Sendable {
    let connection: any Connection
    private let echoes: Bool
    private(set) var received: [UInt8] = []
    private(set) var closings: [CloseReason] = []

    init(_ connection: any Connection, echoes: Bool = false) {
        self.connection = connection
        self.echoes = echoes
    }

    func received(_ bytes: UnsafeMutableRawBufferPointer) -> Consumption {
        received.append(contentsOf: bytes)
        if echoes { connection.send(UnsafeRawBufferPointer(bytes)) }
        return Consumption(consumed: bytes.count)
    }

    func drained() {}

    func closed(_ reason: CloseReason) { closings.append(reason) }

    func send(_ bytes: [UInt8]) {
        connection.queue.async { [self] in bytes.withUnsafeBytes { connection.send($0) } }
    }
}
