// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaRuntime
import KafkaServer
import KafkaStorage
import Testing

@Suite struct ConfigurationLoadingTests {
    private func load(_ text: String, _ overrides: [String] = []) throws -> BrokerConfiguration.Loaded {
        try BrokerConfiguration.load(Properties(parsing: Array(text.utf8)), overrides: overrides, hostName: "host")
    }

    private func problems(_ text: String, _ overrides: [String] = []) throws -> [String] {
        let properties = try Properties(parsing: Array(text.utf8))
        do {
            _ = try BrokerConfiguration.load(properties, overrides: overrides)
            return []
        } catch {
            return error.problems.map(\.description)
        }
    }

    private func warnings(_ text: String) throws -> [String] { try load(text).warnings.map(\.description) }

    @Test func `an empty file is a complete node`() throws {
        let loaded = try load("")
        let configuration = loaded.configuration
        #expect(loaded.warnings.isEmpty)
        #expect(configuration.nodeID == 1)
        #expect(configuration.rack == nil)
        #expect(configuration.network.listeners.map(\.name) == ["PLAINTEXT"])
        #expect(configuration.network.listeners[0].address.description == ":9092")
        #expect(configuration.network.listeners[0].advertisedAddress?.description == "host:9092")
        #expect(configuration.interBrokerListenerName == "PLAINTEXT")
        #expect(configuration.network.networkThreads == nil)
        #expect(configuration.network.requestBytesMax == 104_857_600)
        #expect(configuration.network.queuedRequestBytesMax == nil)
        #expect(configuration.network.idleTimeoutMilliseconds == 600_000)
        #expect(configuration.storage.logDirectories == ["/tmp/kafka-logs"])
        #expect(configuration.storage.metadataLogDirectory == "/tmp/kafka-logs")
        #expect(configuration.storage.autoFormat)
        #expect(configuration.storage.writePieceBytes == 98_304)
        #expect(configuration.quorum.segmentBytes == 1 << 30)
        #expect(configuration.partitionsDefault == 1)
        #expect(configuration.replicationFactorDefault == 1)
        #expect(configuration.autoCreateTopics && configuration.deleteTopicsEnabled)
        #expect(configuration.logging.level(of: "storage") == .info)
        #expect(configuration.topicDefaults == TopicConfiguration())
        #expect(!configuration.unstableAPIVersionsEnabled)
    }

    @Test func `typed values come from their keys`() throws {
        let configuration = try load(
            """
            node.id=7
            broker.rack = west
            log.dirs=/a, /b
            metadata.log.dir=/m
            num.network.threads=2
            max.connections.per.ip.overrides=127.0.0.1:5, ::1:6,host:7
            queued.max.request.bytes=104857600
            connections.max.idle.ms=-1
            metadata.max.retention.ms=-1
            log.level=warning
            log.level.storage=debug
            log.format=json
            internal.metadata.log.segment.bytes=4096
            """
        ).configuration
        #expect(configuration.nodeID == 7)
        #expect(configuration.rack == "west")
        #expect(configuration.storage.logDirectories == ["/a", "/b"])
        #expect(configuration.storage.metadataLogDirectory == "/m")
        #expect(configuration.network.networkThreads == 2)
        #expect(configuration.network.connectionsPerAddressOverrides == ["127.0.0.1": 5, "::1": 6, "host": 7])
        #expect(configuration.network.queuedRequestBytesMax == 104_857_600)
        #expect(configuration.network.idleTimeoutMilliseconds == 0)
        #expect(configuration.quorum.retentionAge == nil)
        #expect(configuration.quorum.segmentBytes == 4096)
        #expect(configuration.logging.level(of: "storage") == .debug)
        #expect(configuration.logging.level(of: "network") == .warning)
        #expect(configuration.logging.format == .json)
    }

    @Test func `an override outweighs the file`() throws {
        let loaded = try load("num.partitions=2\nnum.partitions=3", ["num.partitions=4", "broker.rack=a=b"])
        #expect(loaded.configuration.partitionsDefault == 4)
        #expect(loaded.configuration.rack == "a=b")
        #expect(loaded.configuration.settings["num.partitions"]?.origin == .override)
    }

    @Test func `a program's settings need no file`() throws {
        let configuration = try BrokerConfiguration(["listeners": "PLAINTEXT://127.0.0.1:0", "log.dirs": "/x"])
        #expect(configuration.network.listeners[0].address.description == "127.0.0.1:0")
        let error = #expect(throws: ConfigurationError.self) {
            try BrokerConfiguration(["num.partitions": "x", "auto.format": "y"])
        }
        #expect(
            error?.description == """
                auto.format=y must be true or false
                num.partitions=x must be an integer, at least 1
                """)
    }

    @Test(arguments: [
        ("a=1\nnum.partitions=none", "num.partitions=none must be an integer, at least 1 (line 2)"),
        ("ssl.client.auth=no", "ssl.client.auth=no must be one of required, requested, none (line 1)"),
        (
            "queued.max.request.bytes=5",
            "queued.max.request.bytes=5 must be -1 or at least socket.request.max.bytes=104857600 (line 1)"
        ),
        (
            "max.connections.per.ip=0",
            "max.connections.per.ip=0 must be at least 1 unless max.connections.per.ip.overrides is set (line 1)"
        ),
        (
            "max.connections.per.ip.overrides=a:-1",
            "max.connections.per.ip.overrides=a:-1 must be a list of address:count with a count of at least 0 (line 1)"
        ),
        ("socket.send.buffer.bytes=0", "socket.send.buffer.bytes=0 must be -1 or at least 1 (line 1)"),
        ("default.replication.factor=40000", "default.replication.factor=40000 must be from 1 to 32767 (line 1)"),
        ("broker.id=2\nnode.id=3", "broker.id=2 must be the same as node.id=3 (line 1)"),
        (
            "process.roles=broker",
            "process.roles=broker must be broker,controller: separate brokers and controllers are not supported yet (line 1)"
        ),
        (
            "log.level.raft=loud",
            "log.level.raft=loud must be one of trace, debug, info, notice, warning, error, critical (line 1)"
        ),
        ("log.retention.ms=0", "log.retention.ms=0 must be at least 1, or -1 for ever (line 1)"),
        ("log.retention.hours=0", "log.retention.hours=0 must be at least 1, or -1 for ever (line 1)"),
        ("log.flush.interval.ms=-5", "log.flush.interval.ms=-5 must be a 64-bit integer, at least 0 (line 1)"),
        (
            "log.cleaner.min.compaction.lag.ms=9\nlog.cleaner.max.compaction.lag.ms=8",
            "log.cleaner.min.compaction.lag.ms=9 must not be more than log.cleaner.max.compaction.lag.ms=8 (line 1)"
        ),
        (
            "log.cleaner.threads=200",
            "log.cleaner.dedupe.buffer.size=134217728 must be more than 1048576 for each of log.cleaner.threads"
        ),
        ("log.segment.bytes=1048575", "log.segment.bytes=1048575 must be an integer, at least 1048576 (line 1)"),
        (
            "broker.rack=\\u0007\nnum.partitions=\\u0007",
            "num.partitions=\\u{07} must be an integer, at least 1 (line 2)"
        ),
    ])
    func `a wrong value is named with what is allowed`(text: String, problem: String) throws {
        #expect(try problems(text) == [problem])
    }

    @Test func `every problem is told, once`() throws {
        let found = try problems(
            "num.partitions=0\nlisteners=x\nnum.partitions=-1\nfetch.max.bytes=1", ["nonsense", "auto.format=2"])
        #expect(
            found == [
                "--override=nonsense must be key=value",
                "num.partitions=-1 must be an integer, at least 1 (line 3)",
                "fetch.max.bytes=1 must be an integer, at least 1024 (line 4)",
                "auto.format=2 must be true or false (from --override)",
                "listeners=x must be a list of NAME://host:port with a port from 0 to 65535 (line 2)",
            ])
    }

    @Test func `a secret is never shown`() throws {
        let loaded = try load("ssl.keystore.password=hunter2\nnot.a.key=hunter2")
        #expect(!loaded.warnings.map(\.description).joined().contains("hunter2"))
    }

    @Test(arguments: [
        ("num.partition=2", "num.partition is unknown and ignored; did you mean num.partitions? (line 1)"),
        (
            "log.retention.bytse=2",
            "log.retention.bytse is unknown and ignored; did you mean log.retention.bytes? (line 1)"
        ),
        ("completely.different.thing=2", "completely.different.thing is unknown and ignored (line 1)"),
        ("x=2", "x is unknown and ignored (line 1)"),
        (
            "retention.ms=5",
            "retention.ms is a key of topics and ignored here; the broker's key is log.retention.ms (line 1)"
        ),
        ("ssl.keystore.location=/k", "ssl.keystore.location is not acted on yet (line 1)"),
        ("num.io.threads=8", "num.io.threads has no effect in this broker (line 1)"),
        (
            "leader.replication.throttled.rate=8",
            "leader.replication.throttled.rate is ignored in the file; it can only be set while the broker runs (line 1)"
        ),
        (
            "authorizer.class.name=A",
            "authorizer.class.name is not acted on yet: every client may do everything (line 1)"
        ),
        (
            "listener.name.plaintext.ssl.keystore.location=/k",
            "listener.name.plaintext.ssl.keystore.location is not acted on yet (line 1)"
        ),
        (
            "listener.name.plaintext.scram-sha-256.sasl.jaas.config=x",
            "listener.name.plaintext.scram-sha-256.sasl.jaas.config is not acted on yet (line 1)"
        ),
        ("listener.name.plaintext.nothing=x", "listener.name.plaintext.nothing is unknown and ignored (line 1)"),
        ("rsm.config.bucket=x", "rsm.config.bucket is not acted on yet (line 1)"),
        (
            "num.partitions=1\nnum.partitions=2",
            "num.partitions was set before, on line 1; the last value counts (line 2)"
        ),
    ])
    func `a setting that does nothing costs one line`(text: String, warning: String) throws {
        #expect(try warnings(text) == [warning])
    }

    @Test func `an empty authorizer is no authorizer`() throws {
        #expect(try warnings("authorizer.class.name=") == ["authorizer.class.name is not acted on yet (line 1)"])
    }

    @Test(arguments: [
        ("", 604_800_000), ("log.retention.hours=1", 3_600_000),
        ("log.retention.hours=1\nlog.retention.minutes=5", 300_000),
        ("log.retention.ms=7\nlog.retention.minutes=5\nlog.retention.hours=1", 7), ("log.retention.hours=-1", -1),
        ("log.retention.minutes=-5\nlog.retention.hours=1", -1),
        ("log.retention.hours=2147483647", 7_730_941_129_200_000),
    ])
    func `the finest unit of the retention time counts`(text: String, milliseconds: Int64) throws {
        #expect(try load(text).configuration.topicDefaults.log.retentionMs == milliseconds)
    }

    @Test func `the finest unit of the other times counts too`() throws {
        let log = try load(
            """
            log.roll.hours=2
            log.roll.jitter.hours=1
            log.roll.jitter.ms=5
            log.flush.scheduler.interval.ms=9
            """
        ).configuration.topicDefaults.log
        #expect(log.segmentMs == 7_200_000)
        #expect(log.segmentJitterMs == 5)
        #expect(log.flushMs == 9)
        #expect(
            try load("log.flush.interval.ms=3\nlog.flush.scheduler.interval.ms=9").configuration.topicDefaults.log
                .flushMs == 3)
    }

    @Test func `the defaults of topics come from the broker's keys`() throws {
        let topic = try load(
            """
            log.segment.bytes=2097152
            message.max.bytes=5
            log.cleanup.policy=compact
            compression.type=zstd
            log.message.timestamp.type=LogAppendTime
            min.insync.replicas=2
            log.preallocate=true
            log.cleaner.min.cleanable.ratio=0.1
            log.segment.delete.delay.ms=6
            """
        ).configuration.topicDefaults
        #expect(topic.log.segmentBytes == 2_097_152)
        #expect(topic.log.maxMessageBytes == 5)
        #expect(topic.log.cleanupPolicy == .compact)
        #expect(topic.log.compression == .codec(.zstd))
        #expect(topic.log.messageTimestampType == .logAppendTime)
        #expect(topic.minInSyncReplicas == 2)
        #expect(topic.log.preallocate)
        #expect(topic.log.minCleanableDirtyRatio == 0.1)
        #expect(topic.log.fileDeleteDelayMs == 6)
    }

    @Test func `random values of random keys are taken or refused, and never stop the program`() {
        let keys = ConfigurationKeys.brokerSections.flatMap(\.definitions).map(\.name) + ["listener.name.x.y", "port"]
        let values = [
            "", "0", "-1", "1", "-9223372036854775808", "9223372036854775807", "1e308", "true", "a", "a,b", "1@a:1",
            "a:1", "PLAINTEXT://:1", "PLAINTEXT://a:0,SSL://b:0", "*", "::", "[", "x://[::1]:5", "\u{0}", "ä€😀",
        ]
        var state: UInt64 = 3
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        for _ in 0..<2000 {
            var settings: [String: String] = [:]
            for _ in 0..<next(12) { settings[keys[next(keys.count)]] = values[next(values.count)] }
            do {
                let configuration = try BrokerConfiguration(settings)
                #expect(configuration.nodeID >= 0 && !configuration.network.listeners.isEmpty)
            } catch {
                #expect(!error.problems.isEmpty && !error.description.contains("\u{0}"))
            }
        }
    }
}
