// SPDX-License-Identifier: Apache-2.0
import KafkaBase

/// A transaction that was aborted in a partition: what a reader of committed records must leave out.
public struct AbortedTransaction: Equatable, Sendable {
    /// The producer whose transaction it was.
    public var producerID: Int64
    /// The first offset the transaction wrote to the partition.
    public var firstOffset: Int64
    /// The offset of the marker that ended it.
    public var lastOffset: Int64
    /// Where the oldest transaction of another producer that was open at the marker begins, or else the offset behind
    /// the marker. Transactions that end later begin there or behind it, so that a search may stop.
    public var lastStableOffset: Int64

    public init(producerID: Int64, firstOffset: Int64, lastOffset: Int64, lastStableOffset: Int64) {
        self.producerID = producerID
        self.firstOffset = firstOffset
        self.lastOffset = lastOffset
        self.lastStableOffset = lastStableOffset
    }

    // MARK: The entry in a `.txnindex` file

    /// int16 version (0), int64 producer id, int64 first offset, int64 last offset, int64 last stable offset.
    static let entrySize = 34
    static let version: Int16 = 0

    func write(to writer: inout ByteWriter) {
        writer.writeInt16(Self.version)
        writer.writeInt64(producerID)
        writer.writeInt64(firstOffset)
        writer.writeInt64(lastOffset)
        writer.writeInt64(lastStableOffset)
    }

    /// Reads the entry at `position`; nil where it says what no transaction can.
    init?(entryAt position: Int, of bytes: UnsafeRawBufferPointer) {
        guard position >= 0, position + Self.entrySize <= bytes.count else { return nil }
        func int64(_ field: Int) -> Int64 {
            Int64(bigEndian: bytes.loadUnaligned(fromByteOffset: position + field, as: Int64.self))
        }
        guard bytes.loadUnaligned(fromByteOffset: position, as: Int16.self) == Self.version.bigEndian else {
            return nil
        }
        self.init(producerID: int64(2), firstOffset: int64(10), lastOffset: int64(18), lastStableOffset: int64(26))
        // The marker stands behind the records, and nothing behind the marker was stable yet.
        guard producerID >= 0, firstOffset >= 0, lastOffset > firstOffset, lastOffset < .max,
            lastStableOffset >= 0, lastStableOffset <= lastOffset + 1
        else { return nil }
    }
}
