// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime

extension RuntimeConformance {
    /// Bytes over connections: order, consumption, back-pressure, file ranges.
    package static var streams: [ConformanceCase] {
        [
            ConformanceCase("stream: bytes arrive whole and in order, both ways at once", carriesBytes),
            ConformanceCase("stream: addresses name the two ends", namesEnds),
            ConformanceCase("stream: handlers are chosen on the queue that serves the connection", choosesOnQueue),
            ConformanceCase("stream: unused bytes are shown again with more behind them", showsUnusedAgain),
            ConformanceCase("stream: room is made for as many bytes as are needed", makesRoom),
            ConformanceCase("stream: unused bytes are not shown without new ones", waitsForMore),
            ConformanceCase("stream: a handler that leaves much without saying what it needs fails", failsUndeclared),
            ConformanceCase("stream: changes in place are kept", keepsChanges),
            ConformanceCase("stream: a paused handler is shown nothing; resuming shows what was unused first", pauses),
            ConformanceCase("stream: a peer that does not read holds the sender back", holdsBack),
            ConformanceCase("stream: drained follows output that was added inside received", drainsAfterReceived),
            ConformanceCase("stream: file ranges and bytes go out in the order they were added", sendsFiles),
            ConformanceCase("stream: many connections at once", servesMany),
        ]
    }

    private static func carriesBytes(_ world: any ConformanceWorld) throws {
        let pair = try ConnectedPair(world)
        let forth = pattern(700_000, seed: 3)
        let back = pattern(500_000, seed: 4)
        pair.client.onQueue { peer in
            for start in stride(from: 0, to: forth.count, by: 70_000) {
                peer.send(Array(forth[start..<start + 70_000]))
            }
        }
        pair.server.onQueue { $0.send(back) }
        try world.expectSoon("all bytes") {
            pair.server.consumedCount == forth.count && pair.client.consumedCount == back.count
        }
        try expect(pair.server.seen.consumed == forth, "the bytes at the server differ")
        try expect(pair.client.seen.consumed == back, "the bytes at the client differ")
        try pair.finish(world)
    }

    private static func namesEnds(_ world: any ConformanceWorld) throws {
        let pair = try ConnectedPair(world)
        let (near, far) = (pair.client.connection, pair.server.connection)
        try expect(pair.listener.boundAddress.port != 0, "the bound port is 0")
        try expectEqual(near.remoteAddress.port, pair.listener.boundAddress.port, "port connected to")
        try expectEqual(far.localAddress.port, pair.listener.boundAddress.port, "port accepted on")
        try expectEqual(far.remoteAddress, near.localAddress, "the client's address as the server sees it")
        try expectEqual(near.remoteAddress, far.localAddress, "the server's address as the client sees it")
        try expect(near.id != far.id, "two connections have one id")
        try pair.finish(world)
    }

    private static func choosesOnQueue(_ world: any ConformanceWorld) throws {
        let onQueue = Recorder<Bool>()
        let note: @Sendable (any Connection) -> ScriptedPeer = { connection in
            onQueue.append(connection.queue.isCurrent)
            return ScriptedPeer(connection)
        }
        let reactors = world.runtime.network.reactors
        let pair = try ConnectedPair(world, server: note, client: note)
        try expectEqual(onQueue.all, [true, true], "whether the queue was current")
        try expect(
            reactors.contains { $0 === pair.server.connection.queue }, "accepted on a queue that is no reactor")
        try expect(
            pair.client.connection.queue === reactors[reactors.count - 1], "not served on the reactor asked for")
        try pair.finish(world)
    }

    /// Frames of a four-byte length and that many bytes; uses whole frames only and says what it lacks.
    private static let takeFrames: ScriptedPeer.Receive = { _, bytes in
        var used = 0
        while bytes.count - used >= 4 {
            let length = Int(bytes.loadUnaligned(fromByteOffset: used, as: UInt32.self).bigEndian)
            guard bytes.count - used - 4 >= length else { return Consumption(consumed: used, needed: 4 + length) }
            used += 4 + length
        }
        return Consumption(consumed: used)
    }

    private static func frame(_ count: Int, seed: UInt64) -> [UInt8] {
        withUnsafeBytes(of: UInt32(count).bigEndian) { Array($0) } + pattern(count, seed: seed)
    }

    private static func showsUnusedAgain(_ world: any ConformanceWorld) throws {
        let pair = try ConnectedPair(world, server: { ScriptedPeer($0, receive: takeFrames) })
        let frames = (0..<200).flatMap { frame($0 * 7, seed: UInt64($0)) }
        pair.client.onQueue { peer in
            // Cut without regard to the frames.
            var start = 0
            while start < frames.count {
                let end = min(frames.count, start + 1 + (start * 31) % 997)
                peer.send(Array(frames[start..<end]))
                start = end
            }
        }
        try world.expectSoon("all frames") { pair.server.consumedCount == frames.count }
        try expect(pair.server.seen.consumed == frames, "the frames differ")
        try pair.finish(world)
    }

    private static func makesRoom(_ world: any ConformanceWorld) throws {
        let needed = Shared(0)
        let early = Recorder<Int>()
        let pair = try ConnectedPair(
            world,
            server: {
                ScriptedPeer($0) { peer, bytes in
                    if bytes.count < needed.value { early.append(bytes.count) }
                    let consumption = takeFrames(peer, bytes)
                    needed.value = consumption.needed
                    return consumption
                }
            })
        let bytes = frame(3_000_000, seed: 9) + frame(10, seed: 10)
        pair.client.onQueue { $0.send(bytes) }
        try world.expectSoon("a frame of three million bytes") { pair.server.consumedCount == bytes.count }
        try expect(pair.server.seen.consumed == bytes, "the frame differs")
        try expectEqual(early.all, [], "sizes shown that were less than needed")
        try pair.finish(world)
    }

    private static func waitsForMore(_ world: any ConformanceWorld) throws {
        let pair = try ConnectedPair(
            world,
            server: {
                ScriptedPeer($0) { _, bytes in Consumption(consumed: bytes.count < 10 ? 0 : bytes.count) }
            })
        pair.client.onQueue { $0.send(Array("12345".utf8)) }
        try world.expectSoon("five bytes shown") { pair.server.seen.shows.last == 5 }
        let shows = pair.server.seen.shows.count
        world.settle()
        try expectEqual(pair.server.seen.shows.count, shows, "calls of received while nothing came")
        pair.client.onQueue { $0.send(Array("67890".utf8)) }
        try world.expectSoon("ten bytes used") { pair.server.consumedCount == 10 }
        try expectEqual(pair.server.seen.consumed, Array("1234567890".utf8), "bytes")
        try pair.finish(world)
    }

    private static func failsUndeclared(_ world: any ConformanceWorld) throws {
        let pair = try ConnectedPair(world, server: { ScriptedPeer($0) { _, _ in Consumption(consumed: 0) } })
        pair.client.onQueue { $0.send(pattern(3 << 20)) }
        try world.expectSoon("the end") { pair.server.isClosed && pair.client.isClosed }
        guard case .failed = pair.server.seen.closings[0] else {
            throw ConformanceFailure("closed because of \(pair.server.seen.closings[0])")
        }
        try pair.finish(world)
    }

    private static func keepsChanges(_ world: any ConformanceWorld) throws {
        let pair = try ConnectedPair(
            world,
            server: {
                ScriptedPeer($0) { _, bytes in
                    if bytes.count < 4 {
                        for index in bytes.indices where bytes[index] >= 97 { bytes[index] -= 32 }
                        return Consumption(consumed: 0)
                    }
                    return Consumption(consumed: bytes.count)
                }
            })
        pair.client.onQueue { $0.send(Array("abc".utf8)) }
        try world.expectSoon("three bytes shown") { pair.server.seen.shows.last == 3 }
        pair.client.onQueue { $0.send(Array("d".utf8)) }
        try world.expectSoon("four bytes used") { pair.server.consumedCount == 4 }
        try expectEqual(pair.server.seen.consumed, Array("ABCd".utf8), "bytes")
        try pair.finish(world)
    }

    private static func pauses(_ world: any ConformanceWorld) throws {
        let hasPaused = Shared(false)
        let pair = try ConnectedPair(
            world,
            server: {
                ScriptedPeer($0) { peer, bytes in
                    guard !hasPaused.value else { return Consumption(consumed: bytes.count) }
                    hasPaused.value = true
                    peer.connection.pauseReading()
                    return Consumption(consumed: 1)
                }
            })
        let first = Array("first".utf8)
        let second = pattern(100_000)
        pair.client.onQueue { $0.send(first) }
        try world.expectSoon("the first bytes") { hasPaused.value }
        // The first show may have been of any part of the first bytes.
        pair.client.onQueue { $0.send(second) }
        world.settle()
        let shown = pair.server.seen.shows
        try expectEqual(shown.count, 1, "calls of received while paused")
        pair.server.onQueue { $0.connection.resumeReading() }
        try world.expectSoon("the rest") { pair.server.consumedCount == first.count + second.count }
        try expect(pair.server.seen.consumed == first + second, "the bytes differ")
        if shown[0] > 1 {
            try expectEqual(pair.server.seen.shows[1], shown[0] - 1, "bytes of the first call after resuming")
        }
        try pair.finish(world)
    }

    private static func holdsBack(_ world: any ConformanceWorld) throws {
        let pair = try ConnectedPair(
            world,
            server: { connection in
                connection.pauseReading()
                return ScriptedPeer(connection)
            })
        let bytes = pattern(24 << 20)
        let unsent = Shared(-1)
        pair.client.onQueue { peer in peer.send(bytes) }
        world.settle(milliseconds: 100)
        pair.client.onQueue { peer in unsent.value = peer.connection.unsentBytes }
        try world.expectSoon("an answer") { unsent.value >= 0 }
        try expect(unsent.value > 0, "24 MiB went out although nobody read")
        try expectEqual(pair.client.seen.drains, 0, "calls of drained while the peer did not read")
        try expectEqual(pair.server.consumedCount, 0, "bytes read while paused")
        pair.server.onQueue { $0.connection.resumeReading() }
        try world.expectSoon("all bytes") { pair.server.consumedCount == bytes.count }
        try world.expectSoon("drained") { pair.client.seen.drains > 0 }
        try expectEqual(pair.client.seen.drains, 1, "calls of drained")
        try expect(pair.server.seen.consumed == bytes, "the bytes differ")
        pair.client.onQueue { peer in unsent.value = peer.connection.unsentBytes }
        try world.expectSoon("nothing unsent") { unsent.value == 0 }
        try pair.finish(world)
    }

    private static func drainsAfterReceived(_ world: any ConformanceWorld) throws {
        let unsentInside = Shared(0)
        let unsentInDrained = Shared(-1)
        let pair = try ConnectedPair(
            world,
            server: {
                ScriptedPeer($0) { peer, bytes in
                    peer.connection.send(UnsafeRawBufferPointer(bytes))
                    unsentInside.value = peer.connection.unsentBytes
                    return Consumption(consumed: bytes.count)
                } onDrained: {
                    unsentInDrained.value = $0.connection.unsentBytes
                }
            })
        pair.client.onQueue { $0.send(Array("x".utf8)) }
        try world.expectSoon("the echo") { pair.client.consumedCount == 1 }
        try world.expectSoon("drained") { pair.server.seen.drains == 1 }
        try expectEqual(unsentInside.value, 1, "unsent bytes inside received")
        try expectEqual(unsentInDrained.value, 0, "unsent bytes inside drained")
        try pair.finish(world)
    }

    private static func sendsFiles(_ world: any ConformanceWorld) throws {
        let path = world.directory + "/sent"
        let content = pattern(2_000_000, seed: 21)
        let file = try world.runtime.files.open(path, .createNew)
        try file.write(content, at: 0)
        let pair = try ConnectedPair(world)
        pair.server.onQueue { peer in
            peer.send(Array("head".utf8))
            peer.connection.sendFile(file, offset: 100, count: 1_500_000)
            peer.send(Array("middle".utf8))
            peer.connection.sendFile(file, offset: 0, count: 0)
            peer.connection.sendFile(file, offset: 1_999_990, count: 10)
            peer.send(Array("tail".utf8))
        }
        let expected =
            Array("head".utf8) + content[100..<1_500_100] + Array("middle".utf8) + content[1_999_990...]
            + Array("tail".utf8)
        try world.expectSoon("all bytes") { pair.client.consumedCount == expected.count }
        try expect(pair.client.seen.consumed == expected, "the bytes differ")
        try pair.finish(world)
    }

    private static func servesMany(_ world: any ConformanceWorld) throws {
        let network = world.runtime.network
        let ids = Recorder<UInt64>()
        let listener = try network.listen(on: SocketAddress(host: "127.0.0.1", port: 0), options: ListenOptions()) {
            ids.append($0.id)
            return ScriptedPeer($0, receive: ScriptedPeer.echo)
        }
        let clients = Recorder<ScriptedPeer>()
        let bytes = pattern(10_000)
        for number in 0..<60 {
            network.connect(
                to: SocketAddress(host: "127.0.0.1", port: listener.boundAddress.port),
                on: network.reactors[number % network.reactors.count], options: ListenOptions()
            ) { result in
                guard case .success(let connection) = result else { return nil }
                let peer = ScriptedPeer(connection)
                clients.append(peer)
                peer.send(bytes)
                return peer
            }
        }
        try world.expectSoon("sixty echoes") {
            clients.count == 60 && clients.all.allSatisfy { $0.consumedCount == bytes.count }
        }
        try expect(clients.all.allSatisfy { $0.seen.consumed == bytes }, "an echo differs")
        try expectEqual(Set(ids.all).count, 60, "distinct ids")
        listener.close()
        for client in clients.all { client.onQueue { $0.connection.close() } }
        try world.expectSoon("all closed") { clients.all.allSatisfy(\.isClosed) }
    }
}
