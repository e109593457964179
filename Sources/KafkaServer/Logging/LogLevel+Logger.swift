// SPDX-License-Identifier: Apache-2.0
package import Logging

extension LogLevel {
    /// The same level in swift-log's words.
    package var loggerLevel: Logger.Level {
        switch self {
        case .trace: .trace
        case .debug: .debug
        case .info: .info
        case .notice: .notice
        case .warning: .warning
        case .error: .error
        case .critical: .critical
        }
    }
}
