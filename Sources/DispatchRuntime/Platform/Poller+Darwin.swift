// SPDX-License-Identifier: Apache-2.0
#if canImport(Darwin)
    import Darwin

    /// Tells which of many sockets became ready: a kernel queue with a descriptor of its own that Dispatch can watch.
    ///
    /// Each change is told once (`EV_CLEAR`); adding and modifying tell of what is ready at that time.
    ///
    /// `wake` may be called from any thread, everything else belongs to the reactor.
    final class Poller: @unchecked Sendable {
        /// Events taken by one `wait`; the rest come with the next.
        private static let eventsMax = 512
        private static let wakeIdentifier: UInt = 0

        /// Readable while an event waits.
        let descriptor: Int32
        private let events = UnsafeMutablePointer<kevent>.allocate(capacity: eventsMax)

        init() throws(Errno) {
            descriptor = try Syscall.retry { kqueue() }
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            do throws(Errno) {
                try change(Self.wakeIdentifier, EVFILT_USER, EV_ADD | EV_CLEAR, token: 0)
            } catch {
                Syscall.closeDescriptor(descriptor)
                events.deallocate()
                throw error
            }
        }

        deinit {
            Syscall.closeDescriptor(descriptor)
            events.deallocate()
        }

        func add(_ socket: Int32, token: UInt64, interest: Interest) throws(Errno) {
            try modify(socket, token: token, interest: interest)
        }

        func modify(_ socket: Int32, token: UInt64, interest: Interest) throws(Errno) {
            for (filter, wanted) in [(EVFILT_READ, Interest.read), (EVFILT_WRITE, .write)] {
                let flags = interest.contains(wanted) ? EV_ADD | EV_ENABLE : EV_ADD | EV_DISABLE
                // Room is there most of the time: it is told once, until somebody asks again.
                let mode = wanted == .write ? EV_DISPATCH : EV_CLEAR
                try change(UInt(socket), filter, flags | mode, token: token)
            }
        }

        func remove(_ socket: Int32) {
            try? change(UInt(socket), EVFILT_READ, EV_DELETE, token: 0)
            try? change(UInt(socket), EVFILT_WRITE, EV_DELETE, token: 0)
        }

        private func change(_ identifier: UInt, _ filter: Int32, _ flags: Int32, token: UInt64) throws(Errno) {
            var change = kevent(
                ident: identifier, filter: Int16(filter), flags: UInt16(flags), fflags: 0, data: 0,
                udata: UnsafeMutableRawPointer(bitPattern: UInt(token)))
            try Syscall.check { kevent(descriptor, &change, 1, nil, 0, nil) }
        }

        /// Waits up to `timeout` milliseconds; returns how many events `event(_:)` can be asked for.
        func wait(timeout: Int32) -> Int {
            var time = timespec(tv_sec: Int(timeout / 1_000), tv_nsec: Int(timeout % 1_000) * 1_000_000)
            // Interrupted by a signal: nothing happened, the caller comes again.
            return Int(max(0, kevent(descriptor, nil, 0, events, Int32(Self.eventsMax), &time)))
        }

        /// nil for a wake-up.
        func event(_ index: Int) -> (token: UInt64, readiness: Readiness)? {
            let event = events[index]
            if Int32(event.filter) == EVFILT_USER { return nil }
            var readiness: Readiness = Int32(event.filter) == EVFILT_READ ? .read : .write
            // Where the socket takes no output, both directions have ended, or this side after its last answer.
            if Int32(event.flags) & EV_EOF != 0 { readiness.insert(readiness == .read ? .ended : .broken) }
            return (UInt64(UInt(bitPattern: event.udata)), readiness)
        }

        func wake() {
            var change = kevent(
                ident: Self.wakeIdentifier, filter: Int16(EVFILT_USER), flags: 0, fflags: UInt32(NOTE_TRIGGER), data: 0,
                udata: nil)
            _ = kevent(descriptor, &change, 1, nil, 0, nil)
        }
    }
#endif
