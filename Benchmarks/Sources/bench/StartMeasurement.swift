// SPDX-License-Identifier: Apache-2.0
import Foundation

/// How long the broker takes from the creation of its process to its first answer to ApiVersions, and the memory it
/// holds a second later.
struct StartMeasurement {
    private static let rounds = 11
    private static let partitions = 1_000

    let name: String
    let millisecondsGoal: Int
    let megabytesGoal: Int
    private(set) var milliseconds: [Double] = []
    private(set) var memory = (resident: 0.0, anonymous: 0.0)

    private init(_ name: String, millisecondsGoal: Int, megabytesGoal: Int) {
        self.name = name
        self.millisecondsGoal = millisecondsGoal
        self.megabytesGoal = megabytesGoal
    }

    /// On a fresh directory each time, which the broker formats.
    static func empty(_ broker: String) throws -> StartMeasurement {
        var result = StartMeasurement("empty directory", millisecondsGoal: 20, megabytesGoal: 12)
        try result.measure(broker, directory: nil) { $0.stop() }
        return result
    }

    /// With partitions that were there before.
    static func full(_ broker: String) throws -> [StartMeasurement] {
        let directory = try ServerProcess.makeDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        let server = try ServerProcess.broker(broker, reactors: 2, directory: directory).server
        try KafkaCall.createTopic("many", partitions: partitions, port: server.port)
        // The partitions' directories appear after the answer.
        sleep(2)
        server.stop()
        var clean = StartMeasurement(
            "\(partitions) partitions, clean stop", millisecondsGoal: 200, megabytesGoal: 40)
        try clean.measure(broker, directory: directory) { $0.stop() }
        let last = try ServerProcess.broker(broker, reactors: 2, directory: directory).server
        last.kill()
        var killed = StartMeasurement("\(partitions) partitions, kill -9", millisecondsGoal: 200, megabytesGoal: 40)
        try killed.measure(broker, directory: directory) { $0.kill() }
        return [clean, killed]
    }

    private mutating func measure(_ broker: String, directory: URL?, end: (ServerProcess) -> Void) throws {
        for round in 1...Self.rounds {
            let (server, took) = try ServerProcess.broker(broker, reactors: 2, directory: directory)
            milliseconds.append(took)
            if round == Self.rounds {
                sleep(1)
                memory = server.memory
            }
            end(server)
        }
    }
}
