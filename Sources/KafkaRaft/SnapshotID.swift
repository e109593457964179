// SPDX-License-Identifier: Apache-2.0

/// Names a snapshot by what it replaces: every record below `endOffset`, the last of which is of `epoch` (KIP-630).
package struct SnapshotID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The first offset that the snapshot does not contain.
    package let endOffset: Int64
    package let epoch: Int32

    package init(endOffset: Int64, epoch: Int32) {
        self.endOffset = endOffset
        self.epoch = epoch
    }

    /// Where a formatted directory may keep the first voters and feature levels, before there is a log.
    package static let bootstrap = SnapshotID(endOffset: 0, epoch: 0)

    package static let fileSuffix = ".checkpoint"
    package static let partialSuffix = ".checkpoint.part"
    package static let deletedSuffix = ".checkpoint.deleted"
    private static let offsetDigits = 20
    private static let epochDigits = 10

    /// `<20 digits of the end offset>-<10 digits of the epoch>.checkpoint`.
    package var fileName: String { description + Self.fileSuffix }

    package var description: String {
        "\(Self.padded(endOffset, Self.offsetDigits))-\(Self.padded(Int64(epoch), Self.epochDigits))"
    }

    private static func padded(_ value: Int64, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(width - digits.count, 0)) + digits
    }

    /// Reads the name of a complete snapshot; nil for every other file, partial and deleted snapshots included.
    package init?(fileName: some StringProtocol) {
        guard fileName.hasSuffix(Self.fileSuffix) else { return nil }
        let parts = fileName.dropLast(Self.fileSuffix.count).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].utf8.count == Self.offsetDigits, parts[1].utf8.count == Self.epochDigits,
            parts.allSatisfy({ $0.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } }),
            let endOffset = Int64(parts[0]), let epoch = Int32(parts[1])
        else { return nil }
        self.init(endOffset: endOffset, epoch: epoch)
    }

    package static func < (left: SnapshotID, right: SnapshotID) -> Bool {
        left.endOffset == right.endOffset ? left.epoch < right.epoch : left.endOffset < right.endOffset
    }
}
