// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime

/// Removes files and directories some time after they were given up, on a background thread: readers that are under
/// way may still need them. What is left when the process ends is found by its name at the next start.
///
/// All logs of a `LogManager` share one.
final class FileRemover: Sendable {
    private let runtime: Runtime
    private let queue: any SerialQueue

    init(runtime: Runtime) {
        self.runtime = runtime
        queue = runtime.queues.makeQueue(label: "file-remover")
    }

    /// Removes `paths`, files or whole directories, after `delay` milliseconds.
    func remove(_ paths: [String], after delay: Int64) {
        let runtime = runtime
        queue.schedule(after: max(delay, 0)) {
            runtime.queues.runBlocking { for path in paths { Self.removeNow(path, runtime.files) } }
        }
    }

    /// A file that cannot be removed now is removed at the next start.
    private static func removeNow(_ path: String, _ files: any FileSystem) {
        try? files.removeTree(path)
    }
}
