// SPDX-License-Identifier: Apache-2.0
import Foundation
import KafkaBase
import KafkaRecords
import KafkaRuntime
import Testing

@testable import KafkaStorage

/// Log directories that a Python script made from the description of Apache Kafka's files: they open, read and recover,
/// and are left as the script demands of a clean stop.
@Suite(.enabled(if: GoldenScript.isAvailable, "needs python3"))
struct GoldenDirectoryTests {
    private static func configuration(_ policy: String, interval: Int32 = 512) -> LogConfiguration {
        var configuration = LogConfiguration()
        configuration.indexIntervalBytes = interval
        configuration.segmentIndexBytes = 1 << 16
        if policy == "compact" { configuration.cleanupPolicy = .compact }
        return configuration
    }

    @Test func `there are golden directories`() { #expect(GoldenScript.cases.count >= 20) }

    @Test(arguments: GoldenScript.cases)
    func `a directory written by others opens, reads, and closes as others expect`(name: String) throws {
        let root = try GoldenRoot()
        let expected: GoldenScript.Expectation = try GoldenScript.run("make", name, root.path)
        let world = TestWorld()
        let (manager, loaded) = try root.load(world, Self.configuration(expected.policy, interval: expected.interval))
        let report = try #require(loaded.report)
        #expect(report.failedDirectories.isEmpty && report.failedLogs.isEmpty, "\(report)")
        #expect(report.wasCleanShutdown == expected.clean)
        let log = try #require(manager.log(for: TestWorld.partition))
        try compare(log, expected)
        manager.shutdown(brokerEpoch: 43) { loaded.isShutDown = true }
        world.run()
        #expect(loaded.isShutDown)
        try compareClosed(root, expected)
    }

    private func compare(_ log: UnifiedLog, _ expected: GoldenScript.Expectation) throws {
        #expect(log.logStartOffset == expected.logStart)
        #expect(log.logEndOffset == expected.logEnd)
        #expect(log.highWatermark == expected.highWatermark)
        #expect(log.lastStableOffset == min(expected.firstUnstable ?? .max, expected.highWatermark))
        #expect(log.topicID?.description == expected.topicID)
        #expect(log.epochEntries.map { [Int64($0.epoch), $0.startOffset] } == expected.epochs)
        #expect(log.segmentCount == expected.segments.count)
        #expect(log.activeProducers().map(\.golden) == expected.producers)
        #expect(try log.goldenRecords() == expected.records)
        for offset in stride(from: expected.logStart, to: expected.logEnd, by: max(1, expected.records.count / 7))
            .prefix(20)
        {
            #expect(try log.goldenRecords(from: offset) == expected.records.filter { $0.offset >= offset })
        }
        for record in expected.records.enumerated().filter({ $0.offset % 5 == 0 }).map(\.element) {
            let first = expected.records.first { $0.timestamp >= record.timestamp }
            #expect(try log.offset(forTimestamp: record.timestamp)?.offset == first?.offset)
        }
    }

    /// After the clean stop: the same, by the script's own reading.
    private func compareClosed(_ root: GoldenRoot, _ expected: GoldenScript.Expectation) throws {
        let options = expected.tidy.map { ["--" + $0] } ?? []
        let summary: GoldenScript.RootSummary = try GoldenScript.run(
            "check-root", root.path, options.first ?? "--interval=\(expected.interval)")
        let after = try #require(summary.partitions["t-0"])
        #expect(after.segments == expected.segments)
        #expect(after.records.filter { $0.offset >= expected.logStart } == expected.records)
        #expect(after.producers == expected.producers)
        #expect(after.epochs == expected.epochs)
        #expect(after.topicID == expected.topicID)
        #expect(summary.marker == 43)
        #expect(summary.checkpoints["recovery-point-offset-checkpoint"] == ["t-0": expected.logEnd])
        #expect(summary.checkpoints["replication-offset-checkpoint"] == ["t-0": expected.highWatermark])
    }

    @Test func `appending to one goes on where it ended`() throws {
        let root = try GoldenRoot()
        let before: GoldenScript.Expectation = try GoldenScript.run("make", "plain", root.path)
        let world = TestWorld()
        let log = try root.open(world, clean: true, Self.configuration("delete"))
        let producer = try #require(before.producers.first)
        let info = try log.append(
            TestBatches.batch(
                ["more"], producer: (producer[0], Int16(producer[1]), Int32(producer[2] + 1))), epoch: 9)
        #expect(info.firstOffset == before.logEnd)
        world.run()
        try log.close()
        let after: GoldenScript.Summary = try GoldenScript.run("check", root.log)
        #expect(after.logEnd == before.logEnd + 1)
        #expect(after.epochs.last == [9, before.logEnd])
        #expect(after.lines.last == "\(before.logEnd)=more")
        #expect(after.snapshots.last == after.logEnd)
    }
}

extension ProducerState {
    /// As the script writes an entry of a snapshot.
    var golden: [Int64] {
        let last = lastBatch
        return [
            producerID, Int64(epoch), Int64(lastSequence), lastOffset, Int64(last?.offsetDelta ?? 0), lastTimestamp,
            Int64(coordinatorEpoch), currentTransactionFirstOffset,
        ]
    }
}
