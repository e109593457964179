// SPDX-License-Identifier: Apache-2.0

/// Every metric of the broker, by what it tells about; docs/metrics.md is made from this.
package enum MetricCatalog {
    package struct Section: Sendable {
        package let title: String
        package let metrics: [Metric]
    }

    package static let sections: [Section] = [
        Section(title: "Topics", metrics: topicMetrics),
        Section(title: "Requests", metrics: requestMetrics),
        Section(title: "Connections and threads", metrics: networkMetrics),
        Section(title: "Groups", metrics: groupMetrics),
        Section(title: "Replicas", metrics: replicaMetrics),
        Section(title: "Logs", metrics: logMetrics),
        Section(title: "Cleaner", metrics: cleanerMetrics),
        Section(title: "Controller and metadata", metrics: controllerMetrics),
        Section(title: "Process", metrics: processMetrics),
    ]

    // MARK: Topics

    static let messagesIn = topic("messagesin", "records", "Records appended by producers.")
    static let bytesIn = topic("bytesin", "bytes", "Bytes of record batches appended by producers.")
    static let bytesOut = topic("bytesout", "bytes", "Bytes of record batches sent to consumers.")
    static let bytesRejected = topic("bytesrejected", "bytes", "Bytes of record batches that were refused.")
    static let totalProduceRequests = topic(
        "totalproducerequests", "partitions", "Partitions that Produce requests named.")
    static let failedProduceRequests = topic(
        "failedproducerequests", "partitions", "Partitions that Produce requests named and that were answered an error."
    )
    static let totalFetchRequests = topic("totalfetchrequests", "partitions", "Partitions that Fetch requests read.")
    static let failedFetchRequests = topic(
        "failedfetchrequests", "partitions", "Partitions that Fetch requests read and that were answered an error.")

    private static func topic(_ name: String, _ unit: String, _ help: String) -> Metric {
        Metric("kafka_server_brokertopicmetrics_\(name)_total", .counter, unit, ["topic"], help)
    }

    static let topicMetrics = [
        messagesIn, bytesIn, bytesOut, bytesRejected, totalProduceRequests, failedProduceRequests, totalFetchRequests,
        failedFetchRequests,
    ]

    // MARK: Requests

    static let requests = Metric(
        "kafka_network_requestmetrics_requests_total", .counter, "requests", ["request", "version"],
        "Requests that arrived.")
    static let requestErrors = Metric(
        "kafka_network_requestmetrics_errors_total", .counter, "errors", ["request", "error"],
        "Error codes in answers; NONE is left out.")
    static let totalTime = time(
        "totaltimems", .histogram, "From the arrival of a request to its answer: the sum of the times below.")
    static let localTime = time("localtimems", .histogram, "Decoding, handling and encoding on the reactor.")
    static let remoteTime = time(
        "remotetimems", .histogram, "Waiting for something else: new data, a sync, the controller.")
    static let requestQueueTime = time(
        "requestqueuetimems", .summary, "Waiting behind requests of the same connection that came in the same read.")
    static let responseQueueTime = time(
        "responsequeuetimems", .summary, "Ready, waiting for the answers to earlier requests of the connection.")
    static let throttleTime = time(
        "throttletimems", .summary, "The throttle time that clients were told because of their quotas.")
    static let requestBytes = Metric(
        "kafka_network_requestmetrics_requestbytes", .summary, "bytes", ["request"], "Size of requests.")
    static let responseBytes = Metric(
        "kafka_network_requestmetrics_responsebytes", .summary, "bytes", ["request"],
        "Size of answers, records in files included.")

    private static func time(_ name: String, _ kind: Metric.Kind, _ help: String) -> Metric {
        Metric("kafka_network_requestmetrics_\(name)", kind, "ms", ["request"], help)
    }

    static let requestMetrics = [
        requests, requestErrors, totalTime, localTime, remoteTime, requestQueueTime, responseQueueTime, throttleTime,
        requestBytes, responseBytes,
    ]

    // MARK: Connections and threads

    static let connections = Metric(
        "kafka_server_socket_server_metrics_connection_count", .gauge, "connections", ["listener"],
        "Open connections.")
    static let connectionsCreated = Metric(
        "kafka_server_socket_server_metrics_connection_creation_total", .counter, "connections", ["listener"],
        "Connections that were accepted.")
    static let connectionsClosed = Metric(
        "kafka_server_socket_server_metrics_connection_close_total", .counter, "connections", ["listener"],
        "Connections that have ended.")
    static let networkIdle = Metric(
        "kafka_network_socketserver_networkprocessoravgidlepercent", .gauge, "ratio",
        "The share of time, 0 to 1, that the reactors had nothing to do, since the values were read before.")
    static let handlerIdle = Metric(
        "kafka_server_kafkarequesthandlerpool_requesthandleravgidlepercent", .gauge, "ratio",
        "The same number: reactors handle requests themselves.")
    static let reactorIdle = Metric(
        "swiftkafka_reactor_idle_seconds_total", .counter, "s", ["reactor"],
        "Time that a reactor had nothing to do.")
    static let requestMemory = Metric(
        "kafka_server_memorypool_used_bytes", .gauge, "bytes",
        "Requests in memory that count against queued.max.request.bytes; 0 without that limit.")
    static let purgatory = Metric(
        "kafka_server_delayedoperationpurgatory_purgatorysize", .gauge, "requests", ["delayedOperation"],
        "Requests that wait: Fetch for data, Produce for a sync.")
    static let fetchSessions = Metric(
        "kafka_server_fetchsessioncache_numincrementalfetchsessions", .gauge, "sessions",
        "Fetch sessions (KIP-227).")

    static let networkMetrics = [
        connections, connectionsCreated, connectionsClosed, networkIdle, handlerIdle, reactorIdle, requestMemory,
        purgatory, fetchSessions,
    ]
}

extension Metric {
    init(_ name: String, _ kind: Kind, _ unit: String, _ help: String) { self.init(name, kind, unit, [], help) }
}
