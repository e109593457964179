// SPDX-License-Identifier: Apache-2.0

/// What each target may import: the module table of docs/architecture.md, as the tests check it.
///
/// Rows stand in layers from the ground up; a row may name only targets of rows above it, so a cycle cannot be
/// written down. Everything that is not named is forbidden, the standard library and `Synchronization` excepted.
enum Layering {
    struct Row {
        let target: String
        /// Targets of this package.
        let targets: Set<String>
        /// Modules from elsewhere: other packages, the platform, system libraries.
        let foreign: Set<String>
    }

    static let always: Set<String> = ["Swift", "Synchronization", "Builtin"]
    static let codecs = ["CZlib", "CLZ4", "CSnappy", "CZstd"]
    static let platform = ["Foundation", "FoundationEssentials", "Dispatch", "Glibc", "Musl", "Darwin"]
    static let collections = ["DequeModule", "HeapModule", "OrderedCollections"]

    static let rows: [Row] = [
        // Ground
        row("CPlatform", []),
        row("CZlib", []), row("CLZ4", []), row("CSnappy", []), row("CZstd", []),
        row("KafkaBase", ["CPlatform"]),
        row("KafkaRuntime", ["KafkaBase"], collections),
        row("RuntimeConformance", ["KafkaRuntime"]),
        // Formats
        row("KafkaProtocol", ["KafkaBase"]),
        row("KafkaRecords", ["KafkaBase"] + codecs),
        // Engines
        row("KafkaStorage", ["KafkaBase", "KafkaRuntime", "KafkaRecords", "KafkaProtocol"], collections),
        row("KafkaRaft", ["KafkaBase", "KafkaProtocol", "KafkaRecords"]),
        // Decisions
        row("KafkaMetadata", ["KafkaBase", "KafkaProtocol", "KafkaRecords"]),
        row("KafkaReplication", ["KafkaBase", "KafkaRuntime", "KafkaProtocol", "KafkaRecords", "KafkaStorage"]),
        row("KafkaCoordination", ["KafkaBase", "KafkaProtocol", "KafkaRecords"], collections),
        // Shell
        row(
            "DispatchRuntime", ["KafkaBase", "KafkaRuntime", "CPlatform"],
            ["Dispatch", "Glibc", "Musl", "Darwin"] + collections),
        row(
            "KafkaServer",
            [
                "KafkaBase", "KafkaRuntime", "KafkaProtocol", "KafkaRecords", "KafkaStorage", "KafkaRaft",
                "KafkaMetadata", "KafkaReplication", "KafkaCoordination",
            ], ["Logging"] + collections),
        // Edges
        row(
            "KafkaTools",
            [
                "KafkaBase", "KafkaRuntime", "KafkaProtocol", "KafkaRecords", "KafkaStorage", "KafkaRaft",
                "KafkaMetadata", "KafkaServer", "DispatchRuntime",
            ], ["ArgumentParser", "Logging"] + platform),
        row(
            "KafkaSimulator",
            [
                "KafkaBase", "KafkaRuntime", "KafkaProtocol", "KafkaRecords", "KafkaStorage", "KafkaReplication",
                "KafkaServer",
            ],
            ["Logging"] + collections),
        row("KafkaConsole", ["KafkaBase", "KafkaRuntime", "KafkaServer"], ["Logging"]),
        row(
            "SwiftKafka",
            [
                "KafkaBase", "KafkaRuntime", "KafkaProtocol", "KafkaStorage", "KafkaServer", "KafkaConsole",
                "DispatchRuntime",
            ], ["Logging", "CoreMetrics", "ServiceLifecycle"] + platform),
        // Executables
        row(
            "swiftkafka-server", ["KafkaServer", "KafkaConsole", "DispatchRuntime", "KafkaBase", "KafkaRuntime"],
            ["Logging"] + platform),
        row("swiftkafka", ["KafkaTools"], ["ArgumentParser"] + platform),
        row("dump-log-segments", ["KafkaTools"], ["ArgumentParser"] + platform),
        row("swiftkafka-simulator", ["KafkaSimulator"], ["ArgumentParser"] + platform),
        row("generate-protocol", [], platform),
    ]

    /// The targets whose code must run the same twice from one seed, and knows no clock, thread or socket.
    static let deterministic: Set<String> = Set(rows.map(\.target)).subtracting([
        "DispatchRuntime", "KafkaTools", "SwiftKafka", "swiftkafka-server", "swiftkafka", "dump-log-segments",
        "swiftkafka-simulator", "generate-protocol",
    ])

    private static func row(_ target: String, _ targets: [String], _ foreign: [String] = []) -> Row {
        Row(target: target, targets: Set(targets), foreign: Set(foreign))
    }
}
