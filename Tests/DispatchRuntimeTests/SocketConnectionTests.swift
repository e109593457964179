// SPDX-License-Identifier: Apache-2.0
import DispatchRuntime
import Foundation
import KafkaRuntime
import Synchronization
import Testing

@Suite struct SocketConnectionTests {
    @Test func `pipelined frames are answered in order`() throws {
        let server = try TestServer.echo()
        let client = try server.client()
        let payloads = (0..<500).map { pattern($0 * 7 % 301, seed: $0) }
        try client.send(payloads.flatMap(frame))
        for payload in payloads { #expect(try client.receiveFrame() == payload) }
    }

    @Test func `frames may arrive byte by byte`() throws {
        let server = try TestServer.echo()
        let client = try server.client()
        for byte in frame(pattern(90)) + frame([]) + frame(pattern(33)) {
            try client.send([byte])
            usleep(200)
        }
        #expect(try client.receiveFrame() == pattern(90))
        #expect(try client.receiveFrame() == [])
        #expect(try client.receiveFrame() == pattern(33))
    }

    @Test(arguments: [65_531, 65_532, 65_533, 262_139, 262_140, 262_141, 1 << 20, 5_000_000, 20_000_000])
    func `a frame of any size arrives whole, with small ones before and behind it`(size: Int) throws {
        let server = try TestServer.echo()
        let client = try server.client()
        let payloads = [pattern(10, seed: 1), pattern(size, seed: 2), pattern(20, seed: 3), pattern(size, seed: 4)]
        let sender = Thread { try? client.send(payloads.flatMap(frame)) }
        sender.start()
        for payload in payloads { #expect(try client.receiveFrame() == payload) }
    }

    @Test func `random frames in random pieces come back unchanged`() throws {
        let server = try TestServer.echo(reactors: 2)
        let client = try server.client()
        var random = SystemRandomNumberGenerator()
        let payloads = (0..<300).map { index in
            pattern(Int.random(in: 0...(1 << Int.random(in: 0...18, using: &random)), using: &random), seed: index)
        }
        let stream = payloads.flatMap(frame)
        let sender = Thread {
            var random = SystemRandomNumberGenerator()
            var position = 0
            while position < stream.count {
                let end = min(stream.count, position + Int.random(in: 1...200_000, using: &random))
                try? client.send(Array(stream[position..<end]))
                position = end
            }
        }
        sender.start()
        for payload in payloads { #expect(try client.receiveFrame() == payload) }
    }

    @Test func `the handler is not shown an incomplete frame again and again`() throws {
        let server = try TestServer.echo()
        let client = try server.client()
        let message = frame(pattern(1_000_000))
        for start in stride(from: 0, to: message.count, by: 10_000) {
            try client.send(Array(message[start..<min(start + 10_000, message.count)]))
        }
        #expect(try client.receiveFrame().count == 1_000_000)
        // The beginning, and the whole; perhaps once more when only part of the four bytes came first.
        #expect(server.log.shown <= 3)
    }

    @Test func `a client that does not read stops being read`() throws {
        let server = try TestServer { handler, payload in
            handler.reply(payload)
            guard handler.connection.unsentBytes > 1 << 20 else { return }
            handler.isPaused = true
            handler.connection.pauseReading()
            handler.onDrained = { [unowned handler] in
                handler.isPaused = false
                handler.connection.resumeReading()
            }
        }
        let client = try server.client(receiveBuffer: 64 << 10)
        let payload = pattern(100_000)
        let frames = 400
        let sent = Atomic<Int>(0)
        let sender = Thread {
            for _ in 0..<frames {
                try? client.sendFrame(payload)
                sent.add(1, ordering: .relaxed)
            }
        }
        sender.start()
        usleep(400_000)
        let sentWhileStuck = sent.load(ordering: .relaxed)
        #expect(sentWhileStuck < frames)
        for _ in 0..<frames { #expect(try client.receiveFrame() == payload) }
        #expect(server.log.drained > 0)
    }

    @Test func `kept frames are shown again when reading resumes`() throws {
        let server = try TestServer { handler, payload in
            handler.reply(payload)
            handler.pause(milliseconds: 2)
        }
        let client = try server.client()
        let payloads = (0..<20).map { pattern(5_000, seed: $0) }
        try client.send(payloads.flatMap(frame))
        for payload in payloads { #expect(try client.receiveFrame() == payload) }
    }

    /// Everything is there, and the end behind it, before the server looks: it is told of it once.
    @Test(arguments: [1, 30, 70_000])
    func `what came together with the end is served to the last byte`(size: Int) throws {
        let (isBusy, mayGoOn) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let server = try TestServer { handler, payload in
            if payload.isEmpty {
                handler.connection.queue.async {
                    isBusy.signal()
                    mayGoOn.wait()
                }
            }
            handler.reply(payload)
        }
        let client = try server.client()
        let payload = pattern(size)
        let bytes = frame(payload) + frame([2]) + frame(pattern(9_000)) + frame([3])
        // A part of a large frame lies there already: what follows is read in pieces of that frame's size.
        let early = size > 1_000 ? 10_000 : 0
        try client.send(frame([]) + bytes[..<early])
        isBusy.wait()
        try client.send(Array(bytes[early...]))
        #expect(shutdown(client.descriptor, Int32(SHUT_WR)) == 0)
        mayGoOn.signal()
        for expected in [[], payload, [2], pattern(9_000), [3]] { #expect(try client.receiveFrame() == expected) }
        #expect(client.isClosedByPeer())
        #expect(server.log.waitForClosed(1) == [.peer])
    }

    @Test func `what came while reading was paused is read when it resumes, and the end behind it`() throws {
        let server = try TestServer { handler, payload in
            handler.reply(payload)
            if payload == [0] { handler.pause(milliseconds: 100) }
        }
        let client = try server.client()
        try client.sendFrame([0])
        #expect(try client.receiveFrame() == [0])
        for number in 1...20 { try client.sendFrame([UInt8(number)]) }
        #expect(shutdown(client.descriptor, Int32(SHUT_WR)) == 0)
        for number in 1...20 { #expect(try client.receiveFrame() == [UInt8(number)]) }
        #expect(client.isClosedByPeer())
        #expect(server.log.waitForClosed(1) == [.peer])
    }

    @Test func `bytes sent from outside received go out`() throws {
        let server = try TestServer { handler, payload in
            handler.connection.queue.async { handler.reply(payload) }
            handler.connection.queue.schedule(after: 5) { handler.reply([1, 2]) }
        }
        let client = try server.client()
        try client.sendFrame([9])
        #expect(try client.receiveFrame() == [9])
        #expect(try client.receiveFrame() == [1, 2])
    }

    @Test func `closing after sending delivers everything first, even when input is left`() throws {
        let server = try TestServer { handler, _ in
            handler.reply(pattern(3_000_000))
            handler.connection.closeAfterSending()
            handler.reply([7])
        }
        let client = try server.client()
        try client.send(frame([1]) + frame([2]) + frame([3]))
        #expect(try client.receiveFrame() == pattern(3_000_000))
        #expect(client.isClosedByPeer())
        close(client.descriptor)
        #expect(server.log.waitForClosed(1) == [.local])
    }

    @Test func `closing after sending waits only so long for the peer to close`() throws {
        let server = try TestServer { handler, _ in handler.connection.closeAfterSending() }
        let client = try server.client()
        try client.sendFrame([])
        #expect(server.log.waitForClosed(1) == [.local])
        #expect(client.isClosedByPeer())
    }

    @Test func `close ends the connection at once and reports it once`() throws {
        let server = try TestServer { handler, _ in
            handler.reply(pattern(100))
            handler.connection.close()
            handler.connection.close()
        }
        let client = try server.client()
        try client.send(frame([1]) + frame([2]))
        #expect(client.isClosedByPeer())
        #expect(server.log.waitForClosed(1) == [.local])
    }

    @Test func `a peer that closes or resets is reported`() throws {
        let server = try TestServer.echo()
        do {
            let client = try server.client()
            try client.sendFrame([1])
            _ = try client.receiveFrame()
        }
        #expect(server.log.waitForClosed(1) == [.peer])
        do {
            let client = try server.client()
            try client.sendFrame([1])
            _ = try client.receiveFrame()
            var linger = linger(l_onoff: 1, l_linger: 0)
            setsockopt(client.descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
        }
        #expect(server.log.waitForClosed(1) == [.peer, .peer])
    }

    @Test func `a reset is noticed while reading is paused`() throws {
        let server = try TestServer { handler, _ in
            handler.isPaused = true
            handler.connection.pauseReading()
        }
        do {
            let client = try server.client()
            try client.send(frame([1]) + frame([2]))
            usleep(20_000)
            var linger = linger(l_onoff: 1, l_linger: 0)
            setsockopt(client.descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
        }
        #expect(server.log.waitForClosed(1) == [.peer])
    }

    @Test func `a reset that came together with data is noticed when that pauses reading`() throws {
        let (isBusy, mayGoOn) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let server = try TestServer { handler, payload in
            if payload == [1] {
                handler.isPaused = true
                return handler.connection.pauseReading()
            }
            handler.connection.queue.async {
                isBusy.signal()
                mayGoOn.wait()
            }
        }
        do {
            let client = try server.client()
            try client.sendFrame([])
            isBusy.wait()
            try client.send(frame([1]) + frame([2]))
            var linger = linger(l_onoff: 1, l_linger: 0)
            setsockopt(client.descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
        }
        usleep(20_000)
        mayGoOn.signal()
        #expect(server.log.waitForClosed(1) == [.peer])
    }

    /// As for a large request behind a fetch that waits, when the fetch's answer fills the send buffer.
    @Test func `what was kept is shown before more is read, however reading resumes`() throws {
        let server = try HoldingHandler.serve()
        let client = try TestClient(port: server.boundAddress.port, receiveBuffer: 32 << 10)
        let sizes = [1_500_000] + (0..<300).map { 100 + $0 }
        try client.send(frame([]))
        let sender = DispatchQueue(label: "sender")
        sender.async { for size in sizes { try? client.sendFrame(pattern(size)) } }
        usleep(200_000)
        #expect(try client.receiveFrame() == pattern(HoldingHandler.answerSize))
        for size in sizes { #expect(try client.receiveFrame() == Array("\(size)".utf8)) }
        server.close()
    }

    @Test func `an idle connection is closed, a busy one stays`() throws {
        var options = ListenOptions()
        // Long beside what a loaded machine may keep this thread from running.
        options.idleTimeout = 1_500
        let server = try TestServer.echo(options: options)
        let busy = try server.client()
        let idle = try server.client()
        for _ in 0..<60 {
            try busy.sendFrame([1])
            #expect(try busy.receiveFrame() == [1])
            usleep(50_000)
        }
        #expect(idle.isClosedByPeer())
        #expect(server.log.waitForClosed(1) == [.idle])
        try busy.sendFrame([2])
        #expect(try busy.receiveFrame() == [2])
    }

    @Test func `a thousand connections are served at once`() throws {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = min(limit.rlim_max, 8_192)
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let server = try TestServer.echo(reactors: 2)
        let clients = try (0..<1_000).map { _ in try server.client() }
        for round in 0..<3 {
            for (index, client) in clients.enumerated() { try client.sendFrame(pattern(index, seed: round)) }
            for (index, client) in clients.enumerated() {
                #expect(try client.receiveFrame() == pattern(index, seed: round))
            }
        }
    }

    @Test func `addresses are told`() throws {
        let seen = Mutex<[SocketAddress]>([])
        let server = try TestServer { handler, payload in
            seen.withLock { $0 = [handler.connection.localAddress, handler.connection.remoteAddress] }
            handler.reply(payload)
        }
        let client = try server.client()
        try client.sendFrame([])
        _ = try client.receiveFrame()
        let addresses = seen.withLock { $0 }
        #expect(addresses.first == SocketAddress(host: "127.0.0.1", port: server.listener.boundAddress.port))
        #expect(addresses.last?.host == "127.0.0.1")
        #expect(addresses.last?.port != 0)
    }

    @Test func `a handler that hoards input without saying what it needs loses its connection`() throws {
        final class Hoarder: ConnectionHandler {
            let log: EventLog
            init(log: EventLog) { self.log = log }
            func received(_ bytes: UnsafeMutableRawBufferPointer) -> Consumption { Consumption(consumed: 0) }
            func drained() {}
            func closed(_ reason: CloseReason) { log.noteClosed(reason) }
        }
        let runtime = try DispatchRuntime.makeRuntime(reactorCount: 1, blockingThreads: 1)
        let log = EventLog()
        let listener = try runtime.network.listen(
            on: SocketAddress(host: "127.0.0.1", port: 0), options: ListenOptions()
        ) { _ in Hoarder(log: log) }
        defer { listener.close() }
        let client = try TestClient(port: listener.boundAddress.port)
        try? client.send(pattern(8_000_000))
        guard case .failed? = log.waitForClosed(1).first else {
            Issue.record("the connection should have failed")
            return
        }
    }
}
