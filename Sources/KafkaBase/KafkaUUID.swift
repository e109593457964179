// SPDX-License-Identifier: Apache-2.0

/// A 128-bit identifier of a topic, directory, cluster or incarnation.
///
/// Its text form is URL-safe Base64 without padding, 22 characters, as in `meta.properties` and Kafka's tools.
public struct KafkaUUID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let high: UInt64
    public let low: UInt64

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    public static let zero = KafkaUUID(high: 0, low: 0)
    /// The id of the topic `__cluster_metadata`.
    public static let metadataTopic = KafkaUUID(high: 0, low: 1)

    public var isZero: Bool { high == 0 && low == 0 }

    /// A version-4 UUID from 128 random bits. Kafka avoids text forms that start with a dash; so does the caller
    /// by asking again while `description` begins with "-" (`KafkaUUID.random` in KafkaRuntime does).
    public init(randomHigh: UInt64, randomLow: UInt64) {
        high = (randomHigh & 0xFFFF_FFFF_FFFF_0FFF) | 0x4000
        low = (randomLow & 0x3FFF_FFFF_FFFF_FFFF) | 0x8000_0000_0000_0000
    }

    public static func < (left: KafkaUUID, right: KafkaUUID) -> Bool {
        left.high == right.high ? left.low < right.low : left.high < right.high
    }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    public var description: String {
        var text: [UInt8] = []
        text.reserveCapacity(22)
        var accumulator: UInt32 = 0
        var bits = 0
        for index in 0..<16 {
            let word = index < 8 ? high : low
            let byte = UInt32(truncatingIfNeeded: word >> UInt64(56 - 8 * (index % 8))) & 0xFF
            accumulator = (accumulator << 8) | byte
            bits += 8
            while bits >= 6 {
                bits -= 6
                text.append(Self.alphabet[Int((accumulator >> UInt32(bits)) & 63)])
            }
        }
        text.append(Self.alphabet[Int((accumulator << UInt32(6 - bits)) & 63)])
        return String(decoding: text, as: UTF8.self)
    }

    /// Reads the 22-character text form (a padding `==` is accepted); nil for anything else.
    public init?(_ text: some StringProtocol) {
        var characters = Array(text.utf8)
        if characters.count == 24, characters.suffix(2).elementsEqual("==".utf8) { characters.removeLast(2) }
        guard characters.count == 22 else { return nil }
        var words: [UInt64] = [0, 0]
        var accumulator: UInt32 = 0
        var bits = 0
        var byteIndex = 0
        for character in characters {
            guard let value = Self.alphabet.firstIndex(of: character) else { return nil }
            accumulator = (accumulator << 6) | UInt32(value)
            bits += 6
            if bits >= 8 {
                bits -= 8
                words[byteIndex / 8] = (words[byteIndex / 8] << 8) | UInt64((accumulator >> UInt32(bits)) & 0xFF)
                byteIndex += 1
                accumulator &= (1 << UInt32(bits)) - 1
            }
        }
        guard byteIndex == 16, accumulator == 0 else { return nil }
        self.init(high: words[0], low: words[1])
    }
}
