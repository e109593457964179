// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol
import KafkaRaft
import Testing

@Suite struct RaftNodeTests {
    private func check(_ scenario: String, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(
            RaftTrace.run(scenario) == RaftTrace.normalized(scenario), sourceLocation: sourceLocation)
    }

    @Test func `a quorum of one elects itself at once and commits what is durable`() {
        check(
            """
            disk                 -> unattached 0
            start                -> persist epoch 1 leader 1 kraft 0; write 0-0 epoch 1; flush 1
            flushed 0            ->
            flushed 1            -> committed 1; leads 1
            append 1             -> write 1-1 epoch 1; flush 2
            append 2             -> write 2-3 epoch 1; flush 4
            flushed 2            -> committed 2
            flushed 2            ->
            flushed 4            -> committed 4
            """)
    }

    @Test func `records may be appended before the epoch is established, and commit with it`() {
        check(
            """
            disk                 -> unattached 0
            start                -> persist epoch 1 leader 1 kraft 0; write 0-0 epoch 1; flush 1
            append 1             -> write 1-1 epoch 1; flush 2
            flushed 2            -> committed 2; leads 1
            """)
    }

    @Test func `the leader of the saved epoch resigns from it and leads the next one`() {
        check(
            """
            disk quorum-state=4,1,-1 log=0,20,4  -> resigned 4
            start                -> persist epoch 5 leader 1 kraft 0; write 20-20 epoch 5; flush 21
            flushed 21           -> committed 21; leads 5
            """)
    }

    @Test func `what an unclean end left uncommitted commits with the new epoch, not before`() {
        check(
            """
            disk quorum-state=4,1,-1 log=0,20,4  -> resigned 4
            start                -> persist epoch 5 leader 1 kraft 0; write 20-20 epoch 5; flush 21
            flushed 20           ->
            flushed 21           -> committed 21; leads 5
            """)
    }

    @Test func `a vote in the saved epoch is remembered`() {
        check("disk quorum-state=3,-1,1 -> unattached 3 voted 1")
    }

    @Test func `the log's epoch counts when quorum-state is lost or older`() {
        check(
            """
            disk log=0,9,6       -> unattached 6
            start                -> persist epoch 7 leader 1 kraft 0; write 9-9 epoch 7; flush 10
            disk quorum-state=2,1,-1 log=0,9,6 -> unattached 6
            disk snapshot=9,8,100,0 -> unattached 8
            """)
    }

    @Test func `a log that ends before its snapshot starts anew behind it`() {
        check(
            """
            disk quorum-state=3,1,-1 log=0,5,2 snapshot=9,3,100,0 -> resigned 3
            start                -> reset log to 9; persist epoch 4 leader 1 kraft 0; write 9-9 epoch 4; flush 10
            flushed 10           -> committed 10; leads 4
            """)
    }

    @Test func `a quorum that is not exactly this node is refused`() {
        check(
            """
            disk voters=1,2,3    -> error: quorum voters: the voters are [1, 2, 3], this node is 1
            disk voters=2        -> error: quorum voters: the voters are [2], this node is 1
            disk quorum-state=3,2,-1 saved-voters=1,2 -> error: quorum voters: the saved voters are [1, 2], the configured ones [1]
            disk dynamic-voter=8 -> error: quorum voters: voter 1 has directory AAAAAAAAAAcAAAAAAAAACA in the metadata log
            """)
    }

    @Test func `a kraft.version that is not known is refused`() {
        var recovered = RaftNode.Recovered()
        recovered.control.observe([.kraftVersion(KRaftVersionRecord(version: 0, kRaftVersion: 2))])
        #expect(throws: RaftError.unsupportedVoters("kraft.version 2 is not known")) {
            try RaftNode(.init(nodeID: 1, directoryID: RaftTrace.directory, staticVoters: [1]), recovered: recovered)
        }
    }

    @Test func `voters of a formatted checkpoint are repeated in the log once`() {
        check(
            """
            disk dynamic-voter=7 -> unattached 0
            start                -> persist epoch 1 leader 1 kraft 1; write 0-2 epoch 1; flush 3
            flushed 3            -> committed 3; leads 1
            """)
    }

    @Test func `large appends are cut into batches or refused`() {
        check(
            """
            disk                 -> unattached 0
            start                -> persist epoch 1 leader 1 kraft 0; write 0-0 epoch 1; flush 1
            append 4             -> error: metadata batch of 497 bytes is over the limit of 400
            """)
        check(
            """
            disk                 -> unattached 0
            start                -> persist epoch 1 leader 1 kraft 0; write 0-0 epoch 1; flush 1
            append 5 split       -> write 1-2 epoch 1; write 3-4 epoch 1; write 5-5 epoch 1; flush 6
            """)
    }

    @Test func `after a failed write nothing more is appended`() {
        check(
            """
            disk                 -> unattached 0
            start                -> persist epoch 1 leader 1 kraft 0; write 0-0 epoch 1; flush 1
            flushed 1            -> committed 1; leads 1
            failed               -> no longer leads 1
            flushed 1            ->
            append 1             -> error: this node does not lead the metadata quorum
            """)
    }

    @Test func `a stop gives up leadership once`() {
        check(
            """
            disk                 -> unattached 0
            start                -> persist epoch 1 leader 1 kraft 0; write 0-0 epoch 1; flush 1
            shutdown             -> no longer leads 1
            shutdown             ->
            """)
    }

    @Test func `a snapshot is due by bytes or by time, one at a time`() {
        check(
            """
            disk                 -> unattached 0
            start t=0            -> persist epoch 1 leader 1 kraft 0; write 0-0 epoch 1; flush 1
            flushed 1            -> committed 1; leads 1
            append 3             -> write 1-3 epoch 1; flush 4
            flushed 4            -> committed 4
            applied 2 999 t=5    ->
            applied 4 1 t=6      -> snapshot 4 epoch 1 until 6
            append 1             -> write 4-4 epoch 1; flush 5
            flushed 5            -> committed 5
            applied 5 5000 t=7   ->
            written 4 1 100 t=8  ->
            tick t=9             -> snapshot 5 epoch 1 until 7
            snapshot-failed      ->
            tick t=60008         ->
            append 1             -> write 5-5 epoch 1; flush 6
            flushed 6            -> committed 6
            applied 6 10 t=60009 -> snapshot 6 epoch 1 until 60009
            """)
    }

    @Test func `old snapshots go with the log's prefix when there is too much or they are too old`() {
        check(
            """
            disk snapshot=0,0,10,0 snapshot=5,1,4000,0 log=5,8,1 -> unattached 1
            start t=0            -> persist epoch 2 leader 1 kraft 0; write 8-8 epoch 2; flush 9
            flushed 9            -> committed 9; leads 2
            applied 9 1000 t=1   -> snapshot 9 epoch 2 until 1
            written 9 2 4000 t=2 -> log start 9; delete 0,5
            append 1             -> write 9-9 epoch 2; flush 10
            flushed 10           -> committed 10
            applied 10 1000 t=3  -> snapshot 10 epoch 2 until 3
            written 10 2 100 t=4 ->
            append 1             -> write 10-10 epoch 2; flush 11
            flushed 11           -> committed 11
            applied 11 1000 t=1000005 -> log start 10; delete 9; snapshot 11 epoch 2 until 1000005
            written 11 2 100 t=1000005 -> log start 11; delete 10
            """)
    }

    @Test func `snapshots that have become too old go without a new one`() {
        check(
            """
            disk snapshot=0,0,10,0 snapshot=5,1,10,900000 log=5,8,1 -> unattached 1
            start t=900000       -> persist epoch 2 leader 1 kraft 0; write 8-8 epoch 2; flush 9
            flushed 9            -> committed 9; leads 2
            tick t=900001        ->
            tick t=1000001       -> log start 5; delete 0
            tick t=3000000       ->
            """)
    }

    @Test func `the first batch of an epoch names leader and voters`() throws {
        var node = try RaftNode(
            .init(nodeID: 1, directoryID: RaftTrace.directory, staticVoters: [1]), recovered: .init())
        let effects = try node.start(now: 1_000)
        guard case .append(let batch) = effects[1] else {
            Issue.record("the second effect is \(effects[1])")
            return
        }
        try batch.bytes.withUnsafeBytes { bytes in
            var reader = RaftBatchReader(bytes)
            let parsed = try #require(try reader.next())
            #expect(parsed.isControl)
            #expect(parsed.epoch == 1)
            #expect(parsed.timestamp == 1_000)
            let records = try parsed.controlRecords()
            guard case .leaderChange(let change) = records[0] else {
                Issue.record("not a leader change")
                return
            }
            #expect(change.version == 0)
            #expect(change.leaderID == 1)
            #expect(change.voters.map(\.voterID) == [1])
            #expect(change.grantingVoters.map(\.voterID) == [1])
        }
    }
}
