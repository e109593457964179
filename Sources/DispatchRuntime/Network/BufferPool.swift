// SPDX-License-Identifier: Apache-2.0
import CPlatform

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// One reactor's buffers of 512 bytes and every power of two above.
///
/// Large ones come from the operating system page by page, so that memory that was never touched costs nothing and
/// memory given back is really free.
struct BufferPool: ~Copyable {
    private static let smallestClass = 9
    /// Buffers from this size (64 KiB) on are mapped.
    private static let mappedClass = 16
    /// Buffers above this size (4 MiB) are not kept.
    private static let largestKeptClass = 22
    private static let keptBytesMax = 8 << 20

    private var free: [[UnsafeMutableRawPointer]] = Array(
        repeating: [], count: largestKeptClass - smallestClass + 1)
    /// Bytes that wait for their next use.
    private(set) var keptBytes = 0

    deinit {
        for (index, buffers) in free.enumerated() {
            for buffer in buffers { Self.deallocate(buffer, class: index + Self.smallestClass) }
        }
    }

    /// At least `minimum` bytes, not initialised; nil when the operating system has no memory.
    mutating func acquire(_ minimum: Int) -> UnsafeMutableRawBufferPointer? {
        let sizeClass = Self.sizeClass(minimum)
        let size = 1 << sizeClass
        if sizeClass <= Self.largestKeptClass, let buffer = free[sizeClass - Self.smallestClass].popLast() {
            keptBytes -= size
            return UnsafeMutableRawBufferPointer(start: buffer, count: size)
        }
        return Self.allocate(class: sizeClass).map { UnsafeMutableRawBufferPointer(start: $0, count: size) }
    }

    /// Takes back a buffer exactly as `acquire` gave it.
    mutating func release(_ buffer: UnsafeMutableRawBufferPointer) {
        guard let base = buffer.baseAddress else { return }
        let sizeClass = Self.sizeClass(buffer.count)
        if sizeClass <= Self.largestKeptClass, keptBytes + buffer.count <= Self.keptBytesMax {
            free[sizeClass - Self.smallestClass].append(base)
            keptBytes += buffer.count
        } else {
            Self.deallocate(base, class: sizeClass)
        }
    }

    /// Gives kept buffers back to the operating system, the largest first, until at most `limit` bytes are kept.
    mutating func trim(to limit: Int) {
        var index = free.count - 1
        while keptBytes > limit, index >= 0 {
            guard let buffer = free[index].popLast() else {
                index -= 1
                continue
            }
            Self.deallocate(buffer, class: index + Self.smallestClass)
            keptBytes -= 1 << (index + Self.smallestClass)
        }
    }

    private static func sizeClass(_ bytes: Int) -> Int {
        max(smallestClass, Int.bitWidth - max(1, bytes - 1).leadingZeroBitCount)
    }

    private static func allocate(class sizeClass: Int) -> UnsafeMutableRawPointer? {
        if sizeClass < mappedClass { return malloc(1 << sizeClass) }
        let address = mmap(nil, 1 << sizeClass, PROT_READ | PROT_WRITE, MAP_PRIVATE | Platform.anonymousMapping, -1, 0)
        return address == MAP_FAILED ? nil : address
    }

    private static func deallocate(_ buffer: UnsafeMutableRawPointer, class sizeClass: Int) {
        if sizeClass < mappedClass { Platform.free(buffer) } else { munmap(buffer, 1 << sizeClass) }
    }
}
