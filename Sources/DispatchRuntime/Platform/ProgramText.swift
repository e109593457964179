// SPDX-License-Identifier: Apache-2.0
#if os(Linux)
    import CPlatform

    #if canImport(Glibc)
        import Glibc
    #else
        import Musl
    #endif
#endif

/// The program's own code and constants in memory.
package enum ProgramText {
    /// Gives back the pages that only the start needed, which is most of what an idle broker holds in memory. The kernel
    /// maps them again, from the page cache, when they are used.
    ///
    /// For the process that is nothing but a broker. Does nothing in a debug build, where the pages may have been written
    /// to (a debugger's breakpoints), and on other systems.
    package static func giveBackPages() {
        #if os(Linux) && !DEBUG
            // What is written at run time, relocations for one, lies behind the text.
            let pageMask = UInt(sysconf(Int32(_SC_PAGESIZE))) - 1
            let start = (UInt(cplatform_program_text_start()) + pageMask) & ~pageMask
            let end = UInt(cplatform_program_text_end()) & ~pageMask
            guard end > start, let address = UnsafeMutableRawPointer(bitPattern: start) else { return }
            madvise(address, Int(end - start), MADV_DONTNEED)
        #endif
    }
}
