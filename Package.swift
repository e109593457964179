// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import Foundation
import PackageDescription

/// Set `SWIFTKAFKA_WARNINGS_AS_ERRORS=1` (CI does) to refuse code that compiles with warnings.
let warningsAreErrors = ProcessInfo.processInfo.environment["SWIFTKAFKA_WARNINGS_AS_ERRORS"] == "1"
/// Set `SWIFTKAFKA_PORTABLE_FLAGS=1` to build without the unsafe release flags (docs/decisions/0002).
let portableFlagsOnly = ProcessInfo.processInfo.environment["SWIFTKAFKA_PORTABLE_FLAGS"] == "1"

let strictSettings: [SwiftSetting] = warningsAreErrors ? [.treatAllWarnings(as: .error)] : []
let releaseSettings: [SwiftSetting] =
    portableFlagsOnly
    ? []
    : [
        .unsafeFlags(
            ["-cross-module-optimization", "-enforce-exclusivity=unchecked"], .when(configuration: .release))
    ]
let settings: [SwiftSetting] =
    [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
    ] + strictSettings + releaseSettings

func target(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func executable(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let metrics: Target.Dependency = .product(name: "CoreMetrics", package: "swift-metrics")
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let deque: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")
let heap: Target.Dependency = .product(name: "HeapModule", package: "swift-collections")
let orderedCollections: Target.Dependency = .product(name: "OrderedCollections", package: "swift-collections")

let package = Package(
    name: "SwiftKafka",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "SwiftKafka", targets: ["SwiftKafka"]),
        .library(name: "KafkaStorage", targets: ["KafkaStorage", "DispatchRuntime"]),
        .library(name: "KafkaProtocol", targets: ["KafkaProtocol"]),
        .library(name: "KafkaRecords", targets: ["KafkaRecords"]),
        .executable(name: "swiftkafka-server", targets: ["swiftkafka-server"]),
        .executable(name: "swiftkafka", targets: ["swiftkafka"]),
        .executable(name: "dump-log-segments", targets: ["dump-log-segments"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // Ground
        .target(name: "CPlatform"),
        target("KafkaBase", ["CPlatform"]),
        target("KafkaRuntime", ["KafkaBase", deque]),
        // Formats
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),
        .systemLibrary(name: "CSnappy", pkgConfig: "snappy", providers: [.apt(["libsnappy-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .target(name: "KafkaProtocol", dependencies: ["KafkaBase"], exclude: ["Schema"], swiftSettings: settings),
        target("KafkaRecords", ["KafkaBase", "CZlib", "CLZ4", "CSnappy", "CZstd"]),
        // Engines
        target("KafkaStorage", ["KafkaBase", "KafkaRuntime", "KafkaRecords", "KafkaProtocol", deque]),
        target("KafkaRaft", ["KafkaBase", "KafkaProtocol", "KafkaRecords"]),
        // Decisions
        target("KafkaMetadata", ["KafkaBase", "KafkaProtocol", "KafkaRecords"]),
        target("KafkaReplication", ["KafkaBase", "KafkaRuntime", "KafkaProtocol", "KafkaRecords", "KafkaStorage"]),
        target("KafkaCoordination", ["KafkaBase", "KafkaProtocol", orderedCollections]),
        // Shell
        target("DispatchRuntime", ["KafkaBase", "KafkaRuntime", "CPlatform", deque]),
        target(
            "KafkaServer",
            [
                "KafkaBase", "KafkaRuntime", "KafkaProtocol", "KafkaRecords", "KafkaStorage", "KafkaRaft",
                "KafkaMetadata", "KafkaReplication", "KafkaCoordination", logging, deque,
            ]),
        // Edges
        target(
            "KafkaTools",
            [
                "KafkaBase", "KafkaRuntime", "KafkaProtocol", "KafkaRecords", "KafkaStorage", "KafkaRaft",
                "KafkaMetadata", "KafkaServer", "DispatchRuntime", argumentParser,
            ]),
        target(
            "KafkaSimulator",
            [
                "KafkaBase", "KafkaRuntime", "KafkaProtocol", "KafkaRecords", "KafkaStorage", "KafkaReplication",
                "KafkaServer", deque, logging,
            ]),
        target("KafkaConsole", ["KafkaBase", "KafkaRuntime", "KafkaServer", logging]),
        target("RuntimeConformance", ["KafkaRuntime"]),
        target(
            "SwiftKafka",
            [
                "KafkaBase", "KafkaRuntime", "KafkaProtocol", "KafkaStorage", "KafkaServer", "KafkaConsole",
                "DispatchRuntime", logging, metrics,
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]),
        // Executables
        executable(
            "swiftkafka-server",
            ["KafkaBase", "KafkaRuntime", "KafkaServer", "KafkaConsole", "DispatchRuntime", logging]),
        executable("swiftkafka", ["KafkaTools", argumentParser]),
        executable("dump-log-segments", ["KafkaTools", argumentParser]),
        executable("swiftkafka-simulator", ["KafkaSimulator", argumentParser]),
        executable("generate-protocol", []),
        // Tests
        tests("KafkaBaseTests", ["KafkaBase"]),
        tests("KafkaRuntimeTests", ["KafkaRuntime", "KafkaBase"]),
        .testTarget(
            name: "KafkaProtocolTests", dependencies: ["KafkaProtocol", "KafkaBase", "generate-protocol"],
            exclude: ["Golden"], swiftSettings: settings),
        tests("KafkaRecordsTests", ["KafkaRecords", "KafkaBase"]),
        .testTarget(
            name: "KafkaStorageTests",
            dependencies: ["KafkaStorage", "KafkaRecords", "KafkaRuntime", "KafkaBase", "DispatchRuntime"],
            exclude: ["ApacheKafka"], swiftSettings: settings),
        tests("KafkaRaftTests", ["KafkaRaft", "KafkaProtocol", "KafkaRecords", "KafkaBase"]),
        tests("KafkaMetadataTests", ["KafkaMetadata", "KafkaRaft", "KafkaProtocol", "KafkaRecords", "KafkaBase"]),
        tests(
            "KafkaReplicationTests",
            [
                "KafkaReplication", "KafkaStorage", "KafkaRecords", "KafkaProtocol", "KafkaRuntime", "KafkaBase",
                "KafkaSimulator",
            ]),
        .testTarget(
            name: "KafkaCoordinationTests",
            dependencies: ["KafkaCoordination", "KafkaProtocol", "KafkaBase", orderedCollections],
            exclude: ["Scenarios", "Consumer/Scenarios"], swiftSettings: settings),
        tests("DispatchRuntimeTests", ["DispatchRuntime", "KafkaRuntime", "KafkaBase", "RuntimeConformance"]),
        tests(
            "KafkaServerTests",
            [
                "KafkaServer", "KafkaStorage", "KafkaProtocol", "KafkaRecords", "KafkaRuntime", "KafkaBase",
                "KafkaMetadata", "KafkaReplication", "KafkaCoordination", "KafkaRaft", "KafkaSimulator",
                "DispatchRuntime", logging,
            ]),
        tests(
            "KafkaToolsTests",
            [
                "KafkaTools", "KafkaServer", "KafkaMetadata", "KafkaRaft", "KafkaStorage", "KafkaRecords",
                "KafkaProtocol",
                "KafkaRuntime", "KafkaBase", argumentParser,
            ]),
        tests(
            "KafkaSimulatorTests",
            [
                "KafkaSimulator", "KafkaServer", "KafkaProtocol", "KafkaRecords", "KafkaRuntime", "KafkaBase",
                "RuntimeConformance", "DispatchRuntime", logging,
            ]),
        tests(
            "KafkaConsoleTests",
            [
                "KafkaConsole", "KafkaServer", "KafkaSimulator", "KafkaProtocol", "KafkaRuntime", "KafkaBase", logging,
            ]),
        tests(
            "SwiftKafkaTests",
            [
                metrics, "SwiftKafka", "DispatchRuntime", "KafkaProtocol", "KafkaRecords", "KafkaRuntime", "KafkaBase",
                logging,
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]),
        tests("TidyTests", []),
    ]
)
