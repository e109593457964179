// SPDX-License-Identifier: Apache-2.0
import Foundation
import KafkaBase
import KafkaRecords
import KafkaRuntime
import Testing

@testable import KafkaStorage

/// What the log writes, judged by a Python script that knows the formats but none of this code.
@Suite(.enabled(if: GoldenScript.isAvailable, "needs python3"))
struct GoldenWritingTests {
    private static let small: LogConfiguration = {
        var configuration = LogConfiguration()
        configuration.segmentBytes = 3200
        configuration.indexIntervalBytes = 512
        return configuration
    }()

    @Test(arguments: [CompressionType.none, .gzip, .snappy, .lz4], [Int32(0), 200, 4096])
    func `what the log writes passes the script`(codec: CompressionType, interval: Int32) throws {
        let root = try GoldenRoot()
        var configuration = Self.small
        configuration.indexIntervalBytes = interval
        let world = TestWorld()
        let log = try root.open(world, clean: true, configuration)
        try log.setTopicID(KafkaUUID("tNJ3b6_xSD2HAy5MhZAmQw")!)
        for step in 0..<60 {
            let values = (0...(step % 4)).map { "v\(step)-\($0)-" + String(repeating: "y", count: step * 13 % 170) }
            let producer: (Int64, Int16, Int32)? = step % 3 == 0 ? (Int64(100 + step), 0, 0) : nil
            let batch = try TestBatches.batch(
                values, timestamp: TestBatches.time + Int64(step * 10 - step % 5 * 30), compression: codec,
                producer: producer)
            try log.append(batch, epoch: Int32(step / 25))
        }
        let expected = try log.records()
        world.run()
        try log.close()
        let summary: GoldenScript.Summary = try GoldenScript.run("check", root.log, "--interval", "\(interval)")
        #expect(summary.lines == expected)
        #expect(summary.segments.count > 2)
        #expect(summary.topicID == "tNJ3b6_xSD2HAy5MhZAmQw")
    }

    @Test func `transactions, and what a truncation leaves of them, pass the script`() throws {
        let root = try GoldenRoot()
        let world = TestWorld()
        var configuration = Self.small
        configuration.segmentBytes = 900
        let log = try root.open(world, clean: true, configuration)
        for step in 0..<30 {
            for id in Int64(1)...3 {
                try log.append(
                    TestBatches.batch(["\(id)-\(step)"], producer: (id, 0, Int32(step)), isTransactional: true))
                guard (step + Int(id)) % 4 == 0 else { continue }
                try log.append(
                    EndTransactionMarker(step % 3 == 0 ? .commit : .abort, coordinatorEpoch: 5).batch(
                        producerID: id, producerEpoch: 0, timestamp: TestBatches.time + Int64(step)),
                    origin: .coordinator)
            }
        }
        world.run()
        try log.truncate(to: log.logEndOffset / 2)
        world.run()
        let producers = log.activeProducers().map(\.golden)
        try log.close()
        let summary: GoldenScript.Summary = try GoldenScript.run("check", root.log)
        #expect(summary.producers == producers)
    }

    @Test func `what a recovery leaves passes the script`() throws {
        let root = try GoldenRoot()
        let before: GoldenScript.Expectation = try GoldenScript.run("make", "plain", root.path)
        let last = root.log + "/" + LogFileNames.digits(before.segments.last!) + ".log"
        let handle = try #require(FileHandle(forUpdatingAtPath: last))
        let size = try handle.seekToEnd()
        try handle.truncate(atOffset: size - 5)
        try handle.close()
        for name in try FileManager.default.contentsOfDirectory(atPath: root.log) where name.hasSuffix("index") {
            try FileManager.default.removeItem(atPath: root.log + "/" + name)
        }
        let world = TestWorld()
        let log = try root.open(world, clean: false, Self.small)
        world.run()
        try log.close()
        let after: GoldenScript.Summary = try GoldenScript.run("check", root.log, "--interval", "512")
        #expect(after.records == Array(before.records.prefix(after.records.count)))
        #expect(after.logEnd < before.logEnd)
        #expect(after.logEnd >= before.logEnd - 3)
    }
}
