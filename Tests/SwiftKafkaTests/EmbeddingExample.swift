// SPDX-License-Identifier: Apache-2.0
// README begin
import SwiftKafka

/// Runs a broker for the time of `body`, which gets the address for its Kafka client.
func withBroker(in directory: String, _ body: (_ bootstrapServers: String) async throws -> Void) async throws {
    let broker = try Broker(configuration: [
        "log.dirs": directory,
        "listeners": "PLAINTEXT://127.0.0.1:0",  // any free port
        "num.partitions": "3",
    ])
    try await broker.start()
    do {
        try await body(broker.bootstrapServers ?? "")
    } catch {
        await broker.shutdown()
        throw error
    }
    await broker.shutdown()
}
// README end
