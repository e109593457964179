// SPDX-License-Identifier: Apache-2.0
package import ArgumentParser
import DispatchRuntime
import Foundation
import KafkaBase
import KafkaMetadata
import KafkaProtocol
import KafkaRuntime
import KafkaServer

/// `swiftkafka storage format`: sets up the log directories of a node.
package struct StorageFormatCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "format", abstract: "Set up the log directories of a node for a cluster.")

    @Option(name: [.customShort("t"), .customLong("cluster-id")], help: "The cluster's id, as random-uuid prints it.")
    package var clusterID: String

    @Option(name: .shortAndLong, help: "The node's configuration file.")
    package var config: String

    @Flag(name: [.customShort("g"), .long], help: "Pass over directories that are formatted already.")
    package var ignoreFormatted = false

    @Option(name: .shortAndLong, help: "The release whose metadata.version the cluster starts with.")
    package var releaseVersion: String?

    @Option(name: .shortAndLong, help: "A feature's level, as name=level. May be repeated.")
    package var feature: [String] = []

    @Flag(name: .shortAndLong, help: "Make this node the first voter of a quorum whose voters stand in the log.")
    package var standalone = false

    package init() {}

    package func run() throws {
        let output = TextSink.standardOutput()
        let errors = TextSink.standardError()
        do {
            try format(files: PosixFileSystem(), random: SystemRandomSource(), clock: SystemClock(), to: output)
        } catch let error as ToolFailure {
            errors.line(error.message)
            throw ExitCode.failure
        }
    }

    func format(
        files: any FileSystem, random: any RandomSource, clock: any Clock, to output: TextSink
    ) throws {
        defer { output.flush() }
        let configuration = try ConfigurationFile.load(config, files)
        let plan = try plan(configuration)
        output.line("Bootstrap metadata: \(Self.describe(plan.bootstrap))")
        let comment = Self.javaDate(milliseconds: clock.wallMilliseconds)
        let formatter = StorageFormatter(
            files: files, random: random, now: clock.wallMilliseconds, comment: comment)
        do throws(StorageFormatError) {
            let formatted = try formatter.format(plan)
            if formatted.isEmpty { output.line("All of the log directories are already formatted.") }
            for directory in formatted {
                output.line(
                    "Formatting \(kind(directory)) \(directory.directory) with metadata.version"
                        + " \(plan.bootstrap.metadataVersion).")
            }
        } catch {
            throw ToolFailure("\(error)")
        }
    }

    private func kind(_ directory: StorageFormatter.Formatted) -> String {
        guard directory.isMetadata else { return "data directory" }
        return standalone ? "dynamic metadata voter directory" : "metadata log directory"
    }

    private func plan(_ configuration: BrokerConfiguration) throws -> StorageFormatter.Plan {
        guard let id = KafkaUUID(clusterID), id.description == clusterID, !id.isZero else {
            throw ToolFailure("Cluster ID \(clusterID) is not a valid id: make one with random-uuid.")
        }
        var plan = StorageFormatter.Plan(
            clusterID: id, nodeID: configuration.nodeID, directories: configuration.storage.logDirectories,
            metadataDirectory: configuration.storage.metadataLogDirectory)
        plan.ignoresFormatted = ignoreFormatted
        plan.bootstrap = try bootstrap()
        if standalone {
            let endpoints = configuration.network.listeners.filter(\.isController).map { listener in
                let address = listener.advertisedAddress ?? listener.address
                let host = address.host.isEmpty ? "localhost" : address.host
                return VotersRecord.Endpoint(name: listener.name, host: host, port: address.port)
            }
            guard !endpoints.isEmpty else {
                throw ToolFailure("--standalone needs a listener that controller.listener.names names.")
            }
            plan.standaloneEndpoints = endpoints
        }
        return plan
    }

    private func bootstrap() throws -> BootstrapMetadata {
        var version = MetadataVersion.latestStable
        if let releaseVersion {
            guard let known = MetadataVersion(releaseVersion),
                Feature.metadataVersion.supportedLevels.contains(known.rawValue)
            else {
                throw ToolFailure(
                    "Release version \(releaseVersion) is not known: it must be from \(MetadataVersion.minimum) to"
                        + " \(MetadataVersion.latestStable).")
            }
            version = known
        }
        var levels: [String: Int16] = [:]
        for setting in feature {
            let parts = setting.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, let level = Int16(parts[1]), let known = Feature.named(String(parts[0])) else {
                throw ToolFailure("Feature \(setting) is not name=level with a known feature.")
            }
            guard level == 0 || known.supportedLevels.contains(level) else {
                throw ToolFailure("Feature \(setting) must be from 0 to \(known.supportedLevels.upperBound).")
            }
            guard levels.updateValue(level, forKey: known.name) == nil else {
                throw ToolFailure("Feature \(known.name) is given twice.")
            }
        }
        if let level = levels.removeValue(forKey: MetadataVersion.featureName) {
            guard releaseVersion == nil, Feature.metadataVersion.supportedLevels.contains(level) else {
                throw ToolFailure(
                    "\(MetadataVersion.featureName) must be given once, by --release-version or --feature.")
            }
            version = MetadataVersion(rawValue: level)
        }
        // The quorum's own version is not a record of the metadata: --standalone decides it.
        guard levels.removeValue(forKey: Feature.kraftVersion.name).map({ ($0 == 1) == standalone }) ?? true else {
            throw ToolFailure("kraft.version must be 1 with --standalone and 0 without.")
        }
        return BootstrapMetadata(release: version, levels: levels)
    }

    private static func describe(_ bootstrap: BootstrapMetadata) -> String {
        let version = bootstrap.metadataVersion
        return bootstrap.records.map { $0.json(version: 0) }.joined(separator: ", ") + " (\(version))"
    }

    /// As `java.util.Date` prints it, in UTC.
    private static func javaDate(milliseconds: Int64) -> String {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "UTC")
        formatter.dateFormat = "EEE MMM dd HH:mm:ss 'UTC' yyyy"
        return formatter.string(from: Date(timeIntervalSince1970: Double(milliseconds) / 1000))
    }
}
