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
    /// Whether it has a name; without one it holds no space.
    var isLinked = true

    // Files: a page that was never written is nil and reads as zeros.
    var size: Int64 = 0 {
        didSet {
            smallestSize = min(smallestSize, size)
            largestSize = max(largestSize, size)
        }
    }
    var pages: [UnsafeMutableRawPointer?] = []
    /// Pages that a reservation holds although nothing was written to them, and those written among them.
    private(set) var reserved = 0..<0

    // Files: what of them a crash may take back.
    let tracksDurability: Bool
    /// Every page that is not on disk as it is here.
    var dirtyPages: [Int: DirtyPage] = [:]
    var durableSize: Int64 = 0
    /// The smallest and the largest size that the file had since the last sync.
    var smallestSize: Int64 = 0
    var largestSize: Int64 = 0

    init(isDirectory: Bool, modifiedMilliseconds: Int64, tracksDurability: Bool) {
        self.isDirectory = isDirectory
        self.modifiedMilliseconds = modifiedMilliseconds
        self.tracksDurability = tracksDurability
    }

    deinit {
        for page in pages { page?.deallocate() }
    }

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
            if !reserved.contains(page), page >= pages.count || pages[page] == nil { needed += 1 }
        }
        return needed
    }

    var allocatedPages: Int {
        var count = reserved.count
        for (page, memory) in pages.enumerated() where memory != nil && !reserved.contains(page) { count += 1 }
        return count
    }

    /// Pages that reserving the range would take, with what is then reserved; nil where the range neither overlaps nor
    /// continues the one that is reserved already, which is not worth keeping a list for.
    func reservation(offset: Int64, length: Int64) -> (newPages: Int, range: Range<Int>)? {
        var range = Int(offset / Int64(Self.pageSize))..<Self.pagesNeeded(offset + length)
        if !reserved.isEmpty {
            guard range.lowerBound <= reserved.upperBound, range.upperBound >= reserved.lowerBound else { return nil }
            range = min(range.lowerBound, reserved.lowerBound)..<max(range.upperBound, reserved.upperBound)
        }
        let held = range.count { reserved.contains($0) || ($0 < pages.count && pages[$0] != nil) }
        return (range.count - held, range)
    }

    func reserve(_ range: Range<Int>) { reserved = range }

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
            if pages.count > kept { pages.removeLast(pages.count - kept) }
            // Cutting gives back what is reserved behind the end.
            if reserved.upperBound > kept { reserved = min(reserved.lowerBound, kept)..<kept }
        }
        size = newSize
    }

    // MARK: Pages

    static func pagesNeeded(_ bytes: Int64) -> Int { Int((bytes + Int64(pageSize) - 1) / Int64(pageSize)) }

    func growTable(to count: Int) {
        if pages.count < count { pages.append(contentsOf: repeatElement(nil, count: count - pages.count)) }
    }

    func materialize(_ page: Int) {
        guard pages[page] == nil else { return }
        let memory = UnsafeMutableRawPointer.allocate(byteCount: Self.pageSize, alignment: 16)
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: Self.pageSize)
        pages[page] = memory
    }

    func drop(_ page: Int) {
        pages[page]?.deallocate()
        pages[page] = nil
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
