// SPDX-License-Identifier: Apache-2.0
import DispatchRuntime
import KafkaRuntime

/// A directory of its own for one test, removed at the end.
final class TemporaryDirectory {
    let path: String
    let files = PosixFileSystem()

    init() throws {
        path = "/tmp/swiftkafka-test-\(SystemRandomSource().next())"
        try files.createDirectory(path)
    }

    deinit { try? files.removeTree(path) }

    func file(_ name: String) -> String { path + "/" + name }
}
