// SPDX-License-Identifier: Apache-2.0
package import KafkaRuntime

/// How a broker is to be measured.
package struct Measurement: Sendable {
    /// Told the times of each request as they come.
    package var times: (any RequestTimeObserver)?
    /// Says what the process uses; nil where a process is nothing to speak of.
    package var processStatistics: (@Sendable () -> ProcessStatistics?)?

    package init(
        times: (any RequestTimeObserver)? = nil, processStatistics: (@Sendable () -> ProcessStatistics?)? = nil
    ) {
        self.times = times
        self.processStatistics = processStatistics
    }
}
