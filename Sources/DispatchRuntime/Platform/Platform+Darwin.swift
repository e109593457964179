// SPDX-License-Identifier: Apache-2.0
#if canImport(Darwin)
    import Darwin

    // The functions of the same name would hide these.
    private func systemFree(_ memory: UnsafeMutableRawPointer) { free(memory) }

    private func systemAccept(
        _ listener: Int32, _ address: UnsafeMutablePointer<sockaddr>, _ length: UnsafeMutablePointer<socklen_t>
    ) -> Int32 { accept(listener, address, length) }

    /// The system calls in which Linux and Darwin differ. This side exists for development on macOS; what is measured
    /// and deployed is Linux.
    enum Platform {
        static let growthUnit = 0

        static func modificationTime(of information: stat) -> timespec { information.st_mtimespec }

        static func reserve(_ descriptor: Int32, offset: Int64, length: Int64) {
            var information = stat()
            guard fstat(descriptor, &information) == 0 else { return }
            // Counted from the end of what is allocated, so the part before it must not be asked for again.
            let missing = offset + length - Int64(information.st_blocks) * 512
            guard missing > 0 else { return }
            var request = fstore_t(
                fst_flags: UInt32(F_ALLOCATEALL), fst_posmode: F_PEOFPOSMODE, fst_offset: 0, fst_length: off_t(missing),
                fst_bytesalloc: 0)
            _ = fcntl(descriptor, F_PREALLOCATE, &request)
        }

        /// `fsync` leaves the data in the drive's cache on this platform.
        static func syncData(_ descriptor: Int32) throws(Errno) {
            try Syscall.check { fcntl(descriptor, F_FULLFSYNC) }
        }

        static func lockExclusively(_ descriptor: Int32) throws(Errno) {
            var region = flock()
            region.l_type = Int16(F_WRLCK)
            region.l_whence = Int16(SEEK_SET)
            try Syscall.check { fcntl(descriptor, F_SETLK, &region) }
        }

        /// Whether the page cache holds the range; true where that cannot be found out.
        static func isResident(_ descriptor: Int32, offset: Int64, count: Int) -> Bool {
            let pageSize = Int64(sysconf(_SC_PAGESIZE))
            let start = offset / pageSize * pageSize
            let length = Int(offset - start) + count
            guard let address = mmap(nil, length, PROT_READ, MAP_SHARED, descriptor, off_t(start)),
                address != MAP_FAILED
            else { return true }
            defer { munmap(address, length) }
            let pages = (length + Int(pageSize) - 1) / Int(pageSize)
            return withUnsafeTemporaryAllocation(of: CChar.self, capacity: pages) { states in
                guard mincore(address, length, states.baseAddress) == 0 else { return true }
                return states.allSatisfy { Int32($0) & MINCORE_INCORE != 0 }
            }
        }

        /// nil when the page cache does not hold the range.
        static func readResident(
            _ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer, at offset: Int64
        ) throws(Errno) -> Int? {
            guard isResident(descriptor, offset: offset, count: buffer.count) else { return nil }
            return try Syscall.retry { pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset)) }
        }

        // MARK: Sockets

        static let streamSocket = SOCK_STREAM
        static let anonymousMapping = MAP_ANON

        static func free(_ memory: UnsafeMutableRawPointer) { systemFree(memory) }

        /// A socket that neither blocks nor survives `exec`.
        static func makeSocket(family: Int32) throws(Errno) -> Int32 {
            let made = try Syscall.retry { socket(family, streamSocket, 0) }
            prepare(made)
            return made
        }

        static func accept(
            _ listener: Int32, _ address: UnsafeMutablePointer<sockaddr>, _ length: UnsafeMutablePointer<socklen_t>
        ) -> Int32 {
            let accepted = systemAccept(listener, address, length)
            if accepted >= 0 { prepare(accepted) }
            return accepted
        }

        private static func prepare(_ socket: Int32) {
            _ = fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK)
            _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
        }

        static func suppressBrokenPipeSignal(_ socket: Int32) {
            try? SocketOptions.set(socket, SOL_SOCKET, SO_NOSIGPIPE, 1)
        }

        /// Nothing paces here.
        static func stopPacing(_ socket: Int32) {}

        /// Sends pieces of memory. There is no way to hold back the last segment here.
        static func send(
            _ socket: Int32, _ pieces: UnsafeMutableBufferPointer<iovec>, moreFollows: Bool
        ) throws(Errno) -> Int {
            try Syscall.retry { writev(socket, pieces.baseAddress, Int32(pieces.count)) }
        }

        /// Sends from a file; 0 when it has no bytes there.
        static func sendFile(_ socket: Int32, _ file: Int32, offset: Int64, count: Int) throws(Errno) -> Int {
            var length = off_t(count)
            let result = sendfile(file, socket, off_t(offset), &length, nil, 0)
            // Interrupted or out of room after a part was sent: that part counts.
            if result == 0 || length > 0 { return Int(length) }
            throw Errno(code: errno == EINTR ? EAGAIN : errno)
        }

        /// The process must not die of SIGPIPE.
        static func ignoreBrokenPipeSignal() { signal(SIGPIPE, SIG_IGN) }

        /// Nor of a file that would outgrow the process's limit: the write then fails with EFBIG.
        static func ignoreFileSizeSignal() { signal(SIGXFSZ, SIG_IGN) }
    }
#endif
