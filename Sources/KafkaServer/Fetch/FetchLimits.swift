// SPDX-License-Identifier: Apache-2.0
internal import KafkaProtocol
internal import KafkaStorage

/// What a fetch request says of all its partitions together.
struct FetchLimits {
    let version: Int16
    let isolation: ReadIsolation
    /// Milliseconds to wait for `minBytes`.
    private(set) var maxWait: Int64
    let minBytes: Int
    /// Limit for the whole answer in bytes; the first batch is answered even where it is larger (version 3 on).
    let maxBytes: Int

    /// - Parameter bytesMax: the broker's own limit (`fetch.max.bytes`), or the client's quota where that is less.
    @inline(__always)
    init(_ request: FetchRequestHead, bytesMax: Int) {
        version = request.version
        isolation = request.isolationLevel == 1 ? .lastStable : .highWatermark
        maxWait = Int64(request.maxWaitMs)
        maxBytes = min(max(Int(request.maxBytes), 0), bytesMax)
        // More than the limit could never be gathered, so it would only ever wait for the deadline.
        minBytes = min(max(Int(request.minBytes), 0), maxBytes)
    }

    /// The same for a fetch that has waited long enough.
    var withoutWaiting: FetchLimits {
        var limits = self
        limits.maxWait = 0
        return limits
    }
}
