// SPDX-License-Identifier: Apache-2.0
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// How many files and sockets the process may have open.
package enum OpenFileLimit {
    #if canImport(Glibc)
        private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
        private static let resource = Int32(RLIMIT_NOFILE)
    #endif

    /// What holds now; −1 where that cannot be found out.
    static var current: Int64 {
        var limit = rlimit()
        return getrlimit(resource, &limit) == 0 ? Int64(clamping: limit.rlim_cur) : -1
    }

    /// Raises the limit as far as the system lets a process without privileges; returns what holds then. For the process
    /// that is nothing but a broker.
    @discardableResult
    package static func raise() -> UInt64 {
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return 0 }
        guard limit.rlim_cur < limit.rlim_max else { return UInt64(limit.rlim_cur) }
        var raised = limit
        #if canImport(Darwin)
            // More is refused there, whatever the hard limit says.
            raised.rlim_cur = min(limit.rlim_max, rlim_t(OPEN_MAX))
        #else
            raised.rlim_cur = limit.rlim_max
        #endif
        return UInt64(setrlimit(resource, &raised) == 0 ? raised.rlim_cur : limit.rlim_cur)
    }
}
