# SPDX-License-Identifier: Apache-2.0
"""Stock clients produce and consume: every client and codec, all shapes of messages, idempotence, sizes."""

from __future__ import annotations

import random

import confluent_kafka
import confluent_kafka.admin
import pytest

import clients
import records
from brokers import Broker
from clients import CODECS, CONSUMERS, PRODUCERS, Message, ProduceFailed


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("producer", PRODUCERS)
def test_what_one_client_sends_every_client_reads(broker: Broker, topic: str, producer: str, codec: str) -> None:
    sent = clients.messages_for(producer, 240)
    PRODUCERS[producer](broker.address, topic, sent, codec)
    for consumer, consume in CONSUMERS.items():
        found = consume(broker.address, topic, len(sent))
        wanted = sent
        if consumer == "kcat":
            # It prints headers as text: values with commas, zero bytes or null cannot be told from it.
            wanted, found = ([_with_header_names(message) for message in side] for side in (sent, found))
        assert found == wanted, f"{consumer} reads {producer}'s {codec}"


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("producer", PRODUCERS)
def test_batches_stay_as_the_client_packed_them(broker: Broker, topic: str, producer: str, codec: str) -> None:
    """librdkafka quietly leaves out a codec when the broker's list of APIs does not look as if it knew it."""
    sent = [Message(None, b"pack me, pack me, pack me")] * 50
    PRODUCERS[producer](broker.address, topic, sent, codec)
    with broker.connect() as connection:
        batches = records.parse_batches(connection.fetch(4, topic, 0).records)
    # A batch of very few records does not become smaller, and librdkafka then leaves it as it is.
    packed = [batch for batch in batches if len(batch.records) >= 10]
    assert packed
    assert {CODECS[batch.attributes & 7] for batch in packed} == {codec}


def _with_header_names(message: Message) -> Message:
    return Message(message.key, message.value, tuple((name, None) for name, _ in message.headers))


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_a_consumer_starts_where_it_is_told(broker: Broker, topic: str, consumer: str) -> None:
    sent = [Message(None, b"%d" % i) for i in range(1000)]
    clients.confluent_produce(broker.address, topic, sent, "lz4")
    assert CONSUMERS[consumer](broker.address, topic, 10, offset=537) == sent[537:547]


@pytest.mark.parametrize("codec", ["none", "zstd"])
@pytest.mark.parametrize("client", PRODUCERS)
def test_a_message_of_one_megabyte_passes(broker: Broker, topic: str, client: str, codec: str) -> None:
    # Letters: kcat sends a line. Random: it does not compress away.
    value = "".join(random.Random(7).choices("abcdefghijklmnopqrstuvwxyz012345", k=1_000_000)).encode()
    sent = [Message(None, value), Message(None, b"after")]
    PRODUCERS[client](broker.address, topic, sent, codec)
    assert CONSUMERS[client](broker.address, topic, 2) == sent


@pytest.mark.parametrize("client", PRODUCERS)
def test_a_message_over_the_limit_is_refused(broker: Broker, topic: str, client: str) -> None:
    with pytest.raises(ProduceFailed) as refusal:
        PRODUCERS[client](broker.address, topic, [Message(None, b"x" * 1_100_000)])
    assert any(name in str(refusal.value) for name in ["MSG_SIZE_TOO_LARGE", "MessageSizeTooLarge", "too large"])
    PRODUCERS[client](broker.address, topic, [Message(None, b"small")])
    assert CONSUMERS[client](broker.address, topic, 1) == [Message(None, b"small")]


def test_a_topic_has_a_limit_of_its_own(broker: Broker, topic_name: str) -> None:
    with broker.connect() as connection:
        assert connection.create_topic(topic_name, configs={"max.message.bytes": "2000"}) == 0
    clients.confluent_produce(broker.address, topic_name, [Message(None, b"x" * 1800)])
    with pytest.raises(ProduceFailed, match="MSG_SIZE_TOO_LARGE"):
        clients.confluent_produce(broker.address, topic_name, [Message(None, b"x" * 2000)])


@pytest.mark.parametrize(
    ("client", "settings"),
    [
        ("confluent-kafka", {"enable.idempotence": True}),
        ("kafka-python", {"enable_idempotence": True}),
        ("aiokafka", {"enable_idempotence": True}),
    ],
)
def test_an_idempotent_producer_gets_consecutive_offsets(
    broker: Broker, topic: str, client: str, settings: dict[str, object]
) -> None:
    sent = [Message(b"k", b"%d" % i) for i in range(3000)]
    assert PRODUCERS[client](broker.address, topic, sent, "lz4", **settings) == list(range(3000))
    assert clients.confluent_consume(broker.address, topic, 3000) == sent


def test_kcat_may_produce_idempotently(broker: Broker, topic: str) -> None:
    sent = [Message(b"k", b"%d" % i) for i in range(3000)]
    clients.kcat_produce(broker.address, topic, sent, "lz4", **{"enable.idempotence": "true"})
    assert clients.kcat_consume(broker.address, topic, 3000) == sent
    with broker.connect() as connection:
        batches = records.parse_batches(connection.fetch(4, topic, 0).records)
    assert batches and all(batch.producer_id >= 0 for batch in batches)


@pytest.mark.parametrize("acks", [0, 1, "all"])
def test_every_level_of_acknowledgement(broker: Broker, topic: str, acks: int | str) -> None:
    sent = [Message(None, b"%d" % i) for i in range(500)]
    clients.confluent_produce(broker.address, topic, sent, **{"acks": acks})
    assert clients.python_consume(broker.address, topic, 500) == sent


def test_a_waiting_consumer_gets_a_message_at_once(broker: Broker, topic: str) -> None:
    consumer = clients.confluent_consumer(broker.address, **{"fetch.wait.max.ms": 5000})
    consumer.assign([confluent_kafka.TopicPartition(topic, 0, 0)])
    assert consumer.poll(0.5) is None
    producer = confluent_kafka.Producer({"bootstrap.servers": broker.address, "linger.ms": 0})
    for number in range(20):
        producer.produce(topic, b"%d" % number)
        producer.flush(10)
        message = consumer.poll(2)
        assert message is not None and message.value() == b"%d" % number
    consumer.close()


def test_the_end_of_a_partition_is_reported(broker: Broker, topic: str) -> None:
    clients.confluent_produce(broker.address, topic, [Message(None, b"a"), Message(None, b"b")])
    lines = clients.kcat("-C", "-b", broker.address, "-t", topic, "-o", "beginning", "-e", "-f", "%p %o %s\n")
    assert lines == b"0 0 a\n0 1 b\n"


def test_partitions_keep_their_own_order(broker: Broker, topic_name: str) -> None:
    with broker.connect() as connection:
        assert connection.create_topic(topic_name, partitions=8) == 0
    producer = confluent_kafka.Producer({"bootstrap.servers": broker.address, "linger.ms": 5})
    for number in range(8000):
        producer.produce(topic_name, b"%d" % number, partition=number % 8)
    assert producer.flush(30) == 0
    for partition in range(8):
        found = clients.confluent_consume(broker.address, topic_name, 1000, partition)
        assert [int(message.value) for message in found] == list(range(partition, 8000, 8))


def test_a_topic_is_made_by_its_first_message(broker: Broker, topic_name: str) -> None:
    for client, produce in PRODUCERS.items():
        name = f"{topic_name}-{client}"
        produce(broker.address, name, [Message(b"k", b"first")])
        assert clients.confluent_consume(broker.address, name, 1) == [Message(b"k", b"first")]


def test_a_consumer_alone_makes_no_topic(broker: Broker, topic_name: str) -> None:
    consumer = clients.confluent_consumer(broker.address, **{"allow.auto.create.topics": False})
    consumer.assign([confluent_kafka.TopicPartition(topic_name, 0, 0)])
    assert consumer.poll(1.5) is None, "the client waits for the topic to appear"
    consumer.close()
    admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": broker.address})
    assert topic_name not in admin.list_topics(timeout=10).topics
