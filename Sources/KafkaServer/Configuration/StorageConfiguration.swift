// SPDX-License-Identifier: Apache-2.0

/// The log directories and the periodic work on them. Times are in milliseconds.
package struct StorageConfiguration: Sendable {
    /// At least one, each once.
    package let logDirectories: [String]
    package let metadataLogDirectory: String
    /// Whether empty directories are set up at start.
    package let autoFormat: Bool
    /// The most bytes of one write call.
    package let writePieceBytes: Int
    /// The zeros that writes to busy logs go on with end at multiples of this; 0 for none, nil for what suits the system.
    package let paddingBytes: Int?
    /// Whether batches are checked before they are sent.
    package let verifiesReads: Bool
    package let recoveryThreadsPerDirectory: Int
    /// How long after the start the periodic work begins.
    package let initialTaskDelay: Int64
    package let retentionCheckInterval: Int64
    /// `Int64.max` is never.
    package let flushCheckInterval: Int64
    package let recoveryPointCheckpointInterval: Int64
    package let logStartOffsetCheckpointInterval: Int64
    package let highWatermarkCheckpointInterval: Int64
    package let producerIDExpiration: Int64
    package let producerIDExpirationCheckInterval: Int64
    /// How long the controller may stay unaware of a failed directory before the broker stops.
    package let directoryFailureTimeout: Int64
    package let cleaner: CleanerConfiguration

    init(_ reader: inout ConfigurationReader) {
        let directories = reader.isSet("log.dirs") ? reader.list("log.dirs") : reader.list("log.dir")
        logDirectories = directories
        metadataLogDirectory = reader.optionalText("metadata.log.dir") ?? directories.first ?? ""
        autoFormat = reader.boolean("auto.format")
        writePieceBytes = reader.int("log.write.piece.bytes")
        let padding = reader.int("log.write.padding.bytes")
        paddingBytes = padding < 0 ? nil : padding
        verifiesReads = reader.boolean("log.verify.on.read")
        recoveryThreadsPerDirectory = reader.int("num.recovery.threads.per.data.dir")
        initialTaskDelay = reader.integer("log.initial.task.delay.ms")
        retentionCheckInterval = reader.integer("log.retention.check.interval.ms")
        flushCheckInterval = reader.integer("log.flush.scheduler.interval.ms")
        recoveryPointCheckpointInterval = reader.integer("log.flush.offset.checkpoint.interval.ms")
        logStartOffsetCheckpointInterval = reader.integer("log.flush.start.offset.checkpoint.interval.ms")
        highWatermarkCheckpointInterval = reader.integer("replica.high.watermark.checkpoint.interval.ms")
        producerIDExpiration = reader.integer("producer.id.expiration.ms")
        producerIDExpirationCheckInterval = reader.integer("producer.id.expiration.check.interval.ms")
        directoryFailureTimeout = reader.integer("log.dir.failure.timeout.ms")
        cleaner = CleanerConfiguration(&reader)

        for name in ["log.flush.scheduler.interval.ms", "replica.high.watermark.checkpoint.interval.ms"]
        where reader.integer(name) < 1 {
            reader.refuse(name, "must be at least 1")
        }
        if metadataLogDirectory.isEmpty { reader.refuse("metadata.log.dir", "must name a directory") }
    }
}

/// Compaction: how much memory, time and disk it may take.
package struct CleanerConfiguration: Sendable {
    package let isEnabled: Bool
    package let threads: Int
    package let bytesPerSecondMax: Double
    /// Over all threads.
    package let dedupeBufferBytes: Int64
    /// Over all threads.
    package let ioBufferBytes: Int
    /// How full the table of keys may get, as a fraction.
    package let loadFactor: Double
    /// Milliseconds to rest when there is nothing to compact.
    package let backoff: Int64

    init(_ reader: inout ConfigurationReader) {
        isEnabled = reader.boolean("log.cleaner.enable")
        threads = reader.int("log.cleaner.threads")
        bytesPerSecondMax = reader.real("log.cleaner.io.max.bytes.per.second")
        dedupeBufferBytes = reader.integer("log.cleaner.dedupe.buffer.size")
        ioBufferBytes = reader.int("log.cleaner.io.buffer.size")
        loadFactor = reader.real("log.cleaner.io.buffer.load.factor")
        backoff = reader.integer("log.cleaner.backoff.ms")
        if threads > 0, dedupeBufferBytes / Int64(threads) <= 1_048_576 {
            reader.refuse("log.cleaner.dedupe.buffer.size", "must be more than 1048576 for each of log.cleaner.threads")
        }
    }
}
