// SPDX-License-Identifier: Apache-2.0
#if os(Linux)
    import CPlatform

    #if canImport(Glibc)
        import Glibc
    #else
        import Musl
    #endif

    /// Tells which of many sockets became ready: an epoll set with a descriptor of its own that Dispatch can watch.
    ///
    /// Edge-triggered: the kernel does not look at each socket once more to find that nothing is left, and a connection
    /// that is not read for a while needs no call to say so. Adding and modifying tell of what is ready at that time.
    ///
    /// `wake` may be called from any thread, everything else belongs to the reactor.
    final class Poller: @unchecked Sendable {
        /// Events taken by one `wait`; the rest come with the next.
        private static let eventsMax = 512
        private static let wakeToken = UInt64.max

        /// Readable while an event waits.
        let descriptor: Int32
        private let wakeDescriptor: Int32
        private let events = UnsafeMutablePointer<epoll_event>.allocate(capacity: eventsMax)

        init() throws(Errno) {
            descriptor = try Syscall.retry { epoll_create1(Int32(EPOLL_CLOEXEC)) }
            do throws(Errno) {
                wakeDescriptor = try Syscall.retry {
                    eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
                }
                // Every wake is one event, and nobody has to read the counter back.
                var event = epoll_event()
                event.events = EPOLLIN.rawValue | EPOLLET.rawValue
                event.data.u64 = Self.wakeToken
                let (poller, wakeUp) = (descriptor, wakeDescriptor)
                try Syscall.check { epoll_ctl(poller, EPOLL_CTL_ADD, wakeUp, &event) }
            } catch {
                Syscall.closeDescriptor(descriptor)
                events.deallocate()
                throw error
            }
        }

        deinit {
            Syscall.closeDescriptor(wakeDescriptor)
            Syscall.closeDescriptor(descriptor)
            events.deallocate()
        }

        func add(_ socket: Int32, token: UInt64, interest: Interest) throws(Errno) {
            try control(EPOLL_CTL_ADD, socket, token, interest)
        }

        func modify(_ socket: Int32, token: UInt64, interest: Interest) throws(Errno) {
            try control(EPOLL_CTL_MOD, socket, token, interest)
        }

        func remove(_ socket: Int32) {
            var unused = epoll_event()
            _ = epoll_ctl(descriptor, EPOLL_CTL_DEL, socket, &unused)
        }

        private func control(
            _ operation: Int32, _ socket: Int32, _ token: UInt64, _ interest: Interest
        ) throws(Errno) {
            var event = epoll_event()
            event.events = EPOLLET.rawValue
            if interest.contains(.read) { event.events |= EPOLLIN.rawValue | EPOLLRDHUP.rawValue }
            if interest.contains(.write) { event.events |= EPOLLOUT.rawValue }
            event.data.u64 = token
            try Syscall.check { epoll_ctl(descriptor, operation, socket, &event) }
        }

        /// Waits up to `timeout` milliseconds; returns how many events `event(_:)` can be asked for.
        func wait(timeout: Int32) -> Int {
            // Interrupted by a signal: nothing happened, the caller comes again.
            Int(max(0, cplatform_epoll_wait(descriptor, events, Int32(Self.eventsMax), timeout)))
        }

        /// nil for a wake-up.
        func event(_ index: Int) -> (token: UInt64, readiness: Readiness)? {
            let event = events[index]
            if event.data.u64 == Self.wakeToken { return nil }
            var readiness: Readiness = []
            if event.events & EPOLLIN.rawValue != 0 { readiness.insert(.read) }
            if event.events & EPOLLOUT.rawValue != 0 { readiness.insert(.write) }
            if event.events & EPOLLRDHUP.rawValue != 0 { readiness.insert(.ended) }
            if event.events & (EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 { readiness.insert(.broken) }
            return (event.data.u64, readiness)
        }

        func wake() {
            var one: UInt64 = 1
            // Fails only when the counter is full, and then a wake-up is pending anyway.
            _ = write(wakeDescriptor, &one, 8)
        }
    }
#endif
