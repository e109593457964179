// SPDX-License-Identifier: Apache-2.0
import Foundation
import KafkaSimulator

/// Says which seed was running when the program itself is stopped by a trap, such as a broken precondition.
enum CrashReport {
    static let name = "swiftkafka-simulator"
    /// The line of the seed that the thread runs, for the signal handler, which may not do more than write it.
    nonisolated(unsafe) private static var key = pthread_key_t()
    nonisolated(unsafe) private static var workload = SwarmWorkload.swarm

    static func line(_ seed: UInt64, _ workload: SwarmWorkload) -> String {
        "\(name) --seed \(seed)" + (workload == .swarm ? "" : " --workload \(workload.rawValue)")
    }

    /// To be called once, before threads are started.
    static func install(workload: SwarmWorkload) {
        self.workload = workload
        pthread_key_create(&key) { free($0) }
        for number in [SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGSEGV, SIGFPE] {
            signal(number) { number in
                if let line = pthread_getspecific(CrashReport.key) { _ = write(1, line, strlen(line)) }
                signal(number, SIG_DFL)
                raise(number)
            }
        }
    }

    /// The thread begins with a seed.
    static func begin(_ seed: UInt64) {
        let text = "REPRODUCE: \(line(seed, workload)) (\(BuildInformation.line)): stopped by a trap\n"
        if let old = pthread_getspecific(key) { free(old) }
        pthread_setspecific(key, strdup(text))
    }
}

/// What was built, as far as it can be told.
enum BuildInformation {
    static let line: String = {
        #if DEBUG
            let kind = "debug build"
        #else
            let kind = "release build"
        #endif
        return "commit \(commit ?? "unknown"), \(kind)"
    }()

    /// The commit of the checkout that the program is started in.
    private static var commit: String? {
        let git = Process()
        git.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        git.arguments = ["git", "describe", "--always", "--dirty", "--abbrev=10"]
        let output = Pipe()
        git.standardOutput = output
        git.standardError = FileHandle.nullDevice
        guard (try? git.run()) != nil else { return nil }
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        git.waitUntilExit()
        let commit = text.trimmingCharacters(in: .whitespacesAndNewlines)
        return git.terminationStatus == 0 && !commit.isEmpty ? commit : nil
    }
}
