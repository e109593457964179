// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaServer
import KafkaStorage
import Testing

@Suite struct ConfigurationTopicTests {
    @Test(arguments: [
        ("cleanup.policy", "compact"), ("cleanup.policy", ""), ("retention.ms", "-1"), ("segment.bytes", "1048576"),
        ("max.message.bytes", "0"), ("compression.type", "uncompressed"), ("internal.segment.bytes", "100"),
        ("remote.storage.enable", "false"), ("follower.replication.throttled.replicas", "*"),
    ])
    func `a value that the key allows is accepted`(name: String, value: String) throws {
        try TopicConfiguration.validate(name: name, value: value)
        try TopicConfiguration.validate([name: value], defaults: TopicConfiguration())
    }

    @Test(
        arguments: [
            ("retention.hours", "1", "Unknown topic config name: retention.hours"),
            ("log.retention.ms", "1", "Unknown topic config name: log.retention.ms"),
            ("a\nb", "1", "Unknown topic config name: a\\nb"),
            ("retention.ms", nil, "Null value not supported for topic configs: retention.ms"),
            (
                "retention.ms", "-2",
                "Invalid value -2 for configuration retention.ms: must be a 64-bit integer, at least -1"
            ),
            (
                "cleanup.policy", "shred",
                "Invalid value shred for configuration cleanup.policy: must be empty or some of compact, delete"
            ),
            (
                "segment.bytes", "14",
                "Invalid value 14 for configuration segment.bytes: must be an integer, at least 1048576"
            ),
            (
                "internal.segment.bytes", "0",
                "Invalid value 0 for configuration internal.segment.bytes: must be at least 1"
            ),
            (
                "remote.storage.enable", "true",
                "Invalid value true for configuration remote.storage.enable: tiered storage is not enabled in this cluster"
            ),
            ("min.compaction.lag.ms", "9223372036854775807", nil),
        ] as [(String, String?, String?)])
    func `a wrong override is refused as an invalid configuration`(name: String, value: String?, message: String?)
        throws
    {
        guard let message else {
            try TopicConfiguration.validate([name: value], defaults: TopicConfiguration())
            return
        }
        let error = #expect(throws: TopicConfigurationError.self) {
            try TopicConfiguration.validate([name: value], defaults: TopicConfiguration())
        }
        #expect(error?.message == message)
        #expect(error?.errorCode == .invalidConfig)
    }

    @Test func `compaction lags are checked against each other and the defaults`() throws {
        var defaults = TopicConfiguration()
        defaults.log.maxCompactionLagMs = 10
        let message = "min.compaction.lag.ms=11 must not be more than max.compaction.lag.ms=10"
        #expect(throws: TopicConfigurationError(message: message)) {
            try TopicConfiguration.validate(["min.compaction.lag.ms": "11"], defaults: defaults)
        }
        try TopicConfiguration.validate(
            ["min.compaction.lag.ms": "11", "max.compaction.lag.ms": "12"], defaults: defaults)
    }

    @Test func `every topic key that the broker acts on changes the configuration`() throws {
        let others: [String: String] = [
            "cleanup.policy": "compact", "compression.type": "lz4", "message.timestamp.type": "LogAppendTime",
            "preallocate": "true", "compression.gzip.level": "5", "compression.lz4.level": "5",
            "compression.zstd.level": "5", "internal.segment.bytes": "5", "segment.bytes": "5000000",
            "min.cleanable.dirty.ratio": "0.25",
        ]
        for key in ConfigurationKeys.topicKeys where key.support == .acts {
            let changed = TopicConfiguration().applying([key.name: others[key.name] ?? "77"])
            #expect(changed != TopicConfiguration(), "\(key.name)")
        }
    }

    @Test func `overrides go over the defaults`() {
        var defaults = TopicConfiguration()
        defaults.minInSyncReplicas = 2
        let topic = defaults.applying([
            "internal.segment.bytes": "50", "segment.bytes": "2000000", "cleanup.policy": "delete,compact",
            "min.cleanable.dirty.ratio": "0.25", "leader.replication.throttled.replicas": "0:1,1:2",
            "follower.replication.throttled.replicas": "*", "unclean.leader.election.enable": "true",
            "from.the.future": "1", "retention.ms": "not a number", "flush.ms": "8",
            "compression.type": "snappy",
        ])
        #expect(topic.log.segmentBytes == 50)
        #expect(topic.log.cleanupPolicy == [.delete, .compact])
        #expect(topic.log.minCleanableDirtyRatio == 0.25)
        #expect(topic.throttledLeaders == ["0:1", "1:2"])
        #expect(topic.throttledFollowers == ["*"])
        #expect(topic.uncleanLeaderElectionEnabled)
        #expect(topic.minInSyncReplicas == 2)
        #expect(topic.log.retentionMs == 604_800_000)
        #expect(topic.log.flushMs == 8)
        #expect(topic.log.compression == .codec(.snappy))
    }

    @Test func `values set while running go over the file, and those of the broker over those of all`() throws {
        var settings = ConfigurationSettings()
        settings.set("log.retention.hours", "1", from: .program)
        settings.set("log.segment.bytes", "2000000", from: .program)
        let layers = ConfigurationLayers(
            dynamicBroker: ["message.max.bytes": "5", "log.index.interval.bytes": "nonsense"],
            dynamicDefault: [
                "message.max.bytes": "6", "log.segment.bytes": "3000000", "log.index.interval.bytes": "7",
            ],
            settings: settings)
        let topic = layers.topicDefaults()
        #expect(topic.log.retentionMs == 3_600_000)
        #expect(topic.log.segmentBytes == 3_000_000)
        #expect(topic.log.maxMessageBytes == 5)
        #expect(topic.log.indexIntervalBytes == 7)
    }
}
