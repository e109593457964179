// SPDX-License-Identifier: Apache-2.0

/// Writes docs/metrics.md from the catalog.
package enum MetricReference {
    package static var markdown: String {
        var lines = introduction
        for section in MetricCatalog.sections {
            lines += [
                "", "## \(section.title)", "", "| Metric | Type | Unit | Labels | Meaning |", "|---|---|---|---|---|",
            ]
            for metric in section.metrics {
                let labels = metric.labels.map { "`\($0)`" }.joined(separator: ", ")
                lines.append(
                    "| `\(metric.name)` | \(metric.kind.rawValue) | \(metric.unit) | \(labels) | \(metric.help) |")
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static let introduction = """
        # Metrics

        Generated from the catalog in `Sources/KafkaServer/Metrics`; a test compares it with the code.

        With `metrics.listener=http://127.0.0.1:9404` the server answers there, in plain HTTP:

        | path | answer |
        |---|---|
        | `/metrics` | all metrics below in Prometheus' text format |
        | `/healthz` | 200 while the process can go on, 503 once it cannot |
        | `/readyz` | 200 while clients are served, otherwise 503 |

        Without that key nothing is counted and no port is open. Bind it to a private address: there is no
        authentication. Names are those that the usual rules of the Prometheus JMX exporter give Apache Kafka's
        metrics, so that dashboards for it mostly work; what Apache Kafka does not have is called `swiftkafka_…`, except
        the lag of groups, which has the names that kafka_exporter gives it.
        Where Apache Kafka's metric holds a time in milliseconds, so does this one.

        A program that embeds the broker and has bootstrapped swift-metrics gets the same metrics through it, see
        `BrokerOptions.metricsInterval`: counters and gauges at that interval, the sums and counts of the other times as
        counters, and `totaltimems`, `localtimems` and `remotetimems` as a timer of each request.

        **How much.** Topics have series of their own up to `metrics.topics.max`, partitions up to
        `metrics.partitions.max`, in the order of their names; the series without a `topic` label (its value is empty)
        counts all topics, those beyond the limit and those deleted since included. Offset and lag of groups have series
        up to `metrics.group.offsets.max`, in the order of the groups' names, and so many groups their members;
        `kafka_server_group_coordinator_metrics_offset_count` counts all. The series of a request's name
        appear with the first such request. The buckets of a histogram double from 0.032768 ms to 34.4 s; quantiles come
        from `histogram_quantile()`.

        **What it costs.** A request adds to counters of its own reactor, without a lock and without an atomic
        read-modify-write, and reads the clock once; bytes and records of topics are atomic additions. Everything is
        added up when the values are asked for, on a background thread, one reader at a time. A group coordinator is
        asked on its queue and hands its tables over as they are, whatever their size; its next change of a table copies
        that table once. If one does not answer within a second, how groups stand is left out of the answer.
        """.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
}
