// SPDX-License-Identifier: Apache-2.0
package import ArgumentParser
import DispatchRuntime
import KafkaBase
import KafkaRuntime
import KafkaServer
import KafkaStorage

/// `swiftkafka storage info`: what the log directories of a node are set up for, and what is wrong with them.
package struct StorageInfoCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "info", abstract: "Print what the log directories of a node are set up for.")

    @Option(name: .shortAndLong, help: "The node's configuration file.")
    package var config: String

    package init() {}

    package func run() throws {
        let output = TextSink.standardOutput()
        let errors = TextSink.standardError()
        do {
            if !(try printInfo(files: PosixFileSystem(), to: output)) { throw ExitCode.failure }
        } catch let error as ToolFailure {
            errors.line(error.message)
            throw ExitCode.failure
        }
    }

    /// Returns whether there are no problems.
    func printInfo(files: any FileSystem, to output: TextSink) throws -> Bool {
        defer { output.flush() }
        let configuration = try ConfigurationFile.load(config, files)
        var directories = configuration.storage.logDirectories
        if !directories.contains(configuration.storage.metadataLogDirectory) {
            directories.append(configuration.storage.metadataLogDirectory)
        }
        var found: [(directory: String, properties: MetaProperties)] = []
        var problems: [String] = []
        var existing: [String] = []
        for directory in directories.sorted() {
            do {
                guard let status = try files.status(directory) else {
                    problems.append("\(directory) does not exist")
                    continue
                }
                guard status.isDirectory else {
                    problems.append("\(directory) is not a directory")
                    continue
                }
                existing.append(directory)
                if let properties = try MetaProperties.read(directory: directory, files) {
                    found.append((directory, properties))
                } else {
                    problems.append("\(directory) is not formatted.")
                }
            } catch {
                problems.append("\(directory): \(error)")
            }
        }
        problems += Self.contradictions(found)
        Self.printList("Found log directory:", "Found log directories:", existing, to: output)
        if let first = found.first {
            output.line("Found metadata: {\(Self.text(first.properties))}")
            output.line("")
        }
        Self.printList("Found problem:", "Found problems:", problems, to: output)
        return problems.isEmpty
    }

    private static func printList(_ one: String, _ several: String, _ items: [String], to output: TextSink) {
        if items.isEmpty { return }
        output.line(items.count == 1 ? one : several)
        for item in items { output.line("  \(item)") }
        output.line("")
    }

    /// The properties in the order of their names.
    private static func text(_ properties: MetaProperties) -> String {
        var entries = properties.others.map { ($0.key, $0.value) }
        entries.append(("version", String(properties.version)))
        if let id = properties.clusterID { entries.append(("cluster.id", id)) }
        if let id = properties.directoryID { entries.append(("directory.id", id.description)) }
        if let id = properties.nodeID {
            entries.append((properties.version == 0 ? "broker.id" : "node.id", String(id)))
        }
        return entries.sorted { $0.0 < $1.0 }.map { "\($0.0)=\($0.1)" }.joined(separator: ", ")
    }

    private static func contradictions(_ found: [(directory: String, properties: MetaProperties)]) -> [String] {
        guard let first = found.first else { return [] }
        return found.dropFirst().compactMap { other in
            let isSame =
                other.properties.clusterID == first.properties.clusterID
                && other.properties.nodeID == first.properties.nodeID
            return isSame
                ? nil
                : "\(other.directory) is set up for {\(text(other.properties))}, unlike \(first.directory)"
        }
    }
}
