// SPDX-License-Identifier: Apache-2.0
import Foundation

let usage = """
    Usage: generate-protocol [--check] [--package <folder>]

    Reads Sources/KafkaProtocol/Schema and writes the Swift types to Sources/KafkaProtocol/Generated.

      --check             write nothing; fail if the checked-in files are not what would be written
      --package <folder>  the folder of Package.swift; the current one otherwise
      --help              print this
    """

func fail(_ message: String) -> Never {
    FileHandle.standardError.write(Data("generate-protocol: \(message)\n".utf8))
    exit(1)
}

var isCheck = false
var package = URL(fileURLWithPath: FileManager.default.currentDirectoryPath)
var arguments = CommandLine.arguments.dropFirst()
while let argument = arguments.popFirst() {
    switch argument {
    case "--help":
        print(usage)
        exit(0)
    case "--check": isCheck = true
    case "--package":
        guard let path = arguments.popFirst() else { fail("--package needs a folder") }
        package = URL(fileURLWithPath: path)
    default: fail("unknown argument '\(argument)'\n\(usage)")
    }
}

let sources = package.appendingPathComponent("Sources/KafkaProtocol")
do {
    let generator = try Generator(schemaFolder: sources.appendingPathComponent("Schema"))
    let output = sources.appendingPathComponent("Generated")
    if isCheck {
        let differences = try generator.differences(in: output)
        if !differences.isEmpty {
            fail("run generate-protocol: " + differences.joined(separator: ", "))
        }
        print("\(generator.outputs.count) generated files are up to date")
    } else {
        try generator.write(to: output)
        print("\(generator.outputs.count) files generated from \(generator.files.count) schemas")
    }
} catch {
    fail("\(error)")
}
