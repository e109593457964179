// SPDX-License-Identifier: Apache-2.0
package import KafkaRuntime

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// Single parts, for programs that need one before, or without, a whole runtime.
extension DispatchRuntime {
    /// The file system of the operating system.
    package static func makeFileSystem() -> any FileSystem { PosixFileSystem() }

    /// The operating system's clocks.
    package static func makeClock() -> any Clock { SystemClock() }

    /// How many processors are online: the default number of reactors.
    package static var processorCount: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }
}
