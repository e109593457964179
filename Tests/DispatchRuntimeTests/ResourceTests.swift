// SPDX-License-Identifier: Apache-2.0
import DispatchRuntime
import Foundation
import KafkaRuntime
import Synchronization
import Testing

/// Each test runs in a process of its own, because it looks at what the whole process uses.
@Suite struct ResourceTests {
    @Test func `connections, listeners and runtimes give back every descriptor`() async {
        await #expect(processExitsWith: .success) {
            func use() throws {
                let server = try TestServer.echo(reactors: 2)
                let directory = try TemporaryDirectory()
                let file = try directory.files.open(directory.file("f"), .createNew)
                try file.write([1], at: 0)
                try directory.files.lock(directory.file("lock")).release()
                do {
                    let clients = try (0..<100).map { _ in try server.client() }
                    for client in clients { try client.sendFrame(pattern(1_000)) }
                    for client in clients { _ = try client.receiveFrame() }
                }
                _ = server.log.waitForClosed(100)
            }
            try use()
            precondition(ProcessUsage.eventually { ProcessUsage.openDescriptors() > 0 })
            usleep(100_000)
            let before = ProcessUsage.openDescriptors()
            for _ in 0..<3 { try use() }
            precondition(
                ProcessUsage.eventually { ProcessUsage.openDescriptors() <= before },
                "\(before) before, \(ProcessUsage.openDescriptors()) after")
        }
    }

    @Test func `four thousand idle connections take little memory and no CPU`() async {
        await #expect(processExitsWith: .success) {
            ProcessUsage.setDescriptorLimit(20_000)
            let server = try TestServer.echo(reactors: 2)
            var clients = try (0..<100).map { _ in try server.client() }
            let count = 4_000
            for client in clients {
                try client.sendFrame(pattern(100))
                _ = try client.receiveFrame()
            }
            let before = ProcessUsage.residentKilobytes()
            clients.reserveCapacity(count + 100)
            for _ in 0..<count { clients.append(try server.client()) }
            for client in clients {
                try client.sendFrame(pattern(100))
                _ = try client.receiveFrame()
            }
            let perConnection = Double(ProcessUsage.residentKilobytes() - before) / Double(count)
            // The clients of the test and its handlers are in this number, too.
            precondition(perConnection < 2.0, "\(perConnection) KiB per connection")
            usleep(100_000)
            let cpuBefore = ProcessUsage.cpuMicroseconds()
            usleep(500_000)
            let used = ProcessUsage.cpuMicroseconds() - cpuBefore
            precondition(used < 10_000, "\(used) microseconds in half a second of idleness")
        }
    }

    @Test func `running out of descriptors pauses accepting and does not spin`() async {
        await #expect(processExitsWith: .success) {
            let warnings = Atomic<Int>(0)
            let runtime = try DispatchRuntime.makeRuntime(reactorCount: 1, blockingThreads: 1) { message in
                precondition(message.hasPrefix("cannot accept connections on 127.0.0.1:"), message)
                warnings.add(1, ordering: .relaxed)
            }
            let log = EventLog()
            let listener = try runtime.network.listen(
                on: SocketAddress(host: "127.0.0.1", port: 0), options: ListenOptions()
            ) { FrameHandler($0, log: log) { handler, payload in handler.reply(payload) } }
            let port = listener.boundAddress.port
            let warmUp = try TestClient(port: port)
            try warmUp.sendFrame([1])
            _ = try warmUp.receiveFrame()
            var hoard: [Int32] = []
            ProcessUsage.setDescriptorLimit(UInt(ProcessUsage.openDescriptors() + 20))
            while true {
                let descriptor = open("/dev/null", O_RDONLY)
                if descriptor < 0 { break }
                hoard.append(descriptor)
            }
            // Room for the client's side only.
            close(hoard.removeLast())
            let client = try TestClient(port: port)
            try client.sendFrame([2])
            let cpuBefore = ProcessUsage.cpuMicroseconds()
            usleep(350_000)
            precondition(ProcessUsage.cpuMicroseconds() - cpuBefore < 50_000, "the listener spins")
            let warned = warnings.load(ordering: .relaxed)
            precondition((1...6).contains(warned), "\(warned) warnings")
            for descriptor in hoard { close(descriptor) }
            let answer = try client.receiveFrame()
            precondition(answer == [2])
            listener.close()
        }
    }
}
