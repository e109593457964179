// SPDX-License-Identifier: Apache-2.0
import Synchronization

extension InMemoryFileSystem {
    /// Calls made so far, failed ones included. Closing, reserving and asking for residence do not count.
    public var callCount: Int { state.withLock { $0.callCount } }

    /// Calls that were made to fail so far.
    public var faultCount: Int { state.withLock { $0.faultCount } }

    /// Files that are open in the present process.
    public var openFileCount: Int { state.withLock { $0.handles.count } }

    /// Fails the call after `number` more calls have been made (0: the next one) with `kind`, and only that one. A
    /// write that is made to fail may have written a part of itself.
    public func failCall(after number: Int, with kind: FileError.Kind) {
        state.withLock { state in
            let target = state.callCount + number + 1
            state.fault = { count, _, _ in count == target ? kind : nil }
        }
    }

    /// Fails every call from the one after `number` more calls on.
    public func failAllCalls(after number: Int, with kind: FileError.Kind) {
        state.withLock { state in
            let target = state.callCount + number + 1
            state.fault = { count, _, _ in count >= target ? kind : nil }
        }
    }

    /// Asks `decide` before every call, with the call's number (from 1), what it is and its path; what it returns
    /// fails the call. It runs under the file system's lock and must not use the file system. Nil stops failing.
    public func setFault(_ decide: (@Sendable (_ call: Int, Operation, _ path: String) -> FileError.Kind?)?) {
        state.withLock { $0.fault = decide }
    }

    /// Lets `random` decide what calls that are made to fail leave behind: how much of a write has been done, and of
    /// each page under a failing sync whether it reached the disk, stays to be written, or was dropped: then it counts
    /// as written although the disk has its old content, as on common file systems. Nil, as in the beginning: half of
    /// a write, and all pages stay to be written.
    public func setFaultRandom(_ random: (any RandomSource)?) {
        state.withLock { $0.faultRandom = random }
    }

    /// Limits what files may hold together, in bytes; writes beyond it throw `noSpace`. Nil lifts the limit.
    public func setCapacity(_ bytes: Int64?) {
        state.withLock { state in
            state.capacityPages = bytes.map { Int($0) / InMemoryFileSystemNode.pageSize } ?? Int.max
        }
    }

    /// Bytes that files hold together, in whole pages.
    public var usedBytes: Int64 { state.withLock { Int64($0.usedPages) * Int64(InMemoryFileSystemNode.pageSize) } }

    /// Limits how many files may be open at a time; opening one more throws `tooManyOpenFiles`. Nil lifts the limit.
    public func setOpenFileLimit(_ count: Int?) {
        state.withLock { $0.openFilesMax = count ?? Int.max }
    }

    /// Stops the world of the process after `number` more calls: that call may do a part of what it should (of a
    /// write), it and all later ones throw, and nothing changes any more until `crash` is called. This is how a process
    /// or a machine goes down in the middle of an operation of many calls.
    public func halt(after number: Int) {
        state.withLock { $0.haltAt = $0.callCount + number + 1 }
    }

    /// Orders a halt `number` calls behind the next one that `matches` says yes to (0: at that one): so it comes in the
    /// middle of what begins with such a call. `matches` runs under the file system's lock and must not use it.
    public func halt(
        after number: Int, behind matches: @escaping @Sendable (_ operation: Operation, _ path: String) -> Bool
    ) {
        state.withLock { $0.haltTrigger = HaltTrigger(calls: number, matches: matches) }
    }

    /// Forgets a halt that has not come yet.
    public func cancelHalt() {
        state.withLock { state in
            state.haltAt = nil
            state.haltTrigger = nil
        }
    }

    /// Runs `body` with calls that neither count towards a halt nor bring one about.
    public func withoutHalt(_ body: () -> Void) {
        let (left, trigger) = state.withLock { state in
            defer {
                state.haltAt = nil
                state.haltTrigger = nil
            }
            return (state.haltAt.map { $0 - state.callCount }, state.haltTrigger)
        }
        body()
        state.withLock { state in
            state.haltAt = left.map { $0 + state.callCount }
            state.haltTrigger = trigger
        }
    }

    /// How many calls there are until the halt; nil where none is ordered, or it has come.
    public var callsUntilHalt: Int? {
        state.withLock { state in state.isHalted ? nil : state.haltAt.map { $0 - state.callCount - 1 } }
    }

    /// Whether a halt has come.
    public var isHalted: Bool { state.withLock { $0.isHalted } }
}

extension InMemoryFileSystem.State {
    func checkHalt(_ operation: String, _ path: String) throws(FileError) {
        if isHalted { throw FileError(.inputOutput, operation: "\(operation) (after the end)", path: path) }
    }

    mutating func countCall(_ operation: InMemoryFileSystem.Operation, _ path: String) throws(FileError) {
        try checkHalt(operation.rawValue, path)
        callCount += 1
        if let trigger = haltTrigger, trigger.matches(operation, path) {
            haltTrigger = nil
            haltAt = callCount + trigger.calls
        }
        if callCount == haltAt {
            isHalted = true
            throw FileError(.inputOutput, operation: "\(operation) (at the end)", path: path)
        }
        guard let kind = fault?(callCount, operation, path) else { return }
        faultCount += 1
        throw FileError(kind, operation: "\(operation) (made to fail)", path: path)
    }

    mutating func takeSpace(
        pages: Int, _ operation: InMemoryFileSystem.Operation, _ path: String
    ) throws(FileError) {
        guard pages == 0 || usedPages + pages <= capacityPages else {
            throw FileError(.noSpace, code: 28, operation: "\(operation)", path: path)
        }
        usedPages += pages
    }

    /// How many of `count` bytes a write that fails has written.
    func partWritten(of count: Int) -> Int {
        guard let faultRandom else { return count / 2 }
        return Int(faultRandom.below(Int64(count) + 1))
    }

    mutating func sync(_ node: InMemoryFileSystemNode, _ path: String) throws(FileError) {
        do throws(FileError) {
            try countCall(.sync, path)
        } catch {
            if !isHalted { failSync(node) }
            throw error
        }
        node.sync()
    }

    private func failSync(_ node: InMemoryFileSystemNode) {
        guard let faultRandom else { return }
        node.failSync { _ in
            switch faultRandom.below(4) {
            case 0: .written
            case 1: .staysDirty
            default: .dropped
            }
        }
    }
}

/// Counts the open files of one process.
final class InMemoryFileSystemHandles: Sendable {
    private let number = Atomic<Int>(0)

    var count: Int { number.load(ordering: .relaxed) }
    func opened() { number.add(1, ordering: .relaxed) }
    func closed() { number.subtract(1, ordering: .relaxed) }
}
