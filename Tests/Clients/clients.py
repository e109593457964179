# SPDX-License-Identifier: Apache-2.0
"""The four stock clients behind one pair of functions each: produce and consume, one partition, no groups."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass

import aiokafka
import confluent_kafka
import kafka

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
# More than the broker's default limit, so that it is the broker that refuses what is too large.
CLIENT_LIMIT = 8 << 20
KCAT = shutil.which("kcat") or shutil.which("kafkacat") or "kcat"
SEPARATOR = "\x1e"


@dataclass(frozen=True)
class Message:
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()


class ProduceFailed(Exception):
    """The client reported that a message was not taken; the text is the client's."""


def messages(count: int, prefix: str = "m") -> list[Message]:
    """Messages of every shape: null and empty keys and values; no headers, some, null and repeated ones."""
    shapes = [
        lambda i: Message(f"key-{i}".encode(), f"{prefix}-{i} äöü".encode()),
        lambda i: Message(None, f"{prefix}-{i}".encode() * 20),
        lambda i: Message(f"key-{i}".encode(), None),
        lambda i: Message(f"key-{i}".encode(), f"{prefix}-{i}".encode(), (("h", b"1"), ("trace", b"\x00\xff"))),
        lambda i: Message(b"", b""),
        lambda i: Message(None, bytes(range(256)), (("h", b""), ("h", None), ("n", b"x"))),
    ]
    return [shapes[i % len(shapes)](i) for i in range(count)]


def kcat_messages(count: int, prefix: str = "m") -> list[Message]:
    """Messages of the shapes that kcat can send: text without line breaks, headers alike over a run of messages."""
    shapes = [
        lambda i: Message(f"key-{i}".encode(), f"{prefix}-{i} äöü".encode()),
        lambda i: Message(None, f"{prefix}-{i}".encode() * 20),
        lambda i: Message(f"key-{i}".encode(), None),
        lambda i: Message(f"key-{i}".encode(), f"{prefix}-{i}".encode(), (("h", b"1"), ("trace", b"abc"))),
    ]
    return [shapes[i * len(shapes) // count](i) for i in range(count)]


def messages_for(producer: str, count: int) -> list[Message]:
    """Messages of every shape that the client can send."""
    if producer == "kcat":
        return kcat_messages(count)
    if producer == "kafka-python":
        # It takes no header without a value.
        return [
            Message(m.key, m.value, tuple((name, value or b"") for name, value in m.headers)) for m in messages(count)
        ]
    return messages(count)


# --- kcat ------------------------------------------------------------------------------------------------------------


def kcat(*arguments: str, data: bytes | None = None, timeout: float = 60) -> bytes:
    """Runs kcat and returns what it printed; fails on a status other than 0."""
    done = subprocess.run([KCAT, *arguments], input=data, capture_output=True, timeout=timeout, check=False)
    if done.returncode != 0:
        raise ProduceFailed(f"kcat {' '.join(arguments)} ended with {done.returncode}: {done.stderr.decode()}")
    return done.stdout


def kcat_produce(
    address: str, topic: str, batch: list[Message], codec: str = "none", partition: int = 0, **settings: object
) -> None:
    def manner(message: Message) -> tuple:
        return message.headers, message.key is None, message.value is None

    for (headers, no_key, no_value), run in itertools.groupby(batch, manner):
        arguments = ["-P", "-b", address, "-t", topic, "-p", str(partition), "-z", codec]
        arguments += ["-X", f"message.max.bytes={CLIENT_LIMIT}"]
        for name, value in settings.items():
            arguments += ["-X", f"{name}={value}"]
        for name, value in headers:
            arguments += ["-H", f"{name}={value.decode()}"]
        if not no_key:
            arguments += ["-K", SEPARATOR]
        if no_value:
            arguments += ["-Z"]
        lines = [
            (b"" if no_key else message.key + SEPARATOR.encode()) + (message.value or b"") + b"\n" for message in run
        ]
        kcat(*arguments, data=b"".join(lines))


def kcat_consume(address: str, topic: str, count: int, partition: int = 0, offset: int = 0) -> list[Message]:
    arguments = ["-C", "-b", address, "-t", topic, "-p", str(partition), "-o", str(offset), "-c", str(count), "-q"]
    arguments += ["-X", f"fetch.message.max.bytes={CLIENT_LIMIT}", "-X", "check.crcs=true"]
    output = kcat(*arguments, "-f", "%K %S %k%s|%h\n")
    found = []
    position = 0
    for _ in range(count):
        sizes_end = output.index(b" ", output.index(b" ", position) + 1)
        key_size, value_size = map(int, output[position:sizes_end].split())
        key_end = sizes_end + 1 + max(key_size, 0)
        value_end = key_end + max(value_size, 0)
        line_end = output.index(b"\n", value_end)
        found.append(
            Message(
                None if key_size < 0 else output[sizes_end + 1 : key_end],
                None if value_size < 0 else output[key_end:value_end],
                tuple(_kcat_headers(output[value_end + 1 : line_end])),
            )
        )
        position = line_end + 1
    return found


def _kcat_headers(text: bytes) -> Iterable[tuple[str, bytes | None]]:
    for part in text.split(b",") if text else []:
        name, value = part.split(b"=", 1)
        yield name.decode(), None if value == b"NULL" else value


# --- confluent-kafka -------------------------------------------------------------------------------------------------


def confluent_produce(
    address: str, topic: str, batch: list[Message], codec: str = "none", partition: int = 0, **settings: object
) -> list[int]:
    """Returns the offsets, in the order of the messages."""
    producer = confluent_kafka.Producer(
        {
            "bootstrap.servers": address,
            "compression.codec": codec,
            "message.max.bytes": CLIENT_LIMIT,
            "linger.ms": 2,
            "log_level": 0,
            **settings,
        }
    )
    offsets: list[int] = []
    failures: list[confluent_kafka.KafkaError] = []

    def delivered(error: confluent_kafka.KafkaError | None, message: confluent_kafka.Message) -> None:
        if error:
            failures.append(error)
        else:
            offsets.append(message.offset())

    for message in batch:
        headers = list(message.headers) or None
        while True:
            try:
                producer.produce(
                    topic, message.value, message.key, partition=partition, headers=headers, on_delivery=delivered
                )
                break
            except BufferError:
                producer.poll(0.1)
    if producer.flush(60) or failures:
        raise ProduceFailed(str(failures[0].name() if failures else "flush timed out"))
    return offsets


def confluent_consumer(address: str, **settings: object) -> confluent_kafka.Consumer:
    return confluent_kafka.Consumer(
        {
            "bootstrap.servers": address,
            # The client demands a group name even where it only assigns; none is ever joined.
            "group.id": "unused",
            "enable.auto.commit": False,
            "check.crcs": True,
            "log_level": 0,
            "fetch.message.max.bytes": CLIENT_LIMIT,
            **settings,
        }
    )


def confluent_consume(address: str, topic: str, count: int, partition: int = 0, offset: int = 0) -> list[Message]:
    consumer = confluent_consumer(address)
    consumer.assign([confluent_kafka.TopicPartition(topic, partition, offset)])
    found: list[Message] = []
    try:
        while len(found) < count:
            arrived = consumer.consume(min(count - len(found), 10_000), 20)
            assert arrived, f"{len(found)} of {count} messages arrived"
            for message in arrived:
                assert message.error() is None, message.error()
                found.append(Message(message.key(), message.value(), tuple(message.headers() or ())))
    finally:
        consumer.close()
    return found


# --- kafka-python ----------------------------------------------------------------------------------------------------


def python_produce(
    address: str, topic: str, batch: list[Message], codec: str = "none", partition: int = 0, **settings: object
) -> list[int]:
    producer = kafka.KafkaProducer(
        bootstrap_servers=address,
        compression_type=None if codec == "none" else codec,
        max_request_size=CLIENT_LIMIT,
        linger_ms=2,
        **settings,
    )
    try:
        futures = [
            producer.send(topic, message.value, message.key, list(message.headers), partition) for message in batch
        ]
        producer.flush(60)
        return [future.get(60).offset for future in futures]
    except kafka.errors.KafkaError as error:
        raise ProduceFailed(type(error).__name__) from error
    finally:
        producer.close(timeout=5)


def python_consume(address: str, topic: str, count: int, partition: int = 0, offset: int = 0) -> list[Message]:
    consumer = kafka.KafkaConsumer(
        bootstrap_servers=address,
        group_id=None,
        max_partition_fetch_bytes=CLIENT_LIMIT,
        max_poll_records=10_000,
        check_crcs=True,
    )
    place = kafka.TopicPartition(topic, partition)
    found: list[Message] = []
    try:
        consumer.assign([place])
        consumer.seek(place, offset)
        while len(found) < count:
            arrived = consumer.poll(20_000).get(place, [])
            assert arrived, f"{len(found)} of {count} messages arrived"
            found += [Message(record.key, record.value, tuple(record.headers)) for record in arrived]
    finally:
        consumer.close()
    return found[:count]


# --- aiokafka --------------------------------------------------------------------------------------------------------


def aio_produce(
    address: str, topic: str, batch: list[Message], codec: str = "none", partition: int = 0, **settings: object
) -> list[int]:
    async def run() -> list[int]:
        producer = aiokafka.AIOKafkaProducer(
            bootstrap_servers=address,
            compression_type=None if codec == "none" else codec,
            max_request_size=CLIENT_LIMIT,
            linger_ms=2,
            **settings,
        )
        await producer.start()
        try:
            futures = [
                await producer.send(topic, message.value, message.key, partition, headers=list(message.headers))
                for message in batch
            ]
            return [(await future).offset for future in futures]
        finally:
            await producer.stop()

    try:
        return asyncio.run(asyncio.wait_for(run(), 60))
    except aiokafka.errors.KafkaError as error:
        raise ProduceFailed(type(error).__name__) from error


def aio_consume(address: str, topic: str, count: int, partition: int = 0, offset: int = 0) -> list[Message]:
    async def run() -> list[Message]:
        consumer = aiokafka.AIOKafkaConsumer(
            bootstrap_servers=address,
            group_id=None,
            max_partition_fetch_bytes=CLIENT_LIMIT,
            auto_offset_reset="none",
            check_crcs=True,
        )
        await consumer.start()
        try:
            place = aiokafka.TopicPartition(topic, partition)
            consumer.assign([place])
            consumer.seek(place, offset)
            found: list[Message] = []
            while len(found) < count:
                arrived = (await consumer.getmany(place, timeout_ms=20_000)).get(place, [])
                assert arrived, f"{len(found)} of {count} messages arrived"
                found += [Message(record.key, record.value, tuple(record.headers)) for record in arrived]
            return found[:count]
        finally:
            await consumer.stop()

    return asyncio.run(asyncio.wait_for(run(), 60))


def aio_offset_by_time(address: str, topic: str, timestamp: int, partition: int = 0) -> int | None:
    """The first offset whose message is not older, None where there is none."""

    async def run() -> int | None:
        consumer = aiokafka.AIOKafkaConsumer(bootstrap_servers=address, group_id=None)
        await consumer.start()
        try:
            place = aiokafka.TopicPartition(topic, partition)
            found = (await consumer.offsets_for_times({place: timestamp}))[place]
            return None if found is None else found.offset
        finally:
            await consumer.stop()

    return asyncio.run(asyncio.wait_for(run(), 60))


PRODUCERS = {
    "kcat": kcat_produce,
    "confluent-kafka": confluent_produce,
    "kafka-python": python_produce,
    "aiokafka": aio_produce,
}
CONSUMERS = {
    "kcat": kcat_consume,
    "confluent-kafka": confluent_consume,
    "kafka-python": python_consume,
    "aiokafka": aio_consume,
}
