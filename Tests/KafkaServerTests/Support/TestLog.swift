// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime
import KafkaServer
import Logging
import Synchronization

/// Collects what a broker logs.
final class TestLog: Sendable {
    private let collected = Mutex<[String]>([])

    /// `LEVEL [component] message key=value …`, in order.
    var lines: [String] { collected.withLock { $0 } }

    func contains(_ text: String) -> Bool { lines.contains { $0.contains(text) } }

    /// Lines that a quiet, healthy broker does not write.
    var complaints: [String] {
        lines.filter { $0.hasPrefix("WARNING") || $0.hasPrefix("ERROR") || $0.hasPrefix("CRITICAL") }
    }

    func clear() { collected.withLock { $0 = [] } }

    var loggers: ComponentLoggers {
        ComponentLoggers { component in
            Logger(label: component) { _ in Handler(component: component, log: self) }
        }
    }

    private struct Handler: LogHandler {
        let component: String
        let log: TestLog
        var logLevel = Logger.Level.debug
        var metadata: Logger.Metadata = [:]

        init(component: String, log: TestLog) {
            self.component = component
            self.log = log
        }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let pairs = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }
            let line = "\(event.level.rawValue.uppercased()) [\(component)] \(event.message)\(pairs.joined())"
            log.collected.withLock { $0.append(line) }
        }
    }
}
