// SPDX-License-Identifier: Apache-2.0

/// What is measured: one row of docs/metrics.md.
package struct Metric: Equatable, Sendable {
    package enum Kind: String, Sendable {
        /// Only grows while the process lives; its name ends in `_total`.
        case counter
        case gauge
        /// Observations, counted by upper bound, with their number and sum.
        case histogram
        /// The number and the sum of observations.
        case summary
    }

    /// As Prometheus knows it. Those that Apache Kafka has are named as the usual rules of the JMX exporter name them.
    package let name: String
    package let kind: Kind
    /// What the values count: `records`, `bytes`, `ms`, `s`, …
    package let unit: String
    package let labels: [String]
    /// One sentence without a line break.
    package let help: String

    init(_ name: String, _ kind: Kind, _ unit: String, _ labels: [String] = [], _ help: String) {
        self.name = name
        self.kind = kind
        self.unit = unit
        self.labels = labels
        self.help = help
    }
}

/// Observations of one kind.
package struct MetricDistribution: Equatable, Sendable {
    package struct Bucket: Equatable, Sendable {
        package let upperBound: Double
        /// How many observations were at most `upperBound`.
        package let cumulativeCount: Int64

        package init(upperBound: Double, cumulativeCount: Int64) {
            self.upperBound = upperBound
            self.cumulativeCount = cumulativeCount
        }
    }

    package let count: Int64
    package let sum: Double
    /// Ascending, without the one that has no bound; empty for a summary.
    package let buckets: [Bucket]

    package init(count: Int64, sum: Double, buckets: [Bucket]) {
        self.count = count
        self.sum = sum
        self.buckets = buckets
    }
}

package enum MetricValue: Equatable, Sendable {
    case integer(Int64)
    case real(Double)
    case distribution(MetricDistribution)
}

/// A value with those of the metric's labels, in the order of `Metric.labels`.
package struct MetricSample: Equatable, Sendable {
    package let labels: [String]
    package let value: MetricValue

    package init(labels: [String], value: MetricValue) {
        self.labels = labels
        self.value = value
    }
}

/// A metric with its values at one moment.
package struct MetricFamily: Sendable {
    package let metric: Metric
    package let samples: [MetricSample]
}

/// Gathers the values of one moment, metric by metric.
package struct MetricSnapshot: Sendable {
    package private(set) var families: [MetricFamily] = []

    package init() {}

    /// Adds a metric without labels.
    package mutating func add(_ metric: Metric, _ value: Int64) {
        add(metric, [MetricSample(labels: [], value: .integer(value))])
    }

    package mutating func add(_ metric: Metric, _ value: Int) { add(metric, Int64(value)) }

    package mutating func add(_ metric: Metric, _ value: Double) {
        add(metric, [MetricSample(labels: [], value: .real(value))])
    }

    /// Adds a metric with the values it has for its labels; each metric once.
    package mutating func add(_ metric: Metric, _ samples: [MetricSample]) {
        for sample in samples {
            precondition(sample.labels.count == metric.labels.count, "\(metric.name) has \(metric.labels.count) labels")
        }
        families.append(MetricFamily(metric: metric, samples: samples))
    }
}
