// SPDX-License-Identifier: Apache-2.0
package import KafkaRuntime

#if canImport(Glibc)
    // `timeval`, in an optimised build.
    internal import CPlatform
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

extension DispatchRuntime {
    /// What the operating system says about this process. Blocks for some microseconds.
    package static func processStatistics() -> ProcessStatistics {
        var usage = rusage()
        #if canImport(Glibc)
            getrusage(RUSAGE_SELF.rawValue, &usage)
        #else
            getrusage(RUSAGE_SELF, &usage)
        #endif
        let seconds = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec
        let microseconds = Int(usage.ru_utime.tv_usec) + Int(usage.ru_stime.tv_usec)
        return ProcessStatistics(
            residentMemory: residentMemory(usage), cpuSeconds: Double(seconds) + Double(microseconds) / 1e6,
            openDescriptors: openDescriptors(), maxDescriptors: OpenFileLimit.current)
    }

    /// Bytes: what is in RAM now, or where that cannot be found out the most there ever was.
    private static func residentMemory(_ usage: rusage) -> Int64 {
        #if os(Linux)
            let text = firstBytes(of: "/proc/self/statm")
            let fields = text.split(separator: UInt8(ascii: " "))
            if fields.count > 1, let pages = Int64(String(decoding: fields[1], as: UTF8.self)) {
                return pages * Int64(sysconf(Int32(_SC_PAGESIZE)))
            }
            return Int64(usage.ru_maxrss) << 10
        #else
            return Int64(usage.ru_maxrss)
        #endif
    }

    private static func firstBytes(of path: String) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        return [UInt8](unsafeUninitializedCapacity: 256) { buffer, count in
            count = max(0, read(descriptor, buffer.baseAddress, buffer.count))
        }
    }

    /// Those in the process's table of descriptors, without the one used to look.
    private static func openDescriptors() -> Int64 {
        #if os(Linux)
            let path = "/proc/self/fd"
        #else
            let path = "/dev/fd"
        #endif
        guard let directory = opendir(path) else { return -1 }
        defer { closedir(directory) }
        var count: Int64 = 0
        while readdir(directory) != nil { count += 1 }
        // ".", ".." and the directory itself.
        return max(0, count - 3)
    }
}
