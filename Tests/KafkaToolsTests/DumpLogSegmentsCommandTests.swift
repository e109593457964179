// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Testing

@testable import KafkaTools

@Suite struct DumpLogSegmentsCommandTests {
    private func options(_ arguments: String...) throws -> DumpOptions {
        try DumpLogSegmentsCommand.parse(["--files", "a.log"] + arguments).options
    }

    @Test func `the defaults are Kafka's`() throws {
        let options = try options()
        #expect(!options.walksRecords)
        #expect(options.form == .current)
        #expect(options.maxMessageSize == 5_242_880)
        #expect(options.maxBytes == 2_147_483_647)
        #expect(options.decoder == .classes(key: .string, value: .string))
    }

    @Test(arguments: [
        "--print-data-log", "--offsets-decoder", "--transaction-log-decoder", "--cluster-metadata-decoder",
        "--share-group-state-decoder", "--value-decoder-class", "--key-decoder-class",
    ])
    func `every decoder prints data`(flag: String) throws {
        #expect(try options(flag).printsData)
    }

    @Test func `decoder classes have an optional value`() throws {
        #expect(try options("--value-decoder-class").decoder == .classes(key: .string, value: .string))
        #expect(
            try options("--value-decoder-class", "kafka.serializer.LongDecoder", "--deep-iteration").decoder
                == .classes(key: .string, value: .long))
        #expect(try options("--key-decoder-class=IntegerDecoder").decoder == .classes(key: .integer, value: .string))
        #expect(throws: (any Error).self) { try options("--key-decoder-class", "com.example.Mine") }
    }

    @Test func `the first decoder in Kafka's order counts`() throws {
        #expect(try options("--transaction-log-decoder", "--offsets-decoder").decoder == .offsets)
        #expect(try options("--offsets-decoder", "--value-decoder-class", "LongDecoder").decoder == .offsets)
    }

    @Test(arguments: [
        ("4.x", DumpOptions.Form.current), ("4", .current), ("2.4", .v2_4), ("1", .v1),
    ])
    func `output formats`(name: String, form: DumpOptions.Form) throws {
        #expect(try options("--output-format", name).form == form)
    }

    @Test(arguments: [
        ["--output-format", "3"], ["--max-message-size", "0"], ["--max-bytes", "-1"], ["--remote-log-metadata-decoder"],
    ])
    func `what is not there is refused`(arguments: [String]) {
        #expect(throws: (any Error).self) { try DumpLogSegmentsCommand.parse(["--files", "a.log"] + arguments) }
    }

    @Test func `files are needed`() {
        #expect(throws: (any Error).self) { try DumpLogSegmentsCommand.parse([]) }
    }
}
