// SPDX-License-Identifier: Apache-2.0
internal import KafkaServer

/// Prometheus' text format, version 0.0.4.
enum PrometheusText {
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    static func render(_ snapshot: MetricSnapshot) -> [UInt8] {
        var text = ""
        text.reserveCapacity(64 << 10)
        for family in snapshot.families where !family.samples.isEmpty {
            let metric = family.metric
            text += "# HELP \(metric.name) \(metric.help)\n# TYPE \(metric.name) \(metric.kind.rawValue)\n"
            for sample in family.samples { append(sample, of: metric, to: &text) }
        }
        return Array(text.utf8)
    }

    private static func append(_ sample: MetricSample, of metric: Metric, to text: inout String) {
        let labels = labels(metric.labels, sample.labels)
        switch sample.value {
        case .integer(let value): appendLine(metric.name, "", labels, "\(value)", to: &text)
        case .real(let value): appendLine(metric.name, "", labels, number(value), to: &text)
        case .distribution(let distribution):
            if metric.kind == .histogram {
                let separator = labels.isEmpty ? "" : ","
                for bucket in distribution.buckets {
                    let bound = "\(labels)\(separator)le=\"\(number(bucket.upperBound))\""
                    appendLine(metric.name, "_bucket", bound, "\(bucket.cumulativeCount)", to: &text)
                }
                let infinite = "\(labels)\(separator)le=\"+Inf\""
                appendLine(metric.name, "_bucket", infinite, "\(distribution.count)", to: &text)
            }
            appendLine(metric.name, "_sum", labels, number(distribution.sum), to: &text)
            appendLine(metric.name, "_count", labels, "\(distribution.count)", to: &text)
        }
    }

    private static func appendLine(
        _ name: String, _ suffix: String, _ labels: String, _ value: String, to text: inout String
    ) {
        text += name
        text += suffix
        if !labels.isEmpty {
            text += "{"
            text += labels
            text += "}"
        }
        text += " "
        text += value
        text += "\n"
    }

    /// `name="value",…`; a label without a value is left out, which means the same.
    private static func labels(_ names: [String], _ values: [String]) -> String {
        var text = ""
        for (name, value) in zip(names, values) where !value.isEmpty {
            if !text.isEmpty { text += "," }
            text += name
            text += "=\""
            text += escaped(value)
            text += "\""
        }
        return text
    }

    private static func escaped(_ value: String) -> String {
        guard value.utf8.contains(where: { $0 == 0x22 || $0 == 0x5C || $0 == 0x0A }) else { return value }
        var text = ""
        for character in value.unicodeScalars {
            switch character {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.unicodeScalars.append(character)
            }
        }
        return text
    }

    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        return "\(value)"
    }
}
