# SPDX-License-Identifier: Apache-2.0
"""A hundred members come and go in one group while records are produced; every record is accounted for.

The rule that is checked: whoever gets a partition begins at the position that was committed last. It is not below one
whose commit was acknowledged (that would repeat what must not be repeated) nor above what anybody has tried to commit
(that would lose records); from there on offsets follow each other without a gap. Rebalances take as long as they take:
the verdict does not depend on it, but partitions must have changed hands and been read while members came and went.

`SWIFTKAFKA_CHURN_SECONDS` sets how long members come and go, 60 by default; `SWIFTKAFKA_CHURN_MEMBERS` how many.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable

import aiokafka
import pytest

from brokers import Broker

SECONDS = float(os.environ.get("SWIFTKAFKA_CHURN_SECONDS", "60"))
MEMBERS = int(os.environ.get("SWIFTKAFKA_CHURN_MEMBERS", "100"))
PARTITIONS = 24
TOPIC = "churned"
RECORDS_PER_ROUND = 48


class Ledger:
    """What was read and committed, over all members."""

    def __init__(self) -> None:
        self.acknowledged = dict.fromkeys(range(PARTITIONS), 0)
        self.attempted = dict.fromkeys(range(PARTITIONS), 0)
        self.read: dict[int, set[int]] = {partition: set() for partition in range(PARTITIONS)}
        self.produced = dict.fromkeys(range(PARTITIONS), 0)
        self.repeated = 0
        self.begun = 0
        self.read_during_churn = 0
        self.faults: list[str] = []

    def begins(self, partition: int, offset: int) -> None:
        self.begun += 1
        if offset < self.acknowledged[partition]:
            self.faults.append(f"{partition}: begins at {offset}, {self.acknowledged[partition]} was acknowledged")
        if offset > self.attempted[partition]:
            self.faults.append(f"{partition}: begins at {offset}, only {self.attempted[partition]} was committed")

    def reads(self, partition: int, offset: int) -> None:
        self.repeated += offset in self.read[partition]
        self.read[partition].add(offset)

    def is_complete(self) -> bool:
        return all(len(self.read[partition]) == self.produced[partition] for partition in range(PARTITIONS))


class Churner:
    """One member: reads, commits after every poll, and stops in its own way."""

    def __init__(self, address: str, ledger: Ledger):
        self.ledger = ledger
        self.positions: dict[int, int] = {}
        self.consumer = aiokafka.AIOKafkaConsumer(
            bootstrap_servers=address,
            group_id="churn",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=6000,
            heartbeat_interval_ms=300,
            fetch_max_wait_ms=500,
            metadata_max_age_ms=300_000,
        )
        self.task: asyncio.Task | None = None

    async def start(self) -> None:
        churner = self

        class Listener(aiokafka.ConsumerRebalanceListener):
            async def on_partitions_revoked(self, revoked: list) -> None:
                churner.positions.clear()

            async def on_partitions_assigned(self, assigned: list) -> None:
                churner.positions.clear()

        self.consumer.subscribe([TOPIC], listener=Listener())
        await self.consumer.start()
        self.task = asyncio.create_task(self.run())

    async def run(self) -> None:
        while True:
            batches = await self.consumer.getmany(timeout_ms=500, max_records=20)
            offsets = {}
            for place, records in batches.items():
                if place not in self.consumer.assignment():
                    continue
                for record in records:
                    expected = self.positions.get(place.partition)
                    if expected is None:
                        self.ledger.begins(place.partition, record.offset)
                    elif record.offset != expected:
                        self.ledger.faults.append(f"{place.partition}: {record.offset} follows {expected - 1}")
                    self.positions[place.partition] = record.offset + 1
                    self.ledger.reads(place.partition, record.offset)
                offsets[place] = records[-1].offset + 1
            if offsets:
                await self.commit(offsets)

    async def commit(self, offsets: dict) -> None:
        for place, offset in offsets.items():
            attempted = self.ledger.attempted
            attempted[place.partition] = max(attempted[place.partition], offset)
        try:
            await self.consumer.commit(offsets)
        except (aiokafka.errors.KafkaError, aiokafka.errors.IllegalStateError):
            # The group is balanced anew: whoever gets the partitions begins at the last commit.
            return
        for place, offset in offsets.items():
            acknowledged = self.ledger.acknowledged
            acknowledged[place.partition] = max(acknowledged[place.partition], offset)

    async def stop_reading(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def leave(self) -> None:
        await self.stop_reading()
        await self.consumer.stop()

    async def vanish(self) -> None:
        """As if the process were killed: nobody says goodbye, the session has to run out."""

        async def say_nothing() -> None:
            pass

        self.consumer._coordinator._maybe_leave_group = say_nothing
        await self.leave()


async def produce(address: str, ledger: Ledger, stopped: asyncio.Event) -> None:
    producer = aiokafka.AIOKafkaProducer(bootstrap_servers=address, linger_ms=5)
    await producer.start()
    try:
        number = 0
        while not stopped.is_set():
            sent = []
            for _ in range(RECORDS_PER_ROUND):
                partition = number % PARTITIONS
                sent.append(await producer.send(TOPIC, str(number).encode(), partition=partition))
                ledger.produced[partition] += 1
                number += 1
            await asyncio.gather(*sent)
            await asyncio.sleep(0.1)
    finally:
        await producer.stop()


async def churn(address: str) -> Ledger:
    chance = random.Random(1)
    ledger = Ledger()
    members = [Churner(address, ledger) for _ in range(MEMBERS)]
    await asyncio.gather(*(member.start() for member in members))
    stopped = asyncio.Event()
    producing = asyncio.create_task(produce(address, ledger, stopped))
    end = asyncio.get_running_loop().time() + SECONDS
    leaving = []
    while asyncio.get_running_loop().time() < end:
        await asyncio.sleep(1)
        for _ in range(3):
            gone = members.pop(chance.randrange(len(members)))
            # A member that waits for the others takes its time to stop.
            leaving.append(asyncio.create_task(gone.vanish() if chance.random() < 0.3 else gone.leave()))
            members.append(Churner(address, ledger))
            await members[-1].start()
    ledger.read_during_churn = sum(map(len, ledger.read.values()))
    stopped.set()
    await producing
    await asyncio.gather(*leaving, return_exceptions=True)
    for _ in range(600):
        if ledger.is_complete() or ledger.faults:
            break
        await asyncio.sleep(0.1)
    await asyncio.gather(*(member.leave() for member in members), return_exceptions=True)
    return ledger


@pytest.mark.timeout(300)
def test_nothing_is_lost_and_nothing_repeated_beyond_the_commits(
    make_broker: Callable[..., Broker], record_property: Callable[[str, object], None]
) -> None:
    broker = make_broker()
    broker.start()
    with broker.connect() as connection:
        assert connection.create_topic(TOPIC, PARTITIONS) == 0
    ledger = asyncio.run(churn(broker.address))
    assert not ledger.faults, "\n".join(ledger.faults[:20])
    left = {p: ledger.produced[p] - len(ledger.read[p]) for p in range(PARTITIONS)}
    assert not any(left.values()), f"records that nobody has read: {left}"
    # Otherwise nothing was tried: the group was never balanced until it was left alone.
    assert ledger.begun > 2 * PARTITIONS, f"partitions changed hands {ledger.begun} times only"
    assert ledger.read_during_churn > 0
    record_property(
        "churn",
        f"{sum(ledger.produced.values())} records, {ledger.read_during_churn} of them read meanwhile, {ledger.repeated} "
        f"read again, partitions taken up {ledger.begun} times, {MEMBERS} members, {SECONDS} s",
    )
