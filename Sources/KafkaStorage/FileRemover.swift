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
            runtime.queues.runBlocking { Self.removeNow(paths, runtime.files) }
        }
    }

    /// What cannot be removed now is removed at the next start.
    ///
    /// A directory goes file by file, of which a loss of power may bring back any: its name must be durable before, or they
    /// would be back under the one that it had, as a log that lacks some of its files, perhaps the one that says whose it is.
    private static func removeNow(_ paths: [String], _ files: any FileSystem) {
        var durable: Set<String> = []
        for path in paths {
            if path.hasSuffix(LogFileNames.deleteSuffix) {
                let parent = parentDirectory(of: path)
                if !durable.contains(parent) {
                    guard (try? files.syncDirectory(parent)) != nil else { continue }
                    durable.insert(parent)
                }
            }
            try? files.removeTree(path)
        }
    }
}
