// SPDX-License-Identifier: Apache-2.0

/// A file or directory of an `InMemoryFileSystem`, with what of it would survive a crash.
///
/// Unchecked: every access happens under the lock of the file system that made the node.
final class InMemoryFileSystemNode: @unchecked Sendable {
    static let pageSize = 4096

    let isDirectory: Bool
    var modifiedMilliseconds: Int64

    // Directories: the names as they are, and as they were when last synced.
    var entries: [String: InMemoryFileSystemNode] = [:]
    var durableEntries: [String: InMemoryFileSystemNode] = [:]

    // Files: a page that was never written is nil and reads as zeros.
    private(set) var size: Int64 = 0
    private(set) var pages: [UnsafeMutableRawPointer?] = []
    /// One block that holds the first pages, because they are mapped. It frees itself with the last reference.
    private var mapped: InMemoryFileSystemMapping?
    /// What every page that changed since the last sync held then; nil inside means zeros.
    private var durablePages: [Int: [UInt8]?] = [:]
    private var durableSize: Int64 = 0
    private let tracksDurability: Bool

    init(isDirectory: Bool, modifiedMilliseconds: Int64, tracksDurability: Bool) {
        self.isDirectory = isDirectory
        self.modifiedMilliseconds = modifiedMilliseconds
        self.tracksDurability = tracksDurability
    }

    deinit {
        for index in ownedPages { pages[index]?.deallocate() }
    }

    /// The pages that are allocations of their own, rather than parts of the mapped block.
    private var ownedPages: Range<Int> { (mapped?.pageCount ?? 0)..<max(mapped?.pageCount ?? 0, pages.count) }

    // MARK: Contents

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) -> Int {
        guard offset < size, let target = buffer.baseAddress else { return 0 }
        let count = Int(min(Int64(buffer.count), size - offset))
        forEachPiece(at: offset, count: count) { page, inPage, length, done in
            if page < pages.count, let source = pages[page] {
                (target + done).copyMemory(from: source + inPage, byteCount: length)
            } else {
                (target + done).initializeMemory(as: UInt8.self, repeating: 0, count: length)
            }
        }
        return count
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) {
        guard let source = bytes.baseAddress, !bytes.isEmpty else { return }
        let end = offset + Int64(bytes.count)
        growTable(to: Self.pagesNeeded(end))
        forEachPiece(at: offset, count: bytes.count) { page, inPage, length, done in
            remember(page)
            materialize(page)
            (pages[page]! + inPage).copyMemory(from: source + done, byteCount: length)
        }
        size = max(size, end)
    }

    /// New pages that writing up to `end` from `offset` on would take, for the accounting of free space.
    func newPages(at offset: Int64, count: Int) -> Int {
        var needed = 0
        forEachPiece(at: offset, count: count) { page, _, _, _ in
            if page >= pages.count || pages[page] == nil { needed += 1 }
        }
        return needed
    }

    var allocatedPages: Int { pages.reduce(0) { $0 + ($1 == nil ? 0 : 1) } }

    func truncate(to newSize: Int64) {
        if newSize < size {
            let kept = Self.pagesNeeded(newSize)
            for page in kept..<max(kept, pages.count) where pages[page] != nil {
                remember(page)
                drop(page)
            }
            let inPage = Int(newSize % Int64(Self.pageSize))
            if inPage > 0, kept <= pages.count, let last = pages[kept - 1] {
                remember(kept - 1)
                (last + inPage).initializeMemory(as: UInt8.self, repeating: 0, count: Self.pageSize - inPage)
            }
            // Pages of a mapping stay where they are; the rest of the table goes.
            let tableSize = max(kept, mapped?.pageCount ?? 0)
            if pages.count > tableSize { pages.removeLast(pages.count - tableSize) }
        }
        size = newSize
    }

    /// Moves the first pages into one block, which from now on *is* their memory. A longer map made later supersedes
    /// this one: what is then stored through the earlier is not seen any more.
    func map(length: Int, in owner: InMemoryFileSystem, path: String, generation: Int) -> InMemoryFileSystemMapping {
        if let mapped, mapped.bytes.count >= length { return mapped }
        let mapping = InMemoryFileSystemMapping(
            pageCount: Self.pagesNeeded(Int64(length)), node: self, owner: owner, path: path, generation: generation)
        growTable(to: mapping.pageCount)
        for page in 0..<mapping.pageCount {
            remember(page)
            let place = mapping.memory + page * Self.pageSize
            if let old = pages[page] { place.copyMemory(from: old, byteCount: Self.pageSize) }
            if page >= ownedPages.lowerBound { pages[page]?.deallocate() }
        }
        for page in 0..<mapping.pageCount { pages[page] = mapping.memory + page * Self.pageSize }
        mapped = mapping
        return mapping
    }

    // MARK: Durability

    /// Makes the present contents what a crash leaves.
    func sync() {
        guard tracksDurability else { return }
        durablePages.removeAll(keepingCapacity: true)
        durableSize = size
        // Stores through a mapping are not seen, so its pages always count as changed.
        if let mapped { for page in 0..<mapped.pageCount { remember(page) } }
    }

    /// Gives up what was not synced. `survives` is asked for each changed page, in ascending order, how many of its
    /// first bytes keep the new content; and `newSize`, which size between the two remains.
    func crash(survives: (_ page: Int) -> Int, newSize: (_ durable: Int64, _ current: Int64) -> Int64) {
        guard tracksDurability else { return }
        for (page, old) in durablePages.sorted(by: { $0.key < $1.key }) {
            let kept = min(max(survives(page), 0), Self.pageSize)
            if kept == Self.pageSize { continue }
            growTable(to: page + 1)
            materialize(page)
            let rest = UnsafeMutableRawBufferPointer(start: pages[page]! + kept, count: Self.pageSize - kept)
            if let old {
                rest.copyBytes(from: old[kept...])
            } else {
                rest.initializeMemory(as: UInt8.self, repeating: 0)
            }
        }
        let remaining = newSize(durableSize, size)
        durablePages.removeAll()
        // Pages beyond the end go; a size above what the table holds reads as zeros.
        size = max(size, remaining)
        truncate(to: remaining)
        durablePages.removeAll()
        durableSize = size
        detachMapping()
    }

    var hasUnsyncedChanges: Bool { !durablePages.isEmpty || durableSize != size }

    private func remember(_ page: Int) {
        guard tracksDurability, durablePages[page] == nil else { return }
        if page < pages.count, let memory = pages[page] {
            durablePages[page] = .some([UInt8](UnsafeRawBufferPointer(start: memory, count: Self.pageSize)))
        } else {
            durablePages[page] = .some(nil)
        }
    }

    // MARK: Pages

    private static func pagesNeeded(_ bytes: Int64) -> Int { Int((bytes + Int64(pageSize) - 1) / Int64(pageSize)) }

    private func growTable(to count: Int) {
        if pages.count < count { pages.append(contentsOf: repeatElement(nil, count: count - pages.count)) }
    }

    private func materialize(_ page: Int) {
        guard pages[page] == nil else { return }
        let memory = UnsafeMutableRawPointer.allocate(byteCount: Self.pageSize, alignment: 16)
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: Self.pageSize)
        pages[page] = memory
    }

    private func drop(_ page: Int) {
        if page < mapped?.pageCount ?? 0 {
            pages[page]?.initializeMemory(as: UInt8.self, repeating: 0, count: Self.pageSize)
        } else {
            pages[page]?.deallocate()
            pages[page] = nil
        }
    }

    /// Copies the mapped pages into memory of the node's own, so that whoever still holds the mapping of the process
    /// that crashed cannot change the file.
    private func detachMapping() {
        guard let mapped else { return }
        self.mapped = nil
        for page in 0..<mapped.pageCount {
            let old = pages[page]!
            pages[page] = nil
            materialize(page)
            pages[page]!.copyMemory(from: old, byteCount: Self.pageSize)
        }
    }

    private func forEachPiece(
        at offset: Int64, count: Int, _ body: (_ page: Int, _ inPage: Int, _ length: Int, _ done: Int) -> Void
    ) {
        var done = 0
        while done < count {
            let position = offset + Int64(done)
            let inPage = Int(position % Int64(Self.pageSize))
            let length = min(Self.pageSize - inPage, count - done)
            body(Int(position / Int64(Self.pageSize)), inPage, length, done)
            done += length
        }
    }
}
