// SPDX-License-Identifier: Apache-2.0
#if os(Linux)
    import CPlatform
    #if canImport(Glibc)
        import Glibc
    #else
        import Musl
    #endif

    // The function of the same name would hide this.
    private func systemFree(_ memory: UnsafeMutableRawPointer) { free(memory) }

    /// The system calls in which Linux and Darwin differ.
    enum Platform {
        /// Locks that belong to the open file, not to the process (since Linux 3.15).
        private static let lockOfOpenFile: Int32 = 37
        /// Where the page cache cannot be asked at once, one byte of every such stretch is tried: the kernel reads ahead in
        /// windows of at least this size, so what it holds it holds in stretches.
        private static let probeStride = 128 << 10

        /// Since Linux 6.16 ext4, as XFS before, keeps a file in pieces of many pages, as large as a write and the place where
        /// it begins allow. Each costs as much as copying a dozen pages; where all pieces are single pages, nothing is saved.
        static let growthUnit = kernelIsAtLeast(6, 16) ? 64 << 10 : 0

        private static func kernelIsAtLeast(_ major: Int, _ minor: Int) -> Bool {
            var names = utsname()
            guard uname(&names) == 0 else { return false }
            let release = withUnsafeBytes(of: &names.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            let numbers = release.split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
            guard numbers.count == 2 else { return false }
            return (numbers[0], numbers[1]) >= (major, minor)
        }

        static func modificationTime(of information: stat) -> timespec { information.st_mtim }

        static func reserve(_ descriptor: Int32, offset: Int64, length: Int64) {
            // Only a hint: file systems without it refuse.
            _ = cplatform_fallocate_keep_size(descriptor, off_t(offset), off_t(length))
        }

        static func syncData(_ descriptor: Int32) throws(Errno) { try Syscall.check { fdatasync(descriptor) } }

        static func lockExclusively(_ descriptor: Int32) throws(Errno) {
            var region = flock()
            region.l_type = Int16(F_WRLCK)
            region.l_whence = Int16(SEEK_SET)
            do throws(Errno) {
                try Syscall.check { fcntl(descriptor, lockOfOpenFile, &region) }
            } catch {
                guard error.code == EINVAL else { throw error }
                try Syscall.check { fcntl(descriptor, F_SETLK, &region) }
            }
        }

        /// Whether the page cache holds the range; true where that cannot be found out.
        static func isResident(_ descriptor: Int32, offset: Int64, count: Int) -> Bool {
            let pageSize = Int64(sysconf(Int32(_SC_PAGESIZE)))
            let firstPage = offset / pageSize
            let pages = (offset + Int64(count) + pageSize - 1) / pageSize - firstPage
            let cached = cplatform_cached_pages(
                descriptor, UInt64(firstPage * pageSize), UInt64(pages * pageSize))
            // The last page may lie past the end of the file.
            if cached >= 0 { return Int64(cached) >= pages }
            var position = offset
            let end = offset + Int64(count)
            while position < end {
                if !isByteResident(descriptor, at: position) { return false }
                position += Int64(probeStride)
            }
            return isByteResident(descriptor, at: end - 1)
        }

        private static func isByteResident(_ descriptor: Int32, at offset: Int64) -> Bool {
            var byte: UInt8 = 0
            return cplatform_pread_nowait(descriptor, &byte, 1, off_t(offset)) >= 0 || errno != EAGAIN
        }

        /// nil when the page cache does not hold the first byte.
        static func readResident(
            _ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer, at offset: Int64
        ) throws(Errno) -> Int? {
            do throws(Errno) {
                return try Syscall.retry {
                    cplatform_pread_nowait(descriptor, buffer.baseAddress, buffer.count, off_t(offset))
                }
            } catch {
                if error.isWouldBlock { return nil }
                // The file system cannot tell; an ordinary read is all there is.
                guard error.code == EOPNOTSUPP || error.code == ENOSYS else { throw error }
                return try Syscall.retry {
                    cplatform_pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset))
                }
            }
        }

        // MARK: Sockets

        static let streamSocket = Int32(SOCK_STREAM.rawValue)
        static let anonymousMapping = MAP_ANONYMOUS

        static func free(_ memory: UnsafeMutableRawPointer) { systemFree(memory) }

        /// A socket that neither blocks nor survives `exec`.
        static func makeSocket(family: Int32) throws(Errno) -> Int32 {
            let flags = Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
            return try Syscall.retry { socket(family, streamSocket | flags, 0) }
        }

        static func accept(
            _ listener: Int32, _ address: UnsafeMutablePointer<sockaddr>, _ length: UnsafeMutablePointer<socklen_t>
        ) -> Int32 { cplatform_accept4(listener, address, length) }

        /// Every send says MSG_NOSIGNAL instead.
        static func suppressBrokenPipeSignal(_ socket: Int32) {}

        /// Has the socket send as fast as its peer reads. Where the system's congestion control paces (BBR), a connection
        /// of this machine to itself costs up to three times the CPU; reno is in every kernel and allowed to everybody.
        static func stopPacing(_ socket: Int32) {
            let name: StaticString = "reno"
            setsockopt(socket, Int32(IPPROTO_TCP), TCP_CONGESTION, name.utf8Start, socklen_t(name.utf8CodeUnitCount))
        }

        /// Sends pieces of memory. With `moreFollows` the kernel may hold back the last, incomplete segment.
        static func send(
            _ socket: Int32, _ pieces: UnsafeMutableBufferPointer<iovec>, moreFollows: Bool
        ) throws(Errno) -> Int {
            let flags = Int32(MSG_NOSIGNAL) | (moreFollows ? Int32(MSG_MORE) : 0)
            if pieces.count == 1 {
                return try Syscall.retry { cplatform_send(socket, pieces[0].iov_base, pieces[0].iov_len, flags) }
            }
            var message = msghdr()
            message.msg_iov = pieces.baseAddress
            message.msg_iovlen = pieces.count
            return try Syscall.retry { cplatform_sendmsg(socket, &message, flags) }
        }

        /// Sends from a file; 0 when it has no bytes there.
        static func sendFile(
            _ socket: Int32, _ file: Int32, offset: Int64, count: Int
        ) throws(Errno) -> Int {
            var position = off_t(offset)
            return try Syscall.retry { sendfile(socket, file, &position, count) }
        }

        /// The process must not die of SIGPIPE: `sendfile` has no flag against it.
        static func ignoreBrokenPipeSignal() { signal(SIGPIPE, SIG_IGN) }

        /// Nor of a file that would outgrow the process's limit: the write then fails with EFBIG.
        static func ignoreFileSizeSignal() { signal(SIGXFSZ, SIG_IGN) }
    }
#endif
