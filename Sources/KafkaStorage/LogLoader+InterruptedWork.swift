// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaRuntime

/// Finishes or takes back what a crash interrupted: swaps of cleaned segments, and deletions.
///
/// Apache Kafka's rules (see `UnifiedLog.replaceSegments` for the order in which the names come about): a `.cleaned`
/// file was not finished, and makes every `.swap` at or above it void; any other `.swap` is finished, whatever is left
/// of the segments it replaces; `.deleted` files have no use any more.
extension LogLoader {
    mutating func finishInterruptedWork() throws(StorageError) {
        try removeUnfinishedCleanings()
        if names.contains(where: { Self.swapOffset($0) != nil }) { try finishSwaps() }
        for name in names where name.hasSuffix(LogFileNames.deletedSuffix) { remove(name, "it was deleted") }
        removeOrphans()
        try refreshNames()
    }

    private mutating func removeUnfinishedCleanings() throws(StorageError) {
        let cleaned = names.filter { $0.hasSuffix(LogFileNames.cleanedSuffix) }
        guard !cleaned.isEmpty else { return }
        let bases = cleaned.compactMap { Self.segmentFileOffset($0.dropLast(LogFileNames.cleanedSuffix.count)) }
        if let unfinished = bases.min() {
            let void = names.filter { Self.swapOffset($0) ?? -1 >= unfinished }
            for name in void { try removeSurely(name, "its cleaning was not finished") }
            // One that came back when the `.cleaned` files are gone would be put in place.
            if !void.isEmpty { try syncDirectory() }
        }
        for name in cleaned { remove(name, "it was not finished") }
        try refreshNames()
    }

    /// Puts swapped segments into the place of those they replace.
    private mutating func finishSwaps() throws(StorageError) {
        var start = Int64.max
        var end = Int64.min
        for (name, base) in swappedLogs() {
            start = min(start, base)
            end = max(end, try nextOffset(ofSwap: name, base: base))
        }
        let present = Set(names)
        for (_, base) in swappedLogs() {
            // The index of transactions may be the old segment's or the new one's: it is made again, with the others.
            let index = LogFileNames.digits(base) + LogFileNames.transactionIndexSuffix
            guard present.contains(index), !present.contains(index + LogFileNames.swapSuffix) else { continue }
            let offsets = LogFileNames.digits(base) + LogFileNames.indexSuffix + LogFileNames.swapSuffix
            if present.contains(offsets) { try removeSurely(offsets, "it is made again") }
        }
        for old in names {
            guard let offset = Self.segmentFileOffset(old[...]), offset >= start, offset < end else { continue }
            try removeSurely(old, "a cleaned segment replaces it")
        }
        // One that came back when the others have their names would be taken for a part of the log.
        try syncDirectory()
        // From the lowest on: what stands between two that are called `.swap` is taken for old.
        for (name, _) in swappedLogs() {
            try rename(swap: name)
            try syncDirectory()
        }
        try refreshNames()
        // Only now: while a log file is called `.swap`, everything with its number and a plain name goes.
        for name in names where Self.swapOffset(name) != nil { try rename(swap: name) }
        try syncDirectory()
        try refreshNames()
    }

    /// The log files that are called `.swap`, by base offset.
    private func swappedLogs() -> [(name: String, base: Int64)] {
        names.compactMap { name in
            guard name.hasSuffix(LogFileNames.swapSuffix) else { return nil }
            let inner = name.dropLast(LogFileNames.swapSuffix.count)
            return LogFileNames.offset(inner, suffix: LogFileNames.logSuffix).map { (name, $0) }
        }
    }

    private mutating func rename(swap name: String) throws(StorageError) {
        let target = String(name.dropLast(LogFileNames.swapSuffix.count))
        try storing { () throws(FileError) in try files.rename(path(name), to: path(target)) }
        namesChanged = true
    }

    /// Where the log goes on behind a segment that is called `.swap`. It was durable before it got that name, so that
    /// damage in it is none that a crash leaves; nothing is thrown away for such a one.
    private func nextOffset(ofSwap name: String, base: Int64) throws(StorageError) -> Int64 {
        let file = try storing { () throws(FileError) in try files.open(path(name), .read) }
        defer { file.close() }
        let size = try storing { () throws(FileError) in try file.size() }
        var scanner = SegmentScanner(file, fileSize: size, baseOffset: base)
        var next = base
        while let (entry, _) = try scanner.next() { next = entry.nextOffset }
        if let damage = scanner.damage {
            throw .corrupt(path: path(name), position: damage.position, reason: damage.reason)
        }
        return max(next, base + 1)
    }

    private mutating func removeSurely(_ name: String, _ reason: String) throws(StorageError) {
        do throws(FileError) { try files.remove(path(name)) } catch {
            if error.kind != .notFound { throw .io(error) }
        }
        namesChanged = true
        events.append(.removedFile(path: path(name), reason: reason))
    }

    func syncDirectory() throws(StorageError) {
        try storing { () throws(FileError) in try files.syncDirectory(directory) }
    }

    /// The offset in the name of a segment's file that is called `.swap`.
    private static func swapOffset(_ name: String) -> Int64? {
        guard name.hasSuffix(LogFileNames.swapSuffix) else { return nil }
        return segmentFileOffset(name.dropLast(LogFileNames.swapSuffix.count))
    }

    /// Index files without a log file, and files that were being replaced.
    private mutating func removeOrphans() {
        let present = Set(names)
        for name in names {
            if name.hasSuffix(".tmp") {
                remove(name, "it was not finished")
                continue
            }
            for suffix in [
                LogFileNames.indexSuffix, LogFileNames.timeIndexSuffix, LogFileNames.transactionIndexSuffix,
            ] {
                guard let base = LogFileNames.offset(name, suffix: suffix) else { continue }
                if !present.contains(LogFileNames.digits(base) + LogFileNames.logSuffix) {
                    remove(name, "its log file is missing")
                }
            }
        }
    }

    /// Lists the directory again where files were removed.
    private mutating func refreshNames() throws(StorageError) {
        guard namesChanged else { return }
        namesChanged = false
        names = try storing { () throws(FileError) in try files.list(directory) }
    }

    /// The offset in the name of any of a segment's own files.
    private static func segmentFileOffset(_ name: Substring) -> Int64? {
        for suffix in [
            LogFileNames.logSuffix, LogFileNames.indexSuffix, LogFileNames.timeIndexSuffix,
            LogFileNames.transactionIndexSuffix,
        ] {
            if let offset = LogFileNames.offset(name, suffix: suffix) { return offset }
        }
        return nil
    }
}
