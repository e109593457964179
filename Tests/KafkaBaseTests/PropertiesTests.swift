// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import Testing

@Suite struct PropertiesTests {
    private func parse(_ text: String) throws -> [String] {
        try Properties(parsing: Array(text.utf8)).entries.map { "\($0.line)|\($0.key)|\($0.value)" }
    }

    @Test(arguments: [
        ("a=b", "1|a|b"), ("a:b", "1|a|b"), ("a b", "1|a|b"), ("a\tb", "1|a|b"), ("a\u{C}b", "1|a|b"),
        ("  a  =  b  ", "1|a|b  "), ("a = = b", "1|a|= b"), ("a : b", "1|a|b"), ("a=:b", "1|a|:b"), ("a", "1|a|"),
        ("a=", "1|a|"), ("=b", "1||b"), ("a b=c", "1|a|b=c"), ("a\\ b=c", "1|a b|c"), ("a\\=b=c", "1|a=b|c"),
        ("a\\:b=c", "1|a:b|c"), ("a\\\\=b", "1|a\\|b"), ("\\#a=b", "1|#a|b"), ("a=#b", "1|a|#b"), ("a=b!", "1|a|b!"),
        ("a=\\t\\n\\r\\f\\q\\\"", "1|a|\t\n\r\u{C}q\""), ("a=\\u00e4\\u20AC", "1|a|ä€"), ("a=\\uD83D\\ude00", "1|a|😀"),
        ("a=\\u0041\\u0042c", "1|a|ABc"), ("\\u0061=b", "1|a|b"), ("a=ä😀", "1|a|ä😀"), ("\u{FEFF}a=b", "1|a|b"),
    ])
    func `reads one line as Java does`(line: String, entry: String) throws {
        #expect(try parse(line) == [entry])
    }

    @Test(arguments: [
        ("", []), ("\n\r\n \t\n", []), ("# a=b\n ! c=d\n", []), ("# a \\\nb=c", ["2|b|c"]),
        ("a=1\nb=2\rc=3\r\nd=4", ["1|a|1", "2|b|2", "3|c|3", "4|d|4"]),
        ("a=1,\\\n   2,\\\r\n\t3\nb=4", ["1|a|1,2,3", "4|b|4"]), ("a=\\\\\nb=2", ["1|a|\\", "2|b|2"]),
        ("a=1\\\\\\\n2", ["1|a|1\\2"]), ("a=1\\\n\nb=2", ["1|a|1", "3|b|2"]), ("\\\na=b", ["2|a|b"]),
        ("\\\n# c\na=b", ["3|a|b"]), ("a=1\\\n#2", ["1|a|1#2"]), ("a=1\\", ["1|a|1"]), ("\\", []),
        ("a=1\na=2", ["1|a|1", "2|a|2"]),
    ])
    func `joins and leaves out lines as Java does`(text: String, entries: [String]) throws {
        #expect(try parse(text) == entries)
    }

    @Test func `reads bytes that are not UTF-8 as ISO-8859-1`() throws {
        let properties = try Properties(parsing: Array("a=".utf8) + [0xE4, 0xFF, 0x41])
        #expect(properties["a"] == "äÿA")
    }

    @Test(arguments: [
        "\\u", "\\u12", "\\u12g4", "\\u+123", "\\uD83D", "\\uD83Dx", "\\uD83D\\t", "\\uD83D\\u0041", "\\uDE00",
    ])
    func `names the line of a bad escape`(escape: String) {
        let error = #expect(throws: PropertiesError.self) { try parse("# one\na=1\\\n2\nb=\(escape)\nc=1") }
        #expect(error?.line == 4)
    }

    @Test func `a bad escape in a key is found too`() {
        #expect(throws: PropertiesError(line: 1, reason: "\\u must be followed by four hexadecimal digits")) {
            try parse("\\u=1")
        }
    }

    @Test func `the last value of a key counts`() throws {
        var properties = try Properties(parsing: Array("a=1\nb=2\na=3".utf8))
        #expect(properties["a"] == "3")
        #expect(properties["c"] == nil)
        properties.set("a", to: "4")
        properties.set("c", to: "5")
        #expect(properties.entries.map(\.key) == ["a", "b", "c"])
        #expect(properties["a"] == "4")
        properties.append(Properties.Entry(key: "b", value: "6"))
        #expect(properties["b"] == "6")
    }

    @Test func `writes what Java's store writes`() {
        let properties = Properties(entries: [
            .init(key: "cluster.id", value: "abc=-_"), .init(key: " k:#!=\\", value: " a b#!:="),
            .init(key: "t", value: "\t\n\r\u{C}\u{1}\u{7F}ä😀"), .init(key: "empty", value: ""),
        ])
        let expected = """
            #
            #first
            #second \\u00E4
            cluster.id=abc\\=-_
            \\ k\\:\\#\\!\\=\\\\=\\ a b\\#\\!\\:\\=
            t=\\t\\n\\r\\f\\u0001\\u007F\\u00E4\\uD83D\\uDE00
            empty=

            """
        #expect(String(decoding: properties.serialized(comments: ["", "first\nsecond ä"]), as: UTF8.self) == expected)
    }

    @Test func `reads back what it writes, whatever the text`() throws {
        var state: UInt64 = 7
        func next(_ bound: UInt64) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) % bound
        }
        let alphabet = Array(" \t\n\r\u{C}\\=:#!uabä€😀\u{0}\u{FFFF}".unicodeScalars)
        func text() -> String {
            var scalars = String.UnicodeScalarView()
            for _ in 0..<next(12) { scalars.append(alphabet[Int(next(UInt64(alphabet.count)))]) }
            return String(scalars)
        }
        for _ in 0..<500 {
            let entries = (0..<next(5)).map { _ in Properties.Entry(key: text(), value: text()) }
            let bytes = Properties(entries: entries).serialized(comments: [text()])
            let read = try Properties(parsing: bytes).entries
            #expect(read.map(\.key) == entries.map(\.key))
            #expect(read.map(\.value) == entries.map(\.value))
        }
    }

    @Test func `random bytes are read or refused, and never stop the program`() {
        var state: UInt64 = 11
        let alphabet: [UInt8] = Array("\\\\\\u\r\n =:#!ab0123dD8".utf8) + [0x00, 0x80, 0xC3, 0xA4, 0xFF]
        for length in 0..<2000 {
            let bytes = (0..<length % 40).map { _ -> UInt8 in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return alphabet[Int(state >> 33) % alphabet.count]
            }
            guard let properties = try? Properties(parsing: bytes) else { continue }
            #expect(properties.entries.allSatisfy { $0.line >= 1 && $0.line <= bytes.count })
        }
    }
}
