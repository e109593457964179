// SPDX-License-Identifier: Apache-2.0

/// Holds the images of appended records back until raft commits the records.
///
/// The active controller replays a batch when it is appended; brokers may see the result only when it is committed. The
/// images share what did not change, so holding several costs little; their number is that of the batches under way.
package struct MetadataPublication: Sendable {
    private struct Pending: Sendable {
        let endOffset: Int64
        let image: MetadataImage
        let delta: MetadataDelta
    }

    /// The newest committed image.
    package private(set) var image: MetadataImage
    private var pending: [Pending] = []

    package init(_ image: MetadataImage) { self.image = image }

    /// Notes the image after the records below `endOffset`, which exceeds that of the call before.
    package mutating func appended(upTo endOffset: Int64, image: MetadataImage, delta: MetadataDelta) {
        precondition(endOffset > pending.last?.endOffset ?? -1, "appends ascend")
        pending.append(Pending(endOffset: endOffset, image: image, delta: delta))
    }

    /// Everything below `offset` is committed. Returns what changed since the last published image; nil where nothing was
    /// waiting for this commit.
    package mutating func committed(upTo offset: Int64) -> MetadataDelta? {
        let count = pending.prefix { $0.endOffset <= offset }.count
        guard count > 0 else { return nil }
        var delta = pending[0].delta
        for later in pending[1..<count] { delta.merge(later.delta) }
        image = pending[count - 1].image
        pending.removeFirst(count)
        return delta
    }

    /// Forgets what was not committed: this node does not lead any more. `image` is where a new start begins.
    package mutating func dropUncommitted() { pending.removeAll() }
}
