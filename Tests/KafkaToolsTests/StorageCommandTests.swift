// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import KafkaBase
import KafkaRuntime
import KafkaStorage
import Testing

@testable import KafkaTools

@Suite struct StorageCommandTests {
    private struct FixedClock: Clock {
        let wallMilliseconds: Int64 = 1_577_994_283_622
        let monotonicNanoseconds: Int64 = 0
    }

    private final class CountingRandom: RandomSource, @unchecked Sendable {
        // Used by one test at a time.
        private var state: UInt64 = 0
        func next() -> UInt64 {
            state += 1
            return state &* 0x1234_5678_9ABC_DEF1
        }
    }

    private let files = InMemoryFileSystem()
    private static let cluster = "AAAAAAAAQACAAAAAAAAABw"

    private static let settings = """
        node.id=3
        log.dirs=/a,/b
        listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093
        controller.listener.names=CONTROLLER
        listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT

        """

    init() throws {
        try files.open("/server.properties", .createNew).write(Array(Self.settings.utf8), at: 0)
    }

    private func format(_ arguments: String..., cluster: String = cluster) throws -> [String] {
        try format(arguments, cluster: cluster)
    }

    private func format(_ arguments: [String], cluster: String = cluster) throws -> [String] {
        let command = try StorageFormatCommand.parse(["-t", cluster, "-c", "/server.properties"] + arguments)
        let output = Capture()
        try command.format(files: files, random: CountingRandom(), clock: FixedClock(), to: output.sink)
        return output.lines
    }

    private func info() throws -> (isSound: Bool, lines: [String]) {
        let output = Capture()
        let isSound = try StorageInfoCommand.parse(["-c", "/server.properties"]).printInfo(
            files: files, to: output.sink)
        return (isSound, output.lines)
    }

    @Test func `formatting writes what a node needs`() throws {
        let lines = try format()
        #expect(
            lines == [
                #"Bootstrap metadata: {"type":"FEATURE_LEVEL_RECORD","version":0,"#
                    + #""data":{"name":"metadata.version","featureLevel":30}}, "#
                    + #"{"type":"FEATURE_LEVEL_RECORD","version":0,"#
                    + #""data":{"name":"group.version","featureLevel":1}} (4.3-IV0)"#,
                "Formatting metadata log directory /a with metadata.version 4.3-IV0.",
                "Formatting data directory /b with metadata.version 4.3-IV0.",
            ])
        let first = try #require(try MetaProperties.read(directory: "/a", files))
        let second = try #require(try MetaProperties.read(directory: "/b", files))
        #expect(first.version == 1)
        #expect(first.nodeID == 3)
        #expect(first.clusterID == Self.cluster)
        #expect(first.directoryID != second.directoryID)
        #expect(try files.list("/a") == ["bootstrap.checkpoint", "meta.properties"])
        #expect(try files.list("/b") == ["meta.properties"])
        let text = String(decoding: try #require(try files.readFile("/b/meta.properties")), as: UTF8.self)
        #expect(text.hasPrefix("#\n#Thu Jan 02 19:44:43 UTC 2020\n"))
    }

    @Test func `the bootstrap checkpoint is a snapshot that the dump tool reads`() throws {
        _ = try format("-r", "4.0", "-f", "transaction.version=2", "-f", "group.version=0")
        let bytes = try #require(try files.readFile("/a/bootstrap.checkpoint"))
        let run = try DumpRun("bootstrap.checkpoint", of: ["bootstrap.checkpoint": bytes]) {
            $0.decoder = .clusterMetadata
            $0.printsData = true
        }
        #expect(run.output[1] == "KRaft bootstrap snapshot")
        let records = run.output.filter { $0.hasPrefix("| ") }.compactMap {
            $0.split(separator: "headerKeys: [] ").last
        }
        #expect(
            records == [
                #"SnapshotHeader {"version":0,"lastContainedLogTimestamp":1577994283622}"#,
                #"payload: {"type":"FEATURE_LEVEL_RECORD","version":0,"#
                    + #""data":{"name":"metadata.version","featureLevel":25}}"#,
                #"payload: {"type":"FEATURE_LEVEL_RECORD","version":0,"#
                    + #""data":{"name":"transaction.version","featureLevel":2}}"#,
                #"SnapshotFooter {"version":0}"#,
            ])
    }

    @Test(
        arguments: [
            (["-r", "3.9"], [("metadata.version", 21)]),
            (["-r", "4.0"], [("metadata.version", 25), ("group.version", 1)]),
            (["-f", "metadata.version=22"], [("metadata.version", 22), ("group.version", 1)]),
            (["-f", "group.version=0"], [("metadata.version", 30)]),
        ] as [([String], [(String, Int)])])
    func `a release's features are finalised unless that is told otherwise`(
        arguments: [String], levels: [(String, Int)]
    ) throws {
        let line = try format(arguments).first
        let records = levels.map {
            #"{"type":"FEATURE_LEVEL_RECORD","version":0,"data":{"name":"\#($0.0)","featureLevel":\#($0.1)}}"#
        }
        #expect(line?.hasPrefix("Bootstrap metadata: \(records.joined(separator: ", ")) (") == true, "\(line ?? "")")
    }

    @Test func `a standalone node's voters stand in the log`() throws {
        let lines = try format("--standalone")
        #expect(lines[1] == "Formatting dynamic metadata voter directory /a with metadata.version 4.3-IV0.")
        let name = "00000000000000000000-0000000000.checkpoint"
        let bytes = try #require(try files.readFile("/a/__cluster_metadata-0/\(name)"))
        let run = try DumpRun(name, of: [name: bytes]) { $0.isDeep = true }
        #expect(run.output[1] == "Snapshot end offset: 0, epoch: 0")
        let id = try #require(try MetaProperties.read(directory: "/a", files)?.directoryID)
        #expect(run.output[4].hasSuffix(#" KRaftVersion {"version":0,"kRaftVersion":1}"#))
        #expect(
            run.output[5].hasSuffix(
                #" KRaftVoters {"version":0,"voters":[{"voterId":3,"voterDirectoryId":"\#(id)","endpoints":[{"#
                    + #""name":"CONTROLLER","host":"localhost","port":9093}],"#
                    + #""kRaftVersionFeature":{"minSupportedVersion":0,"maxSupportedVersion":1}}]}"#))
    }

    @Test func `formatted directories are refused or passed over`() throws {
        _ = try format()
        let before = try MetaProperties.read(directory: "/b", files)
        let error = #expect(throws: ToolFailure.self) { try format() }
        #expect(
            error?.message == "Log directory /a is already formatted. Use --ignore-formatted to ignore this directory"
                + " and format the others.")
        #expect(try format("-g").last == "All of the log directories are already formatted.")
        try files.removeTree("/b")
        #expect(try format("-g").last == "Formatting data directory /b with metadata.version 4.3-IV0.")
        #expect(before != nil)
        #expect(try info().isSound)
    }

    @Test func `directories of another cluster or node are not mixed`() throws {
        _ = try format()
        try files.removeTree("/b")
        let other = "AAAAAAAAQACAAAAAAAAACA"
        let error = #expect(throws: ToolFailure.self) { try format("-g", cluster: other) }
        #expect(error?.message == "Log directory /a belongs to cluster \(Self.cluster).")
        #expect(try files.status("/b") == nil)
    }

    @Test(arguments: [
        ["-r", "2.0"], ["-r", "9.9"], ["-f", "x=1"], ["-f", "group.version"], ["-f", "group.version=9"],
        ["-f", "group.version=1", "-f", "group.version=1"], ["-f", "kraft.version=1"],
        ["-r", "4.0", "-f", "metadata.version=25"],
    ])
    func `wrong features are refused and nothing written`(arguments: [String]) throws {
        let command = try StorageFormatCommand.parse(["-t", Self.cluster, "-c", "/server.properties"] + arguments)
        #expect(throws: ToolFailure.self) {
            try command.format(files: files, random: CountingRandom(), clock: FixedClock(), to: Capture().sink)
        }
        #expect(try files.status("/a") == nil)
    }

    @Test(arguments: ["x", "", "AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAQACAAAAAAAAABw=="])
    func `wrong cluster ids are refused`(id: String) throws {
        #expect(throws: ToolFailure.self) { try format(cluster: id) }
    }

    @Test func `info tells what is there and what is not`() throws {
        #expect(try info() == (false, ["Found problems:", "  /a does not exist", "  /b does not exist", ""]))
        _ = try format()
        let id = try #require(try MetaProperties.read(directory: "/a", files)?.directoryID)
        #expect(
            try info() == (
                true,
                [
                    "Found log directories:", "  /a", "  /b", "",
                    "Found metadata: {cluster.id=\(Self.cluster), directory.id=\(id), node.id=3, version=1}", "",
                ]
            ))
        try files.remove("/b/meta.properties")
        #expect(try info().lines.suffix(3) == ["Found problem:", "  /b is not formatted.", ""])
        try files.open("/b/meta.properties", .createNew).write(
            Array("version=1\ncluster.id=x\nnode.id=4\n".utf8), at: 0)
        #expect(
            try info().lines.suffix(3) == [
                "Found problem:", "  /b is set up for {cluster.id=x, node.id=4, version=1}, unlike /a", "",
            ])
    }

    @Test func `a configuration that is missing or wrong is told`() throws {
        try files.remove("/server.properties")
        #expect(#expect(throws: ToolFailure.self) { try info() }?.message == "/server.properties: no such file")
        try files.open("/server.properties", .createNew).write(Array("node.id=x\n".utf8), at: 0)
        #expect(#expect(throws: ToolFailure.self) { try info() }?.message.contains("node.id=x") == true)
    }
}
