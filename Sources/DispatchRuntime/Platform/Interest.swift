// SPDX-License-Identifier: Apache-2.0

/// What a socket is watched for. A poller tells of each change once: who does not use up what is ready must remember it.
struct Interest: OptionSet {
    let rawValue: UInt8

    /// Input, and the end of it.
    static let read = Interest(rawValue: 1)
    /// Room for output.
    static let write = Interest(rawValue: 2)
}

/// What a socket is ready for.
struct Readiness: OptionSet {
    let rawValue: UInt8

    static let read = Readiness(rawValue: 1)
    static let write = Readiness(rawValue: 2)
    /// Both directions have ended, or the connection failed. Reported whatever the interest is.
    static let broken = Readiness(rawValue: 4)
    /// The peer sends no more than what is there to be read.
    static let ended = Readiness(rawValue: 8)
}
