// SPDX-License-Identifier: Apache-2.0
private import DequeModule

/// What kind of thing happened in a simulation.
package enum EventKind: UInt8, Sendable {
    case work = 1
    case timer
    case blocking
    case connect
    case arrival
    case acknowledgement
    case reset
    case fault
    case note
}

/// One line of a trace.
package struct TraceEvent: Equatable, Sendable, CustomStringConvertible {
    /// Virtual nanoseconds since the start.
    package let time: Int64
    package let kind: EventKind
    /// The queue, connection or host concerned.
    package let subject: String
    /// Kind-specific: bytes and their checksum for an arrival, zeros where there is nothing to say.
    package let size: Int64
    package let digest: UInt64

    package var description: String {
        let digits = String(time)
        let padded = String(repeating: " ", count: max(0, 15 - digits.count)) + digits
        let detail = size == 0 && digest == 0 ? "" : " \(size) \(String(digest, radix: 16))"
        return "\(padded) \(kind) \(subject)\(detail)"
    }
}

/// The history of a simulation: a hash over every event, and the latest events themselves.
///
/// Two runs with one seed have equal hashes; where they do not, comparing `lines` of two runs with a large enough
/// capacity shows the first event that differs.
package struct EventTrace: Sendable {
    private let capacity: Int
    private var latest: Deque<TraceEvent> = []
    /// Events recorded so far.
    package private(set) var count = 0
    /// A 64-bit FNV-1a over all events, independent of the process.
    package private(set) var hash: UInt64 = 0xCBF2_9CE4_8422_2325

    package init(capacity: Int) { self.capacity = capacity }

    package var events: [TraceEvent] { Array(latest) }
    package var lines: [String] { latest.map(\.description) }

    mutating func record(_ event: TraceEvent, subjectHash: UInt64) {
        count += 1
        mix(UInt64(bitPattern: event.time))
        mix(UInt64(event.kind.rawValue))
        mix(subjectHash)
        mix(UInt64(bitPattern: event.size))
        mix(event.digest)
        guard capacity > 0 else { return }
        if latest.count == capacity { latest.removeFirst() }
        latest.append(event)
    }

    /// One round of FNV-1a per word with a shift behind it, since plain FNV moves high bits only upwards.
    private mutating func mix(_ word: UInt64) {
        hash = (hash ^ word) &* 0x0000_0100_0000_01B3
        hash ^= hash >> 32
    }

    /// FNV-1a of a text's UTF-8.
    static func hash(of text: String) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        return hash
    }
}

/// A name that appears in traces, with its hash.
struct TraceSubject: Sendable {
    let name: String
    let hash: UInt64

    init(_ name: String) {
        self.name = name
        hash = EventTrace.hash(of: name)
    }
}
