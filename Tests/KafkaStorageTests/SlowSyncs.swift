// SPDX-License-Identifier: Apache-2.0
import Dispatch
import Foundation
import KafkaRuntime
import Synchronization

/// Files whose logs sync as slowly as the test wants, and which remember how much was written when each sync began.
final class SlowSyncs: FileSystem {
    private struct State {
        var begun = 0
        /// The bytes of a log file that were there when a sync began that has ended well; the most of all.
        var covered: Int64 = 0
        var isHeld = false
        var failing: Set<Int> = []
        var blocked = 0
        var threads: [pthread_t] = []
    }

    private let files: any FileSystem
    private let state = Mutex(State())
    private let gate = DispatchSemaphore(value: 0)

    init(_ files: any FileSystem) { self.files = files }

    /// The bytes of the log file that are on disk for sure.
    var covered: Int64 { state.withLock { $0.covered } }
    /// Syncs of log files.
    var begunCount: Int { state.withLock { $0.begun } }
    /// Has every sync wait from now on.
    func hold() { state.withLock { $0.isHeld = true } }
    /// Whether somebody waits in a sync.
    var isHolding: Bool { state.withLock { $0.blocked > 0 } }

    /// Who made each sync.
    var threads: [pthread_t] { state.withLock { $0.threads } }

    /// Lets go of who waits in a sync; the next one waits again.
    func letOneGo() {
        let waits = state.withLock { state in
            defer { state.blocked = max(0, state.blocked - 1) }
            return state.blocked > 0
        }
        if waits { gate.signal() }
    }

    /// Lets go of who waits in a sync, and of all who come.
    func release() {
        let blocked = state.withLock { state in
            state.isHeld = false
            defer { state.blocked = 0 }
            return state.blocked
        }
        for _ in 0..<blocked { gate.signal() }
    }

    /// Has the sync of that number (from 1) fail.
    func fail(_ number: Int) { state.withLock { _ = $0.failing.insert(number) } }

    fileprivate func sync(_ file: any File) throws(FileError) {
        guard file.path.hasSuffix(".log") else { return try file.sync() }
        let size = try file.size()
        let (waits, fails) = state.withLock { state in
            state.begun += 1
            state.threads.append(pthread_self())
            if state.isHeld { state.blocked += 1 }
            return (state.isHeld, state.failing.contains(state.begun))
        }
        if waits { gate.wait() }
        if fails { throw FileError(.inputOutput, operation: "fdatasync", path: file.path) }
        try file.sync()
        state.withLock { $0.covered = max($0.covered, size) }
    }

    func open(_ path: String, _ mode: OpenMode) throws(FileError) -> any File {
        SlowFile(try files.open(path, mode), self)
    }
    func status(_ path: String) throws(FileError) -> FileStatus? { try files.status(path) }
    func createDirectory(_ path: String) throws(FileError) { try files.createDirectory(path) }
    func list(_ path: String) throws(FileError) -> [String] { try files.list(path) }
    func rename(_ source: String, to target: String) throws(FileError) { try files.rename(source, to: target) }
    func remove(_ path: String) throws(FileError) { try files.remove(path) }
    func removeTree(_ path: String) throws(FileError) { try files.removeTree(path) }
    func syncDirectory(_ path: String) throws(FileError) { try files.syncDirectory(path) }
    func setModified(_ path: String, milliseconds: Int64) throws(FileError) {
        try files.setModified(path, milliseconds: milliseconds)
    }
    func lock(_ path: String) throws(FileError) -> any FileLock { try files.lock(path) }
    func space(_ path: String) throws(FileError) -> (usable: Int64, total: Int64) { try files.space(path) }
}

private final class SlowFile: File {
    private let file: any File
    private let owner: SlowSyncs

    init(_ file: any File, _ owner: SlowSyncs) {
        self.file = file
        self.owner = owner
    }

    var path: String { file.path }
    func size() throws(FileError) -> Int64 { try file.size() }
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(FileError) -> Int {
        try file.read(into: buffer, at: offset)
    }
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(FileError) {
        try file.write(bytes, at: offset)
    }
    func reserve(offset: Int64, length: Int64) { file.reserve(offset: offset, length: length) }
    func truncate(to size: Int64) throws(FileError) { try file.truncate(to: size) }
    func sync() throws(FileError) { try owner.sync(file) }
    func isResident(offset: Int64, count: Int) -> Bool { file.isResident(offset: offset, count: count) }
    func close() { file.close() }
}
