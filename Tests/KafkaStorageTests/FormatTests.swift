// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaRuntime
import Testing

@testable import KafkaStorage

private func text(_ string: String) -> [UInt8] { Array(string.utf8) }

@Suite struct CheckpointTests {
    private let files = InMemoryFileSystem(durability: .immediate)

    private func put(_ content: String) throws {
        let file = try files.open("/c", .readWriteCreate)
        try file.truncate(to: 0)
        try file.write(text(content), at: 0)
    }

    @Test func `offsets are written one a line, ordered by partition`() throws {
        let offsets = [
            TopicPartition(topic: "b", partition: 1): Int64(7), TopicPartition(topic: "a", partition: 10): 0,
            TopicPartition(topic: "a", partition: 2): 9_000_000_000,
        ]
        try OffsetCheckpoint.write(offsets, to: "/c", files)
        #expect(try files.readFile("/c") == text("0\n3\na 2 9000000000\na 10 0\nb 1 7\n"))
        #expect(try OffsetCheckpoint.read("/c", files) == offsets)
    }

    @Test func `a missing or empty file has no entries`() throws {
        #expect(try OffsetCheckpoint.read("/none", files) == [:])
        try put("")
        #expect(try OffsetCheckpoint.read("/c", files) == [:])
    }

    @Test(arguments: [
        "1\n0\n", "0\n", "0\nx\n", "0\n-1\n", "0\n2\na 0 1\n", "0\n1\na 0 1\nb 0 1\n", "0\n1\na 0\n", "0\n1\na x 1\n",
        "0\n1\na 0 1 2\n", "0\n1\na 0 y\n", "\u{FF}",
    ])
    func `what does not fit the shape is an error`(content: String) throws {
        try put(content)
        #expect(throws: StorageError.self) { try OffsetCheckpoint.read("/c", files) }
    }

    @Test func `every cut of a file but the empty one and the last newline is an error`() throws {
        let whole = "0\n2\na 0 12\nb 1 34\n"
        for length in 1..<whole.count - 1 {
            try put(String(whole.prefix(length)))
            let read = try? OffsetCheckpoint.read("/c", files)
            // The last number may be cut to a shorter one: a checkpoint is replaced whole, so that this cannot happen.
            if length == whole.count - 2 { continue }
            #expect(read == nil, "\(length)")
        }
    }

    @Test func `leader epochs ascend in both columns`() throws {
        let entries = [EpochEntry(epoch: 0, startOffset: 0), EpochEntry(epoch: 3, startOffset: 17)]
        #expect(LeaderEpochCheckpoint.encode(entries) == text("0\n2\n0 0\n3 17\n"))
        try put("0\n2\n0 0\n3 17\n")
        #expect(try LeaderEpochCheckpoint.read("/c", files) == entries)
        for bad in ["0\n2\n3 0\n3 17\n", "0\n2\n0 17\n3 17\n", "0\n1\n-1 0\n", "0\n1\n0 -1\n"] {
            try put(bad)
            #expect(throws: StorageError.self) { try LeaderEpochCheckpoint.read("/c", files) }
        }
    }
}

@Suite struct PartitionMetadataFileTests {
    private let files = InMemoryFileSystem(durability: .immediate)
    private let id = KafkaUUID("tNJ3b6_xSD2HAy5MhZAmQw")!

    @Test func `the file names the topic id`() throws {
        let bytes = PartitionMetadataFile.encode(id)
        #expect(bytes == text("version: 0\ntopic_id: tNJ3b6_xSD2HAy5MhZAmQw"))
        #expect(try PartitionMetadataFile.parse(bytes, path: "p") == id)
        #expect(try PartitionMetadataFile.parse(text("version: 0\r\ntopic_id: \(id)\r\n"), path: "p") == id)
    }

    @Test func `empty or zeroed files count as missing`() throws {
        #expect(try PartitionMetadataFile.read("/none", files) == nil)
        let file = try files.open("/p", .createNew)
        #expect(try PartitionMetadataFile.read("/p", files) == nil)
        try file.write([0, 0, 0], at: 0)
        #expect(try PartitionMetadataFile.read("/p", files) == nil)
    }

    @Test(arguments: [
        "version: 1\ntopic_id: tNJ3b6_xSD2HAy5MhZAmQw", "version: 0\n", "topic_id: x", "version: 0\ntopic_id: x",
    ])
    func `anything else is an error`(content: String) {
        #expect(throws: StorageError.self) { try PartitionMetadataFile.parse(text(content), path: "p") }
    }
}

@Suite struct MetaPropertiesTests {
    private let files = InMemoryFileSystem(durability: .immediate)

    @Test func `version 1 is written and read back`() throws {
        let properties = MetaProperties(
            clusterID: "MkU3OEVBNTcwNTJENDM2Qg", nodeID: 7, directoryID: KafkaUUID("tNJ3b6_xSD2HAy5MhZAmQw"))
        try files.createDirectory("/d")
        try properties.write(directory: "/d", comment: "Sat Nov 21 01:00:00 UTC 2026", files)
        #expect(
            try files.readFile("/d/meta.properties")
                == text(
                    """
                    #
                    #Sat Nov 21 01:00:00 UTC 2026
                    node.id=7
                    directory.id=tNJ3b6_xSD2HAy5MhZAmQw
                    version=1
                    cluster.id=MkU3OEVBNTcwNTJENDM2Qg

                    """))
        #expect(try MetaProperties.read(directory: "/d", files) == properties)
        #expect(try MetaProperties.read(directory: "/none", files) == nil)
    }

    @Test func `version 0 of the ZooKeeper era has a broker id`() throws {
        let properties = try MetaProperties(
            parsing: text("#\n#Mon Jan 01 00:00:00 UTC 2018\nversion=0\nbroker.id=3\n"), path: "p")
        #expect(properties.version == 0)
        #expect(properties.nodeID == 3)
        #expect(properties.clusterID == nil)
    }

    @Test func `keys that are not known are kept`() throws {
        let source = "version=1\ncluster.id=c\nnode.id=1\nsome\\ key:a\\=b \\\n   c\n! comment\n"
        let properties = try MetaProperties(parsing: text(source), path: "p")
        #expect(properties.others.map(\.key) == ["some key"])
        #expect(properties.others.map(\.value) == ["a=b c"])
        let again = try MetaProperties(parsing: properties.encode(comment: "x"), path: "p")
        #expect(again == properties)
    }

    @Test(arguments: [
        "", "version=2\ncluster.id=c\nnode.id=1\n", "version=x\n", "version=1\nnode.id=1\n",
        "version=1\ncluster.id=c\n",
        "version=1\ncluster.id=c\nnode.id=x\n", "version=1\ncluster.id=c\nnode.id=1\nbroker.id=2\n",
        "version=1\ncluster.id=c\nnode.id=1\ndirectory.id=zz\n",
    ])
    func `files that say too little or nonsense are errors`(source: String) {
        #expect(throws: StorageError.self) { try MetaProperties(parsing: text(source), path: "p") }
    }
}

@Suite struct CleanShutdownMarkerTests {
    private let files = InMemoryFileSystem(durability: .immediate)

    @Test func `the marker carries the broker epoch`() throws {
        #expect(try CleanShutdownMarker.read(directory: "/", files) == nil)
        try CleanShutdownMarker(brokerEpoch: 42).write(directory: "", files)
        #expect(try files.readFile("/.kafka_cleanshutdown") == text("{\"version\":0,\"brokerEpoch\":42}"))
        #expect(try CleanShutdownMarker.read(directory: "", files) == CleanShutdownMarker(brokerEpoch: 42))
        try CleanShutdownMarker.remove(directory: "", files)
        #expect(try CleanShutdownMarker.read(directory: "", files) == nil)
        try CleanShutdownMarker.remove(directory: "", files)
    }

    @Test(arguments: [
        ("", -1), ("{ \"brokerEpoch\" : -1 , \"version\":0 }", -1), ("{\"brokerEpoch\": 9}", 9), ("x", -1),
    ])
    func `other writers' markers count, too`(content: String, epoch: Int64) throws {
        let file = try files.open("/.kafka_cleanshutdown", .createNew)
        try file.write(text(content), at: 0)
        #expect(try CleanShutdownMarker.read(directory: "", files)?.brokerEpoch == epoch)
    }
}

@Suite struct LogFileNamesTests {
    @Test func `offsets have twenty digits`() {
        #expect(LogFileNames.digits(0) == "00000000000000000000")
        #expect(LogFileNames.digits(.max) == "09223372036854775807")
        #expect(LogFileNames.offset("00000000000000000042.log", suffix: ".log") == 42)
        for bad in [
            "42.log", "0000000000000000004x.log", "00000000000000000042.index", "99999999999999999999.log", ".log",
        ] {
            #expect(LogFileNames.offset(bad, suffix: ".log") == nil)
        }
    }

    @Test func `deleted directories are named apart, within what file systems take`() {
        let unique = KafkaUUID(high: 0xAB, low: 0x1)
        let short = LogFileNames.marked(TopicPartition(topic: "t", partition: 3), unique: unique, suffix: "-delete")
        #expect(short == "t-3.00000000000000ab0000000000000001-delete")
        #expect(LogFileNames.marked(short, suffix: "-delete") == TopicPartition(topic: "t", partition: 3))
        let long = TopicPartition(topic: String(repeating: "x", count: 249), partition: 12)
        let name = LogFileNames.marked(long, unique: unique, suffix: "-delete")
        #expect(name.utf8.count == 255)
        #expect(name.hasSuffix("-12.00000000000000ab0000000000000001-delete"))
        #expect(LogFileNames.marked("t-3-delete", suffix: "-delete") == nil)
    }

    @Test func `only partitions of topics are loaded as logs`() {
        #expect(LogDirectory.partition("a-b-7") == TopicPartition(topic: "a-b", partition: 7))
        for other in ["__cluster_metadata-0", "t-0.00000000000000ab0000000000000001-delete", "lost+found", "x", "-1"] {
            #expect(LogDirectory.partition(other) == nil, "\(other)")
        }
        #expect(LogDirectory.partition("t-0.00000000000000ab0000000000000001-future") == nil)
        #expect(LogDirectory.partition("t-0.00000000000000ab0000000000000001-stray") == nil)
    }
}
