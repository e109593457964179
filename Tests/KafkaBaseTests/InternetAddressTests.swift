// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import Testing

@Suite struct InternetAddressTests {
    @Test(arguments: [
        ("::1", "0:0:0:0:0:0:0:1"), ("::", "0::0"), ("fe80::AB", "FE80:0:0::00ab"), ("10.0.0.1", "::ffff:10.0.0.1"),
        ("::ffff:a00:1", "10.0.0.1"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
        ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"),
    ])
    func `one address is equal however it is written`(one: String, other: String) throws {
        let address = try #require(InternetAddress(one))
        #expect(InternetAddress(other) == address)
    }

    @Test func `different addresses differ and have an order`() throws {
        let addresses = try ["::1", "1.2.3.4", "1.2.3.5", "fe80::1"].map { try #require(InternetAddress($0)) }
        #expect(addresses.sorted() == addresses)
        #expect(Set(addresses).count == 4)
    }

    @Test(arguments: [
        "", "localhost", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.-4", "01234.1.1.1", "1..2.3", ":", ":::", "1::2::3",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "12345::", "g::", "+1::", "fe80::1%eth0", "1.2.3.4::", "::1.2.3.4:1",
        "1:", ":1",
        "[::1]", " ::1", "::1.2.3",
    ])
    func `whatever is no numeric address is refused`(text: String) {
        #expect(InternetAddress(text) == nil)
    }
}
