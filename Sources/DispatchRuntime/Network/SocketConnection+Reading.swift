// SPDX-License-Identifier: Apache-2.0
import CPlatform
import KafkaRuntime

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Receiving: one read per event and, where there may be more, at the end of the round, into the reactor's scratch memory,
/// where whole frames are handled without a copy. Only the piece of a frame at the end is kept, in a buffer of the size that
/// the handler says it needs; a frame that is large is then read straight into it.
extension SocketConnection {
    /// Kept bytes up to this number are copied back in front of the next read, so that all is in one stretch again.
    private static let copiedBack = 64 << 10
    /// Bytes read behind a large frame: enough to see the size of the next one, few enough to copy.
    private static let surplusSize = 4 << 10
    /// A handler that leaves more than this without saying what it waits for will never go on.
    private static let undeclaredMax = 1 << 20

    /// Reads once and shows what came.
    func receive() {
        if input.count <= Self.copiedBack, input.needed <= Self.copiedBack {
            receiveIntoScratch()
        } else {
            receiveIntoBuffer()
        }
        finishReceiving()
    }

    /// What follows everything that was shown: the answers go out, soon.
    func finishReceiving() {
        guard isOpen else { return }
        if !output.isEmpty {
            // At once where reading was paused until the output is out, which it may be then.
            if isReading { planFlush() } else { flush() }
        } else if phase == .closingAfterSending {
            linger()
        }
    }

    private func receiveIntoScratch() {
        let kept = input.count
        let scratch = reactor.scratch
        if kept > 0 { scratch.copyMemory(from: UnsafeRawBufferPointer(input.bytes)) }
        let room = UnsafeMutableRawBufferPointer(rebasing: scratch[kept...])
        guard let count = take(of: room.count, { cplatform_read(descriptor, room.baseAddress, room.count) }) else {
            return
        }
        guard kept + count >= input.needed else {
            return keep(UnsafeRawBufferPointer(rebasing: room[..<count]))
        }
        input.release(pool: &reactor.pool)
        showScratch(UnsafeMutableRawBufferPointer(rebasing: scratch[..<(kept + count)]))
    }

    private func receiveIntoBuffer() {
        guard input.needed > input.count || input.count <= Self.undeclaredMax else {
            return close(.failed(NetworkError("\(remoteAddress): unused input without a declared need")))
        }
        guard input.makeRoom(Self.copiedBack, pool: &reactor.pool) else { return failForMemory() }
        let room = input.room
        let surplus = UnsafeMutableRawBufferPointer(rebasing: reactor.scratch[..<Self.surplusSize])
        let count = take(of: room.count + surplus.count) {
            withUnsafeTemporaryAllocation(of: iovec.self, capacity: 2) { pieces in
                pieces[0] = iovec(iov_base: room.baseAddress, iov_len: room.count)
                pieces[1] = iovec(iov_base: surplus.baseAddress, iov_len: surplus.count)
                return cplatform_readv(descriptor, pieces.baseAddress, 2)
            }
        }
        guard let count else { return }
        input.filled(min(count, room.count))
        let rest = UnsafeMutableRawBufferPointer(rebasing: surplus[..<max(0, count - room.count)])
        if input.isWorthShowing {
            showInput()
            guard isOpen else { return }
            if input.isEmpty, isReading {
                if rest.count > 0 { showScratch(rest) }
                return
            }
        }
        guard rest.count > 0 else { return }
        keep(UnsafeRawBufferPointer(rest))
        // The surplus may be all that was missing, and nothing else would show it.
        if isReading, input.isWorthShowing { showInput() }
    }

    /// Reads by `body`, which has room for a number of bytes; nil when nothing was read, the connection being closed where
    /// it has ended or failed.
    private func take(of room: Int, _ body: () -> Int) -> Int? {
        do throws(Errno) {
            let count = try Syscall.retry(body)
            if count == 0 {
                // What came with the end may have been answered in this round.
                flush()
                close(.peer)
                return nil
            }
            noteRead(count, of: room)
            lastActivity = reactor.now
            reactor.receivedUnanswered += count
            return count
        } catch {
            if error.isWouldBlock { noteNothingToRead() } else { fail("receive", error) }
            return nil
        }
    }

    /// Shows bytes in the reactor's scratch memory and keeps what is left of them.
    private func showScratch(_ bytes: UnsafeMutableRawBufferPointer) {
        let consumption = ask(bytes)
        guard isOpen, consumption.consumed < bytes.count else { return }
        keep(UnsafeRawBufferPointer(rebasing: bytes[consumption.consumed...]), needed: consumption.needed)
    }

    /// Shows the bytes that were kept.
    func showInput() {
        let consumption = ask(input.bytes)
        guard isOpen else { return }
        if !input.consume(consumption.consumed, needed: consumption.needed, pool: &reactor.pool) { failForMemory() }
    }

    private func ask(_ bytes: UnsafeMutableRawBufferPointer) -> Consumption {
        guard let handler else { return Consumption(consumed: bytes.count) }
        isShowing = true
        let consumption = handler.received(bytes)
        isShowing = false
        precondition(
            consumption.consumed >= 0 && consumption.consumed <= bytes.count && consumption.needed >= 0,
            "a handler uses only bytes it was shown")
        return consumption
    }

    private func keep(_ bytes: UnsafeRawBufferPointer, needed: Int? = nil) {
        if !input.append(bytes, needed: needed, pool: &reactor.pool) { failForMemory() }
    }

    func failForMemory() {
        close(.failed(NetworkError("\(remoteAddress): no memory for a buffer", code: ENOMEM)))
    }

    /// Throws away what a peer still sends after the end.
    func discardInput() {
        let scratch = reactor.scratch
        do throws(Errno) {
            let count = try Syscall.retry { cplatform_read(descriptor, scratch.baseAddress, scratch.count) }
            if count == 0 { close(.local) } else { noteRead(count, of: scratch.count) }
        } catch {
            if error.isWouldBlock { noteNothingToRead() } else { close(.local) }
        }
    }
}
