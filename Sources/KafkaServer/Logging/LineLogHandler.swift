// SPDX-License-Identifier: Apache-2.0
package import KafkaRuntime
package import Logging

/// Writes one line an event: time, level, component, message, then `key=value` pairs; or the same as JSON.
package struct LineLogHandler: LogHandler {
    package enum Format: Sendable {
        case text
        case json
    }

    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    private let component: String
    private let format: Format
    private let clock: any Clock
    private let write: @Sendable (String) -> Void

    /// - Parameter write: takes one line with its line feed; called from any thread.
    package init(
        component: String, level: Logger.Level, format: Format, clock: any Clock,
        write: @escaping @Sendable (String) -> Void
    ) {
        self.component = component
        logLevel = level
        self.format = format
        self.clock = clock
        self.write = write
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let time = UTCTimestamp(milliseconds: clock.wallMilliseconds)
        // A logger's metadata has no order of its own; sorted, equal events make equal lines.
        let pairs = metadata.merging(event.metadata ?? [:]) { _, new in new }
            .sorted { $0.key < $1.key }
            .map { ($0.key, "\($0.value)") }
        switch format {
        case .text: write(textLine(time, event, pairs))
        case .json: write(jsonLine(time, event, pairs))
        }
    }

    private func textLine(_ time: UTCTimestamp, _ event: LogEvent, _ pairs: [(String, String)]) -> String {
        var line = "\(time) \(Self.name(of: event.level)) [\(component)] \(Self.oneLine("\(event.message)"))"
        for (key, value) in pairs { line += " \(key)=\(Self.quotedIfNeeded(value))" }
        return line + "\n"
    }

    private func jsonLine(_ time: UTCTimestamp, _ event: LogEvent, _ pairs: [(String, String)]) -> String {
        var line =
            "{\"time\":\"\(time)\",\"level\":\"\(event.level.rawValue)\",\"component\":\(Self.quoted(component))"
            + ",\"message\":\(Self.quoted("\(event.message)"))"
        for (key, value) in pairs { line += ",\(Self.quoted(key)):\(Self.quoted(value))" }
        return line + "}\n"
    }

    private static func name(of level: Logger.Level) -> String {
        switch level {
        case .trace: "TRACE"
        case .debug: "DEBUG"
        case .info, .notice: "INFO "
        case .warning: "WARN "
        case .error: "ERROR"
        case .critical: "FATAL"
        }
    }

    private static func quotedIfNeeded(_ value: String) -> String {
        let isPlain =
            !value.isEmpty && value.utf8.allSatisfy { $0 > 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "=") }
        return isPlain ? value : quoted(value)
    }

    private static func oneLine(_ text: String) -> String {
        text.utf8.contains { $0 < 0x20 } ? String(quoted(text).dropFirst().dropLast()) : text
    }

    /// A JSON string; in text lines it keeps what a peer sent from starting a line of its own.
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
