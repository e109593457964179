// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime

/// The steps of `UnifiedLog.replaceSegments` that are done under the lock.
extension LogState {
    /// Gives the new segments' files names that end in `.swap`. On failure they are gone, and the log is as it was.
    mutating func prepareSwap(_ old: [LogSegment], _ new: [LogSegment]) throws(StorageError) {
        precondition(!new.isEmpty && pendingSwap.isEmpty, "segments are replaced by others, one group at a time")
        pendingSwap = new
        do throws(StorageError) {
            try requireService()
            try requireReplaceable(old, new)
            for segment in new.reversed() {
                // That of the lowest says that all are ready, so that the others' names must be durable before. Where there
                // are others, which is seldom, this waits under the lock.
                if segment === new[0], new.count > 1 {
                    try storing { () throws(FileError) in try files.syncDirectory(directory) }
                }
                // The log file goes last: as long as it is called `.cleaned`, nothing of this counts.
                for (source, target) in zip(segment.allPaths, segment.paths(suffix: LogFileNames.swapSuffix)).reversed()
                {
                    try renameIfThere(source, target)
                }
                segment.renamed(to: segment.directory, suffix: LogFileNames.swapSuffix)
            }
        } catch {
            abandonSwap()
            throw error
        }
    }

    /// Whether `old` still are neighbours in this log that nobody writes to, and `new` fit their place.
    private func requireReplaceable(_ old: [LogSegment], _ new: [LogSegment]) throws(StorageError) {
        guard let first = old.first, let place = segments.firstIndex(where: { $0 === first }),
            place + old.count < segments.count,
            zip(old, segments[place...]).allSatisfy({ $0 === $1 }),
            new[0].directory == directory
        else { throw .closed(path: directory) }
        precondition(
            new[0].baseOffset == first.baseOffset && new.last!.baseOffset < segments[place + old.count].baseOffset,
            "cleaned segments stand where the old ones stood")
    }

    private func renameIfThere(_ source: String, _ target: String) throws(StorageError) {
        do throws(FileError) { try files.rename(source, to: target) } catch {
            if error.kind != .notFound { throw .io(error) }
        }
    }

    /// Removes what a swap has prepared and not performed. Where that fails, the log goes out of service: the next
    /// start would put segments in place that the log, having changed, must not have.
    mutating func abandonSwap() {
        let abandoned = pendingSwap
        pendingSwap = []
        guard !abandoned.isEmpty, failure == nil else { return }
        do throws(StorageError) {
            // From the lowest on: one name that ends in `.cleaned` makes everything above it void.
            for segment in abandoned {
                let swap = segment.paths(suffix: LogFileNames.swapSuffix)[0]
                try renameIfThere(swap, segment.paths(suffix: LogFileNames.cleanedSuffix)[0])
            }
            for segment in abandoned.reversed() {
                segment.release()
                let names = zip(
                    segment.paths(suffix: LogFileNames.swapSuffix), segment.paths(suffix: LogFileNames.cleanedSuffix))
                for path in names.reversed().flatMap({ [$0, $1] }) {
                    do throws(FileError) { try files.remove(path) } catch {
                        if error.kind != .notFound { throw .io(error) }
                    }
                }
            }
        } catch {
            // A directory that was renamed with the log in it is not found, and did not come here.
            goOffline(error)
        }
    }

    /// Puts the new segments into the place of `old`, whose files get the names of deleted ones: returns these. The new
    /// files keep their names until that is durable (`endSwap`).
    mutating func performSwap(_ old: [LogSegment]) throws(StorageError) -> [String] {
        let new = pendingSwap
        guard !new.isEmpty else { throw .closed(path: directory) }
        do throws(StorageError) {
            try requireService()
            try requireReplaceable(old, new)
        } catch {
            abandonSwap()
            throw error
        }
        pendingSwap = []
        do throws(StorageError) {
            var removals: [String] = []
            for segment in old { try retire(segment, keepsSnapshot: isBase(segment, of: new), into: &removals) }
            takeOver(old, new)
            return removals
        } catch {
            goOffline(error)
            throw error
        }
    }

    /// Takes `.swap` from the names of a segment that was put in place, the log file first. One that was deleted since
    /// has other names; where the log is out of service it is left to the next start.
    mutating func endSwap(_ segment: LogSegment) throws(StorageError) {
        guard failure == nil, segments.contains(where: { $0 === segment }) else { return }
        do throws(StorageError) {
            for (name, plain) in zip(segment.allPaths, segment.paths(suffix: "")) { try renameIfThere(name, plain) }
        } catch {
            goOffline(error)
            throw error
        }
        segment.renamed(to: segment.directory, suffix: "")
    }

    private func isBase(_ segment: LogSegment, of new: [LogSegment]) -> Bool {
        new.contains { $0.baseOffset == segment.baseOffset }
    }

    /// Gives an old segment's files the names of deleted ones, and the snapshot at its base, unless a segment goes on
    /// beginning there.
    private mutating func retire(
        _ segment: LogSegment, keepsSnapshot: Bool, into removals: inout [String]
    ) throws(StorageError) {
        var names = segment.allPaths
        if !keepsSnapshot, knowsProducers(without: segment.baseOffset, durableBelow: recoveryPoint),
            let place = snapshots.firstIndex(of: segment.baseOffset)
        {
            snapshots.remove(at: place)
            names.append(snapshotPath(segment.baseOffset))
        }
        for name in names {
            let deleted = name + LogFileNames.deletedSuffix
            do throws(FileError) {
                try files.rename(name, to: deleted)
                removals.append(deleted)
            } catch {
                if error.kind != .notFound { throw .io(error) }
            }
        }
    }

    private mutating func takeOver(_ old: [LogSegment], _ new: [LogSegment]) {
        guard let first = old.first, let place = segments.firstIndex(where: { $0 === first }) else { return }
        for segment in old {
            segment.release()
            openSegments.removeAll { $0 === segment }
        }
        segments.replaceSubrange(place..<(place + old.count), with: new)
        // What it knew of its place may lie in a file that is gone, or elsewhere in the new one.
        if highWatermark.segmentBaseOffset < active.baseOffset {
            highWatermark = LogOffsetMetadata(offset: highWatermark.offset)
        }
    }
}
