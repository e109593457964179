// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime
import KafkaServer
import Logging
import Synchronization
import Testing

private struct FixedClock: Clock {
    let wallMilliseconds: Int64
    let monotonicNanoseconds: Int64 = 0
}

private final class Lines: Sendable {
    private let all = Mutex<[String]>([])

    var text: [String] { all.withLock { $0 } }

    func append(_ line: String) { all.withLock { $0.append(line) } }
}

@Suite struct LineLogHandlerTests {
    private let lines = Lines()

    private func logger(_ format: LineLogHandler.Format, _ level: Logger.Level = .info) -> Logger {
        let lines = lines
        return Logger(label: "network") { _ in
            LineLogHandler(
                component: "network", level: level, format: format,
                clock: FixedClock(wallMilliseconds: 1_790_000_000_123), write: { lines.append($0) })
        }
    }

    @Test func `an event is one line of time, level, component, message and sorted pairs`() {
        logger(.text).info("accepted", metadata: ["peer": "127.0.0.1:5", "id": "7"])
        #expect(lines.text == ["2026-09-21T14:13:20.123Z INFO  [network] accepted id=7 peer=127.0.0.1:5\n"])
    }

    @Test func `what a peer sent cannot begin a line of its own`() {
        logger(.text).warning("odd\nname", metadata: ["client": "a b\n\"c\""])
        #expect(
            lines.text == [
                "2026-09-21T14:13:20.123Z WARN  [network] odd\\nname client=\"a b\\n\\\"c\\\"\"\n"
            ])
    }

    @Test func `JSON lines hold the same`() {
        logger(.json).error("failed", metadata: ["reason": "a\u{1}b"])
        #expect(
            lines.text == [
                "{\"time\":\"2026-09-21T14:13:20.123Z\",\"level\":\"error\",\"component\":\"network\","
                    + "\"message\":\"failed\",\"reason\":\"a\\u0001b\"}\n"
            ])
    }

    @Test func `events below the level are not written`() {
        logger(.text, .warning).info("quiet")
        #expect(lines.text.isEmpty)
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"), (951_782_399_999, "2000-02-28T23:59:59.999Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"), (1_709_251_199_000, "2024-02-29T23:59:59.000Z"),
        (4_107_542_400_000, "2100-03-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
    ])
    func `a moment is written in UTC`(milliseconds: Int64, text: String) {
        #expect(UTCTimestamp(milliseconds: milliseconds).description == text)
    }
}
