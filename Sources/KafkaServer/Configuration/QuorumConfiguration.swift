// SPDX-License-Identifier: Apache-2.0

/// The metadata quorum and its log. Times are in milliseconds.
package struct QuorumConfiguration: Sendable {
    package let electionTimeout: Int64
    package let fetchTimeout: Int64
    package let electionBackoffMax: Int64
    package let appendLinger: Int64
    package let requestTimeout: Int64
    package let retryBackoff: Int64
    package let fetchBytesMax: Int
    package let snapshotFetchBytesMax: Int
    /// A snapshot is due after this many bytes of records.
    package let bytesBetweenSnapshotsMax: Int64
    /// A snapshot is due after this time when there are new records; 0 is no limit.
    package let snapshotIntervalMax: Int64
    package let segmentBytes: Int
    package let segmentAge: Int64
    /// nil keeps everything.
    package let retentionBytes: Int64?
    /// nil keeps everything.
    package let retentionAge: Int64?
    /// How often an idle controller writes a record without content; 0 is never.
    package let idleRecordInterval: Int64
    /// How long to try to register with the controller.
    package let registrationTimeout: Int64
    package let heartbeatInterval: Int64
    package let sessionTimeout: Int64

    init(_ reader: inout ConfigurationReader) {
        electionTimeout = reader.integer("controller.quorum.election.timeout.ms")
        fetchTimeout = reader.integer("controller.quorum.fetch.timeout.ms")
        electionBackoffMax = reader.integer("controller.quorum.election.backoff.max.ms")
        appendLinger = reader.integer("controller.quorum.append.linger.ms")
        requestTimeout = reader.integer("controller.quorum.request.timeout.ms")
        retryBackoff = reader.integer("controller.quorum.retry.backoff.ms")
        fetchBytesMax = reader.int("controller.quorum.fetch.max.bytes")
        snapshotFetchBytesMax = reader.int("controller.quorum.fetch.snapshot.max.bytes")
        bytesBetweenSnapshotsMax = reader.integer("metadata.log.max.record.bytes.between.snapshots")
        snapshotIntervalMax = reader.integer("metadata.log.max.snapshot.interval.ms")
        segmentBytes = Int(
            reader.optionalInteger("internal.metadata.log.segment.bytes")
                ?? reader.integer("metadata.log.segment.bytes"))
        segmentAge = reader.integer("metadata.log.segment.ms")
        retentionBytes = QuorumConfiguration.limit(reader.integer("metadata.max.retention.bytes"))
        retentionAge = QuorumConfiguration.limit(reader.integer("metadata.max.retention.ms"))
        idleRecordInterval = reader.integer("metadata.max.idle.interval.ms")
        registrationTimeout = reader.integer("initial.broker.registration.timeout.ms")
        heartbeatInterval = reader.integer("broker.heartbeat.interval.ms")
        sessionTimeout = reader.integer("broker.session.timeout.ms")
        if reader.optionalInteger("internal.metadata.log.segment.bytes").map({ $0 < 1 }) ?? false {
            reader.refuse("internal.metadata.log.segment.bytes", "must be at least 1")
        }
    }

    private static func limit(_ value: Int64) -> Int64? { value < 0 ? nil : value }
}
