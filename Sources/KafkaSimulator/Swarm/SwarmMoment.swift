// SPDX-License-Identifier: Apache-2.0
import KafkaRuntime

/// Where in its work on files the broker goes down: a few calls behind one that begins something of several steps. Kills
/// at any call come upon these steps too seldom.
enum SwarmMoment: CaseIterable, Sendable {
    /// Cleaned segments take the place of others.
    case swap, swapEnd
    /// A segment is deleted.
    case deletion
    /// A checkpoint is replaced.
    case checkpoint
    /// What producers did is written.
    case snapshot
    /// A segment is begun.
    case roll
    /// A log is synced.
    case sync
    /// A topic's logs are given up.
    case topicDeletion

    /// How many calls behind the first it may come.
    var calls: Int {
        switch self {
        case .swap: 24
        case .swapEnd, .deletion, .topicDeletion: 10
        case .roll: 8
        case .snapshot: 5
        case .checkpoint, .sync: 3
        }
    }

    func matches(_ operation: InMemoryFileSystem.Operation, _ path: String) -> Bool {
        switch self {
        case .swap: operation == .rename && path.hasSuffix(".cleaned")
        case .swapEnd: operation == .rename && path.hasSuffix(".swap")
        case .deletion: operation == .rename && path.hasSuffix(".log")
        case .checkpoint: operation == .rename && path.hasSuffix("-checkpoint.tmp")
        case .snapshot: operation == .open && path.hasSuffix(".snapshot.tmp")
        case .roll: operation == .open && path.hasSuffix(".timeindex")
        case .sync: operation == .sync && path.hasSuffix(".log")
        case .topicDeletion: operation == .rename && !path.contains(".")
        }
    }
}
