// SPDX-License-Identifier: Apache-2.0
import CLoad
import Foundation

struct BenchmarkError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// A child process that serves a port. Its directory is removed with it.
final class ServerProcess {
    let identifier: pid_t
    let port: UInt16
    let directory: URL
    private let ownsDirectory: Bool
    private var isRunning = true

    private init(identifier: pid_t, port: UInt16, directory: URL, ownsDirectory: Bool) {
        self.identifier = identifier
        self.port = port
        self.directory = directory
        self.ownsDirectory = ownsDirectory
    }

    deinit {
        stop()
        if ownsDirectory { try? FileManager.default.removeItem(at: directory) }
    }

    // MARK: Starting

    static func makeDirectory() throws -> URL {
        let directory = FileManager.default.temporaryDirectory.appending(path: "swiftkafka-bench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        return directory
    }

    static func relay(_ executable: String, reactors: Int) throws -> ServerProcess {
        let directory = try makeDirectory()
        return try printingItsPort(executable, ["\(reactors)", directory.path], directory)
    }

    /// This program again, as the server that sends as many bytes as it is asked for.
    static func bare() throws -> ServerProcess {
        let directory = try makeDirectory()
        return try printingItsPort(
            CommandLine.arguments[0], ["bare", directory.appending(path: "stored").path], directory)
    }

    private static func printingItsPort(
        _ executable: String, _ arguments: [String], _ directory: URL
    ) throws -> ServerProcess {
        var pipe: [Int32] = [0, 0]
        guard Glibc.pipe(&pipe) == 0 else { throw BenchmarkError("no pipe") }
        defer { close(pipe[0]) }
        let identifier = try spawn(executable, arguments, output: pipe[1])
        close(pipe[1])
        var text = [UInt8](repeating: 0, count: 64)
        let count = read(pipe[0], &text, text.count)
        let line = String(decoding: text.prefix(max(0, count)), as: UTF8.self)
        guard line.hasPrefix("port "), let port = UInt16(line.dropFirst(5).prefix { $0.isNumber }) else {
            throw BenchmarkError("\(executable) did not tell its port")
        }
        return ServerProcess(identifier: identifier, port: port, directory: directory, ownsDirectory: true)
    }

    /// Starts the broker on a directory, a fresh one when none is given, and waits until it answers.
    static func broker(
        _ executable: String, reactors: Int, directory given: URL? = nil, properties: [String] = []
    ) throws -> (server: ServerProcess, startMilliseconds: Double) {
        let directory = try given ?? makeDirectory()
        let port = load_free_port()
        let configuration = directory.appending(path: "server.properties")
        try """
        listeners=PLAINTEXT://127.0.0.1:\(port)
        log.dirs=\(directory.appending(path: "data").path)
        num.network.threads=\(reactors)
        auto.create.topics.enable=false
        \(properties.joined(separator: "\n"))

        """.write(to: configuration, atomically: false, encoding: .utf8)
        let begin = load_now()
        let identifier = try spawn(executable, [configuration.path], output: nil)
        let server = ServerProcess(
            identifier: identifier, port: port, directory: directory, ownsDirectory: given == nil)
        while KafkaCall.apiVersions(port: port) == nil {
            guard server.isAlive else { throw BenchmarkError("the broker ended during its start") }
            guard load_now() - begin < 30_000_000_000 else { throw BenchmarkError("the broker does not answer") }
            usleep(100)
        }
        return (server, Double(load_now() - begin) / 1e6)
    }

    private static func spawn(_ executable: String, _ arguments: [String], output: Int32?) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let output {
            posix_spawn_file_actions_adddup2(&actions, output, 1)
        } else {
            posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        }
        if ProcessInfo.processInfo.environment["BENCH_VERBOSE"] == nil {
            posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        }
        var strings: [UnsafeMutablePointer<CChar>?] = ([executable] + arguments).map { strdup($0) } + [nil]
        defer { for string in strings { free(string) } }
        var identifier: pid_t = 0
        let code = posix_spawn(&identifier, executable, &actions, nil, &strings, environ)
        guard code == 0 else { throw BenchmarkError("cannot start \(executable): \(String(cString: strerror(code)))") }
        return identifier
    }

    // MARK: Watching

    private var isAlive: Bool {
        var status: Int32 = 0
        guard isRunning else { return false }
        if waitpid(identifier, &status, WNOHANG) == 0 { return true }
        isRunning = false
        return false
    }

    /// CPU time used so far by all of the process's threads, in seconds; 0 where the process has gone.
    var cpuSeconds: Double {
        var clock = clockid_t()
        var time = timespec()
        guard clock_getcpuclockid(identifier, &clock) == 0, clock_gettime(clock, &time) == 0 else { return 0 }
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Resident memory in MB: all of it, and the part that is not a file's.
    var memory: (resident: Double, anonymous: Double) {
        let text = (try? String(contentsOfFile: "/proc/\(identifier)/status", encoding: .utf8)) ?? ""
        func megabytes(_ field: String) -> Double {
            let line = text.split(separator: "\n").first { $0.hasPrefix(field + ":") }
            let value = line?.split(whereSeparator: \.isWhitespace).dropFirst().first
            return (value.flatMap { Double($0) } ?? 0) / 1_024
        }
        return (megabytes("VmRSS"), megabytes("RssAnon"))
    }

    // MARK: Ending

    /// Asks the process to end, and makes it end after ten seconds.
    func stop() {
        guard isAlive else { return }
        Glibc.kill(identifier, SIGTERM)
        for _ in 0..<10_000 {
            if !isAlive { return }
            usleep(1_000)
        }
        kill()
    }

    /// Ends the process without giving it a chance to do anything.
    func kill() {
        guard isAlive else { return }
        Glibc.kill(identifier, SIGKILL)
        var status: Int32 = 0
        waitpid(identifier, &status, 0)
        isRunning = false
    }
}
