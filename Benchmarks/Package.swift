// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

// A package of its own, so that neither its targets nor their build time reach the main one. `bench` measures the
// release binary from outside and depends on nothing, `bench-groups` does so for groups with the library KafkaProtocol;
// `bench-storage` is a program that uses the library KafkaStorage.
let package = Package(
    name: "Benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "SwiftKafka", path: "..")],
    targets: [
        .target(name: "CLoad", cSettings: [.unsafeFlags(["-O2"])]),
        .executableTarget(name: "relay", cSettings: [.unsafeFlags(["-O2"])]),
        .executableTarget(name: "bench", dependencies: ["CLoad"], swiftSettings: [.swiftLanguageMode(.v6)]),
        .executableTarget(
            name: "bench-storage", dependencies: [.product(name: "KafkaStorage", package: "SwiftKafka")],
            swiftSettings: [.swiftLanguageMode(.v6)]),
        .executableTarget(
            name: "bench-groups",
            dependencies: ["CLoad", .product(name: "KafkaProtocol", package: "SwiftKafka")],
            swiftSettings: [.swiftLanguageMode(.v6)]),
    ]
)
