// SPDX-License-Identifier: Apache-2.0

/// The version of this software.
public enum SwiftKafkaVersion {
    /// For `--version` and for logs.
    public static let text = "0.1.0"
}
