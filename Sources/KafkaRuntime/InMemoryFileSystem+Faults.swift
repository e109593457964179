// SPDX-License-Identifier: Apache-2.0
import Synchronization

extension InMemoryFileSystem {
    /// Calls made so far, failed ones included. Closing, reserving and asking for residence do not count.
    public var callCount: Int { state.withLock { $0.callCount } }

    /// Calls that were made to fail so far.
    public var faultCount: Int { state.withLock { $0.faultCount } }

    /// Fails the call after `number` more calls have been made (0: the next one) with `kind`, and only that one. A
    /// write that is made to fail may have written its first half.
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

    /// Limits what files may hold together, in bytes; writes beyond it throw `noSpace`. Nil lifts the limit.
    public func setCapacity(_ bytes: Int64?) {
        state.withLock { state in
            state.capacityPages = bytes.map { Int($0) / InMemoryFileSystemNode.pageSize } ?? Int.max
        }
    }
}

extension InMemoryFileSystem.State {
    mutating func countCall(_ operation: InMemoryFileSystem.Operation, _ path: String) throws(FileError) {
        callCount += 1
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
}
