// SPDX-License-Identifier: Apache-2.0
package import KafkaMetadata
internal import Synchronization

/// The newest committed image of the cluster's metadata that this broker has acted on, readable from everywhere.
package final class PublishedMetadata: Sendable {
    private let current = Mutex(MetadataImage.empty)

    package init() {}

    package var image: MetadataImage { current.withLock { $0 } }

    func publish(_ image: MetadataImage) { current.withLock { $0 = image } }
}
