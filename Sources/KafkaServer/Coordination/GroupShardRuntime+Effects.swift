// SPDX-License-Identifier: Apache-2.0
internal import KafkaCoordination
internal import KafkaProtocol
internal import KafkaRuntime

/// Timers, and the requests that wait for other members.
extension GroupShardRuntime {
    func perform(_ effect: GroupEffect) {
        switch effect {
        case .setTimer(let timer, let delay): set(timer, after: delay)
        case .cancelTimer(let timer): cancel(timer)
        case .completeJoin(let token, let response):
            guard let ticket = joins.removeValue(forKey: token) else { return }
            answerWhenCommitted({ ticket.complete(response) }) {
                ticket.complete(GroupAnswers.failedJoin($0))
            }
        case .completeSync(let token, let response):
            guard let ticket = syncs.removeValue(forKey: token) else { return }
            answerWhenCommitted({ ticket.complete(response) }) {
                ticket.complete(GroupAnswers.failedSync($0))
            }
        }
    }

    /// Answers a parked request that will hear nothing else.
    func answerAtOnce(_ effect: GroupEffect) {
        switch effect {
        case .setTimer, .cancelTimer: break
        case .completeJoin(let token, let response): joins.removeValue(forKey: token)?.complete(response)
        case .completeSync(let token, let response): syncs.removeValue(forKey: token)?.complete(response)
        }
    }

    func set(_ timer: GroupTimer, after delay: Int64) {
        cancel(timer)
        timers[timer] = queue.schedule(after: max(delay, 0)) { [weak self] in self?.timerFired(timer) }
    }

    private func cancel(_ timer: GroupTimer) {
        if let token = timers.removeValue(forKey: timer) { queue.cancel(token) }
    }

    func dropTimers() {
        // The order of cancelling does not show.
        for token in timers.values.sorted(by: { $0.rawValue < $1.rawValue }) { queue.cancel(token) }
        timers = [:]
    }
}
