// SPDX-License-Identifier: Apache-2.0

/// Steps that wait for the end of the round. What is added while a list is worked off waits for the next round.
struct DeferredSteps {
    private static let keptCapacity = 1_024

    fileprivate var reading: [SocketConnection] = []
    fileprivate var unsent: [SocketConnection] = []
    fileprivate var closed: [SocketConnection] = []
    /// Memory for the next list of connections with unsent output, of which nearly every round has one.
    private var spare: [SocketConnection] = []

    var isEmpty: Bool { reading.isEmpty && unsent.isEmpty && closed.isEmpty }

    mutating func addReading(_ connection: SocketConnection) { reading.append(connection) }
    mutating func addUnsent(_ connection: SocketConnection) { unsent.append(connection) }
    mutating func addClosed(_ connection: SocketConnection) { closed.append(connection) }
}

extension Reactor {
    /// Takes a connection's steps out of a list one list at a time, because they may add to all of them.
    func finishRound() {
        for connection in deferred.takeReading() {
            connection.readPlanned()
            sendAnswersIfDue()
        }
        sendAnswers()
        for connection in deferred.takeClosed() { connection.finishClosing() }
    }

    /// Sends what was added to connections so far.
    func sendAnswers() {
        receivedUnanswered = 0
        if deferred.unsent.isEmpty { return }
        let unsent = deferred.takeUnsent()
        for connection in unsent { connection.flush() }
        deferred.giveBack(consume unsent)
    }
}

extension DeferredSteps {
    fileprivate mutating func takeReading() -> [SocketConnection] { Self.take(&reading) }

    fileprivate mutating func takeUnsent() -> [SocketConnection] {
        var taken: [SocketConnection] = []
        swap(&taken, &unsent)
        swap(&unsent, &spare)
        return taken
    }

    /// Takes back the memory of a list that was worked off.
    fileprivate mutating func giveBack(_ list: consuming [SocketConnection]) {
        list.removeAll(keepingCapacity: list.capacity <= Self.keptCapacity)
        spare = list
    }

    fileprivate mutating func takeClosed() -> [SocketConnection] { Self.take(&closed) }

    private static func take(_ list: inout [SocketConnection]) -> [SocketConnection] {
        if list.isEmpty { return [] }
        defer { list = [] }
        return list
    }
}
