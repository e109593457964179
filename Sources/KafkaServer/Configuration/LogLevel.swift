// SPDX-License-Identifier: Apache-2.0

/// How severe a line of the server's own log is, from the least to the most. The names are those of swift-log.
package enum LogLevel: Int, Sendable, CaseIterable, Comparable {
    case trace
    case debug
    case info
    case notice
    case warning
    case error
    case critical

    package var name: String { LogLevel.names[rawValue] }

    package init?(name: String) {
        guard let index = LogLevel.names.firstIndex(of: name) else { return nil }
        self.init(rawValue: index)
    }

    package static let names = ["trace", "debug", "info", "notice", "warning", "error", "critical"]

    package static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }
}
