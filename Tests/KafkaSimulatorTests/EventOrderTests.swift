// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime
import KafkaSimulator
import Testing

@Suite struct EventOrderTests {
    @Test(arguments: 1...5 as ClosedRange<UInt64>)
    func `timers of many queues fire by deadline, whatever was cancelled between`(seed: UInt64) throws {
        let simulation = SimulatedRuntime(seed: seed, options: .immediate)
        let runtime = simulation.runtime
        var random = Xoshiro256(seed: seed)
        let queues = (0..<7).map { runtime.queues.makeQueue(label: "q\($0)") }
        let fired = Journal<(deadline: Int64, number: Int)>()
        var expected: [(deadline: Int64, number: Int)] = []
        for number in 0..<5_000 {
            let queue = queues[random.value(in: 0...6)]
            let deadline = random.value(in: 0...500 as ClosedRange<Int64>)
            let token = queue.schedule(after: deadline) { fired.add((deadline, number)) }
            if random.chance(2, in: 3) { queue.cancel(token) } else { expected.append((deadline, number)) }
        }
        try simulation.advance(by: 1_000)
        expected.sort { ($0.deadline, $0.number) < ($1.deadline, $1.number) }
        #expect(fired.entries.map(\.deadline) == expected.map(\.deadline))
        #expect(fired.entries.map(\.number) == expected.map(\.number))
    }
}
