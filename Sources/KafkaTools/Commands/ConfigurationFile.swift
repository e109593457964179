// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRuntime
import KafkaServer

/// Why a tool gives up, as the one line that it prints.
struct ToolFailure: Error {
    let message: String

    init(_ message: String) { self.message = message }
}

/// The configuration file that tools are given.
enum ConfigurationFile {
    private static let sizeMax = 16 << 20

    /// Reads the file as the server would. Its warnings are the server's to give.
    static func load(_ path: String, _ files: any FileSystem) throws -> BrokerConfiguration {
        guard let bytes = try Result(catching: { try files.readFile(path, limit: sizeMax) }).mapped(path) else {
            throw ToolFailure("\(path): no such file")
        }
        do {
            return try BrokerConfiguration.load(Properties(parsing: bytes)).configuration
        } catch {
            throw ToolFailure("\(path): \(error)")
        }
    }
}

extension Result {
    fileprivate func mapped(_ path: String) throws -> Success {
        do { return try get() } catch { throw ToolFailure("\(path): \(error)") }
    }
}
