# SPDX-License-Identifier: Apache-2.0
"""Versions of the protocol that Apache Kafka 4 no longer serves and old clients still speak, on a plain socket."""

from __future__ import annotations

import struct
import time

import pytest

import clients
import records
import wire
from brokers import Broker
from clients import Message
from records import Record

# Recent, so that no limit on message times applies; whole seconds are easy to read.
NOW = int(time.time()) * 1000

# What each produce version may carry.
OLD_PRODUCE = [
    (version, magic, codec)
    for version in (0, 1, 2)
    for magic, codec in [
        (0, records.NONE),
        (0, records.GZIP),
        (0, records.SNAPPY),
        (0, records.LZ4),
        (1, records.NONE),
        (1, records.GZIP),
        (1, records.SNAPPY),
        (1, records.LZ4),
    ]
    if magic == 0 or version == 2
]


SPECIAL = {3: (None, b"without a key"), 5: (b"without a value", None), 7: (b"", b"")}


def sample(count: int = 50) -> list[Record]:
    return [Record(*SPECIAL.get(i, (b"k%d" % i, b"value %d" % i)), NOW + i) for i in range(count)]


@pytest.mark.parametrize(("version", "magic", "codec"), OLD_PRODUCE)
def test_message_sets_are_taken_and_every_fetch_reads_them(
    broker: Broker, topic: str, version: int, magic: int, codec: int
) -> None:
    sent = sample()
    wanted = [(record.key, record.value, offset) for offset, record in enumerate(sent)]
    with broker.connect() as connection:
        answer = connection.produce(version, topic, records.message_set(magic, sent, codec))
        assert (answer.error, answer.base_offset) == (wire.NO_ERROR, 0)
        for fetch_version in range(5):
            fetched = connection.fetch(fetch_version, topic, 0)
            assert (fetched.error, fetched.high_watermark) == (wire.NO_ERROR, len(sent))
            found = parse(fetch_version, fetched.records)
            assert [(record.key, record.value, record.offset) for record in found] == wanted
            if magic == 1 and fetch_version >= 2:
                assert [record.timestamp for record in found] == [record.timestamp for record in sent]
    assert clients.confluent_consume(broker.address, topic, len(sent)) == [Message(r.key, r.value) for r in sent]


def parse(fetch_version: int, data: bytes) -> list[Record]:
    """Fetch 0 and 1 answer in format 0, 2 and 3 in format 1, later ones in format 2."""
    if fetch_version >= 4:
        return [record for batch in records.parse_batches(data) for record in batch.records]
    return records.parse_message_set(data, 0 if fetch_version < 2 else 1)


# The old formats cannot hold zstd; that is the next test.
@pytest.mark.parametrize("codec", [codec for codec in clients.CODECS if codec != "zstd"])
@pytest.mark.parametrize("fetch_version", range(4))
def test_old_fetches_read_what_new_clients_sent(broker: Broker, topic: str, fetch_version: int, codec: str) -> None:
    sent = [Message(b"k", b"%d" % i, (("h", b"x"),)) for i in range(300)]
    clients.confluent_produce(broker.address, topic, sent, codec)
    found: list[Record] = []
    with broker.connect() as connection:
        while len(found) < len(sent):
            fetched = connection.fetch(fetch_version, topic, len(found))
            assert fetched.error == wire.NO_ERROR
            # A batch that begins before the offset asked for may be answered whole.
            arrived = [r for r in parse(fetch_version, fetched.records) if r.offset >= len(found)]
            assert arrived, f"nothing at offset {len(found)}"
            found += arrived
    # Headers do not exist in the old formats.
    assert [(r.key, r.value, r.offset) for r in found] == [(m.key, m.value, i) for i, m in enumerate(sent)]


def test_zstd_is_not_given_to_old_fetches(broker: Broker, topic: str) -> None:
    clients.confluent_produce(broker.address, topic, [Message(b"k", b"x")] * 10, "zstd")
    with broker.connect() as connection:
        for version in range(4):
            assert connection.fetch(version, topic, 0).error == wire.UNSUPPORTED_COMPRESSION_TYPE


def test_many_messages_in_one_set_and_small_fetches(broker: Broker, topic: str) -> None:
    sent = sample(2000)
    with broker.connect() as connection:
        for first in range(0, 2000, 500):
            part = records.message_set(1, sent[first : first + 500])
            assert connection.produce(2, topic, part) == wire.Produced(0, first)
        found: list[Record] = []
        while len(found) < len(sent):
            fetched = connection.fetch(2, topic, len(found), max_bytes=16_384)
            assert fetched.error == wire.NO_ERROR
            found += [r for r in records.parse_message_set(fetched.records, 1) if r.offset >= len(found)]
    assert [(r.key, r.value, r.timestamp) for r in found] == [(r.key, r.value, r.timestamp) for r in sent]


def test_without_acknowledgement_no_answer_comes(broker: Broker, topic: str) -> None:
    with broker.connect() as connection:
        for version in range(3):
            connection.produce(version, topic, records.message_set(0, sample(10)), acks=0)
        assert connection.api_versions()[0] == wire.NO_ERROR
        assert connection.list_offset(topic, -1) == (wire.NO_ERROR, 30)


def test_all_replicas_may_be_waited_for(broker: Broker, topic: str) -> None:
    with broker.connect() as connection:
        for version in range(3):
            answer = connection.produce(version, topic, records.message_set(0, sample(10)), acks=-1)
            assert (answer.error, answer.base_offset) == (wire.NO_ERROR, version * 10)


def test_damage_is_refused_and_leaves_nothing(broker: Broker, topic: str) -> None:
    damaged = bytearray(records.message_set(1, sample(5)))
    damaged[-1] ^= 1
    batch = bytearray(records.record_batch(sample(5)))
    batch[-1] ^= 1
    with broker.connect() as connection:
        assert connection.produce(2, topic, bytes(damaged)).error == wire.CORRUPT_MESSAGE
        assert connection.produce(3, topic, bytes(batch)).error == wire.CORRUPT_MESSAGE
        assert connection.list_offset(topic, -1) == (wire.NO_ERROR, 0)


def test_errors_of_produce(broker: Broker, topic: str) -> None:
    good = records.message_set(1, sample(1))
    large = records.message_set(1, [Record(None, b"x" * 1_100_000, NOW)])
    with broker.connect() as connection:
        for version in range(3):
            assert connection.produce(version, topic, good, partition=7).error == wire.UNKNOWN_TOPIC_OR_PARTITION
            assert connection.produce(version, topic, good, acks=2).error == wire.INVALID_REQUIRED_ACKS
            assert connection.produce(version, topic + "-missing", good).error == wire.UNKNOWN_TOPIC_OR_PARTITION
        assert connection.produce(2, topic, large).error == wire.MESSAGE_TOO_LARGE
        assert connection.list_offset(topic, -1) == (wire.NO_ERROR, 0)


def test_errors_of_fetch(broker: Broker, topic: str) -> None:
    with broker.connect() as connection:
        for version in range(5):
            assert connection.fetch(version, topic, 1).error == wire.OFFSET_OUT_OF_RANGE
            assert connection.fetch(version, topic + "-missing", 0).error == wire.UNKNOWN_TOPIC_OR_PARTITION


def test_a_fetch_waits_and_is_woken(broker: Broker, topic: str) -> None:
    with broker.connect() as reader, broker.connect() as writer:
        began = time.monotonic()
        assert reader.fetch(3, topic, 0, max_wait_ms=400).records == b""
        assert 0.35 < time.monotonic() - began < 5
        body = wire.Writer().int("iiiii", -1, 20_000, 1, 1 << 20, 1).string(topic).int("iiqi", 1, 0, 0, 1 << 20)
        reader.send(wire.FETCH, 3, bytes(body.data))
        time.sleep(0.1)
        began = time.monotonic()
        assert writer.produce(2, topic, records.message_set(1, sample(1))).error == wire.NO_ERROR
        reader.receive()
        assert time.monotonic() - began < 2


def test_list_offsets_0_answers_a_list(broker: Broker, topic: str) -> None:
    with broker.connect() as connection:
        assert connection.list_offsets_v0(topic, -1, 1) == (wire.NO_ERROR, [0])
        connection.produce(2, topic, records.message_set(1, sample(9)))
        assert connection.list_offsets_v0(topic, -1, 1) == (wire.NO_ERROR, [9])
        assert connection.list_offsets_v0(topic, -1, 10) == (wire.NO_ERROR, [9, 0])
        assert connection.list_offsets_v0(topic, -2, 1) == (wire.NO_ERROR, [0])
        assert connection.list_offsets_v0(topic + "-missing", -1, 1)[0] == wire.UNKNOWN_TOPIC_OR_PARTITION


def test_metadata_0_names_leaders(broker: Broker, topic: str) -> None:
    with broker.connect() as connection:
        brokers, topics = connection.metadata_v0([topic])
        assert brokers == {1: ("127.0.0.1", broker.port)}
        assert topics == {topic: (wire.NO_ERROR, {0: 1})}
        assert topic in connection.metadata_v0([])[1], "no names means all topics"
        assert connection.metadata_v0(["not valid!"])[1] == {"not valid!": (wire.INVALID_TOPIC, {})}


def test_api_versions_lists_what_old_clients_look_for(broker: Broker) -> None:
    with broker.connect() as connection:
        error, ranges = connection.api_versions()
    assert error == wire.NO_ERROR
    for key, newest_needed in [(wire.PRODUCE, 7), (wire.FETCH, 11), (wire.LIST_OFFSETS, 5), (wire.METADATA, 8)]:
        low, high = ranges[key]
        assert low == 0 and high >= newest_needed, f"API {key}"
    assert wire.API_VERSIONS in ranges
    assert all(key in ranges for key in [19, 20, 21, 22, 23, 32, 37, 60, 75])
    # Not served: the reserved keys of the ZooKeeper era.
    assert not any(key in ranges for key in [4, 5, 6, 7])


def test_an_unknown_version_of_api_versions_is_answered_in_version_0(broker: Broker) -> None:
    with broker.connect() as connection:
        # Flexible requests carry a tag section in the header and in the body.
        sent = connection.send(wire.API_VERSIONS, 99, b"\x00\x05test\x021\x00")
        number, reader = connection.receive()
        assert (number, reader.int("h")) == (sent, wire.UNSUPPORTED_VERSION)
        listed = reader.array(lambda: (reader.int("h"), reader.int("h"), reader.int("h")))
        reader.end()
        assert wire.API_VERSIONS in {key for key, _, _ in listed}
        # The client tries again on the same connection.
        assert connection.api_versions()[0] == wire.NO_ERROR


def test_an_unknown_version_of_another_api_closes_the_connection(broker: Broker) -> None:
    with broker.connect() as connection:
        connection.send(wire.METADATA, 99, b"\x00" * 8)
        with pytest.raises(ConnectionError):
            connection.receive()


def test_answers_leave_in_the_order_of_requests(broker: Broker, topic: str) -> None:
    batch = records.message_set(1, sample(3))
    with broker.connect() as connection:
        sent = []
        for index in range(60):
            if index % 3 == 0:
                sent.append(connection.send(wire.PRODUCE, 2, wire.Connection.produce_body(2, topic, batch)))
            elif index % 3 == 1:
                sent.append(connection.send(wire.METADATA, 0, bytes(wire.Writer().int("i", 1).string(topic).data)))
            else:
                sent.append(connection.send(wire.API_VERSIONS, 0, b""))
        assert [connection.receive()[0] for _ in sent] == sent


def test_a_request_may_arrive_byte_by_byte(broker: Broker) -> None:
    with broker.connect() as connection:
        body = struct.pack(">hhi", wire.API_VERSIONS, 0, 77) + b"\xff\xff"
        for byte in struct.pack(">i", len(body)) + body:
            connection.socket.sendall(bytes([byte]))
        assert connection.receive()[0] == 77


@pytest.mark.parametrize("size", [-1, 0, 3, (100 << 20) + 1, 0x7FFFFFFF])
def test_a_frame_of_an_impossible_size_closes_the_connection(broker: Broker, size: int) -> None:
    with broker.connect() as connection:
        connection.socket.sendall(struct.pack(">i", size) + b"abc")
        with pytest.raises(ConnectionError):
            connection.receive()
    with broker.connect() as connection:
        assert connection.api_versions()[0] == wire.NO_ERROR


def test_sequences_are_checked(broker: Broker, topic: str) -> None:
    def batch(sequence: int, count: int = 3) -> bytes:
        return records.record_batch(sample(count), producer=(producer_id, epoch, sequence))

    with broker.connect() as connection:
        error, producer_id, epoch = connection.init_producer_id()
        assert (error, epoch) == (wire.NO_ERROR, 0)
        assert connection.init_producer_id()[1] != producer_id
        assert connection.produce(7, topic, batch(0), acks=-1).base_offset == 0
        assert connection.produce(7, topic, batch(3), acks=-1).base_offset == 3
        # The same batch again is acknowledged at its old place and not written twice.
        again = connection.produce(7, topic, batch(0), acks=-1)
        assert (again.error, again.base_offset) == (wire.NO_ERROR, 0)
        assert connection.produce(7, topic, batch(9), acks=-1).error == wire.OUT_OF_ORDER_SEQUENCE_NUMBER
        assert connection.list_offset(topic, -1) == (wire.NO_ERROR, 6)
