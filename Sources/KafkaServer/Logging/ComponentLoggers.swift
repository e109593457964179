// SPDX-License-Identifier: Apache-2.0
package import Logging

/// Makes the logger of each component. A server passes one that writes lines; an embedding program's own back end is
/// behind `Logger(label:)`.
package struct ComponentLoggers: Sendable {
    private let make: @Sendable (String) -> Logger

    package init(_ make: @escaping @Sendable (String) -> Logger) { self.make = make }

    /// - Parameter component: for example `network`, `storage`, `metadata`.
    package func logger(_ component: String) -> Logger { make(component) }

    /// Loggers of the back end that the program has bootstrapped swift-log with, labelled `swiftkafka.<component>`.
    package static let program = ComponentLoggers { Logger(label: "swiftkafka.\($0)") }
}
