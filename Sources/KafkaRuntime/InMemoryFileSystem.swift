// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Files that live in memory, for tests, for the simulator and for a broker without a disk.
///
/// It forgets like a disk: `crash()` takes back what was not synced. It fails on order: the N-th call, calls that a
/// closure picks, all that need space when there is none left, all that open one file too many. It can stop dead in the
/// middle of an operation (`halt(after:)`). Relative paths start at the root. Safe to use from any thread; one lock
/// guards everything, so calls take effect one after the other, and the same calls have the same outcome every time.
public final class InMemoryFileSystem: FileSystem {
    public enum Durability: Sendable {
        /// Remembers what was synced, so that `crash` can take the rest back. Costs memory for un-synced changes.
        case tracked
        /// Everything is durable at once.
        case immediate
    }

    /// The calls that are counted and can be made to fail.
    public enum Operation: String, Sendable, CaseIterable {
        case open, status, createDirectory, list, rename, remove, removeTree, syncDirectory, setModified, lock, space
        case size, read, write, truncate, sync
    }

    /// A change to names that a crash may take back: each edit is a place and what stands there afterwards.
    struct NameChange {
        struct Place: Hashable {
            let directory: ObjectIdentifier
            let name: String
        }
        struct Edit {
            let directory: InMemoryFileSystemNode
            let name: String
            let node: InMemoryFileSystemNode?

            var place: Place { Place(directory: ObjectIdentifier(directory), name: name) }
        }
        /// The file or directory that came, went or was moved.
        let subject: InMemoryFileSystemNode
        let edits: [Edit]
    }

    struct HaltTrigger {
        let calls: Int
        let matches: @Sendable (Operation, _ path: String) -> Bool
    }

    struct State {
        let root: InMemoryFileSystemNode
        /// Goes up with every crash; files opened before it are dead.
        var generation = 0
        var callCount = 0
        var faultCount = 0
        var fault: (@Sendable (Int, Operation, String) -> FileError.Kind?)?
        /// Decides what a failing call leaves behind; without it a write half of itself, a sync all pages dirty.
        var faultRandom: (any RandomSource)?
        /// The call before which the world ends for whoever uses the files, until `crash`.
        var haltAt: Int?
        /// Orders the halt when a call comes that it matches.
        var haltTrigger: HaltTrigger?
        var isHalted = false
        var handles = InMemoryFileSystemHandles()
        var openFilesMax = Int.max
        var capacityPages = Int.max
        var usedPages = 0
        var locks: [String: UInt64] = [:]
        var lockCount: UInt64 = 0
        /// Changes to names since the directories were synced, in the order they were made.
        var journal: [NameChange] = []
    }

    let state: Mutex<State>
    private let durability: Durability
    private let clock: (any Clock)?

    /// - Parameter clock: gives files their modification time, which is 0 without one.
    public init(durability: Durability = .tracked, clock: (any Clock)? = nil) {
        self.durability = durability
        self.clock = clock
        let root = InMemoryFileSystemNode(
            isDirectory: true, modifiedMilliseconds: clock?.wallMilliseconds ?? 0,
            tracksDurability: durability == .tracked)
        state = Mutex(State(root: root))
    }

    var now: Int64 { clock?.wallMilliseconds ?? 0 }

    func makeNode(isDirectory: Bool) -> InMemoryFileSystemNode {
        InMemoryFileSystemNode(
            isDirectory: isDirectory, modifiedMilliseconds: now, tracksDurability: durability == .tracked)
    }

    private func perform<R: Sendable>(
        _ operation: Operation, _ path: String, _ body: (inout State) throws(FileError) -> R
    ) throws(FileError) -> R {
        try state.withLock { (state: inout State) throws(FileError) -> R in
            try state.countCall(operation, path)
            return try body(&state)
        }
    }

    // MARK: FileSystem

    public func open(_ path: String, _ mode: OpenMode) throws(FileError) -> any File {
        try perform(.open, path) { (state) throws(FileError) -> any File in
            guard state.handles.count < state.openFilesMax else {
                throw FileError(.tooManyOpenFiles, code: 24, operation: "open", path: path)
            }
            let node: InMemoryFileSystemNode
            if let found = state.find(path) {
                guard mode != .createNew else {
                    throw FileError(.alreadyExists, code: 17, operation: "open", path: path)
                }
                guard !found.isDirectory else {
                    throw FileError(.inputOutput, code: 21, operation: "open", path: path)
                }
                node = found
            } else {
                guard mode == .createNew || mode == .readWriteCreate else {
                    throw FileError(.notFound, code: 2, operation: "open", path: path)
                }
                node = makeNode(isDirectory: false)
                let (directory, name) = try state.place(path, .open)
                record(node, [.init(directory: directory, name: name, node: node)], &state)
            }
            return InMemoryFileSystemFile(
                path: path, owner: self, node: node, generation: state.generation, handles: state.handles,
                isWritable: mode != .read)
        }
    }

    public func status(_ path: String) throws(FileError) -> FileStatus? {
        try perform(.status, path) { (state) throws(FileError) in
            state.find(path).map {
                FileStatus(size: $0.size, isDirectory: $0.isDirectory, modifiedMilliseconds: $0.modifiedMilliseconds)
            }
        }
    }

    public func createDirectory(_ path: String) throws(FileError) {
        try perform(.createDirectory, path) { (state) throws(FileError) in
            var directory = state.root
            for name in State.components(path) {
                if let next = directory.entries[name] {
                    guard next.isDirectory else {
                        throw FileError(.notADirectory, code: 20, operation: "mkdir", path: path)
                    }
                    directory = next
                } else {
                    let next = makeNode(isDirectory: true)
                    record(next, [.init(directory: directory, name: name, node: next)], &state)
                    directory = next
                }
            }
        }
    }

    public func list(_ path: String) throws(FileError) -> [String] {
        try perform(.list, path) { (state) throws(FileError) in
            try state.directory(path, .list).entries.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        }
    }

    public func rename(_ source: String, to target: String) throws(FileError) {
        try perform(.rename, source) { (state) throws(FileError) in
            guard let node = state.find(source) else {
                throw FileError(.notFound, code: 2, operation: "rename", path: source)
            }
            let (oldDirectory, oldName) = try state.place(source, .rename)
            let (newDirectory, newName) = try state.place(target, .rename)
            if let replaced = newDirectory.entries[newName] {
                if replaced === node { return }
                guard !replaced.isDirectory || (node.isDirectory && replaced.entries.isEmpty) else {
                    throw FileError(.directoryNotEmpty, code: 39, operation: "rename", path: target)
                }
                guard replaced.isDirectory || !node.isDirectory else {
                    throw FileError(.notADirectory, code: 20, operation: "rename", path: target)
                }
                state.usedPages -= replaced.allocatedPages
                replaced.isLinked = false
            }
            record(
                node,
                [
                    .init(directory: oldDirectory, name: oldName, node: nil),
                    .init(directory: newDirectory, name: newName, node: node),
                ], &state)
        }
    }

    public func remove(_ path: String) throws(FileError) {
        try perform(.remove, path) { (state) throws(FileError) in
            guard let node = state.find(path) else {
                throw FileError(.notFound, code: 2, operation: "unlink", path: path)
            }
            guard !node.isDirectory else { throw FileError(.inputOutput, code: 21, operation: "unlink", path: path) }
            let (directory, name) = try state.place(path, .remove)
            unlink(node, directory, name, &state)
        }
    }

    public func removeTree(_ path: String) throws(FileError) {
        try state.withLock { (state: inout State) throws(FileError) in
            try state.checkHalt("removeTree", path)
            guard let node = state.find(path) else { return try state.countCall(.removeTree, path) }
            let (directory, name) = try state.place(path, .removeTree)
            do throws(FileError) {
                try state.countCall(.removeTree, path)
            } catch {
                // It removes one name after the other, and may have begun.
                for child in node.entries.keys.sorted().prefix(node.entries.count / 2) {
                    if let entry = node.entries[child] { removeTree(entry, node, child, &state) }
                }
                throw error
            }
            removeTree(node, directory, name, &state)
        }
    }

    private func removeTree(
        _ node: InMemoryFileSystemNode, _ directory: InMemoryFileSystemNode, _ name: String, _ state: inout State
    ) {
        for child in node.entries.keys.sorted() {
            if let entry = node.entries[child] { removeTree(entry, node, child, &state) }
        }
        unlink(node, directory, name, &state)
    }

    private func unlink(
        _ node: InMemoryFileSystemNode, _ directory: InMemoryFileSystemNode, _ name: String, _ state: inout State
    ) {
        state.usedPages -= node.allocatedPages
        node.isLinked = false
        record(node, [.init(directory: directory, name: name, node: nil)], &state)
    }

    public func syncDirectory(_ path: String) throws(FileError) {
        try perform(.syncDirectory, path) { (state) throws(FileError) in
            state.makeNamesDurable(try state.directory(path, .syncDirectory))
        }
    }

    public func setModified(_ path: String, milliseconds: Int64) throws(FileError) {
        try perform(.setModified, path) { (state) throws(FileError) in
            guard let node = state.find(path) else {
                throw FileError(.notFound, code: 2, operation: "utimens", path: path)
            }
            node.modifiedMilliseconds = milliseconds
        }
    }

    public func lock(_ path: String) throws(FileError) -> any FileLock {
        let number = try perform(.lock, path) { (state) throws(FileError) -> UInt64 in
            let key = State.components(path).joined(separator: "/")
            guard state.locks[key] == nil else { throw FileError(.locked, code: 11, operation: "lock", path: path) }
            if state.find(path) == nil {
                let (directory, name) = try state.place(path, .lock)
                let node = makeNode(isDirectory: false)
                record(node, [.init(directory: directory, name: name, node: node)], &state)
            }
            state.lockCount += 1
            state.locks[key] = state.lockCount
            return state.lockCount
        }
        return Lock(owner: self, number: number)
    }

    public func space(_ path: String) throws(FileError) -> (usable: Int64, total: Int64) {
        try perform(.space, path) { (state) throws(FileError) in
            let total = min(state.capacityPages, 1 << 38)
            let pageSize = Int64(InMemoryFileSystemNode.pageSize)
            return (Int64(max(0, total - state.usedPages)) * pageSize, Int64(total) * pageSize)
        }
    }

    private final class Lock: FileLock {
        private let owner: InMemoryFileSystem
        private let number: UInt64

        init(owner: InMemoryFileSystem, number: UInt64) {
            self.owner = owner
            self.number = number
        }

        deinit { release() }

        func release() {
            owner.state.withLock { state in state.locks = state.locks.filter { $0.value != number } }
        }
    }

    // MARK: Names

    /// Changes names, and remembers the change until the directories are synced.
    private func record(
        _ subject: InMemoryFileSystemNode, _ edits: [NameChange.Edit], _ state: inout State
    ) {
        for edit in edits { edit.apply(to: \.entries) }
        if durability == .immediate {
            for edit in edits { edit.apply(to: \.durableEntries) }
            return
        }
        state.journal.append(NameChange(subject: subject, edits: edits))
        // As a kernel commits its journal in time, the oldest changes become durable by themselves.
        if state.journal.count > 100_000 {
            for change in state.journal.prefix(50_000) { for edit in change.edits { edit.apply(to: \.durableEntries) } }
            state.journal.removeFirst(50_000)
        }
    }
}
