// SPDX-License-Identifier: Apache-2.0
package import KafkaStorage

/// The appends of several requests that came together and are acknowledged together.
///
/// Their bytes go to the files in one write for each log (`WriteGroup`), and each partition's high watermark moves once,
/// when they are there: consumers see nothing before that could still be taken back.
///
/// Confined to the queue of the connection that the requests came through, which is what makes it
/// `@unchecked Sendable`.
package final class AppendGroup: @unchecked Sendable {
    private struct Advance {
        let partition: Partition
        let log: UnifiedLog
        var endOffset: Int64
        var bytes: Int
    }

    let writes = WriteGroup()
    private var advances: [Advance] = []

    package init() {}

    /// Remembers that `partition` has records below `endOffset` that consumers may see after `commit`.
    func note(_ partition: Partition, _ log: UnifiedLog, endOffset: Int64, bytes: Int) {
        // Pipelined requests mostly go to few partitions, the last one again.
        var place = advances.count - 1
        while place >= 0, advances[place].log !== log { place -= 1 }
        guard place >= 0 else {
            advances.append(Advance(partition: partition, log: log, endOffset: endOffset, bytes: bytes))
            return
        }
        advances[place].endOffset = max(advances[place].endOffset, endOffset)
        advances[place].bytes += bytes
    }

    package var isEmpty: Bool { advances.isEmpty }

    /// Lends the memory that the requests lie in: their batches are written from there. It must stay, and each batch as it
    /// is once it has been appended, until `commit`; then comes `endLending`.
    package func lend(_ memory: UnsafeRawBufferPointer) { writes.lend(memory) }

    /// The memory may go. Everything that was appended has been committed.
    package func endLending() { writes.endLending() }

    /// Writes what was appended through this group and shows it to consumers.
    ///
    /// - Returns: why records of some log could not be written; they were taken back, and no answer about them may be
    ///   sent. nil where all is well.
    package func commit() -> StorageError? {
        defer { advances.removeAll(keepingCapacity: true) }
        let failures = writes.commit()
        for advance in advances where !failures.contains(where: { $0.log === advance.log }) {
            advance.partition.advance(advance.log, to: advance.endOffset, bytes: advance.bytes)
        }
        return failures.first?.error
    }
}
