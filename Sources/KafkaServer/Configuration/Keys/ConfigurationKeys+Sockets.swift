// SPDX-License-Identifier: Apache-2.0

extension ConfigurationKeys {
    /// Listeners, sockets and limits on connections.
    static let sockets: [ConfigurationDefinition] = [
        .text(
            .list, "listeners", "PLAINTEXT://:9092", .distinctItems(mayBeEmpty: false), .perBroker, .acts,
            "Where to listen, as `NAME://host:port`. No host is every address; port 0 asks for a free one."),
        .text(
            .list, "advertised.listeners", nil, .distinctItems(mayBeEmpty: false), .readOnly, .acts,
            "What clients are told to connect to, per listener; without it the values of listeners."),
        .text(
            .string, "listener.security.protocol.map",
            "PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL", .any, .perBroker, .acts,
            "The security protocol of each listener name, as `NAME:PROTOCOL`."),
        .int(
            "socket.send.buffer.bytes", -1, .any, .readOnly, .acts,
            "SO_SNDBUF of accepted sockets in bytes; -1 leaves it to the operating system."),
        .int(
            "socket.receive.buffer.bytes", 102_400, .any, .readOnly, .acts,
            "SO_RCVBUF of accepted sockets in bytes; -1 leaves it to the operating system."),
        .int(
            "socket.request.max.bytes", 104_857_600, .atLeast(1), .readOnly, .acts,
            "The largest request accepted; a connection that announces a larger one is closed."),
        .int(
            "socket.listen.backlog.size", 50, .atLeast(1), .readOnly, .acts,
            "How many connections the operating system holds until they are accepted."),
        .int(
            "max.connections.per.ip", Int64(Int32.max), .atLeast(0), .clusterWide, .acts,
            "The most connections from one address; further ones are closed."),
        .text(
            .string, "max.connections.per.ip.overrides", "", .any, .clusterWide, .acts,
            "Other limits for single addresses, as `address:count`."),
        .int(
            "max.connections", Int64(Int32.max), .atLeast(0), .clusterWide, .acts,
            """
            The most connections in all; further ones wait until one closes. The listener between brokers is exempt \
            where clients have another: the connection of a client that was used least recently makes room.
            """),
        .int(
            "max.connection.creation.rate", Int64(Int32.max), .atLeast(0), .clusterWide, .acts,
            """
            The most new connections a second, over `quota.window.num` windows; further ones wait. The listener between \
            brokers is exempt where clients have another.
            """),
        .long(
            "connections.max.idle.ms", 600_000, .any, .readOnly, .acts,
            "A connection on which nothing came or went for this long is closed; below 0 is never."),
        .int(
            "connection.failed.authentication.delay.ms", 100, .atLeast(0), .readOnly, .later,
            "How long the answer to a failed authentication is held back."),
        .int(
            "queued.max.requests", 500, .atLeast(1), .readOnly, .noEffect,
            "Length of the request queue. There is none here: the thread that reads a request handles it."),
        .long(
            "queued.max.request.bytes", -1, .any, .readOnly, .acts,
            """
            The most bytes of requests that have arrived in part or wait behind others; where it is reached, reading \
            stops. -1 is no limit.
            """),
        .int(
            "num.network.threads", nil, .atLeast(1), .clusterWide, .acts,
            "How many reactors read, handle and answer requests; without it one for each core."),
    ]
}
