// SPDX-License-Identifier: Apache-2.0

extension MetricCatalog {
    // MARK: Replicas

    static let partitionCount = replica("partitioncount", "Partitions that have a replica here.")
    static let leaderCount = replica("leadercount", "Partitions that this broker leads.")
    static let offlineReplicas = replica(
        "offlinereplicacount", "Replicas here whose log cannot be used, for example because its directory has failed.")
    static let underReplicated = replica(
        "underreplicatedpartitions", "Partitions led here with replicas that are not in sync.")
    static let underMinInSync = replica(
        "underminisrpartitioncount", "Partitions led here with fewer in-sync replicas than min.insync.replicas.")
    static let atMinInSync = replica(
        "atminisrpartitioncount", "Partitions led here with exactly min.insync.replicas in-sync replicas.")
    static let reassigning = replica("reassigningpartitions", "Partitions led here that are being reassigned.")

    private static func replica(_ name: String, _ help: String) -> Metric {
        Metric("kafka_server_replicamanager_\(name)", .gauge, "partitions", help)
    }

    static let replicaMetrics = [
        partitionCount, leaderCount, offlineReplicas, underReplicated, underMinInSync, atMinInSync, reassigning,
    ]

    // MARK: Logs

    static let logSize = log("size", "bytes", "Bytes in the log files of all segments.")
    static let logStartOffset = log("logstartoffset", "offset", "The first offset that can be read.")
    static let logEndOffset = log("logendoffset", "offset", "The offset that the next record gets.")
    static let logSegments = log("numlogsegments", "segments", "Segments, the active one included.")

    private static func log(_ name: String, _ unit: String, _ help: String) -> Metric {
        Metric("kafka_log_log_\(name)", .gauge, unit, ["topic", "partition"], help)
    }

    static let logFlush = Metric(
        "kafka_log_logflushstats_logflushrateandtimems", .histogram, "ms", "Syncs of logs, and how long they took.")
    static let offlineDirectories = Metric(
        "kafka_log_logmanager_offlinelogdirectorycount", .gauge, "directories", "Log directories out of service.")
    static let directoryOffline = Metric(
        "kafka_log_logmanager_logdirectoryoffline", .gauge, "flag", ["logDirectory"],
        "1 where the log directory is out of service, otherwise 0.")
    static let deletedSegments = Metric(
        "swiftkafka_log_deleted_segments_total", .counter, "segments", "Segments that retention has deleted.")
    static let deletedBytes = Metric(
        "swiftkafka_log_deleted_bytes_total", .counter, "bytes", "Bytes of the segments that retention has deleted.")

    static let logMetrics = [
        logSize, logStartOffset, logEndOffset, logSegments, logFlush, offlineDirectories, directoryOffline,
        deletedSegments, deletedBytes,
    ]

    // MARK: Cleaner

    static let cleanings = cleaner("cleanings", "logs", "Cleanings that were finished.")
    static let cleanedBytesRead = cleaner("read_bytes", "bytes", "Bytes that the cleaner has read.")
    static let cleanedBytesWritten = cleaner("written_bytes", "bytes", "Bytes that the cleaner has written.")
    static let cleanedRecords = cleaner("removed_records", "records", "Records that cleaning has removed.")
    static let uncleanable = Metric(
        "kafka_log_logcleanermanager_uncleanable_partitions_count", .gauge, "logs",
        "Logs that could not be compacted and are left alone until the next start.")

    private static func cleaner(_ name: String, _ unit: String, _ help: String) -> Metric {
        Metric("swiftkafka_log_cleaner_\(name)_total", .counter, unit, help)
    }

    static let cleanerMetrics = [cleanings, cleanedBytesRead, cleanedBytesWritten, cleanedRecords, uncleanable]

    // MARK: Controller and metadata

    static let activeController = controller(
        "activecontrollercount", "flag", "1 where this node is the active controller.")
    static let activeBrokers = controller("activebrokercount", "brokers", "Brokers that are registered and not fenced.")
    static let fencedBrokers = controller("fencedbrokercount", "brokers", "Brokers that are registered and fenced.")
    static let topics = controller("globaltopiccount", "topics", "Topics of the cluster.")
    static let partitions = controller("globalpartitioncount", "partitions", "Partitions of the cluster.")
    static let offlinePartitions = controller("offlinepartitionscount", "partitions", "Partitions without a leader.")
    static let preferredReplicaImbalance = controller(
        "preferredreplicaimbalancecount", "partitions", "Partitions that are not led by their preferred replica.")
    static let lastAppliedOffset = controller(
        "lastappliedrecordoffset", "offset", "The last offset of the metadata log that this node has acted on.")
    static let lastAppliedTimestamp = controller(
        "lastappliedrecordtimestamp", "ms since 1970", "When that record was appended.")
    static let brokerState = Metric(
        "kafka_server_kafkaserver_brokerstate", .gauge, "state",
        "0 not running, 1 starting, 3 running, as in Apache Kafka.")

    private static func controller(_ name: String, _ unit: String, _ help: String) -> Metric {
        Metric("kafka_controller_kafkacontroller_\(name)", .gauge, unit, help)
    }

    static let controllerMetrics = [
        brokerState, activeController, activeBrokers, fencedBrokers, topics, partitions, offlinePartitions,
        preferredReplicaImbalance, lastAppliedOffset, lastAppliedTimestamp,
    ]

    // MARK: Process

    static let residentMemory = Metric(
        "process_resident_memory_bytes", .gauge, "bytes", "Memory of the process that is in RAM.")
    static let cpuSeconds = Metric(
        "process_cpu_seconds_total", .counter, "s", "Processor time of the process, user and system.")
    static let openDescriptors = Metric(
        "process_open_fds", .gauge, "descriptors", "Open file descriptors of the process.")
    static let maxDescriptors = Metric(
        "process_max_fds", .gauge, "descriptors", "How many file descriptors the process may open.")
    static let startTime = Metric(
        "process_start_time_seconds", .gauge, "s since 1970", "When this broker was made.")
    static let uptime = Metric("swiftkafka_uptime_seconds", .gauge, "s", "Since when this broker was made.")

    static let processMetrics = [residentMemory, cpuSeconds, openDescriptors, maxDescriptors, startTime, uptime]
}
