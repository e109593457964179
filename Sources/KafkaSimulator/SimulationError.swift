// SPDX-License-Identifier: Apache-2.0

/// Why a simulation was stopped. Carries what is needed to find the moment again: the seed and the step.
package struct SimulationError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Reason: Equatable, Sendable {
        /// The condition waited for does not hold and nothing is left that could change it.
        case deadlock
        /// More events than the options allow, in one run or within one virtual millisecond.
        case livelock(steps: Int)
        /// A check that runs after every event found something.
        case invariant(name: String, finding: String)
    }

    package let reason: Reason
    package let seed: UInt64
    /// Events handled since the start.
    package let step: Int
    /// Virtual nanoseconds since the start.
    package let time: Int64

    package var description: String {
        let what =
            switch reason {
            case .deadlock: "deadlock: nothing is pending and the condition does not hold"
            case .livelock(let steps): "livelock: \(steps) events without an end"
            case .invariant(let name, let finding): "invariant “\(name)” broken: \(finding)"
            }
        return "\(what) (seed \(seed), step \(step), \(time) ns)"
    }
}
