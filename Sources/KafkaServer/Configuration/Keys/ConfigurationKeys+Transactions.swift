// SPDX-License-Identifier: Apache-2.0

extension ConfigurationKeys {
    /// Transactions and producer state.
    static let transactions: [ConfigurationDefinition] = [
        .int(
            "transaction.state.log.min.isr", 2, .atLeast(1), .readOnly, .later,
            "`min.insync.replicas` of `__transaction_state`."),
        .int(
            "transaction.state.log.load.buffer.size", 5_242_880, .atLeast(1), .readOnly, .later,
            "Bytes read at a time when a transaction coordinator loads its partition."),
        .short(
            "transaction.state.log.replication.factor", 3, .atLeast(1), .readOnly, .later,
            "Replicas of `__transaction_state`."),
        .int(
            "transaction.state.log.num.partitions", 50, .atLeast(1), .readOnly, .later,
            "Partitions of `__transaction_state`; must not change once the topic exists."),
        .int(
            "transaction.state.log.segment.bytes", 104_857_600, .atLeast(1), .readOnly, .later,
            "Segment size of `__transaction_state`."),
        .boolean(
            "transaction.partition.verification.enable", true, .clusterWide, .later,
            "Whether a partition is checked to be part of the transaction before transactional records are appended."),
        .int(
            "producer.id.expiration.ms", 86_400_000, .atLeast(1), .clusterWide, .acts,
            "How long a partition remembers an idle producer's sequence numbers."),
        .int(
            "producer.id.expiration.check.interval.ms", 600_000, .atLeast(1), .readOnly, .acts, internal: true,
            "How often producers are checked for their age."),
        .int(
            "transactional.id.expiration.ms", 604_800_000, .atLeast(1), .readOnly, .later,
            "How long a transactional id without transactions is remembered."),
        .int(
            "transaction.max.timeout.ms", 900_000, .atLeast(1), .readOnly, .later,
            "The longest transaction timeout a producer may ask for."),
        .int(
            "transaction.abort.timed.out.transaction.cleanup.interval.ms", 10_000, .atLeast(1), .readOnly, .later,
            "How often transactions that took too long are looked for and aborted."),
        .int(
            "transaction.remove.expired.transaction.cleanup.interval.ms", 3_600_000, .atLeast(1), .readOnly, .later,
            "How often transactional ids that expired are removed."),
        .boolean(
            "transaction.two.phase.commit.enable", false, .readOnly, .later,
            "Whether producers may keep a prepared transaction open for an external coordinator."),
        .int(
            "add.partitions.to.txn.retry.backoff.max.ms", 100, .atLeast(0), .readOnly, .later,
            "The longest that AddPartitionsToTxn is tried again on the server."),
        .int(
            "add.partitions.to.txn.retry.backoff.ms", 20, .atLeast(1), .readOnly, .later,
            "The pause between the server's own attempts at AddPartitionsToTxn."),
    ]
}
