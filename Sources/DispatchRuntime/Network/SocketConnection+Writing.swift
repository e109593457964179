// SPDX-License-Identifier: Apache-2.0
import CPlatform
import DequeModule
import KafkaRuntime

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Sending: everything that was added during one event, or elsewhere in one round, goes out in as few calls as possible.
extension SocketConnection {
    /// Pieces of memory in one call.
    private static let piecesMax = 16
    /// Bytes of files sent before other connections have their turn.
    private static let fileBytesPerTurn = 1 << 20
    /// File ranges up to this size are read into the output: cheaper than a call of their own.
    private static let copiedRange = 64 << 10

    private enum Step {
        case moved
        /// Waits, or is closed.
        case stopped
    }

    var unsentBytes: Int { output.count }

    // MARK: Adding

    func send(_ bytes: UnsafeRawBufferPointer) {
        guard phase == .open, bytes.count > 0 else { return }
        guard output.append(bytes, pool: &reactor.pool) else { return failForMemory() }
        planFlush()
    }

    func sendFile(_ file: any File, offset: Int64, count: Int) {
        guard phase == .open, count > 0 else { return }
        let posix = file as? PosixFile
        do throws(FileError) {
            let copied = try count <= Self.copiedRange ? copy(file, posix, offset: offset, count: count) : 0
            if copied < count {
                try addRange(file, posix, offset: offset + Int64(copied), count: count - copied)
            }
        } catch { return fail(error) }
        planFlush()
    }

    /// Copies what the page cache holds of the range; returns how many bytes.
    private func copy(_ file: any File, _ posix: PosixFile?, offset: Int64, count: Int) throws(FileError) -> Int {
        guard let room = output.contiguousRoom(count, pool: &reactor.pool) else {
            throw FileError(.inputOutput, code: ENOMEM, operation: "send", path: file.path)
        }
        let target = UnsafeMutableRawBufferPointer(rebasing: room[..<count])
        let copied =
            if let posix { try posix.readResident(into: target, at: offset) ?? 0 } else {
                try file.read(into: target, at: offset)
            }
        output.filled(copied)
        return copied
    }

    private func addRange(_ file: any File, _ posix: PosixFile?, offset: Int64, count: Int) throws(FileError) {
        var source = FileRange.Source.other(file)
        if let posix {
            guard let pinned = PinnedFile(posix) else {
                throw FileError(.inputOutput, code: EBADF, operation: "send", path: file.path)
            }
            source = .posix(pinned)
        }
        output.append(FileRange(source: source, offset: offset, count: count))
    }

    private func fail(_ error: FileError) {
        // Of what happens here only this is the file's own failure.
        let isOfFile = error.code == EIO
        close(.failed(NetworkError(error.description, code: error.code, file: isOfFile ? error : nil)))
    }

    // MARK: Sending

    /// Sends as much as the operating system takes.
    func flush() {
        flushBegins()
        guard isOpen, outputWait == .nothing, !output.isEmpty else { return }
        var fileBudget = Self.fileBytesPerTurn
        while !output.isEmpty {
            let step: Step
            if let range = output.frontFile {
                guard fileBudget > 0 else { return planFlush() }
                step = sendRange(range, budget: &fileBudget)
            } else {
                step = sendBytes()
            }
            if step == .stopped { return }
        }
        if phase == .closingAfterSending { return linger() }
        handler?.drained()
    }

    private func sendBytes() -> Step {
        withUnsafeTemporaryAllocation(of: iovec.self, capacity: Self.piecesMax) { pieces in
            var used = 0
            var total = 0
            var fileFollows = false
            func add(_ chunk: OutputQueue.Chunk) {
                pieces[used] = iovec(iov_base: chunk.memory.baseAddress! + chunk.start, iov_len: chunk.count)
                used += 1
                total += chunk.count
            }
            // Mostly there is nothing but the tail, and a loop over nothing costs as much as one over something.
            if !output.queue.isEmpty {
                for piece in output.queue {
                    guard case .bytes(let chunk) = piece, used < Self.piecesMax else {
                        fileFollows = true
                        break
                    }
                    add(chunk)
                }
            }
            if !fileFollows, used < Self.piecesMax, let tail = output.tail { add(tail) }
            do throws(Errno) {
                let batch = UnsafeMutableBufferPointer(rebasing: pieces[..<used])
                let sent = try Platform.send(descriptor, batch, moreFollows: fileFollows)
                lastActivity = reactor.now
                output.consumeBytes(sent, pool: &reactor.pool)
                if sent == total { return .moved }
            } catch {
                guard error.isWouldBlock else {
                    fail("send", error)
                    return .stopped
                }
            }
            wait(for: .room)
            return .stopped
        }
    }

    private func sendRange(_ range: FileRange, budget: inout Int) -> Step {
        let slice = min(range.count, budget)
        budget -= slice
        switch range.source {
        case .posix(let pinned): return sendPinned(pinned, range, slice: slice)
        case .other(let file): return readRange(file, range)
        }
    }

    private func sendPinned(_ pinned: PinnedFile, _ range: FileRange, slice: Int) -> Step {
        let end = range.offset + Int64(slice)
        if end > range.residentEnd {
            guard pinned.file.isResident(offset: range.offset, count: slice) else {
                fillPageCache(pinned, offset: range.offset, count: slice)
                return .stopped
            }
            output.noteResident(upTo: end)
        }
        do throws(Errno) {
            let sent = try Platform.sendFile(descriptor, pinned.descriptor, offset: range.offset, count: slice)
            guard sent > 0 else {
                fail(
                    FileError(.inputOutput, operation: "send (the file ends before the range)", path: pinned.file.path))
                return .stopped
            }
            lastActivity = reactor.now
            output.consumeFile(sent)
            if sent == slice { return .moved }
        } catch {
            guard error.isWouldBlock else {
                if error.code == EIO {
                    fail(error.fileError("sendfile", pinned.file.path))
                } else {
                    fail("send a file", error)
                }
                return .stopped
            }
        }
        wait(for: .room)
        return .stopped
    }

    /// Reads the range's next bytes into memory, for files that the operating system does not know.
    private func readRange(_ file: any File, _ range: FileRange) -> Step {
        guard let memory = reactor.pool.acquire(min(range.count, OutputQueue.chunkSize)) else {
            failForMemory()
            return .stopped
        }
        let target = UnsafeMutableRawBufferPointer(rebasing: memory[..<min(range.count, memory.count)])
        do throws(FileError) {
            let count = try file.read(into: target, at: range.offset)
            guard count > 0 else {
                throw FileError(.inputOutput, operation: "send (the file ends before the range)", path: file.path)
            }
            output.replaceFrontFile(with: OutputQueue.Chunk(memory: memory, end: count))
            return .moved
        } catch {
            reactor.pool.release(memory)
            fail(error)
            return .stopped
        }
    }

    // MARK: Cold files

    /// Has a background thread read the slice, so that the reactor need not wait for the disk.
    private func fillPageCache(_ pinned: PinnedFile, offset: Int64, count: Int) {
        wait(for: .disk)
        let reactor = self.reactor
        reactor.blocking.run { [self] in
            pinned.file.fillPageCache(offset: offset, count: count)
            reactor.async { [self] in
                guard isOpen else { return }
                output.noteResident(upTo: offset + Int64(count))
                wait(for: .nothing)
                flush()
            }
        }
    }
}
