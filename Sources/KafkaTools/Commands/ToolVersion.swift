// SPDX-License-Identifier: Apache-2.0
import KafkaMetadata

/// What `version` and `--version` print.
package enum ToolVersion {
    /// This project's version.
    package static let number = "0.1.0"

    /// One line.
    package static var line: String {
        "swiftkafka \(number) (metadata.version up to \(MetadataVersion.latestStable))"
    }
}
