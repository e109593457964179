// SPDX-License-Identifier: Apache-2.0

/// The kinds of record that stand in control batches. They occupy offsets but are not shown to applications.
public enum ControlRecordType: Int16, Sendable, CaseIterable {
    case abort = 0
    case commit = 1
    case leaderChange = 2
    case snapshotHeader = 3
    case snapshotFooter = 4
    case kraftVersion = 5
    case kraftVoters = 6

    /// As Kafka's tools print it.
    public var name: String {
        switch self {
        case .abort: "ABORT"
        case .commit: "COMMIT"
        case .leaderChange: "LEADER_CHANGE"
        case .snapshotHeader: "SNAPSHOT_HEADER"
        case .snapshotFooter: "SNAPSHOT_FOOTER"
        case .kraftVersion: "KRAFT_VERSION"
        case .kraftVoters: "KRAFT_VOTERS"
        }
    }

    /// The key of a control record of this type: int16 version (0) and int16 type.
    public var key: [UInt8] { [0, 0, 0, UInt8(truncatingIfNeeded: rawValue)] }

    /// The type that a key names; nil for one that this version does not know, which readers pass over.
    public init?(key: UnsafeRawBufferPointer?) throws(RecordError) {
        self.init(rawValue: try Self.id(inKey: key))
    }

    /// The type's number in a key, known or not.
    public static func id(inKey key: UnsafeRawBufferPointer?) throws(RecordError) -> Int16 {
        // Longer keys may come with later versions.
        guard let key, key.count >= 4, let base = key.baseAddress else { throw .invalidControlRecord }
        let version: Int16 = base.bigEndian(at: 0)
        guard version >= 0 else { throw .invalidControlRecord }
        return base.bigEndian(at: 2)
    }
}

/// The record that ends a transaction in a partition: its type says how, its value which coordinator wrote it.
public struct EndTransactionMarker: Equatable, Sendable {
    public enum Result: Sendable {
        case commit
        case abort
    }

    public var result: Result
    /// Epoch of the `__transaction_state` partition's leader.
    public var coordinatorEpoch: Int32

    public init(_ result: Result, coordinatorEpoch: Int32) {
        self.result = result
        self.coordinatorEpoch = coordinatorEpoch
    }

    public var type: ControlRecordType { result == .commit ? .commit : .abort }

    /// int16 version (0), int32 coordinator epoch.
    public var value: [UInt8] {
        [0, 0] + (0..<4).map { UInt8(truncatingIfNeeded: coordinatorEpoch >> (24 - 8 * $0)) }
    }

    /// Reads a control record's key and value; nil where it is of another type.
    public init?(key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?) throws(RecordError) {
        switch try ControlRecordType(key: key) {
        case .commit: result = .commit
        case .abort: result = .abort
        default: return nil
        }
        guard let value, value.count >= 6, let base = value.baseAddress, base.bigEndian(at: 0, as: Int16.self) >= 0
        else { throw .invalidControlRecord }
        coordinatorEpoch = base.bigEndian(at: 2)
    }

    /// The control batch that carries the marker.
    public func batch(
        producerID: Int64, producerEpoch: Int16, timestamp: Int64, baseOffset: Int64 = 0, leaderEpoch: Int32 = -1
    ) -> [UInt8] {
        var options = RecordBatchBuilder.Options()
        options.baseOffset = baseOffset
        options.partitionLeaderEpoch = leaderEpoch
        options.producerID = producerID
        options.producerEpoch = producerEpoch
        options.isTransactional = true
        options.isControl = true
        var builder = RecordBatchBuilder(options)
        do throws(RecordError) {
            try builder.append(timestamp: timestamp, key: type.key, value: value)
            return try builder.finish()
        } catch {
            preconditionFailure("a marker always fits a batch: \(error)")
        }
    }
}
