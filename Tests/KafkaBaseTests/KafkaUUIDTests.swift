// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import Testing

@Suite struct KafkaUUIDTests {
    @Test(arguments: [
        (KafkaUUID.zero, "AAAAAAAAAAAAAAAAAAAAAA"),
        (.metadataTopic, "AAAAAAAAAAAAAAAAAAAAAQ"),
        (KafkaUUID(high: .max, low: .max), "_____________________w"),
        // Python: base64.urlsafe_b64encode(bytes(range(16)))
        (KafkaUUID(high: 0x0001_0203_0405_0607, low: 0x0809_0A0B_0C0D_0E0F), "AAECAwQFBgcICQoLDA0ODw"),
        (KafkaUUID(high: 0xFB00_0000_0000_0000, low: 0), "-wAAAAAAAAAAAAAAAAAAAA"),
    ])
    func `has its text form and back`(uuid: KafkaUUID, text: String) {
        #expect(uuid.description == text)
        #expect(KafkaUUID(text) == uuid)
        #expect(KafkaUUID(text + "==") == uuid)
    }

    @Test(arguments: [
        "", "A", "AAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAA+", "AAAAAAAAAAAAAAAAAAAAAB",
        "AAAAAAAAAAAAAAAAAAAAA=", "AAAAAAAAAAAAAAAAAAAAAA=", "AAAAAAAAAAAAAAAAAAAAA/", "éAAAAAAAAAAAAAAAAAAAAA",
    ])
    func `refuses other texts`(text: String) {
        #expect(KafkaUUID(text) == nil)
    }

    @Test func `random ones have version 4 and the standard variant`() {
        for bits in [UInt64.min, .max, 0x1234_5678_9ABC_DEF0] {
            let uuid = KafkaUUID(randomHigh: bits, randomLow: bits)
            #expect((uuid.high >> 12) & 0xF == 4)
            #expect(uuid.low >> 62 == 2)
        }
    }

    @Test func `orders by its bits`() {
        #expect(KafkaUUID(high: 0, low: .max) < KafkaUUID(high: 1, low: 0))
        #expect(KafkaUUID(high: 1, low: 1) < KafkaUUID(high: 1, low: 2))
        #expect(!(KafkaUUID.zero < .zero))
    }
}
