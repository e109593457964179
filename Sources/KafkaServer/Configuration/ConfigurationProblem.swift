// SPDX-License-Identifier: Apache-2.0

/// Where a setting came from.
package enum ConfigurationOrigin: Sendable, Equatable {
    /// A line of the file, from 1.
    case line(Int)
    /// `--override` on the command line.
    case override
    /// A program that embeds the broker.
    case program
    /// An obsolete key, which this one was set for.
    case translated(from: String)
}

/// One value that stops the start.
package struct ConfigurationProblem: Sendable, Equatable, CustomStringConvertible {
    package let name: String
    /// The value as it was given; nil when it is secret or there is none.
    package let value: String?
    /// What is allowed, or what is wrong, as the end of a sentence that begins with the setting.
    package let reason: String
    package let origin: ConfigurationOrigin?

    /// One line: the key, its value, what is allowed, and where it stands.
    package var description: String {
        let setting = value.map { "\(name)=\($0)" } ?? name
        return "\(setting) \(reason)" + ConfigurationProblem.place(origin)
    }

    static func place(_ origin: ConfigurationOrigin?) -> String {
        switch origin {
        case .line(let number): " (line \(number))"
        case .override: " (from --override)"
        case .translated(let name): " (from \(name))"
        case .program, nil: ""
        }
    }
}

/// Why a configuration cannot be used: every problem that was found, at least one.
package struct ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    package let problems: [ConfigurationProblem]

    /// One line per problem.
    package var description: String {
        problems.map(\.description).joined(separator: "\n")
    }
}

/// A setting that does not do what its author may expect, in one line.
package struct ConfigurationWarning: Sendable, Equatable, CustomStringConvertible {
    package let name: String
    /// The line behind the name.
    package let message: String
    package let origin: ConfigurationOrigin?

    package var description: String { "\(name) \(message)" + ConfigurationProblem.place(origin) }
}
