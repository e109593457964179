// SPDX-License-Identifier: Apache-2.0
import KafkaBase

switch CommandLineArguments(Array(CommandLine.arguments.dropFirst())) {
case .help: print(CommandLineArguments.usage, terminator: "")
case .version: print(SwiftKafkaVersion.text)
case .wrong(let reason):
    ServerProcess.leave("swiftkafka-server: \(reason)\n\n\(CommandLineArguments.usage)", status: 64)
case .run(let configurationFile, let overrides):
    ServerProcess(configurationFile: configurationFile, overrides: overrides).run()
}
