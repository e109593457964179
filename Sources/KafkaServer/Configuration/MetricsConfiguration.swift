// SPDX-License-Identifier: Apache-2.0
package import KafkaRuntime

/// Where metrics are served and how many series there may be.
package struct MetricsConfiguration: Sendable {
    private static let scheme = "http://"

    /// nil where they are not served.
    package let listener: SocketAddress?
    /// How many topics have series of their own.
    package let topicsMax: Int
    /// How many partitions have series of their own.
    package let partitionsMax: Int
    /// How many committed offsets have series of their own, and how many groups.
    package let groupOffsetsMax: Int

    init(_ reader: inout ConfigurationReader) {
        topicsMax = reader.int("metrics.topics.max")
        partitionsMax = reader.int("metrics.partitions.max")
        groupOffsetsMax = reader.int("metrics.group.offsets.max")
        let name = "metrics.listener"
        let text = reader.optionalText(name) ?? ""
        guard !text.isEmpty else {
            listener = nil
            return
        }
        listener = MetricsConfiguration.address(text)
        if listener == nil { reader.refuse(name, "must be http://host:port with a port from 0 to 65535") }
    }

    private static func address(_ text: String) -> SocketAddress? {
        guard text.hasPrefix(scheme), let address = ListenerAddress("METRICS://" + text.dropFirst(scheme.count)) else {
            return nil
        }
        return SocketAddress(host: address.host, port: address.port)
    }
}
