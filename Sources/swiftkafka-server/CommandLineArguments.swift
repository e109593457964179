// SPDX-License-Identifier: Apache-2.0

/// What `swiftkafka-server` was called with. Read here and not by a library, because its Foundation would be a third of
/// the broker's resident memory (docs/decisions/0015-server-arguments.md).
enum CommandLineArguments: Equatable {
    /// Run a broker.
    case run(configurationFile: String?, overrides: [String])
    case help
    case version
    /// Not understood; says why.
    case wrong(String)

    static let usage = """
        OVERVIEW: A Kafka broker.

        Starts a broker with the keys of a Java properties file, as Apache Kafka's kafka-server-start does, and runs it
        in the foreground. SIGTERM or SIGINT stop it cleanly; a second one ends it at once.

        USAGE: swiftkafka-server [<configuration-file>] [--override <key=value> ...]

        ARGUMENTS:
          <configuration-file>    The configuration file. Without one every key has its default.

        OPTIONS:
          --override <key=value>  Sets a key over what the file says. May be repeated.
          --version               Show the version.
          -h, --help              Show help information.

        """

    /// - Parameter arguments: without the program's name.
    init(_ arguments: [String]) {
        var file: String?
        var overrides: [String] = []
        var rest = arguments[...]
        var optionsAreOver = false
        while let argument = rest.popFirst() {
            switch argument {
            case "--" where !optionsAreOver: optionsAreOver = true
            case "-h" where !optionsAreOver, "--help" where !optionsAreOver:
                self = .help
                return
            case "--version" where !optionsAreOver:
                self = .version
                return
            case "--override" where !optionsAreOver:
                guard let value = rest.popFirst() else {
                    self = .wrong("--override needs key=value behind it")
                    return
                }
                overrides.append(value)
            case _ where !optionsAreOver && argument.hasPrefix("--override="):
                overrides.append(String(argument.dropFirst("--override=".count)))
            case _ where !optionsAreOver && argument.hasPrefix("-"):
                self = .wrong("unknown option \(argument)")
                return
            default:
                guard file == nil else {
                    self = .wrong("one configuration file only, but there is also \(argument)")
                    return
                }
                file = argument
            }
        }
        self = .run(configurationFile: file, overrides: overrides)
    }
}
