// SPDX-License-Identifier: Apache-2.0
private import Synchronization

/// Idle codec contexts of one kind: making a zlib or zstd context costs more than coding a small batch.
///
/// A codec in the pool is used by nobody; whoever takes it is its only user until it comes back.
final class CodecPool<Codec: AnyObject>: Sendable {
    private struct Idle: @unchecked Sendable {
        var codecs: [Codec] = []
    }

    private struct Taken: @unchecked Sendable {
        let codec: Codec?
    }

    private let idle = Mutex(Idle())
    private let limit: Int
    private let make: @Sendable () -> Codec

    init(limit: Int, _ make: @escaping @Sendable () -> Codec) {
        self.limit = limit
        self.make = make
    }

    func take() -> Codec {
        let kept = idle.withLock { idle in Taken(codec: idle.codecs.popLast()) }
        return kept.codec ?? make()
    }

    func give(_ codec: Codec) {
        let given = Taken(codec: codec)
        idle.withLock { idle in
            if idle.codecs.count < limit, let codec = given.codec { idle.codecs.append(codec) }
        }
    }
}
