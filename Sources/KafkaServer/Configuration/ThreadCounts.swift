// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaMetadata

/// The numbers of threads that can change while the broker runs: a step is from half to double what there are, so that a
/// slip of the finger does not take a broker down.
enum ThreadCounts {
    static let networkKey = "num.network.threads"
    private static let keys = [
        networkKey, "num.io.threads", "num.replica.fetchers", "num.recovery.threads.per.data.dir", "background.threads",
    ]

    /// - Parameter networkThreads: how many reactors there are where no key says it.
    static func check(
        from old: ConfigurationLayers, to new: ConfigurationLayers, networkThreads: Int
    ) throws(APIError) {
        func count(_ key: String, _ layers: ConfigurationLayers) -> Int64? {
            layers.integer(key) ?? (key == networkKey ? Int64(networkThreads) : nil)
        }
        for key in keys {
            guard let before = count(key, old), let after = count(key, new), before != after else { continue }
            let failure = "Dynamic thread count update validation failed for \(key)=\(after)"
            if after < before / 2 {
                throw APIError(
                    .invalidRequest, "\(failure), value should be at least half the current value \(before)")
            }
            if after > before * 2 {
                throw APIError(
                    .invalidRequest, "\(failure), value should not be greater than double the current value \(before)")
            }
        }
    }
}
