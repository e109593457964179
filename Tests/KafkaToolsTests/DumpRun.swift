// SPDX-License-Identifier: Apache-2.0
import KafkaRecords
import KafkaRuntime
import Testing

@testable import KafkaTools

/// A run of the dump tool over files in memory.
struct DumpRun {
    let isSound: Bool
    let output: [String]
    let errors: [String]

    /// Dumps the named files, in `/d`, of those given.
    init(
        _ names: String..., of files: [String: [UInt8]], _ change: (inout DumpOptions) -> Void = { _ in }
    ) throws {
        let system = InMemoryFileSystem()
        try system.createDirectory("/d")
        for (name, bytes) in files { try system.open("/d/\(name)", .createNew).write(bytes, at: 0) }
        var options = DumpOptions()
        change(&options)
        let output = Capture()
        let errors = Capture()
        isSound = SegmentDumper(
            options: options, files: system, currentDirectory: "/here", output: output.sink, errors: errors.sink
        ).dump(names.map { "/d/\($0)" })
        self.output = output.lines
        self.errors = errors.lines
    }

    /// The lines behind `Dumping …` and the heading.
    var body: [String] { Array(output.dropFirst(2)) }
}

/// Keeps what is written to a sink.
final class Capture {
    private var bytes: [UInt8] = []
    private(set) lazy var sink = TextSink { [unowned self] in bytes += $0 }

    var lines: [String] {
        sink.flush()
        var lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        if lines.last == "" { lines.removeLast() }
        return lines.map(String.init)
    }
}

/// The moment that all batches of these tests carry.
let timestamp: Int64 = 1_577_994_283_622

/// A batch of records with these keys and values.
func batch(
    at baseOffset: Int64 = 0, _ records: [(key: String?, value: String?)],
    _ change: (inout RecordBatchBuilder.Options) -> Void = { _ in }
) throws -> [UInt8] {
    var options = RecordBatchBuilder.Options()
    options.baseOffset = baseOffset
    options.partitionLeaderEpoch = 0
    change(&options)
    var builder = RecordBatchBuilder(options)
    for record in records {
        try builder.append(
            timestamp: timestamp, key: record.key.map { Array($0.utf8) }, value: record.value.map { Array($0.utf8) })
    }
    return try builder.finish()
}

func bigEndian(_ values: any FixedWidthInteger...) -> [UInt8] {
    func bytes<T: FixedWidthInteger>(_ value: T) -> [UInt8] { withUnsafeBytes(of: value.bigEndian, Array.init) }
    return values.flatMap { bytes($0) }
}

/// SplitMix64: the same numbers on every run.
struct SeededRandom: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
