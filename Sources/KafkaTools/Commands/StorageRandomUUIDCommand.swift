// SPDX-License-Identifier: Apache-2.0
package import ArgumentParser
import DispatchRuntime
import KafkaRuntime

/// `swiftkafka storage random-uuid`: an id for a new cluster.
package struct StorageRandomUUIDCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "random-uuid", abstract: "Print a random id, for a new cluster or directory.")

    package init() {}

    package func run() { print(SystemRandomSource().uuid()) }
}
