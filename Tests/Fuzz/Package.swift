// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

// A package of its own, since all of it is compiled for libFuzzer. See README.md.
let package = Package(
    name: "Fuzz",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "SwiftKafka", path: "../..")],
    targets: [
        .executableTarget(
            name: "FuzzProtocol",
            dependencies: [.product(name: "KafkaProtocol", package: "SwiftKafka")],
            swiftSettings: [.swiftLanguageMode(.v6), .unsafeFlags(["-parse-as-library"])])
    ]
)
