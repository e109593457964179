// SPDX-License-Identifier: Apache-2.0
package import ArgumentParser
import DispatchRuntime
import Foundation

/// `dump-log-segments`: prints what is in the files of partition and metadata directories.
package struct DumpLogSegmentsCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "dump-log-segments",
        abstract: "Print what is in segment, index and snapshot files.",
        discussion: """
            Reads .log, .checkpoint (snapshots of the metadata log), .index, .timeindex, .txnindex and .snapshot files. \
            Nothing is written or locked, so the directory of a running broker can be looked at.
            """,
        version: ToolVersion.line)

    @Option(help: "The files, separated by commas.")
    package var files: String

    @Flag(help: "Print keys and payloads, too. Any decoder option includes this.")
    package var printDataLog = false

    @Flag(help: "Print a line for each record, not only for each batch. Printing data includes this.")
    package var deepIteration = false

    @Flag(help: "Check indexes against their log without printing the entries.")
    package var verifyIndexOnly = false

    @Flag(help: "Make only the check of an index that the broker makes at its start.")
    package var indexSanityCheck = false

    @Option(help: "How large a batch may be where an index entry points, in bytes.")
    package var maxMessageSize = 5_242_880

    @Option(help: "Read only so many bytes of a log.")
    package var maxBytes = Int(Int32.max)

    @Option(
        defaultAsFlag: ClassDecoderName.standard,
        help: "How to show values: StringDecoder, LongDecoder or IntegerDecoder.")
    package var valueDecoderClass: ClassDecoderName?

    @Option(
        defaultAsFlag: ClassDecoderName.standard,
        help: "How to show keys: StringDecoder, LongDecoder or IntegerDecoder.")
    package var keyDecoderClass: ClassDecoderName?

    @Flag(help: "Show records of __consumer_offsets.")
    package var offsetsDecoder = false

    @Flag(help: "Show records of __transaction_state.")
    package var transactionLogDecoder = false

    @Flag(help: "Show records of __cluster_metadata and its snapshots.")
    package var clusterMetadataDecoder = false

    @Flag(help: "Show records of __share_group_state.")
    package var shareGroupStateDecoder = false

    @Flag(help: "Print nothing of a record but its data.")
    package var skipRecordMetadata = false

    @Option(help: "Whose lines to print: 4.x, 2.4 or 1 (of Kafka 1.x: one line for each record).")
    package var outputFormat = OutputFormat.current

    package init() {}

    package func validate() throws {
        guard maxMessageSize > 0 else { throw ValidationError("--max-message-size must be at least 1") }
        guard maxBytes > 0 else { throw ValidationError("--max-bytes must be at least 1") }
    }

    package func run() throws {
        let dumper = SegmentDumper(
            options: options, files: PosixFileSystem(), currentDirectory: FileManager.default.currentDirectoryPath,
            output: .standardOutput(), errors: .standardError())
        let paths = files.split(separator: ",").map(String.init)
        if !dumper.dump(paths) { throw ExitCode.failure }
    }

    package var options: DumpOptions {
        var options = DumpOptions()
        options.form = outputFormat.form
        options.verifiesIndexOnly = verifyIndexOnly
        options.checksIndexSanityOnly = indexSanityCheck
        options.maxMessageSize = maxMessageSize
        options.maxBytes = maxBytes
        options.skipsRecordMetadata = skipRecordMetadata
        let special = specialDecoder
        options.decoder =
            special
            ?? .classes(
                key: keyDecoderClass?.decoder ?? .string, value: valueDecoderClass?.decoder ?? .string)
        options.printsData =
            printDataLog || special != nil || valueDecoderClass != nil || keyDecoderClass != nil
        options.isDeep = deepIteration
        return options
    }

    /// The first one asked for, in Kafka's order of precedence.
    private var specialDecoder: RecordDecoder? {
        if offsetsDecoder { return .offsets }
        if transactionLogDecoder { return .transactionLog }
        if clusterMetadataDecoder { return .clusterMetadata }
        if shareGroupStateDecoder { return .shareGroupState }
        return nil
    }
}

/// The name of a decoder class, as it was given.
package struct ClassDecoderName: ExpressibleByArgument, Sendable, CustomStringConvertible {
    let decoder: ClassDecoder
    package let description: String

    static let standard = ClassDecoderName(decoder: .string, description: "StringDecoder")

    private init(decoder: ClassDecoder, description: String) {
        self.decoder = decoder
        self.description = description
    }

    package init?(argument: String) {
        guard let decoder = ClassDecoder(className: argument) else { return nil }
        self.init(decoder: decoder, description: argument)
    }
}

/// The value of `--output-format`.
package enum OutputFormat: String, ExpressibleByArgument, Sendable {
    case current = "4.x"
    case v2_4 = "2.4"
    case v1 = "1"

    /// `4` is short for `4.x`.
    package init?(argument: String) { self.init(rawValue: argument == "4" ? "4.x" : argument) }

    var form: DumpOptions.Form {
        switch self {
        case .current: .current
        case .v2_4: .v2_4
        case .v1: .v1
        }
    }
}
