// SPDX-License-Identifier: Apache-2.0
import DispatchRuntime
import Foundation
import KafkaRuntime
import Synchronization
import Testing

/// Reactors and background threads that become more or fewer while they work.
@Suite struct ThreadCountTests {
    // MARK: Background threads

    /// Blocks threads until it is told to go on.
    private final class Blockade: Sendable {
        private let state = Mutex((running: 0, most: 0, ended: 0))
        private let gate = DispatchSemaphore(value: 0)

        var running: Int { state.withLock { $0.running } }
        var most: Int { state.withLock { $0.most } }
        var ended: Int { state.withLock { $0.ended } }

        func run() {
            state.withLock {
                $0.running += 1
                $0.most = max($0.most, $0.running)
            }
            gate.wait()
            state.withLock {
                $0.running -= 1
                $0.ended += 1
            }
        }

        func release(_ count: Int) { for _ in 0..<count { gate.signal() } }
    }

    @Test func `more background threads begin at once with what waits`() {
        let queues = DispatchRuntime.makeQueues(blockingThreads: 1)
        let blockade = Blockade()
        for _ in 0..<6 { queues.runBlocking { blockade.run() } }
        #expect(ProcessUsage.eventually { blockade.running == 1 })
        queues.setBlockingThreads(4)
        #expect(ProcessUsage.eventually { blockade.running == 4 })
        blockade.release(6)
        #expect(ProcessUsage.eventually { blockade.ended == 6 })
        #expect(blockade.most == 4)
    }

    @Test func `background threads that are too many end with what they are at`() {
        let queues = DispatchRuntime.makeQueues(blockingThreads: 4)
        let blockade = Blockade()
        for _ in 0..<10 { queues.runBlocking { blockade.run() } }
        #expect(ProcessUsage.eventually { blockade.running == 4 })
        queues.setBlockingThreads(1)
        blockade.release(3)
        #expect(ProcessUsage.eventually { blockade.ended == 3 })
        usleep(20_000)
        #expect(blockade.running == 1)
        blockade.release(7)
        #expect(ProcessUsage.eventually { blockade.ended == 10 })
        // None was lost on the way.
        queues.setBlockingThreads(3)
        for _ in 0..<3 { queues.runBlocking { blockade.run() } }
        #expect(ProcessUsage.eventually { blockade.running == 3 })
        blockade.release(3)
        #expect(ProcessUsage.eventually { blockade.ended == 13 })
    }

    // MARK: Reactors

    @Test func `new reactors serve new connections, old connections stay`() throws {
        let queues = Mutex<[ObjectIdentifier]>([])
        let server = try TestServer(reactors: 1) { handler, payload in
            queues.withLock { $0.append(ObjectIdentifier(handler.connection.queue)) }
            handler.reply(payload)
        }
        func ask(_ clients: [TestClient]) throws -> [ObjectIdentifier] {
            queues.withLock { $0 = [] }
            for client in clients {
                try client.sendFrame([1, 2, 3])
                #expect(try client.receiveFrame() == [1, 2, 3])
            }
            return queues.withLock { $0 }
        }
        let first = try (0..<2).map { _ in try server.client() }
        #expect(Set(try ask(first)).count == 1)
        try server.runtime.network.setReactorCount(3)
        #expect(server.runtime.network.reactors.count == 3)
        let second = try (0..<4).map { _ in try server.client() }
        #expect(Set(try ask(second)).count == 2)
        #expect(Set(try ask(first + second)).count == 3)
        // Fewer again: the ones that are too many go on serving what they have, and get nothing new.
        try server.runtime.network.setReactorCount(1)
        let kept = ObjectIdentifier(try #require(server.runtime.network.reactors.first))
        #expect(server.runtime.network.idleNanoseconds.count == 1)
        #expect(Set(try ask(first + second)).count == 3)
        let third = try (0..<4).map { _ in try server.client() }
        #expect(Set(try ask(third)) == [kept])
        // And more: those that are still there come back.
        let before = Set(try ask(second))
        try server.runtime.network.setReactorCount(2)
        let fourth = try server.client()
        #expect(before.isSuperset(of: try ask([fourth])))
    }

    @Test func `a reactor that is too many goes with its last connection`() async {
        await #expect(processExitsWith: .success) {
            let server = try TestServer.echo(reactors: 1)
            func echo(_ client: TestClient) throws {
                try client.sendFrame([7])
                let answer = try client.receiveFrame()
                precondition(answer == [7])
            }
            try echo(try server.client())
            precondition(server.log.waitForClosed(1).count == 1)
            let before = ProcessUsage.openDescriptors()
            try server.runtime.network.setReactorCount(8)
            precondition(ProcessUsage.openDescriptors() >= before + 7)
            do {
                let clients = try (0..<16).map { _ in try server.client() }
                for client in clients { try echo(client) }
                try server.runtime.network.setReactorCount(1)
                usleep(1_500_000)
                for client in clients { try echo(client) }
                let serving = ProcessUsage.openDescriptors()
                precondition(serving >= before + 7 + 28, "a reactor went that serves")
                // The same ones come back.
                try server.runtime.network.setReactorCount(8)
                precondition(ProcessUsage.openDescriptors() == serving, "a reactor was made anew")
                try server.runtime.network.setReactorCount(1)
            }
            precondition(ProcessUsage.eventually { ProcessUsage.openDescriptors() <= before })
            try echo(try server.client())
        }
    }
}
