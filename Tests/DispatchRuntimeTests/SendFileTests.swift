// SPDX-License-Identifier: Apache-2.0
import DispatchRuntime
import Foundation
import KafkaRuntime
import Testing

@Suite struct SendFileTests {
    private let directory: TemporaryDirectory
    private let files = PosixFileSystem()

    init() throws { directory = try TemporaryDirectory() }

    private func makeFile(_ count: Int) throws -> any File {
        let file = try files.open(directory.file("data"), .createNew)
        try file.write(pattern(count), at: 0)
        return file
    }

    /// Answers each frame with its bytes, the range of the file, and a trailer, as a fetch response has them; an empty one
    /// with an empty one.
    private func server(_ file: any File, offset: Int64, count: Int) throws -> TestServer {
        try TestServer { handler, payload in
            if payload.isEmpty { return handler.reply([]) }
            let head = withUnsafeBytes(of: UInt32(payload.count + count + 3).bigEndian) { Array($0) } + payload
            head.withUnsafeBytes { handler.connection.send($0) }
            handler.connection.sendFile(file, offset: offset, count: count)
            ([7, 8, 9] as [UInt8]).withUnsafeBytes { handler.connection.send($0) }
        }
    }

    @Test(arguments: [1, 1_024, 65_536, 65_537, 1 << 20, (1 << 20) + 1, 8 << 20])
    func `a range arrives byte for byte between head and tail`(count: Int) throws {
        let file = try makeFile(count + 5_000)
        let server = try server(file, offset: 4_321, count: count)
        let client = try server.client()
        for round in 0..<3 {
            try client.sendFrame([UInt8(round)])
            let answer = try client.receiveFrame()
            #expect(answer.first == UInt8(round))
            #expect(answer.dropFirst().dropLast(3).elementsEqual(pattern(count, seed: 4_321)))
            #expect(answer.suffix(3).elementsEqual([7, 8, 9]))
        }
    }

    @Test func `pipelined ranges to a slow reader stay in order`() throws {
        let file = try makeFile(3 << 20)
        let server = try server(file, offset: 0, count: 3 << 20)
        let client = try server.client(receiveBuffer: 32 << 10)
        try client.send((0..<6).flatMap { frame([UInt8($0)]) })
        usleep(50_000)
        for round in 0..<6 {
            let answer = try client.receiveFrame()
            #expect(answer.first == UInt8(round))
            #expect(answer.dropFirst().dropLast(3).elementsEqual(pattern(3 << 20)))
        }
    }

    @Test(arguments: [60_000, 500_000, 4 << 20])
    func `data that left the page cache is read in the background and sent whole`(count: Int) throws {
        let file = try makeFile(count)
        try file.sync()
        let descriptor = open(file.path, O_RDONLY)
        #expect(posix_fadvise(descriptor, 0, 0, Int32(POSIX_FADV_DONTNEED)) == 0)
        close(descriptor)
        // Some file systems keep everything in memory; then this shows no more than the test above. Of a small range the
        // page cache is asked first, which may have the operating system read it in by itself.
        let isCold = count > 64 << 10 && !file.isResident(offset: 0, count: count)
        let server = try server(file, offset: 0, count: count)
        let client = try server.client()
        let (areBusy, mayGoOn) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        for _ in 0..<TestServer.blockingThreads {
            server.runtime.queues.runBlocking {
                areBusy.signal()
                mayGoOn.wait()
            }
            areBusy.wait()
        }
        try client.sendFrame([5])
        // Nobody reads the disk now, and the reactor has not waited for that.
        let other = try server.client()
        try other.sendFrame([])
        #expect(try other.receiveFrame() == [])
        #expect(!isCold || client.availableCount <= 5)
        for _ in 0..<TestServer.blockingThreads { mayGoOn.signal() }
        #expect(try client.receiveFrame().dropFirst().dropLast(3).elementsEqual(pattern(count)))
    }

    @Test(arguments: [10_000, 300_000, 3 << 20])
    func `a range that reaches past the file's end fails its connection and no other`(count: Int) throws {
        let file = try makeFile(count - 1)
        let server = try server(file, offset: 0, count: count)
        let client = try server.client()
        try client.sendFrame([1])
        #expect(try client.receive(count + 100).count < count + 8)
        guard case .failed(let error)? = server.log.waitForClosed(1).first else {
            Issue.record("the connection should have failed")
            return
        }
        #expect(error.message.contains("the file ends before the range"))
        try file.truncate(to: Int64(count))
        let other = try server.client()
        try other.sendFrame([2])
        #expect(try other.receiveFrame().count == count + 4)
    }

    @Test func `a file truncated while it is sent fails the connection`() throws {
        let file = try makeFile(16 << 20)
        let server = try server(file, offset: 0, count: 16 << 20)
        let client = try server.client(receiveBuffer: 32 << 10)
        try client.sendFrame([1])
        _ = try client.receive(100_000)
        try file.truncate(to: 1_000)
        #expect(try client.receive(17 << 20).count < 16 << 20)
        guard case .failed? = server.log.waitForClosed(1).first else {
            Issue.record("the connection should have failed")
            return
        }
    }

    @Test func `a file closed while it is sent still arrives whole`() throws {
        let count = 12 << 20
        let file = try makeFile(count)
        let server = try server(file, offset: 0, count: count)
        let client = try server.client(receiveBuffer: 32 << 10)
        try client.sendFrame([1])
        _ = try client.receive(1_000)
        file.close()
        #expect(try client.receive(count + 8 - 1_000).count == count + 8 - 1_000)
        // A closed file cannot be sent again.
        try client.sendFrame([2])
        guard case .failed? = server.log.waitForClosed(1).first else {
            Issue.record("the connection should have failed")
            return
        }
    }

    @Test(arguments: [1_000, 1 << 20])
    func `a file that is not the operating system's is copied`(count: Int) throws {
        final class MemoryFile: File {
            let content: [UInt8]
            init(_ content: [UInt8]) { self.content = content }
            var path: String { "memory" }
            func size() throws(FileError) -> Int64 { Int64(content.count) }
            func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(FileError) -> Int {
                let available = content.dropFirst(Int(offset)).prefix(buffer.count)
                buffer.copyBytes(from: available)
                return available.count
            }
            func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(FileError) { throw refusal }
            func reserve(offset: Int64, length: Int64) {}
            func truncate(to size: Int64) throws(FileError) { throw refusal }
            func sync() throws(FileError) {}
            func isResident(offset: Int64, count: Int) -> Bool { true }
            func close() {}
            private var refusal: FileError { FileError(.permissionDenied, operation: "write", path: path) }
        }
        let server = try server(MemoryFile(pattern(count + 10)), offset: 10, count: count)
        let client = try server.client()
        try client.sendFrame([1])
        #expect(try client.receiveFrame().dropFirst().dropLast(3).elementsEqual(pattern(count, seed: 10)))
    }
}
