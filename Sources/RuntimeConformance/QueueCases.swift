// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime

extension RuntimeConformance {
    /// Serial queues, timers and blocking work. Queues of the control plane and reactors answer to the same protocol.
    package static var queues: [ConformanceCase] {
        let kinds: [(String, @Sendable (Runtime) -> any SerialQueue)] = [
            ("queue", { $0.queues.makeQueue(label: "conformance") }),
            ("reactor", { $0.network.reactors[0] }),
        ]
        return kinds.flatMap { kind, make in
            queueCases.map { name, body in
                ConformanceCase("\(kind): \(name)") { world in try body(world, make(world.runtime)) }
            }
        } + [blockingWork, separateQueues, openLatch]
    }

    private typealias QueueCase = @Sendable (any ConformanceWorld, any SerialQueue) throws -> Void

    private static var queueCases: [(String, QueueCase)] {
        [
            ("work runs in the order it was given", keepsOrder),
            ("work never runs inside the call that gives it", defersWork),
            ("knows whether the caller runs on it", knowsItself),
            ("timers run in the order of their deadlines, equal ones as given", ordersTimers),
            ("a timer does not run early", keepsDelay),
            ("a timer without delay does not run inside the call", defersTimer),
            ("a cancelled timer does not run", cancels),
            ("a timer can cancel one with the same deadline", cancelsNeighbour),
            ("cancelling what has run does nothing", cancelsLate),
        ]
    }

    private static func keepsOrder(_ world: any ConformanceWorld, _ queue: any SerialQueue) throws {
        let seen = Recorder<Int>()
        for number in 0..<500 {
            queue.async {
                seen.append(number)
                if number < 100 { queue.async { seen.append(500 + number) } }
            }
        }
        try world.expectSoon("600 pieces of work") { seen.count == 600 }
        let first = seen.all.filter { $0 < 500 }
        let second = seen.all.filter { $0 >= 500 }
        try expect(first == Array(0..<500), "work given from outside ran out of order")
        try expect(second == Array(500..<600), "work given on the queue ran out of order")
    }

    private static func defersWork(_ world: any ConformanceWorld, _ queue: any SerialQueue) throws {
        let seen = Recorder<String>()
        queue.async {
            seen.append("outer begins")
            queue.async { seen.append("inner") }
            seen.append("outer ends")
        }
        try world.expectSoon("the inner work") { seen.count == 3 }
        try expectEqual(seen.all, ["outer begins", "outer ends", "inner"], "order")
    }

    private static func knowsItself(_ world: any ConformanceWorld, _ queue: any SerialQueue) throws {
        let other = world.runtime.queues.makeQueue(label: "other")
        let seen = Recorder<Bool>()
        try expect(!queue.isCurrent, "a queue must not be current outside of its work")
        queue.async {
            seen.append(queue.isCurrent)
            seen.append(!other.isCurrent)
        }
        queue.schedule(after: 1) { seen.append(queue.isCurrent) }
        other.async { seen.append(!queue.isCurrent) }
        try world.expectSoon("four answers") { seen.count == 4 }
        try expect(seen.all.allSatisfy(\.self), "isCurrent was wrong in \(seen.all)")
    }

    private static func ordersTimers(_ world: any ConformanceWorld, _ queue: any SerialQueue) throws {
        let seen = Recorder<String>()
        // Set on the queue, so that the deadlines of one delay fall into one moment as nearly as can be.
        queue.async {
            queue.schedule(after: 30) { seen.append("30") }
            queue.schedule(after: 10) { seen.append("10 a") }
            queue.schedule(after: 20) { seen.append("20") }
            queue.schedule(after: 10) { seen.append("10 b") }
            queue.schedule(after: 10) { seen.append("10 c") }
        }
        try world.expectSoon("five timers") { seen.count == 5 }
        try expectEqual(seen.all, ["10 a", "10 b", "10 c", "20", "30"], "order of timers")
    }

    private static func keepsDelay(_ world: any ConformanceWorld, _ queue: any SerialQueue) throws {
        let clock = world.runtime.clock
        let start = clock.monotonicNanoseconds
        let end = Shared<Int64>(0)
        queue.schedule(after: 25) { end.value = clock.monotonicNanoseconds }
        try world.expectSoon("the timer") { end.value != 0 }
        // Clocks of one millisecond's resolution may round the start down.
        try expect(end.value - start >= 24_000_000, "a timer of 25 ms ran after \(end.value - start) ns")
    }

    private static func defersTimer(_ world: any ConformanceWorld, _ queue: any SerialQueue) throws {
        let seen = Recorder<String>()
        queue.async {
            queue.schedule(after: 0) { seen.append("zero") }
            queue.schedule(after: -5) { seen.append("negative") }
            seen.append("outer")
        }
        try world.expectSoon("both timers") { seen.count == 3 }
        try expectEqual(seen.all.first, "outer", "what ran first")
    }

    private static func cancels(_ world: any ConformanceWorld, _ queue: any SerialQueue) throws {
        let seen = Recorder<Int>()
        let done = Shared(false)
        queue.async {
            let tokens = (0..<10).map { number in queue.schedule(after: 5) { seen.append(number) } }
            for token in tokens where token != tokens[4] { queue.cancel(token) }
            queue.schedule(after: 15) { done.value = true }
        }
        try world.expectSoon("the last timer") { done.value }
        try expectEqual(seen.all, [4], "timers that ran")
    }

    private static func cancelsNeighbour(_ world: any ConformanceWorld, _ queue: any SerialQueue) throws {
        let ran = Recorder<String>()
        let second = Shared<TimerToken?>(nil)
        queue.async {
            queue.schedule(after: 5) {
                ran.append("first")
                if let token = second.value { queue.cancel(token) }
            }
            second.value = queue.schedule(after: 5) { ran.append("second") }
            queue.schedule(after: 10) { ran.append("third") }
        }
        try world.expectSoon("the third timer") { ran.all.contains("third") }
        try expectEqual(ran.all, ["first", "third"], "timers that ran")
    }

    private static func cancelsLate(_ world: any ConformanceWorld, _ queue: any SerialQueue) throws {
        let ran = Recorder<String>()
        queue.async {
            let token = Shared<TimerToken?>(nil)
            token.value = queue.schedule(after: 1) {
                ran.append("first")
                if let own = token.value { queue.cancel(own) }
                queue.async {
                    if let own = token.value { queue.cancel(own) }
                    queue.schedule(after: 1) { ran.append("second") }
                }
            }
        }
        try world.expectSoon("the second timer") { ran.count == 2 }
        try expectEqual(ran.all, ["first", "second"], "timers that ran")
    }

    private static var separateQueues: ConformanceCase {
        ConformanceCase("queue: each of many keeps its own order") { world in
            let queues = (0..<20).map { world.runtime.queues.makeQueue(label: "q\($0)") }
            let seen = (0..<20).map { _ in Recorder<Int>() }
            for number in 0..<50 {
                for (queue, recorder) in zip(queues, seen) { queue.async { recorder.append(number) } }
            }
            try world.expectSoon("all work") { seen.allSatisfy { $0.count == 50 } }
            try expect(seen.allSatisfy { $0.all == Array(0..<50) }, "a queue lost its order")
        }
    }

    private static var openLatch: ConformanceCase {
        ConformanceCase("queue: an open latch holds up nobody") { world in
            let latch = world.runtime.queues.makeLatch()
            let seen = Recorder<Int>()
            latch.open()
            latch.wait()
            for number in 0..<3 {
                world.runtime.queues.runBlocking {
                    latch.wait()
                    seen.append(number)
                }
            }
            try world.expectSoon("three who wait") { seen.count == 3 }
        }
    }

    private static var blockingWork: ConformanceCase {
        ConformanceCase("blocking work all runs, on no queue") { world in
            let runtime = world.runtime
            let queue = runtime.queues.makeQueue(label: "control")
            let reactor = runtime.network.reactors[0]
            let ran = Recorder<Int>()
            let onQueue = Recorder<Int>()
            for number in 0..<100 {
                runtime.queues.runBlocking {
                    if queue.isCurrent || reactor.isCurrent { onQueue.append(number) }
                    queue.async { ran.append(number) }
                }
            }
            try world.expectSoon("100 pieces of blocking work") { ran.count == 100 }
            try expectEqual(ran.all.sorted(), Array(0..<100), "work that ran")
            try expectEqual(onQueue.all, [], "blocking work that ran on a queue")
        }
    }
}
