# SPDX-License-Identifier: Apache-2.0
"""kill -9 under load, again and again: what was acknowledged is there afterwards, once, unchanged, at its offset."""

from __future__ import annotations

import json
import random
import threading
import time

import confluent_kafka
import pytest

import clients
import records
import wire
from brokers import Broker
from records import Record

KILLS = 60
SEED = 20_260_101
IDEMPOTENT, RAW = "idempotent", "raw"
PARTITIONS = 3


class IdempotentLoad(threading.Thread):
    """One idempotent confluent-kafka producer with acks=all that lives over all kills and numbers its messages."""

    def __init__(self, address: str) -> None:
        super().__init__(name="idempotent load")
        self.stopping = threading.Event()
        self.sent = [0] * PARTITIONS
        # Offsets that were acknowledged, by partition and number.
        self.acknowledged: list[dict[int, int]] = [{} for _ in range(PARTITIONS)]
        self.failures: list[str] = []
        self.producer = confluent_kafka.Producer(
            {
                "bootstrap.servers": address,
                "enable.idempotence": True,
                "acks": "all",
                "linger.ms": 3,
                "compression.codec": "lz4",
                "queue.buffering.max.messages": 20_000,
                "message.timeout.ms": 120_000,
                "reconnect.backoff.ms": 5,
                "reconnect.backoff.max.ms": 50,
                "retry.backoff.ms": 5,
                "retry.backoff.max.ms": 20,
                # Otherwise the client forgets the cluster when its only broker is away, and looks for it each second.
                "metadata.recovery.strategy": "none",
                "log_level": 0,
            }
        )

    def run(self) -> None:
        while not self.stopping.is_set():
            for _ in range(50):
                partition = sum(self.sent) % PARTITIONS
                try:
                    self.producer.produce(
                        IDEMPOTENT, body(self.sent[partition]), partition=partition, on_delivery=self.delivered
                    )
                except BufferError:
                    break
                self.sent[partition] += 1
            self.producer.poll(0.004)

    def delivered(self, error: confluent_kafka.KafkaError | None, message: confluent_kafka.Message) -> None:
        if error:
            self.failures.append(error.str())
        else:
            self.acknowledged[message.partition()][number_of(message.value())] = message.offset()

    def count(self) -> int:
        """How many messages were acknowledged."""
        return sum(map(len, self.acknowledged))

    def finish(self) -> None:
        self.stopping.set()
        self.join(10)
        assert self.producer.flush(60) == 0


class RawLoad:
    """One producer with acks=1 on a plain socket. It never sends a message twice, so each is there at most once."""

    def __init__(self) -> None:
        self.next = 0
        self.acknowledged: dict[int, int] = {}

    def send(self, connection: wire.Connection, count: int = 20) -> None:
        first = self.next
        self.next += count
        now = int(time.time() * 1000)
        batch = records.record_batch([Record(None, body(first + i), now) for i in range(count)])
        answer = connection.produce(7, RAW, batch, acks=1)
        assert answer.error == wire.NO_ERROR
        for i in range(count):
            self.acknowledged[first + i] = answer.base_offset + i


def body(number: int) -> bytes:
    """A message that shows damage: its number, and more that follows from it."""
    return b"%d:" % number + (b"%d " % (number * 2_654_435_761 % 1_000_003)) * (number % 17)


def number_of(value: bytes) -> int:
    number = int(value.split(b":")[0])
    assert value == body(number), f"message {number} is changed"
    return number


def load_for(broker: Broker, raw: RawLoad, load: IdempotentLoad, seconds: float) -> None:
    """Sends until the other producer got through as well (it reconnects at its own pace), and then some more."""
    before, began = load.count(), time.monotonic()
    end = None
    with broker.connect() as connection:
        while end is None or time.monotonic() < end:
            raw.send(connection)
            time.sleep(0.002)
            if end is None and load.count() > before:
                end = time.monotonic() + seconds
            assert time.monotonic() < began + 20, "the idempotent producer does not get through"


def serve_again(broker: Broker, raw: RawLoad) -> float:
    """Starts the broker and returns the seconds until it acknowledged a message."""
    began = time.monotonic()
    broker.start()
    with broker.connect() as connection:
        raw.send(connection)
    return time.monotonic() - began


@pytest.mark.timeout(300)
def test_kills_under_load(make_broker, record_property) -> None:
    broker: Broker = make_broker(log_segment_bytes=2_000_000, log_index_interval_bytes=1024)
    chance = random.Random(SEED)
    broker.start()
    with broker.connect() as connection:
        assert connection.create_topic(IDEMPOTENT, PARTITIONS) == 0
        assert connection.create_topic(RAW) == 0
    load, raw = IdempotentLoad(broker.address), RawLoad()
    load.start()
    topics: list[str] = []
    recoveries: list[float] = []
    try:
        for kill in range(KILLS):
            with broker.connect() as connection:
                assert connection.create_topic(f"topic-{kill}") == 0
            topics.append(f"topic-{kill}")
            load_for(broker, raw, load, chance.uniform(0.05, 0.5))
            kill_in_the_middle_of_a_request(broker)
            if kill % 10 == 9:
                kill_while_starting(broker, chance)
            recoveries.append(serve_again(broker, raw))
            check_raw_end(broker, raw)
    finally:
        load.finish()

    report(recoveries, load, raw, record_property)
    assert not load.failures
    check_idempotent(broker, load)
    check_raw(broker, raw)
    with broker.connect() as connection:
        assert set(topics) <= set(connection.metadata_v0([])[1])
    assert broker.stop() == 0
    assert max(recoveries) < 1.0


def kill_in_the_middle_of_a_request(broker: Broker) -> None:
    """With a request half sent, besides whatever the other producer has in flight."""
    with broker.connect() as connection:
        body_bytes = wire.Connection.produce_body(7, RAW, b"\x00" * 5000)
        connection.socket.sendall((len(body_bytes) + 100).to_bytes(4, "big") + body_bytes[:2000])
        broker.kill()


def kill_while_starting(broker: Broker, chance: random.Random) -> None:
    broker.spawn()
    time.sleep(chance.uniform(0, 0.05))
    broker.kill()


def check_raw_end(broker: Broker, raw: RawLoad) -> None:
    """Offsets never go back below what was acknowledged."""
    with broker.connect() as connection:
        error, end = connection.list_offset(RAW, -1)
    assert error == wire.NO_ERROR and end > max(raw.acknowledged.values())


def read_all(broker: Broker, topic: str, partition: int) -> list[tuple[int, int]]:
    """The offset and number of every message of the partition."""
    consumer = clients.confluent_consumer(broker.address, **{"enable.partition.eof": True})
    consumer.assign([confluent_kafka.TopicPartition(topic, partition, 0)])
    found: list[tuple[int, int]] = []
    try:
        while True:
            arrived = consumer.consume(10_000, 20)
            assert arrived, "nothing arrived for 20 s"
            for message in arrived:
                if message.error() is None:
                    found.append((message.offset(), number_of(message.value())))
                    continue
                assert message.error().code() == confluent_kafka.KafkaError._PARTITION_EOF, message.error()
                return found
    finally:
        consumer.close()


def check_idempotent(broker: Broker, load: IdempotentLoad) -> None:
    for partition in range(PARTITIONS):
        found = read_all(broker, IDEMPOTENT, partition)
        numbers = [number for _, number in found]
        assert numbers == list(range(load.sent[partition])), "lost, doubled or out of order"
        assert {number: offset for offset, number in found} == load.acknowledged[partition]


def check_raw(broker: Broker, raw: RawLoad) -> None:
    found = read_all(broker, RAW, 0)
    numbers = [number for _, number in found]
    assert len(set(numbers)) == len(numbers), "a message is there twice"
    assert numbers == sorted(numbers)
    at = {number: offset for offset, number in found}
    wrong = {n: (offset, at.get(n)) for n, offset in raw.acknowledged.items() if at.get(n) != offset}
    assert not wrong, f"{len(wrong)} of {len(raw.acknowledged)} acknowledged messages are not at their offset"


def report(recoveries: list[float], load: IdempotentLoad, raw: RawLoad, record_property) -> None:
    ordered = sorted(recoveries)
    figures = {
        "kills": KILLS + KILLS // 10,
        "idempotent_messages_acknowledged": load.count(),
        "raw_messages_acknowledged": len(raw.acknowledged),
        "serving_again_ms": {
            "p50": round(ordered[len(ordered) // 2] * 1000, 1),
            "p90": round(ordered[len(ordered) * 9 // 10] * 1000, 1),
            "max": round(ordered[-1] * 1000, 1),
        },
    }
    record_property("kill -9", json.dumps(figures))
