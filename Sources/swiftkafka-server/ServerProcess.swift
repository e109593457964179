// SPDX-License-Identifier: Apache-2.0
import Dispatch
import DispatchRuntime
import KafkaBase
import KafkaConsole
import KafkaRuntime
import KafkaServer
import Logging

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The process of one broker: loads its configuration, runs it until SIGTERM or SIGINT.
struct ServerProcess {
    let configurationFile: String?
    let overrides: [String]

    func run() -> Never {
        OpenFileLimit.raise()
        let loaded = load(DispatchRuntime.makeFileSystem())
        let configuration = loaded.configuration
        let loggers = Self.loggers(configuration.logging)
        let log = loggers.logger("server")
        let networkLog = loggers.logger("network")
        for warning in loaded.warnings { log.warning("\(warning)") }
        let runtime: Runtime
        do throws(NetworkError) {
            runtime = try DispatchRuntime.makeRuntime(
                reactorCount: configuration.network.networkThreads ?? DispatchRuntime.processorCount,
                blockingThreads: configuration.network.backgroundThreads,
                warn: { networkLog.warning("\($0)") })
        } catch {
            Self.leave("swiftkafka-server: \(error)", status: 1)
        }
        let measurement =
            configuration.metrics.listener == nil
            ? nil : Measurement(processStatistics: { DispatchRuntime.processStatistics() })
        let broker = BrokerNode(
            configuration: configuration, runtime: runtime, loggers: loggers, measurement: measurement)
        let console = Self.startConsole(broker, runtime: runtime, log: loggers.logger("metrics"))
        let signals = Self.stopOnSignals(broker)
        broker.onFatal { reason in Self.leave("swiftkafka-server: \(reason)", status: 1) }
        broker.start { result in
            switch result {
            case .failure(let error): Self.leave("swiftkafka-server: \(error)", status: 1)
            case .success: ProgramText.giveBackPages()
            }
        }
        withExtendedLifetime((signals, console)) { dispatchMain() }
    }

    /// Serves metrics and health, where that is asked for, from before the broker starts.
    private static func startConsole(_ broker: BrokerNode, runtime: Runtime, log: Logger) -> ConsoleListener? {
        guard let metrics = broker.metrics, let address = broker.configuration.metrics.listener else { return nil }
        let console = ConsoleListener(metrics, runtime: runtime, log: log)
        do throws(NetworkError) {
            _ = try console.start(on: address)
            return console
        } catch {
            leave("swiftkafka-server: metrics.listener: \(error)", status: 1)
        }
    }

    private func load(_ files: any FileSystem) -> BrokerConfiguration.Loaded {
        do {
            var properties = Properties()
            if let configurationFile {
                if try files.status(configurationFile)?.isDirectory == true {
                    Self.leave("swiftkafka-server: \(configurationFile) is a directory", status: 1)
                }
                guard let bytes = try files.readFile(configurationFile, limit: 16 << 20) else {
                    Self.leave("swiftkafka-server: \(configurationFile): no such file", status: 1)
                }
                properties = try Properties(parsing: bytes)
            }
            return try BrokerConfiguration.load(properties, overrides: overrides, hostName: Self.hostName())
        } catch {
            Self.leave("swiftkafka-server: \(configurationFile.map { "\($0): " } ?? "")\(error)", status: 1)
        }
    }

    private static func hostName() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func loggers(_ configuration: LoggingConfiguration) -> ComponentLoggers {
        let clock = DispatchRuntime.makeClock()
        let format: LineLogHandler.Format = configuration.format == .json ? .json : .text
        return ComponentLoggers { component in
            Logger(label: component) { _ in
                LineLogHandler(
                    component: component, level: configuration.level(of: component).loggerLevel, format: format,
                    clock: clock, write: Self.writeToStandardError)
            }
        }
    }

    @Sendable private static func writeToStandardError(_ line: String) {
        var line = line
        // One call a line, so that lines of several threads do not mix. A closed pipe must not end the broker.
        line.withUTF8 { _ = write(2, $0.baseAddress, $0.count) }
    }

    /// The first signal stops the broker cleanly and ends the process; the second ends it at once.
    private static func stopOnSignals(_ broker: BrokerNode) -> [any DispatchSourceSignal] {
        let queue = DispatchQueue(label: "signals")
        nonisolated(unsafe) var isStopping = false
        return [SIGTERM, SIGINT].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler {
                if isStopping { _exit(128 + number) }
                isStopping = true
                broker.shutdown { _exit(0) }
            }
            source.activate()
            return source
        }
    }

    /// Ends the process with one line that says why.
    @Sendable static func leave(_ message: String, status: Int32) -> Never {
        writeToStandardError(message + "\n")
        _exit(status)
    }
}
