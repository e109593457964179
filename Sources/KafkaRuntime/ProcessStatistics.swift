// SPDX-License-Identifier: Apache-2.0

/// What the operating system says about the process.
package struct ProcessStatistics: Equatable, Sendable {
    /// Bytes.
    package let residentMemory: Int64
    package let cpuSeconds: Double
    package let openDescriptors: Int64
    package let maxDescriptors: Int64

    package init(residentMemory: Int64, cpuSeconds: Double, openDescriptors: Int64, maxDescriptors: Int64) {
        self.residentMemory = residentMemory
        self.cpuSeconds = cpuSeconds
        self.openDescriptors = openDescriptors
        self.maxDescriptors = maxDescriptors
    }
}
