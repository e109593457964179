// SPDX-License-Identifier: Apache-2.0
import Foundation
import KafkaRuntime
import Testing

@testable import KafkaStorage

/// Files that Apache Kafka 4.4's own code wrote, kept in `ApacheKafka`: what a recovery makes from the logs alone is, byte
/// for byte, what Apache Kafka's broker left beside them after it had recovered them and stopped.
///
/// - `transactions`: of three producers, with zstd and without compression, every third aborted; of a fourth, not ended
/// - `formats`: message sets of formats 0 and 1 and batches, in segments of their own and mixed, in all their codecs, with
///   and without keys and values, some with the time of the append
/// - `producers`: idempotent batches of twenty producers, in all codecs, from two epochs
@Suite struct ApacheKafkaFilesTests {
    struct Golden: Sendable {
        var name: String
        var indexInterval: Int32
        var logEnd: Int64
        /// Without the markers of transactions.
        var records: Int
    }

    static let all = [
        Golden(name: "transactions", indexInterval: 4096, logEnd: 168, records: 138),
        Golden(name: "formats", indexInterval: 4096, logEnd: 1_057, records: 1_057),
        Golden(name: "producers", indexInterval: 1_000, logEnd: 511, records: 511),
    ]

    private static func files(of name: String) throws -> [String: [UInt8]] {
        let directory = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "ApacheKafka/\(name)")
        let found = try FileManager.default.contentsOfDirectory(at: directory, includingPropertiesForKeys: nil)
        return Dictionary(
            uniqueKeysWithValues: try found.map { ($0.lastPathComponent, [UInt8](try Data(contentsOf: $0))) })
    }

    @Test(arguments: all)
    func `a recovery makes the files that Apache Kafka makes`(golden: Golden) throws {
        let world = TestWorld(durability: .immediate)
        try world.files.createDirectory("/data/t-0")
        let files = try Self.files(of: golden.name)
        for (name, bytes) in files where name.hasSuffix(".log") {
            try world.files.open("/data/t-0/\(name)", .readWriteCreate).write(bytes, at: 0)
        }
        var configuration = LogConfiguration()
        configuration.indexIntervalBytes = golden.indexInterval
        let log = try world.open("/data/t-0", configuration, highWatermark: .max)
        #expect(log.logEndOffset == golden.logEnd)
        #expect(try log.goldenRecords().count == golden.records)
        try log.close()
        for (name, bytes) in files.sorted(by: { $0.key < $1.key }) {
            if name.hasSuffix(".snapshot") {
                // Apache Kafka writes producers in the order of a hash table.
                try world.files.createDirectory("/kafka")
                try world.files.open("/kafka/\(name)", .readWriteCreate).write(bytes, at: 0)
                let theirs = try ProducerSnapshot.read("/kafka/\(name)", world.files)
                #expect(try world.bytes("/data/t-0/\(name)").count == bytes.count)
                let ours = try ProducerSnapshot.read("/data/t-0/\(name)", world.files)
                #expect(ours.map(\.golden) == theirs.sorted { $0.producerID < $1.producerID }.map(\.golden), "\(name)")
            } else {
                #expect(try world.bytes("/data/t-0/\(name)") == bytes, "\(name)")
            }
        }
    }
}
