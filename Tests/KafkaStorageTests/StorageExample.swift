// SPDX-License-Identifier: Apache-2.0
// docs/storage.md begin
import DispatchRuntime
import KafkaStorage

/// Keeps a log of greetings under `directory`: adds one, and returns all that are there.
func greet(_ name: String, in directory: String) async throws -> [String] {
    let runtime = DispatchRuntime.makeStorageRuntime()
    let logs = LogManager(configuration: LogManagerConfiguration(directories: [directory]), runtime: runtime)
    try logs.openDirectories()
    let report = await withCheckedContinuation { loaded in
        logs.loadLogs(topicConfiguration: { _ in LogConfiguration() }) { loaded.resume(returning: $0) }
    }
    if let failed = report.failedLogs.first { throw failed.error }
    logs.startTasks()
    let log = try logs.createLog(
        for: TopicPartition(topic: "greetings", partition: 0), configuration: LogConfiguration())

    // Producers send batches; the log gives them their offsets.
    let now = runtime.clock.wallMilliseconds
    var builder = RecordBatchBuilder()
    try builder.append(timestamp: now, key: Array(name.utf8), value: Array("hello, \(name)".utf8))
    var batch = try builder.finish()
    let appended = try log.appendAsLeader(&batch, leaderEpoch: 0, now: now)
    try log.flush(upTo: appended.lastOffset + 1)  // on disk, whatever happens to the machine
    log.updateHighWatermark(log.logEndOffset)  // consumers may see it

    var greetings: [String] = []
    var next = log.logStartOffset
    while next < log.highWatermark {
        let range = try log.read(from: next, maxBytes: 1 << 20, isolation: .highWatermark, atLeastOne: true)
        try range.readBytes().withUnsafeBytes { bytes in
            var cursor = BatchCursor(bytes)
            while let entry = try cursor.next() {
                let batch = try RecordBatch(bytes: entry.bytes)
                try batch.forEachRecord {
                    greetings.append("\($0.offset) \(String(decoding: $0.value!, as: UTF8.self))")
                }
                next = batch.header.nextOffset
            }
        }
    }
    await withCheckedContinuation { stopped in logs.shutdown(brokerEpoch: -1) { stopped.resume() } }
    return greetings
}
// docs/storage.md end
