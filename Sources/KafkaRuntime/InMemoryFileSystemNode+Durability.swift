// SPDX-License-Identifier: Apache-2.0

extension InMemoryFileSystemNode {
    /// The smallest piece that a disk writes as a whole.
    static let sectorSize = 512
    static let sectorsPerPage = pageSize / sectorSize

    /// A page whose content is not, or not certainly, on disk.
    struct DirtyPage {
        /// What the disk has; nil for zeros, because the page was never written.
        var old: [UInt8]?
        /// Set when a sync failed and dropped the page: it counts as clean, no later sync will write it, and the disk
        /// still has `old`. Writing to the page again makes it an ordinary dirty page.
        var isLost = false
    }

    /// Notes what the disk has of a page that is about to change.
    func remember(_ page: Int) {
        guard tracksDurability else { return }
        if let index = dirtyPages.index(forKey: page) {
            dirtyPages.values[index].isLost = false
        } else if page < pages.count, let memory = pages[page] {
            let bytes = UnsafeRawBufferPointer(start: memory, count: Self.pageSize)
            dirtyPages[page] = DirtyPage(old: [UInt8](bytes))
        } else {
            dirtyPages[page] = DirtyPage(old: nil)
        }
    }

    /// Makes the present contents what a crash leaves, but for pages that a failed sync has dropped.
    func sync() {
        guard tracksDurability else { return }
        if dirtyPages.values.contains(where: \.isLost) {
            dirtyPages = dirtyPages.filter { $0.value.isLost }
        } else {
            dirtyPages.removeAll(keepingCapacity: true)
        }
        settleSize(size)
    }

    /// A sync fails: of each page that `fate` is asked for, in ascending order, the disk has the new content or keeps
    /// the old, and either way the page counts as written from now on. The size is left as it was.
    func failSync(_ fate: (_ page: Int) -> FailedSyncFate) {
        guard tracksDurability else { return }
        for page in dirtyPages.keys.sorted() where dirtyPages[page]?.isLost == false {
            switch fate(page) {
            case .staysDirty: break
            case .written: dirtyPages[page] = nil
            case .dropped: dirtyPages[page]?.isLost = true
            }
        }
    }

    enum FailedSyncFate {
        case staysDirty, written, dropped
    }

    /// The process dies: everything written stays, and stays un-synced. What a failed sync dropped leaves the page
    /// cache, as it may at any time.
    func processDied() {
        guard tracksDurability, !dirtyPages.isEmpty else { return }
        for page in dirtyPages.keys.sorted() where dirtyPages[page]?.isLost == true {
            if let lost = dirtyPages.removeValue(forKey: page) { putBack(lost.old, page, sectors: .max) }
        }
    }

    /// The machine stops: gives up what was not synced. `outcome` is asked for each changed page, in ascending order;
    /// and `newSize`, which of the sizes since the last sync remains.
    func machineStopped(
        outcome: (_ page: Int) -> PageOutcome, newSize: (Sizes) -> Int64
    ) {
        guard tracksDurability else { return }
        for page in dirtyPages.keys.sorted() {
            guard let dirty = dirtyPages[page] else { continue }
            if dirty.isLost {
                putBack(dirty.old, page, sectors: .max)
                continue
            }
            switch outcome(page) {
            case .kept: break
            case .partly(let sectors): putBack(dirty.old, page, sectors: ~sectors)
            case .garbage(let seed) where dirty.old == nil: fill(page, seed)
            case .garbage: putBack(dirty.old, page, sectors: .max)
            }
        }
        let remaining = newSize(
            Sizes(
                durable: durableSize, current: size, smallest: min(smallestSize, durableSize),
                largest: max(largestSize, durableSize)))
        // Pages beyond the end go; a size above what the table holds reads as zeros.
        size = max(size, remaining)
        truncate(to: remaining)
        dirtyPages.removeAll()
        settleSize(size)
    }

    /// The sizes of a file: what the disk has, what it has now, and the extremes since the last sync.
    struct Sizes {
        let durable: Int64
        let current: Int64
        let smallest: Int64
        let largest: Int64
    }

    enum PageOutcome {
        case kept
        /// The sectors whose bits are set are new, the others old.
        case partly(sectors: UInt8)
        /// A block that was allocated but never written shows what stood there before.
        case garbage(seed: UInt64)
    }

    private func settleSize(_ newSize: Int64) {
        durableSize = newSize
        smallestSize = newSize
        largestSize = newSize
    }

    private func putBack(_ old: [UInt8]?, _ page: Int, sectors: UInt8) {
        // Pages beyond the end are put back too: whether the size goes back as well is drawn on its own.
        growTable(to: page + 1)
        if old == nil, pages[page] == nil { return }
        materialize(page)
        for sector in 0..<Self.sectorsPerPage where sectors & (1 << UInt8(sector)) != 0 {
            let start = sector * Self.sectorSize
            let target = UnsafeMutableRawBufferPointer(start: pages[page]! + start, count: Self.sectorSize)
            if let old {
                target.copyBytes(from: old[start..<start + Self.sectorSize])
            } else {
                target.initializeMemory(as: UInt8.self, repeating: 0)
            }
        }
    }

    private func fill(_ page: Int, _ seed: UInt64) {
        growTable(to: page + 1)
        materialize(page)
        var word = seed | 1
        for start in stride(from: 0, to: Self.pageSize, by: 8) {
            // A plain xorshift: what stands there only has to be nothing that was written.
            word ^= word << 13
            word ^= word >> 7
            word ^= word << 17
            pages[page]!.storeBytes(of: word, toByteOffset: start, as: UInt64.self)
        }
    }
}
