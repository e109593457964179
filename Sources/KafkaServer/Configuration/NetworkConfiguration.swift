// SPDX-License-Identifier: Apache-2.0

/// Sockets, the threads that serve them, and the limits on what clients may take.
package struct NetworkConfiguration: Sendable {
    package let listeners: [ListenerConfiguration]
    /// How many reactors to run; nil is one for each core.
    package let networkThreads: Int?
    /// Threads for work that may block.
    package let backgroundThreads: Int
    /// SO_SNDBUF in bytes; -1 leaves it to the operating system.
    package let sendBufferBytes: Int32
    /// SO_RCVBUF in bytes; -1 leaves it to the operating system.
    package let receiveBufferBytes: Int32
    package let listenBacklog: Int32
    package let requestBytesMax: Int
    /// The most bytes of requests in memory; nil is no limit.
    package let queuedRequestBytesMax: Int64?
    package let connectionsMax: Int
    package let connectionsPerAddressMax: Int
    /// What listeners set for themselves, by their names.
    package let connectionsPerListenerMax: [String: Int]
    /// New connections a second in all and by the listener's name; nil is any.
    let connectionRates: ConnectionRates.Limits
    /// Limits that differ from `connectionsPerAddressMax`, by the address as text.
    package let connectionsPerAddressOverrides: [String: Int]
    /// Milliseconds; 0 is never.
    package let idleTimeoutMilliseconds: Int64

    init(_ reader: inout ConfigurationReader, hostName: String) {
        listeners = ListenerConfiguration.read(&reader, hostName: hostName)
        networkThreads = reader.optionalInteger("num.network.threads").map { Int($0) }
        backgroundThreads = reader.int("background.threads")
        sendBufferBytes = NetworkConfiguration.bufferBytes("socket.send.buffer.bytes", &reader)
        receiveBufferBytes = NetworkConfiguration.bufferBytes("socket.receive.buffer.bytes", &reader)
        listenBacklog = reader.int32("socket.listen.backlog.size")
        requestBytesMax = reader.int("socket.request.max.bytes")
        let queued = reader.integer("queued.max.request.bytes")
        queuedRequestBytesMax = queued > 0 ? queued : nil
        connectionsMax = reader.int("max.connections")
        (connectionsPerListenerMax, connectionRates) = NetworkConfiguration.connectionLimits(listeners, &reader)
        connectionsPerAddressMax = reader.int("max.connections.per.ip")
        connectionsPerAddressOverrides = NetworkConfiguration.overrides(&reader)
        idleTimeoutMilliseconds = max(0, reader.integer("connections.max.idle.ms"))

        if let limit = queuedRequestBytesMax, limit < requestBytesMax {
            reader.refuse(
                "queued.max.request.bytes", "must be -1 or at least socket.request.max.bytes=\(requestBytesMax)")
        }
        if connectionsPerAddressMax == 0, connectionsPerAddressOverrides.isEmpty {
            reader.refuse("max.connections.per.ip", "must be at least 1 unless max.connections.per.ip.overrides is set")
        }
    }

    private static func bufferBytes(_ name: String, _ reader: inout ConfigurationReader) -> Int32 {
        let bytes = reader.int32(name)
        if bytes != -1, bytes < 1 { reader.refuse(name, "must be -1 or at least 1") }
        return bytes
    }

    private static func connectionLimits(
        _ listeners: [ListenerConfiguration], _ reader: inout ConfigurationReader
    ) -> (maxima: [String: Int], rates: ConnectionRates.Limits) {
        let key = "max.connection.creation.rate"
        /// The largest number stands for no limit.
        func rate(_ value: Int64?) -> Double? { value.flatMap { $0 < Int64(Int32.max) ? Double($0) : nil } }
        var maxima: [String: Int] = [:]
        var rates = ConnectionRates.Limits(broker: rate(reader.integer(key)), listeners: [:])
        for listener in listeners {
            maxima[listener.name] = reader.integer("max.connections", ofListener: listener.name).map { Int($0) }
            rates.listeners[listener.name] = rate(reader.integer(key, ofListener: listener.name))
        }
        return (maxima, rates)
    }

    /// Reads `address:count`, where an IPv6 address has colons of its own.
    private static func overrides(_ reader: inout ConfigurationReader) -> [String: Int] {
        let name = "max.connections.per.ip.overrides"
        var limits: [String: Int] = [:]
        for item in ConfigurationValue.items(of: reader.text(name)) {
            guard let colon = item.lastIndex(of: ":"), colon > item.startIndex,
                let count = Int32(String(item[item.index(after: colon)...]).trimmedBlanks), count >= 0
            else {
                reader.refuse(name, "must be a list of address:count with a count of at least 0")
                continue
            }
            limits[String(item[..<colon]).trimmedBlanks] = Int(count)
        }
        return limits
    }
}
