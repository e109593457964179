// SPDX-License-Identifier: Apache-2.0
package import Logging

/// Makes the logger of each component. A server passes one that writes lines; an embedding program's own back end is
/// behind `Logger(label:)`.
package struct ComponentLoggers: Sendable {
    private let make: @Sendable (String) -> Logger
    /// The levels of all loggers that were made, to be changed while they are in use.
    package let levels: LoggerLevels

    package init(_ make: @escaping @Sendable (String) -> Logger) {
        self.make = make
        levels = LoggerLevels(root: make(LoggerLevels.root).logLevel)
    }

    /// - Parameter component: for example `network`, `storage`, `metadata`.
    package func logger(_ component: String) -> Logger {
        var logger = make(component)
        logger.handler = LevelledLogHandler(
            logger.handler, level: levels.level(of: component, initial: logger.logLevel))
        return logger
    }

    /// Loggers of the back end that the program has bootstrapped swift-log with, labelled `swiftkafka.<component>`.
    package static var program: ComponentLoggers {
        ComponentLoggers { Logger(label: "swiftkafka.\($0)") }
    }
}
