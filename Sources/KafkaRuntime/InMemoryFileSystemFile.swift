// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// An open file of an `InMemoryFileSystem`.
final class InMemoryFileSystemFile: File {
    let path: String
    private let owner: InMemoryFileSystem
    private let node: InMemoryFileSystemNode
    private let generation: Int
    private let isWritable: Bool
    private let handles: InMemoryFileSystemHandles
    private let isClosed = Atomic(false)

    init(
        path: String, owner: InMemoryFileSystem, node: InMemoryFileSystemNode, generation: Int,
        handles: InMemoryFileSystemHandles, isWritable: Bool
    ) {
        self.path = path
        self.owner = owner
        self.node = node
        self.generation = generation
        self.isWritable = isWritable
        self.handles = handles
        handles.opened()
    }

    deinit { close() }

    /// Counts the call, and fails it where it must fail; otherwise runs `body` under the lock.
    private func perform<R: Sendable>(
        _ operation: InMemoryFileSystem.Operation, needsWriting: Bool = false,
        _ body: (inout InMemoryFileSystem.State) throws(FileError) -> R
    ) throws(FileError) -> R {
        try owner.state.withLock { (state: inout InMemoryFileSystem.State) throws(FileError) -> R in
            try check(operation, needsWriting: needsWriting, state)
            try state.countCall(operation, path)
            return try body(&state)
        }
    }

    private func check(
        _ operation: InMemoryFileSystem.Operation, needsWriting: Bool, _ state: InMemoryFileSystem.State
    ) throws(FileError) {
        if isClosed.load(ordering: .relaxed) {
            throw FileError(.inputOutput, code: 9, operation: "\(operation) (closed)", path: path)
        }
        if state.generation != generation {
            throw FileError(.inputOutput, operation: "\(operation) (opened before a crash)", path: path)
        }
        if needsWriting, !isWritable {
            throw FileError(.permissionDenied, code: 9, operation: "\(operation)", path: path)
        }
    }

    func size() throws(FileError) -> Int64 {
        try perform(.size) { (_) throws(FileError) in node.size }
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(FileError) -> Int {
        guard offset >= 0 else { throw FileError(.inputOutput, code: 22, operation: "read", path: path) }
        return try perform(.read) { (_) throws(FileError) in node.read(into: buffer, at: offset) }
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(FileError) {
        try withUnsafePointer(to: bytes) { (piece) throws(FileError) in
            try write(gathering: UnsafeBufferPointer(start: piece, count: 1), at: offset)
        }
    }

    func write(
        gathering pieces: UnsafeBufferPointer<UnsafeRawBufferPointer>, at offset: Int64
    ) throws(FileError) {
        guard offset >= 0 else { throw FileError(.inputOutput, code: 22, operation: "write", path: path) }
        let count = pieces.reduce(0) { $0 + $1.count }
        try owner.state.withLock { (state: inout InMemoryFileSystem.State) throws(FileError) in
            try check(.write, needsWriting: true, state)
            try state.checkHalt("write", path)
            do throws(FileError) {
                try state.countCall(.write, path)
                try takeSpace(node.newPages(at: offset, count: count), &state)
            } catch {
                // A write that fails may have got part of the way, as far as there was space.
                let part = state.partWritten(of: count)
                let isRoom = (try? takeSpace(node.newPages(at: offset, count: part), &state)) != nil
                if isRoom { put(pieces, upTo: part, at: offset) }
                throw error
            }
            put(pieces, upTo: count, at: offset)
            node.modifiedMilliseconds = owner.now
        }
    }

    /// Writes the first `count` bytes of `pieces`.
    private func put(_ pieces: UnsafeBufferPointer<UnsafeRawBufferPointer>, upTo count: Int, at offset: Int64) {
        var done = 0
        for piece in pieces where done < count {
            let part = UnsafeRawBufferPointer(rebasing: piece.prefix(count - done))
            node.write(part, at: offset + Int64(done))
            done += part.count
        }
    }

    /// A file without a name holds no space: it goes when it is closed.
    private func takeSpace(_ pages: Int, _ state: inout InMemoryFileSystem.State) throws(FileError) {
        if node.isLinked { try state.takeSpace(pages: pages, .write, path) }
    }

    func reserve(offset: Int64, length: Int64) {
        guard isWritable, offset >= 0, length > 0, !isClosed.load(ordering: .relaxed) else { return }
        owner.state.withLock { state in
            guard state.generation == generation, !state.isHalted,
                let (newPages, range) = node.reservation(offset: offset, length: length)
            else { return }
            // Without the space for it nothing is reserved, and nobody is told.
            if (try? takeSpace(newPages, &state)) != nil { node.reserve(range) }
        }
    }

    func truncate(to size: Int64) throws(FileError) {
        guard size >= 0 else { throw FileError(.inputOutput, code: 22, operation: "truncate", path: path) }
        try perform(.truncate, needsWriting: true) { (state) throws(FileError) in
            let before = node.allocatedPages
            node.truncate(to: size)
            node.modifiedMilliseconds = owner.now
            if node.isLinked { state.usedPages -= before - node.allocatedPages }
        }
    }

    func sync() throws(FileError) {
        try owner.state.withLock { (state: inout InMemoryFileSystem.State) throws(FileError) in
            try check(.sync, needsWriting: false, state)
            try state.sync(node, path)
        }
    }

    func isResident(offset: Int64, count: Int) -> Bool { true }

    func close() {
        if !isClosed.exchange(true, ordering: .relaxed) { handles.closed() }
    }
}
