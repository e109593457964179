// SPDX-License-Identifier: Apache-2.0
internal import KafkaRuntime

/// When a connection is read again that was muted because of a quota (KIP-219).
struct Muting {
    /// Monotonic milliseconds.
    let until: Int64
    let timer: TimerToken
}
