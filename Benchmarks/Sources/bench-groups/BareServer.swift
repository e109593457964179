// SPDX-License-Identifier: Apache-2.0
import CLoad
import Foundation

/// The machine's own limit: a child process that moves the same bytes over loopback and into a file, and thinks nothing.
final class BareServer {
    /// The argument that makes this program be one.
    static let argument = "--bare"

    let port: UInt16
    private let process = Process()
    private let file: URL

    init() throws {
        file = FileManager.default.temporaryDirectory.appending(path: "swiftkafka-bare-\(UUID().uuidString)")
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0])
        process.arguments = [Self.argument, file.path]
        process.standardOutput = output
        try process.run()
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        guard line.hasPrefix("port "), let number = UInt16(line.dropFirst(5).prefix { $0.isNumber }) else {
            throw BenchmarkError("the bare server did not tell its port")
        }
        port = number
    }

    deinit {
        process.terminate()
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: file)
    }

    var cpuSeconds: Double { ProcessFigures.cpuSeconds(process.processIdentifier) }
}

/// What goes over the wire for one request.
struct Exchange {
    var sent = 0
    var received = 0
}

extension Client {
    /// Asks the bare server for as many bytes as an exchange with the broker has moved.
    ///
    /// - Parameter waitingFor: how many such frames are answered together.
    func sendBare(_ exchange: Exchange, stores: Bool, waitingFor count: Int = 1) throws {
        let length = max(exchange.sent - 4, 9)
        var frame = [UInt8](repeating: 0, count: 4 + length)
        func put(_ value: Int, _ at: Int) {
            for byte in 0..<4 { frame[at + byte] = UInt8(truncatingIfNeeded: value >> (24 - 8 * byte)) }
        }
        put(length, 0)
        frame[4] = stores ? 1 : 0
        put(count, 5)
        put(max(exchange.received - 4, 0), 9)
        try sendBytes(frame)
    }
}
