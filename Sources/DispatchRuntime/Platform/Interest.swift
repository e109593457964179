// SPDX-License-Identifier: Apache-2.0

/// What a socket is watched for.
struct Interest: OptionSet {
    let rawValue: UInt8

    static let read = Interest(rawValue: 1)
    static let write = Interest(rawValue: 2)
}

/// What a socket is ready for.
struct Readiness: OptionSet {
    let rawValue: UInt8

    static let read = Readiness(rawValue: 1)
    static let write = Readiness(rawValue: 2)
    /// Both directions have ended, or the connection failed. Reported whatever the interest is.
    static let broken = Readiness(rawValue: 4)
}
