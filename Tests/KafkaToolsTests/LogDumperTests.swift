// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import Testing

@testable import KafkaTools

@Suite struct LogDumperTests {
    private static let name = "00000000000000000000.log"

    private func dump(_ log: [UInt8], _ change: (inout DumpOptions) -> Void = { _ in }) throws -> DumpRun {
        try DumpRun(Self.name, of: [Self.name: log], change)
    }

    // MARK: Forms

    @Test func `the current form has a line for each batch and each record`() throws {
        var builder = RecordBatchBuilder()
        try builder.append(
            timestamp: timestamp, key: [0x6B], value: Array("a".utf8), headers: [("h1", nil), ("h2", [])])
        try builder.append(timestamp: timestamp + 1, key: nil, value: [])
        try builder.append(timestamp: timestamp - 1, key: [], value: nil)
        let run = try dump(try builder.finish()) { $0.printsData = true }
        #expect(
            run.output == [
                "Dumping /d/00000000000000000000.log",
                "Log starting offset: 0",
                "baseOffset: 0 lastOffset: 2 count: 3 baseSequence: -1 lastSequence: -1 producerId: -1"
                    + " producerEpoch: -1 partitionLeaderEpoch: -1 isTransactional: false isControl: false"
                    + " deleteHorizonMs: OptionalLong.empty position: 0 CreateTime: 1577994283623 size: 92 magic: 2"
                    + " compresscodec: none crc: 2904157639 isvalid: true",
                "| offset: 0 CreateTime: 1577994283622 keySize: 1 valueSize: 1 sequence: -1 headerKeys: [h1,h2]"
                    + " key: k payload: a",
                "| offset: 1 CreateTime: 1577994283623 keySize: -1 valueSize: 0 sequence: -1 headerKeys: [] payload: ",
                "| offset: 2 CreateTime: 1577994283621 keySize: 0 valueSize: -1 sequence: -1 headerKeys: [] key: ",
            ])
        #expect(run.errors.isEmpty)
        #expect(run.isSound)
    }

    @Test func `producers, codecs and positions are shown`() throws {
        let first = try batch([("k", "v")]) { $0.compression = .gzip }
        let second = try batch(at: 1, [(nil, "1"), (nil, "2")]) {
            $0.compression = .zstd
            $0.producerID = 1000
            $0.producerEpoch = 2
            $0.baseSequence = 2_147_483_647
            $0.isTransactional = true
            $0.partitionLeaderEpoch = 5
            $0.deleteHorizon = 99
            $0.logAppendTime = 77
        }
        let run = try dump(first + second) { $0.isDeep = true }
        let lines = run.body
        #expect(lines[0].contains(" compresscodec: gzip crc: "))
        #expect(
            lines[2].hasPrefix(
                "baseOffset: 1 lastOffset: 2 count: 2 baseSequence: 2147483647 lastSequence: 0 producerId: 1000"
                    + " producerEpoch: 2 partitionLeaderEpoch: 5 isTransactional: true isControl: false"
                    + " deleteHorizonMs: OptionalLong[99] position: \(first.count) LogAppendTime: 77"
                    + " size: \(second.count) magic: 2 compresscodec: zstd crc: "))
        #expect(
            lines[3...] == [
                "| offset: 1 LogAppendTime: 77 keySize: -1 valueSize: 1 sequence: 2147483647 headerKeys: []",
                "| offset: 2 LogAppendTime: 77 keySize: -1 valueSize: 1 sequence: 0 headerKeys: []",
            ])
    }

    @Test func `without deep iteration there are batches only`() throws {
        let run = try dump(try batch([("k", "v")]) + batch(at: 1, [("k", "v")]))
        #expect(run.body.count == 2)
        #expect(run.body.allSatisfy { $0.hasPrefix("baseOffset: ") })
    }

    @Test func `the form of 2.4`() throws {
        let bytes = try batch([("k", "a")]) { $0.compression = .lz4 }
        let run = try dump(bytes) {
            $0.form = .v2_4
            $0.printsData = true
        }
        let header = try bytes.withUnsafeBytes { try RecordBatchHeader(parsing: $0) }
        #expect(
            run.output == [
                "Dumping /d/00000000000000000000.log",
                "Starting offset: 0",
                "baseOffset: 0 lastOffset: 0 count: 1 baseSequence: -1 lastSequence: -1 producerId: -1"
                    + " producerEpoch: -1 partitionLeaderEpoch: 0 isTransactional: false isControl: false position: 0"
                    + " CreateTime: 1577994283622 size: \(bytes.count) magic: 2 compresscodec: LZ4 crc: \(header.crc)"
                    + " isvalid: true",
                "| offset: 0 CreateTime: 1577994283622 keysize: 1 valuesize: 1 sequence: -1 headerKeys: []"
                    + " key: k payload: a",
            ])
    }

    @Test func `the form of 1 has one line for each record`() throws {
        let first = try batch([(nil, "a")])
        let second = try batch(at: 1, [("k", "b")]) { $0.compression = .snappy }
        let run = try dump(first + second) {
            $0.form = .v1
            $0.printsData = true
        }
        #expect(
            run.output == [
                "Dumping /d/00000000000000000000.log",
                "Starting offset: 0",
                "offset: 0 position: 0 CreateTime: 1577994283622 isvalid: true keysize: -1 valuesize: 1 magic: 2"
                    + " compresscodec: NONE producerId: -1 producerEpoch: -1 sequence: -1 isTransactional: false"
                    + " headerKeys: [] payload: a",
                "offset: 1 position: \(first.count) CreateTime: 1577994283622 isvalid: true keysize: 1 valuesize: 1"
                    + " magic: 2 compresscodec: SNAPPY producerId: -1 producerEpoch: -1 sequence: -1"
                    + " isTransactional: false headerKeys: [] key: k payload: b",
            ])
    }

    @Test func `messages of the old formats`() throws {
        func set(_ magic: Int8, _ codec: CompressionType) throws -> [UInt8] {
            var builder = try LegacyMessageSetBuilder(magic: magic, compression: codec)
            let value: [UInt8] = [0x61]
            try value.withUnsafeBytes { value in
                try builder.append(offset: 7, timestamp: timestamp, key: nil, value: value)
                try builder.append(offset: 8, timestamp: timestamp, key: value, value: nil)
            }
            var output = ByteWriter()
            try builder.finish(into: &output)
            return output.toArray()
        }
        let wrapped = try set(1, .gzip)
        let run = try dump(wrapped + set(0, .none)) { $0.printsData = true }
        let crcs = run.body.compactMap { $0.split(separator: " crc: ").last?.split(separator: " ").first }
        #expect(
            run.body == [
                "offset: 8 position: 0 CreateTime: 1577994283622 size: \(wrapped.count) magic: 1 compresscodec: gzip"
                    + " crc: \(crcs[0]) isvalid: true",
                "| offset: 7 CreateTime: 1577994283622 keySize: -1 valueSize: 1 isValid: true crc: \(crcs[1])"
                    + " payload: a",
                "| offset: 8 CreateTime: 1577994283622 keySize: 1 valueSize: -1 isValid: true crc: \(crcs[2]) key: a",
                "offset: 7 position: \(wrapped.count) NoTimestampType: -1 size: 27 magic: 0 compresscodec: none"
                    + " crc: \(crcs[3]) isvalid: true",
                "| offset: 7 NoTimestampType: -1 keySize: -1 valueSize: 1 isValid: true crc: \(crcs[4]) payload: a",
                "offset: 8 position: \(wrapped.count + 27) NoTimestampType: -1 size: 27 magic: 0 compresscodec: none"
                    + " crc: \(crcs[5]) isvalid: true",
                "| offset: 8 NoTimestampType: -1 keySize: 1 valueSize: -1 isValid: true crc: \(crcs[6]) key: a",
            ])
        let old = try dump(wrapped) {
            $0.form = .v2_4
            $0.isDeep = true
        }
        #expect(old.body[1].hasSuffix("keysize: -1 valuesize: 1 crc: \(crcs[1]) isvalid: true"))
    }

    @Test func `the data alone, without metadata`() throws {
        let marker = EndTransactionMarker(.commit, coordinatorEpoch: 1).batch(
            producerID: 1, producerEpoch: 0, timestamp: timestamp, baseOffset: 3)
        let run = try dump(try batch([("k", "v"), (nil, "w"), ("x", nil)]) + marker) {
            $0.printsData = true
            $0.skipsRecordMetadata = true
        }
        #expect(run.body[1...3] == ["| key: k payload: v", "| payload: w", "| key: x"])
        #expect(run.body[5] == "")
    }

    @Test(arguments: [(EndTransactionMarker.Result.commit, "COMMIT"), (.abort, "ABORT")])
    func `transaction markers`(result: EndTransactionMarker.Result, name: String) throws {
        let marker = EndTransactionMarker(result, coordinatorEpoch: 42).batch(
            producerID: 7, producerEpoch: 1, timestamp: timestamp)
        for form in [DumpOptions.Form.current, .v2_4, .v1] {
            let run = try dump(marker) {
                $0.printsData = true
                $0.form = form
            }
            #expect(run.body.last?.hasSuffix(" headerKeys: [] endTxnMarker: \(name) coordinatorEpoch: 42") == true)
        }
    }

    @Test func `control records of unknown type`() throws {
        var options = RecordBatchBuilder.Options()
        options.isControl = true
        var builder = RecordBatchBuilder(options)
        try builder.append(timestamp: timestamp, key: [0, 0, 0, 99], value: [1])
        try builder.append(timestamp: timestamp, key: [0, 0], value: [])
        let run = try dump(try builder.finish()) { $0.isDeep = true }
        #expect(run.body[1].hasSuffix(" headerKeys: [] controlType: UNKNOWN(99)"))
        #expect(!run.isSound)
        #expect(run.errors.count == 1)
    }

    // MARK: Damage

    @Test func `a torn tail is counted at every length`() throws {
        let whole = try batch([("k", "v")])
        let next = try batch(at: 1, [("k", "v")])
        // An offset begins with zeros, and what is only zeros may be what a broker leaves.
        for length in 8..<next.count {
            let run = try dump(whole + next[..<length])
            #expect(run.body.count == 2)
            #expect(run.body.last == "Found \(length) invalid bytes at the end of 00000000000000000000.log")
            #expect(run.isSound)
        }
    }

    @Test(arguments: [1, 7, 8, 20, 61, 65_535]) func `zeros that a broker leaves are no damage`(count: Int) throws {
        let sound = try dump(try batch([("k", "v")]))
        let run = try dump(try batch([("k", "v")]) + [UInt8](repeating: 0, count: count))
        #expect(run.body == sound.body)
        #expect(run.errors.count == 1 && run.errors.first?.contains(": \(count) zeros ") == true, "\(run.errors)")
        #expect(run.isSound)
    }

    @Test func `a longer tail of zeros is counted`() throws {
        let run = try dump(try batch([("k", "v")]) + [UInt8](repeating: 0, count: 700_000))
        #expect(run.body.last == "Found 700000 invalid bytes at the end of 00000000000000000000.log")
        #expect(run.isSound)
    }

    @Test func `an impossible header ends the log`() throws {
        let whole = try batch([("k", "v")])
        for garbage in [[UInt8](repeating: 0xFF, count: 100), [UInt8](repeating: 0, count: 90) + [1]] {
            let run = try dump(whole + garbage)
            #expect(run.body.last == "Found \(garbage.count) invalid bytes at the end of 00000000000000000000.log")
            #expect(run.errors.count == 1)
            #expect(!run.isSound)
        }
    }

    @Test func `a wrong checksum is told and the dump goes on`() throws {
        var bytes = try batch([("k", "v")])
        bytes[bytes.count - 2] ^= 1
        let run = try dump(bytes + batch(at: 1, [("k", "v")])) { $0.printsData = true }
        #expect(run.body[0].hasSuffix(" isvalid: false"))
        #expect(run.body[2].hasSuffix(" isvalid: true"))
        #expect(run.body.count == 4)
    }

    @Test func `damaged records are told and the dump goes on`() throws {
        var bytes = try batch([("k", "v")]) { $0.compression = .gzip }
        for position in 75..<bytes.count { bytes[position] = 0xFF }
        let run = try dump(bytes + batch(at: 1, [("k", "v")])) { $0.printsData = true }
        #expect(run.body.count == 3)
        #expect(
            run.errors.first == "/d/00000000000000000000.log: the batch at position 0 is damaged: "
                + "the gzip data is damaged")
        #expect(!run.isSound)
    }

    @Test func `a codec that nobody has defined`() throws {
        var bytes = try batch([("k", "v")])
        bytes[22] = 7
        let run = try dump(bytes)
        #expect(run.body[0].contains(" compresscodec: unknown(7) "))
    }

    @Test func `a damaged length does not make the tool read gigabytes`() throws {
        // 20 MiB that claim to be one batch: over what is loaded unseen, and the checksum is wrong.
        var bytes = try batch([("k", "v")])
        let size = 20 << 20
        bytes += [UInt8](repeating: 1, count: size - bytes.count)
        bytes.replaceSubrange(8..<12, with: bigEndian(Int32(size - 12)))
        let run = try dump(bytes + batch(at: 1, [("k", "v")])) { $0.printsData = true }
        #expect(run.body[0].hasSuffix(" isvalid: false"))
        #expect(
            run.body.last == "| offset: 1 CreateTime: 1577994283622 keySize: 1 valueSize: 1 sequence: -1"
                + " headerKeys: [] key: k payload: v")
        #expect(run.errors.first?.contains("needs 20971520 bytes, 61 are left") == true)
    }

    @Test func `a batch of any size with a right checksum is read`() throws {
        let value = String(repeating: "x", count: 20 << 20)
        let run = try dump(try batch([("k", value)]) + batch(at: 1, [("k", "v")])) { $0.printsData = true }
        #expect(run.body[1].hasSuffix(value))
        #expect(run.body.count == 4)
        #expect(run.isSound)
    }

    @Test func `random bytes never crash`() throws {
        var random = SeededRandom(seed: 41)
        for _ in 0..<300 {
            var bytes = (0..<Int.random(in: 0..<300, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            if bytes.count > 61 {
                bytes.replaceSubrange(
                    8..<12, with: bigEndian(Int32(bytes.count - 12 - Int.random(in: 0...1, using: &random))))
                bytes[16] = UInt8.random(in: 0...2, using: &random)
            }
            for form in [DumpOptions.Form.current, .v2_4, .v1] {
                _ = try dump(bytes) {
                    $0.printsData = true
                    $0.form = form
                }
            }
        }
    }

    // MARK: Limits and gaps

    @Test func `the byte limit cuts the log and its tail is not counted`() throws {
        let first = try batch([("k", "v")])
        let run = try dump(first + batch(at: 1, [("k", "v")])) { $0.maxBytes = first.count + 20 }
        #expect(run.body.count == 1)
        #expect(run.isSound)
    }

    @Test func `gaps are told at the end, in each generation's way`() throws {
        let log =
            try batch(at: 5, [("k", "v")]) + batch(at: 9, [("k", "v")]) + batch(at: 10, [("k", "v")])
            + batch(at: 12, [("k", "v")])
        let current = try dump(log) { $0.isDeep = true }
        #expect(
            current.errors == [
                "Non-consecutive offsets in /d/00000000000000000000.log", "  -1 is followed by 5",
                "  5 is followed by 9", "  10 is followed by 12",
            ])
        #expect(current.isSound)
        let old = try dump(log) {
            $0.isDeep = true
            $0.form = .v2_4
        }
        #expect(
            old.errors == [
                "Non-consecutive offsets in /d/00000000000000000000.log", "  10 is followed by 12",
                "  5 is followed by 9",
            ])
        #expect(try dump(log).errors.isEmpty)
    }

    // MARK: Files

    @Test func `other files are passed over, missing ones are told`() throws {
        let run = try DumpRun("meta.properties", "gone.log", of: ["meta.properties": [1]])
        #expect(run.output == ["Dumping /d/meta.properties", "Dumping /d/gone.log"])
        #expect(run.errors.first == "Ignoring unknown file /d/meta.properties")
        #expect(run.errors.count == 2)
        #expect(!run.isSound)
    }

    @Test func `an offset in the name is shown without zeros`() throws {
        let name = "00000000000000004711.log"
        #expect(try DumpRun(name, of: [name: []]).output[1] == "Log starting offset: 4711")
        #expect(try DumpRun("x.log", of: ["x.log": []]).errors == ["/d/x.log: the name does not begin with an offset"])
    }

    @Test func `a file without a dot is unknown`() throws {
        #expect(try DumpRun("file", of: ["file": []]).errors == ["Ignoring unknown file /d/file"])
    }
}
