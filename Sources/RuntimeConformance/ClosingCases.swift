// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime

extension RuntimeConformance {
    /// How connections and attempts to connect end.
    package static var closing: [ConformanceCase] {
        [
            ConformanceCase("closing: closed is the last call and comes once, at both ends", closesOnce),
            ConformanceCase("closing: after received has closed nothing is shown", closesInside),
            ConformanceCase(
                "closing: closeAfterSending delivers what was sent before, nothing after", closesAfterSending),
            ConformanceCase("closing: what was sent before the peer's close is shown before closed", showsBeforeClosed),
            ConformanceCase("closing: an accept without a handler closes the connection", refusesInAccept),
            ConformanceCase("closing: a file that ends early fails the connection", failsOnShortFile),
            ConformanceCase("closing: an idle connection is closed", closesIdle),
            ConformanceCase("closing: traffic keeps a connection from being idle", staysWhileBusy),
            ConformanceCase("connecting: a port without a listener refuses", refuses),
            ConformanceCase("connecting: an unknown name fails", failsOnUnknownName),
            ConformanceCase("listening: a port that is taken throws", throwsOnTakenPort),
            ConformanceCase("listening: after close nothing is accepted, but connections stay", stopsAccepting),
        ]
    }

    private static func closesOnce(_ world: any ConformanceWorld) throws {
        let pair = try ConnectedPair(world)
        pair.client.onQueue { peer in
            peer.connection.close()
            peer.connection.close()
            peer.send([1, 2, 3])
            peer.connection.closeAfterSending()
            peer.connection.pauseReading()
        }
        try world.expectSoon("both ends closed") { pair.client.isClosed && pair.server.isClosed }
        try expectEqual(pair.client.seen.closings, [.local], "reason at the closing end")
        try expectEqual(pair.server.seen.closings, [.peer], "reason at the other end")
        try expectEqual(pair.server.seen.shows, [], "bytes shown that were sent after the close")
        try pair.finish(world)
    }

    private static func closesInside(_ world: any ConformanceWorld) throws {
        let pair = try ConnectedPair(
            world,
            server: {
                ScriptedPeer($0) { peer, bytes in
                    peer.connection.close()
                    return Consumption(consumed: 0)
                }
            })
        pair.client.onQueue { $0.send(pattern(100_000)) }
        try world.expectSoon("both ends closed") { pair.client.isClosed && pair.server.isClosed }
        try expectEqual(pair.server.seen.shows.count, 1, "calls of received")
        try expectEqual(pair.server.seen.closings, [.local], "reason")
        try pair.finish(world)
    }

    private static func closesAfterSending(_ world: any ConformanceWorld) throws {
        let bytes = pattern(3_000_000)
        let pair = try ConnectedPair(
            world,
            server: {
                ScriptedPeer($0) { peer, shown in
                    peer.send(bytes)
                    peer.connection.closeAfterSending()
                    peer.send([0])
                    return Consumption(consumed: shown.count)
                }
            })
        pair.client.onQueue { $0.send([1]) }
        try world.expectSoon("both ends closed") { pair.client.isClosed && pair.server.isClosed }
        try expect(pair.client.seen.consumed == bytes, "the bytes differ or are not all there")
        try expectEqual(pair.server.seen.closings, [.local], "reason at the closing end")
        try expectEqual(pair.client.seen.closings, [.peer], "reason at the other end")
        try pair.finish(world)
    }

    private static func showsBeforeClosed(_ world: any ConformanceWorld) throws {
        let pair = try ConnectedPair(world)
        let bytes = pattern(5_000)
        pair.client.onQueue { peer in
            peer.send(bytes)
            peer.connection.closeAfterSending()
        }
        try world.expectSoon("the end") { pair.server.isClosed }
        try expectEqual(pair.server.consumedCount, bytes.count, "bytes shown before closed")
        try pair.finish(world)
    }

    private static func refusesInAccept(_ world: any ConformanceWorld) throws {
        let network = world.runtime.network
        let accepts = Recorder<UInt64>()
        let listener = try network.listen(on: SocketAddress(host: "127.0.0.1", port: 0), options: ListenOptions()) {
            accepts.append($0.id)
            return nil
        }
        let clients = Recorder<ScriptedPeer>()
        network.connect(
            to: SocketAddress(host: "127.0.0.1", port: listener.boundAddress.port), on: network.reactors[0],
            options: ListenOptions()
        ) { result in
            guard case .success(let connection) = result else { return nil }
            let peer = ScriptedPeer(connection)
            clients.append(peer)
            return peer
        }
        try world.expectSoon("the end") { clients.all.first?.isClosed ?? false }
        try expectEqual(clients.all[0].seen.closings, [.peer], "reason")
        try expectEqual(accepts.count, 1, "calls of accept")
        listener.close()
    }

    private static func failsOnShortFile(_ world: any ConformanceWorld) throws {
        let file = try world.runtime.files.open(world.directory + "/short", .createNew)
        try file.write(pattern(1_000), at: 0)
        let pair = try ConnectedPair(world)
        pair.server.onQueue { $0.connection.sendFile(file, offset: 500, count: 501) }
        try world.expectSoon("both ends closed") { pair.client.isClosed && pair.server.isClosed }
        guard case .failed = pair.server.seen.closings[0] else {
            throw ConformanceFailure("closed because of \(pair.server.seen.closings[0])")
        }
        try expect(pair.client.consumedCount <= 500, "bytes arrived that the file did not have")
        try pair.finish(world)
    }

    private static func closesIdle(_ world: any ConformanceWorld) throws {
        var options = ListenOptions()
        options.idleTimeout = 60
        let clock = world.runtime.clock
        let start = clock.monotonicMilliseconds
        let pair = try ConnectedPair(world, options: options)
        pair.client.onQueue { $0.send([1]) }
        try world.expectSoon("both ends closed") { pair.client.isClosed && pair.server.isClosed }
        try expect(clock.monotonicMilliseconds - start >= 55, "closed too early")
        try expectEqual(pair.server.seen.closings, [.idle], "reason at the end with the timeout")
        try expectEqual(pair.client.seen.closings, [.peer], "reason at the other end")
        try pair.finish(world)
    }

    private static func staysWhileBusy(_ world: any ConformanceWorld) throws {
        var options = ListenOptions()
        options.idleTimeout = 400
        let pair = try ConnectedPair(world, options: options, server: { ScriptedPeer($0, receive: ScriptedPeer.echo) })
        for round in 1...8 {
            pair.client.onQueue { $0.send([UInt8(round)]) }
            world.settle(milliseconds: 100)
        }
        try expectEqual(pair.server.seen.closings, [], "reasons while there was traffic")
        try expectEqual(pair.client.consumedCount, 8, "echoes")
        try pair.finish(world)
    }

    /// Tries to connect and returns the error; throws when the attempt succeeds or never ends.
    private static func failure(_ world: any ConformanceWorld, _ address: SocketAddress) throws -> NetworkError {
        let outcome = Shared<NetworkError?>(nil)
        let succeeded = Shared(false)
        let onQueue = Shared(false)
        let reactor = world.runtime.network.reactors[0]
        world.runtime.network.connect(to: address, on: reactor, options: ListenOptions()) { result in
            onQueue.value = reactor.isCurrent
            switch result {
            case .success: succeeded.value = true
            case .failure(let error): outcome.value = error
            }
            return nil
        }
        try world.expectSoon("an outcome") { outcome.value != nil || succeeded.value }
        guard let error = outcome.value else { throw ConformanceFailure("the attempt succeeded") }
        try expect(onQueue.value, "the outcome was not reported on the reactor")
        return error
    }

    private static func refuses(_ world: any ConformanceWorld) throws {
        let network = world.runtime.network
        let address = SocketAddress(host: "127.0.0.1", port: 0)
        let listener = try network.listen(on: address, options: ListenOptions()) { ScriptedPeer($0) }
        let port = listener.boundAddress.port
        listener.close()
        world.settle(milliseconds: 5)
        let error = try failure(world, SocketAddress(host: "127.0.0.1", port: port))
        try expect(error.code != 0, "a refused attempt names its errno")
    }

    private static func failsOnUnknownName(_ world: any ConformanceWorld) throws {
        _ = try failure(world, SocketAddress(host: "no-such-host.invalid", port: 9))
    }

    private static func throwsOnTakenPort(_ world: any ConformanceWorld) throws {
        let network = world.runtime.network
        let first = try network.listen(on: SocketAddress(host: "127.0.0.1", port: 0), options: ListenOptions()) {
            ScriptedPeer($0)
        }
        let address = SocketAddress(host: "127.0.0.1", port: first.boundAddress.port)
        do throws(NetworkError) {
            _ = try network.listen(on: address, options: ListenOptions()) { ScriptedPeer($0) }
            throw NetworkError("unexpected", code: -1)
        } catch {
            try expect(error.code != -1, "a second listener got the same port")
        }
        first.close()
        world.settle(milliseconds: 5)
        let second = try network.listen(on: address, options: ListenOptions()) { ScriptedPeer($0) }
        try expectEqual(second.boundAddress.port, address.port, "port after the first listener has closed")
        second.close()
    }

    private static func stopsAccepting(_ world: any ConformanceWorld) throws {
        let pair = try ConnectedPair(world, server: { ScriptedPeer($0, receive: ScriptedPeer.echo) })
        let port = pair.listener.boundAddress.port
        pair.listener.close()
        pair.listener.close()
        world.settle(milliseconds: 5)
        _ = try failure(world, SocketAddress(host: "127.0.0.1", port: port))
        pair.client.onQueue { $0.send([7]) }
        try world.expectSoon("an echo over the old connection") { pair.client.consumedCount == 1 }
        try pair.finish(world)
    }
}
