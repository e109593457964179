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
    /// Nil while no quotas are set for anybody.
    private(set) var quota: RequestQuota?

    /// - Parameter bytesMax: the broker's own limit (`fetch.max.bytes`).
    init(_ request: FetchRequestHead, bytesMax: Int, quota: RequestQuota? = nil) {
        self.quota = quota
        version = request.version
        isolation = request.isolationLevel == 1 ? .lastStable : .highWatermark
        maxWait = Int64(request.maxWaitMs)
        maxBytes = min(max(Int(request.maxBytes), 0), bytesMax, quota?.fetchBytesMax ?? .max)
        // More than the limit could never be gathered, so it would only ever wait for the deadline.
        minBytes = min(max(Int(request.minBytes), 0), maxBytes)
    }

    /// The same for a fetch that has waited long enough.
    var withoutWaiting: FetchLimits {
        var limits = self
        limits.maxWait = 0
        return limits
    }

    /// The same for another attempt, whose time begins now.
    var again: FetchLimits {
        var limits = self
        limits.quota = quota?.beginningAgain
        return limits
    }
}
