// SPDX-License-Identifier: Apache-2.0
internal import KafkaRuntime

/// A connection of an address that opens too many: nothing is read from it, and it is closed after a time (KIP-612).
///
/// Confined to the connection's reactor (`queue`), which is what makes it `@unchecked Sendable`.
final class HeldConnection: ConnectionHandler, @unchecked Sendable {
    let queue: any SerialQueue
    let id: UInt64
    private let connection: any Connection
    private let listener: ListenerContext
    private var timer: TimerToken?

    /// - Parameter milliseconds: until it is closed.
    init(_ connection: any Connection, for milliseconds: Int64, listener: ListenerContext) {
        self.connection = connection
        self.listener = listener
        queue = connection.queue
        id = connection.id
        connection.pauseReading()
        timer = queue.schedule(after: milliseconds) { [weak self] in self?.close() }
    }

    func close() { connection.close() }

    func received(_ bytes: UnsafeMutableRawBufferPointer) -> Consumption { Consumption(consumed: bytes.count) }

    func drained() {}

    func closed(_ reason: CloseReason) {
        if let timer { queue.cancel(timer) }
        timer = nil
        listener.connectionClosed(self)
    }
}
