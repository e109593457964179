// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime
import Logging
import Synchronization
import Testing

@testable import KafkaServer
@testable import KafkaStorage

private final class SteppedClock: Clock {
    private let now = Mutex<Int64>(7_000)

    var wallMilliseconds: Int64 { 0 }
    var monotonicNanoseconds: Int64 { now.withLock { $0 * 1_000_000 } }
    func advance(_ milliseconds: Int64) { now.withLock { $0 += milliseconds } }
}

@Suite struct LoadProgressLogTests {
    private func progress(_ logs: Int, of total: Int, checked: Int64 = 0, of bytes: Int64 = 0) -> LoadProgress {
        var progress = LoadProgress(loadedLogs: logs, totalLogs: total, loadedBytes: 0)
        progress.checkedBytes = checked
        progress.bytesToCheck = bytes
        return progress
    }

    @Test func `a line every five seconds says how far loading has come and how long it will take`() {
        let (clock, log) = (SteppedClock(), TestLog())
        let told = LoadProgressLog(log: log.loggers.logger("storage"), clock: clock)
        clock.advance(4_999)
        told.report(progress(10, of: 40))
        #expect(log.lines == [])
        clock.advance(1)
        told.report(progress(10, of: 40))
        #expect(log.lines == ["INFO [storage] loading logs loaded=10 of=40 secondsLeft=15"])
        log.clear()
        clock.advance(4_999)
        told.report(progress(20, of: 40))
        #expect(log.lines == [])
        clock.advance(1)
        told.report(progress(20, of: 40, checked: 100 << 20, of: 500 << 20))
        #expect(
            log.lines == [
                "INFO [storage] loading logs checkedMiB=100 loaded=20 of=40 ofMiB=500 secondsLeft=40"
            ])
    }

    @Test func `the estimate goes by what is slower, logs or bytes, and needs something to go by`() {
        #expect(LoadProgressLog.secondsLeft(progress(0, of: 40), after: 10_000) == nil)
        #expect(LoadProgressLog.secondsLeft(progress(40, of: 40), after: 10_000) == 0)
        #expect(LoadProgressLog.secondsLeft(progress(39, of: 40), after: 10_000) == 1)
        #expect(LoadProgressLog.secondsLeft(progress(0, of: 1, checked: 1 << 20, of: 11 << 20), after: 500) == 5)
        #expect(LoadProgressLog.secondsLeft(progress(20, of: 40, checked: 9, of: 10), after: 9_000) == 9)
        #expect(LoadProgressLog.secondsLeft(progress(20, of: 40, checked: 1, of: 10), after: 9_000) == 81)
    }
}
