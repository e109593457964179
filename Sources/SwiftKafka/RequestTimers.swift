// SPDX-License-Identifier: Apache-2.0
internal import CoreMetrics
internal import KafkaProtocol
internal import KafkaServer

/// Hands the times of each request to the program's back end of swift-metrics.
struct RequestTimers: RequestTimeObserver {
    private struct Timers {
        let total: Timer
        let local: Timer
        let remote: Timer

        init(_ key: APIKey) {
            let dimensions = [("request", key.name)]
            total = Timer(label: "kafka_network_requestmetrics_totaltimems", dimensions: dimensions)
            local = Timer(label: "kafka_network_requestmetrics_localtimems", dimensions: dimensions)
            remote = Timer(label: "kafka_network_requestmetrics_remotetimems", dimensions: dimensions)
        }
    }

    /// By API key, so that a request finds its own without searching; nil for what is not served.
    private let timers: [Timers?]

    init() {
        var timers: [Timers?] = []
        for key in APIKey.allCases where RequestRouter.handler(of: key) != nil {
            let index = Int(key.rawValue)
            while timers.count <= index { timers.append(nil) }
            timers[index] = Timers(key)
        }
        self.timers = timers
    }

    func requestAnswered(_ key: APIKey, total: Int64, local: Int64, remote: Int64) {
        guard let timers = timers[Int(key.rawValue)] else { return }
        timers.total.recordNanoseconds(total)
        timers.local.recordNanoseconds(local)
        timers.remote.recordNanoseconds(remote)
    }
}
