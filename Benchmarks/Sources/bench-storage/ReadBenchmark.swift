// SPDX-License-Identifier: Apache-2.0
import KafkaStorage

/// Reads of what is in the page cache: finding the place, and copying the bytes as an answer does.
enum ReadBenchmark {
    private static let logBytes = 256 << 20

    static func run(_ options: Options) throws {
        let rows = [
            ("sequential reads of 1 MiB, batches of 64 KiB", 64 << 10, 1 << 20, true),
            ("random reads of 64 KiB, batches of 16 KiB", 16 << 10, 64 << 10, false),
            ("random reads of 4 KiB, batches of 1 KiB", 1 << 10, 4 << 10, false),
        ]
        for (name, batchSize, count, isSequential) in rows where options.wants(name) {
            let scratch = try Scratch(options)
            let log = try SampleLog.filled(scratch.path, bytes: logBytes, batchSize: batchSize)
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 4096)
            defer { buffer.deallocate() }
            let result = try paired(options.runs) {
                isSequential
                    ? try sequential(log, buffer, options.seconds) : try random(log, buffer, options.seconds)
            } _: {
                var state: UInt64 = 1
                return try Machine.read(SampleLog.file(scratch.path), count: count, seconds: options.seconds) {
                    call, size in isSequential ? call * count % (size - count) : below(size - count, &state)
                }
            }
            Table.row(name, unit: "MB/s", result.storage, limit: result.machine, "pread")
        }
    }

    private static func sequential(
        _ log: UnifiedLog, _ buffer: UnsafeMutableRawBufferPointer, _ seconds: Double
    ) throws -> Double {
        let end = log.logEndOffset
        var next: Int64 = 0
        return try measure(seconds) {
            if next >= end { next = 0 }
            let range = try log.read(from: next, maxBytes: buffer.count, isolation: .logEnd, atLeastOne: false)
            guard let file = range.file else { throw BenchmarkError("nothing at \(next)") }
            let read = try file.read(
                into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<range.count]), at: range.position)
            // As a consumer does: over the whole batches, by their headers.
            var cursor = BatchCursor(UnsafeRawBufferPointer(rebasing: buffer[..<read]))
            while let entry = try cursor.next() { next = try RecordBatch(bytes: entry.bytes).header.nextOffset }
            return read
        }
    }

    private static func random(
        _ log: UnifiedLog, _ buffer: UnsafeMutableRawBufferPointer, _ seconds: Double
    ) throws -> Double {
        let end = Int(log.logEndOffset)
        var state: UInt64 = 1
        return try measure(seconds) {
            let range = try log.read(
                from: Int64(below(end, &state)), maxBytes: buffer.count, isolation: .logEnd, atLeastOne: false)
            guard let file = range.file else { throw BenchmarkError("nothing there") }
            return try file.read(
                into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<range.count]), at: range.position)
        }
    }

    private static func measure(_ seconds: Double, _ body: () throws -> Int) throws -> Double {
        var failure: (any Error)?
        let rate = Machine.measure(seconds, .max) { _ in
            do { return try body() } catch { failure = error }
            return 0
        }
        if let failure { throw failure }
        return rate
    }

    /// A number below `bound`, by an xorshift generator.
    private static func below(_ bound: Int, _ state: inout UInt64) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state % UInt64(bound))
    }
}
