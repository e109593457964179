// SPDX-License-Identifier: Apache-2.0

/// What client quotas are measured over.
package struct QuotaConfiguration: Sendable {
    let windowCount: Int
    /// Milliseconds.
    let windowLength: Int64
    /// How many seconds of its rate of changes a client may use at once.
    let mutationBurstSeconds: Double

    init(_ reader: inout ConfigurationReader) {
        windowCount = reader.int("quota.window.num")
        windowLength = reader.integer("quota.window.size.seconds") * 1_000
        mutationBurstSeconds =
            Double(reader.int("controller.quota.window.num"))
            * Double(reader.int("controller.quota.window.size.seconds"))
    }
}
