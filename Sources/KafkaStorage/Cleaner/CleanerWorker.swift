// SPDX-License-Identifier: Apache-2.0
import KafkaBase

/// One of the cleaner's workers: what it is busy with between two turns.
///
/// Confined to its turns, of which there is one at a time (hence unchecked); `partition` belongs to the cleaner's lock.
final class CleanerWorker: @unchecked Sendable {
    let number: Int
    /// The start of the cleaner that it belongs to.
    let generation: Int
    var cleaning: LogCleaning?
    /// The partition of `cleaning`, while the worker waits because of the throttle.
    var partition: TopicPartition?

    init(number: Int, generation: Int) {
        self.number = number
        self.generation = generation
    }
}
