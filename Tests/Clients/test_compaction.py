# SPDX-License-Identifier: Apache-2.0
"""A compacted topic as stock clients see it: old values go, the last value of each key stays, through a restart."""

from __future__ import annotations

import time

import confluent_kafka
from confluent_kafka import KafkaError, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

import clients
from brokers import Broker
from clients import Message

KEYS = 100
ROUNDS = 8
DELETED = b"key-7"
CHECKPOINT = "cleaner-offset-checkpoint"


def value(key: int, turn: int) -> bytes:
    """About 10 KiB, so that a turn of all keys fills a segment of 1 MiB."""
    return b"%d of turn %d " % (key, turn) * 600


def read_all(address: str, topic: str) -> list[tuple[int, bytes, bytes | None]]:
    """Everything that is in the partition now: offset, key and value."""
    consumer = clients.confluent_consumer(address, **{"enable.partition.eof": True})
    found: list[tuple[int, bytes, bytes | None]] = []
    try:
        consumer.assign([TopicPartition(topic, 0, 0)])
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            message: confluent_kafka.Message | None = consumer.poll(1)
            if message is None:
                continue
            if message.error() is None:
                found.append((message.offset(), message.key(), message.value()))
            elif message.error().code() == KafkaError._PARTITION_EOF:
                return found
            else:
                raise AssertionError(message.error())
    finally:
        consumer.close()
    raise AssertionError("the end of the partition was not reached within 15 s")


def check(found: list[tuple[int, bytes, bytes | None]], sent: dict[int, Message]) -> None:
    offsets = [offset for offset, _, _ in found]
    assert offsets == sorted(set(offsets)), "offsets ascend and none comes twice"
    for offset, key, held in found:
        assert sent[offset] == Message(key, held), f"offset {offset}"
    last = {key: held for _, key, held in found}
    last.setdefault(DELETED, None)
    expected = {message.key: message.value for _, message in sorted(sent.items())}
    assert last == expected


def test_the_last_value_of_every_key_stays(make_broker) -> None:
    broker: Broker = make_broker(log_cleaner_backoff_ms=200)
    broker.start()
    settings = {
        "cleanup.policy": "compact",
        "segment.bytes": str(1 << 20),
        "min.cleanable.dirty.ratio": "0.01",
        "delete.retention.ms": "0",
        "file.delete.delay.ms": "0",
    }
    admin = AdminClient({"bootstrap.servers": broker.address})
    (created,) = admin.create_topics([NewTopic("compacted", 1, 1, config=settings)]).values()
    created.result(20)
    sent: dict[int, Message] = {}
    for turn in range(ROUNDS):
        batch = [Message(b"key-%d" % key, value(key, turn)) for key in range(KEYS)]
        if turn >= 3:
            batch = [message for message in batch if message.key != DELETED]
        if turn == 3:
            batch.append(Message(DELETED, None))
        for offset, message in zip(clients.confluent_produce(broker.address, "compacted", batch), batch, strict=True):
            sent[offset] = message
    assert len(sent) == max(sent) + 1 > KEYS * (ROUNDS - 1)

    # The segment that is written is not cleaned, nor need the one before it be, yet.
    deadline = time.monotonic() + 12
    found = read_all(broker.address, "compacted")
    while len(found) > 3 * KEYS:
        assert time.monotonic() < deadline, f"{len(found)} of {len(sent)} records are left: {broker.text()}"
        time.sleep(0.2)
        found = read_all(broker.address, "compacted")
    check(found, sent)

    assert broker.stop() == 0
    lines = (broker.log_directory / CHECKPOINT).read_text().splitlines()
    assert lines[:2] == ["0", "1"]
    topic, partition, cleaned = lines[2].split()
    assert (topic, partition) == ("compacted", "0") and KEYS < int(cleaned) <= len(sent)
    names = [path.name for path in (broker.log_directory / "compacted-0").iterdir()]
    assert not [name for name in names if name.endswith((".cleaned", ".swap"))]
    size = sum(path.stat().st_size for path in (broker.log_directory / "compacted-0").glob("*.log"))
    assert size < 4 << 20, "8 MiB were written"

    broker.start()
    check(read_all(broker.address, "compacted"), sent)
    assert broker.stop() == 0
