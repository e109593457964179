// SPDX-License-Identifier: Apache-2.0
import Foundation
import KafkaStorage

/// The bare system calls.
enum Machine {
    /// A file that is removed when its holder lets go of it.
    final class RawFile {
        let descriptor: Int32
        private let path: String?

        init(creating path: String) throws {
            descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC, 0o644)
            self.path = path
            guard descriptor >= 0 else { throw BenchmarkError("cannot create \(path)") }
        }

        init(reading path: String) throws {
            descriptor = open(path, O_RDONLY)
            self.path = nil
            guard descriptor >= 0 else { throw BenchmarkError("cannot open \(path)") }
        }

        deinit {
            close(descriptor)
            if let path { unlink(path) }
        }

        var size: Int { Int(lseek(descriptor, 0, SEEK_END)) }
    }

    /// Writes `bytes` again and again for `seconds`, at most `limit` bytes; MB/s.
    static func write(_ bytes: [UInt8], in directory: String, seconds: Double, limit: Int) throws -> Double {
        let file = try RawFile(creating: directory + "/raw")
        return bytes.withUnsafeBytes { bytes in
            measure(seconds, limit / bytes.count) { call in
                _ = pwrite(file.descriptor, bytes.baseAddress!, bytes.count, off_t(call * bytes.count))
                return bytes.count
            }
        }
    }

    /// Writes and syncs `bytes` again and again; times a second.
    static func sync(_ bytes: [UInt8], in directory: String, seconds: Double) throws -> Double {
        let file = try RawFile(creating: directory + "/raw")
        return bytes.withUnsafeBytes { bytes in
            measure(seconds, .max) { call in
                _ = pwrite(file.descriptor, bytes.baseAddress!, bytes.count, off_t(call * bytes.count))
                fdatasync(file.descriptor)
                return 1_000_000
            }
        }
    }

    /// Reads `count` bytes at the places that `position` gives; MB/s.
    static func read(_ path: String, count: Int, seconds: Double, _ position: (Int, Int) -> Int) throws -> Double {
        let file = try RawFile(reading: path)
        let size = file.size
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 4096)
        defer { buffer.deallocate() }
        return measure(seconds, .max) { call in
            pread(file.descriptor, buffer.baseAddress!, count, off_t(position(call, size)))
        }
    }

    /// Reads a file once and computes CRC-32C over all of it; MB/s.
    static func checksum(_ path: String) throws -> Double {
        let file = try RawFile(reading: path)
        let size = file.size
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
        defer { buffer.deallocate() }
        let begin = now()
        var (done, crc) = (0, UInt32(0))
        while done < size {
            let count = pread(file.descriptor, buffer.baseAddress!, buffer.count, off_t(done))
            guard count > 0 else { throw BenchmarkError("short read of \(path)") }
            crc = CRC32C.checksum(UnsafeRawBufferPointer(rebasing: buffer[..<count]), continuing: crc)
            done += count
        }
        return Double(size) / (now() - begin) / 1e6
    }

    /// Calls `body` for `seconds`; the sum of what it returns a second, in millions.
    static func measure(_ seconds: Double, _ limit: Int, _ body: (Int) -> Int) -> Double {
        let begin = now()
        var (call, sum) = (0, 0)
        while call < limit {
            sum += body(call)
            call += 1
            if call % 16 == 0 || seconds < 0.01, now() - begin >= seconds { break }
        }
        return Double(sum) / (now() - begin) / 1e6
    }
}

/// A directory of its own for one measurement.
final class Scratch {
    let path: String

    init(_ options: Options) throws {
        path = options.directory + "/swiftkafka-bench-storage-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

extension Process {
    /// A field of /proc/self/status in MB.
    static func megabytes(_ field: String) -> Double {
        let text = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix(field + ":") }
        return (line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Double($0) } ?? 0) / 1024
    }
}
