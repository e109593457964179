// SPDX-License-Identifier: Apache-2.0
package import ArgumentParser

/// `swiftkafka`: all tools in one program.
package struct SwiftKafkaCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "swiftkafka",
        abstract: "Tools for SwiftKafka and Apache Kafka nodes.",
        version: ToolVersion.line,
        subcommands: [VersionCommand.self, StorageCommand.self, DumpLogSegmentsCommand.self])

    package init() {}
}

/// `swiftkafka version`.
package struct VersionCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Print the version.")

    package init() {}

    package func run() { print(ToolVersion.line) }
}

/// `swiftkafka storage`.
package struct StorageCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "storage",
        abstract: "Set up log directories and look at them.",
        subcommands: [StorageFormatCommand.self, StorageInfoCommand.self, StorageRandomUUIDCommand.self])

    package init() {}
}
