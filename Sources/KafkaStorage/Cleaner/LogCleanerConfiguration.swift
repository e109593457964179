// SPDX-License-Identifier: Apache-2.0

/// How much memory, time and disk compaction may take. Defaults are Kafka's.
public struct LogCleanerConfiguration: Equatable, Sendable {
    /// `log.cleaner.threads`: how many logs are cleaned at once; 0 is none.
    public var threads = 1
    /// `log.cleaner.io.max.bytes.per.second`: read and written together, over all threads.
    public var bytesPerSecondMax = Double.greatestFiniteMagnitude
    /// `log.cleaner.dedupe.buffer.size`: bytes for the keys, over all threads. Taken only while a log is cleaned, and
    /// only as many as its offsets can need.
    public var dedupeBufferBytes: Int64 = 128 << 20
    /// `log.cleaner.io.buffer.load.factor`: how full that may get, as a fraction.
    public var loadFactor = 0.9
    /// `log.cleaner.io.buffer.size`: bytes for reading and writing, over all threads. Larger batches take more.
    public var ioBufferBytes = 512 << 10
    /// `log.cleaner.backoff.ms`: how long a thread rests when there is nothing to do.
    public var backoffMs: Int64 = 15_000

    public init() {}

    /// What one thread may use. Less than a few kilobytes would only be slow.
    func options() -> LogCleaning.Options {
        let share = max(threads, 1)
        return LogCleaning.Options(
            mapBytes: dedupeBufferBytes / Int64(share), loadFactor: loadFactor,
            bufferBytes: max(ioBufferBytes / share / 2, 4096))
    }
}
