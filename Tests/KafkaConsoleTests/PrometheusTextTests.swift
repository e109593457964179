// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaServer
import Testing

@testable import KafkaConsole

@Suite struct PrometheusTextTests {
    private static func metric(_ name: String) throws -> Metric {
        try #require(MetricCatalog.sections.flatMap(\.metrics).first { $0.name == name })
    }

    @Test func `labels are escaped and left out where they are empty`() throws {
        let metric = try Self.metric("kafka_server_brokertopicmetrics_bytesin_total")
        var snapshot = MetricSnapshot()
        snapshot.add(
            metric,
            [
                MetricSample(labels: [""], value: .integer(3)),
                MetricSample(labels: ["a\\b\"c\nd"], value: .integer(-1)),
            ])
        #expect(
            String(decoding: PrometheusText.render(snapshot), as: UTF8.self) == """
                # HELP kafka_server_brokertopicmetrics_bytesin_total Bytes of record batches appended by producers.
                # TYPE kafka_server_brokertopicmetrics_bytesin_total counter
                kafka_server_brokertopicmetrics_bytesin_total 3
                kafka_server_brokertopicmetrics_bytesin_total{topic="a\\\\b\\"c\\nd"} -1

                """)
    }

    @Test(arguments: [
        (0.5, "0.5"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"), (1e300, "1e+300"), (3, "3.0"),
    ])
    func `numbers are written as Prometheus reads them`(value: Double, text: String) throws {
        var snapshot = MetricSnapshot()
        snapshot.add(try Self.metric("process_cpu_seconds_total"), value)
        let lines = String(decoding: PrometheusText.render(snapshot), as: UTF8.self).split(separator: "\n")
        #expect(lines.last == "process_cpu_seconds_total \(text)")
    }

    @Test func `a histogram has its buckets, sum and count`() throws {
        var snapshot = MetricSnapshot()
        let distribution = MetricDistribution(
            count: 4, sum: 2.5,
            buckets: [.init(upperBound: 0.5, cumulativeCount: 1), .init(upperBound: 1, cumulativeCount: 3)])
        snapshot.add(
            try Self.metric("kafka_network_requestmetrics_totaltimems"),
            [MetricSample(labels: ["Fetch"], value: .distribution(distribution))])
        let lines = String(decoding: PrometheusText.render(snapshot), as: UTF8.self).split(separator: "\n")
        #expect(
            lines.dropFirst(2) == [
                "kafka_network_requestmetrics_totaltimems_bucket{request=\"Fetch\",le=\"0.5\"} 1",
                "kafka_network_requestmetrics_totaltimems_bucket{request=\"Fetch\",le=\"1.0\"} 3",
                "kafka_network_requestmetrics_totaltimems_bucket{request=\"Fetch\",le=\"+Inf\"} 4",
                "kafka_network_requestmetrics_totaltimems_sum{request=\"Fetch\"} 2.5",
                "kafka_network_requestmetrics_totaltimems_count{request=\"Fetch\"} 4",
            ])
    }
}
