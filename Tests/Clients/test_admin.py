# SPDX-License-Identifier: Apache-2.0
"""Administration by stock clients: topics, partitions, records, configurations, offsets, and the errors of each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import aiokafka.admin
import confluent_kafka
import kafka
import kafka.admin
import pytest
from confluent_kafka import KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic, OffsetSpec, ResourceType

import clients
from brokers import Broker
from clients import Message


@pytest.fixture
def admin(broker: Broker) -> AdminClient:
    return AdminClient({"bootstrap.servers": broker.address})


def outcome(futures: dict) -> object:
    """The result of a call on one thing."""
    (future,) = futures.values()
    return future.result(20)


def error_of(futures: dict) -> int:
    """The error code that a call on one thing ends with."""
    with pytest.raises(KafkaException) as failure:
        outcome(futures)
    return failure.value.args[0].code()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it did not come true within 10 s"
        time.sleep(0.02)


def test_create_describe_delete_with_confluent_kafka(admin: AdminClient, topic_name: str) -> None:
    outcome(admin.create_topics([NewTopic(topic_name, 3, 1, config={"retention.ms": "3600000"})]))
    described = outcome(admin.describe_topics(TopicCollection([topic_name])))
    assert described.name == topic_name and not described.is_internal
    assert [(p.id, p.leader.id, [r.id for r in p.replicas], [r.id for r in p.isr]) for p in described.partitions] == [
        (number, 1, [1], [1]) for number in range(3)
    ]
    assert described.topic_id is not None
    assert topic_name in admin.list_topics(timeout=10).topics
    outcome(admin.delete_topics([topic_name]))
    wait_until(lambda: topic_name not in admin.list_topics(timeout=10).topics)
    assert error_of(admin.delete_topics([topic_name])) == KafkaError.UNKNOWN_TOPIC_OR_PART


def test_a_deleted_topic_may_be_made_again_and_is_empty(broker: Broker, admin: AdminClient, topic_name: str) -> None:
    for number in range(3):
        outcome(admin.create_topics([NewTopic(topic_name, 1, 1)]))
        sent = [Message(None, b"life %d" % number)]
        assert clients.confluent_produce(broker.address, topic_name, sent) == [0]
        assert clients.confluent_consume(broker.address, topic_name, 1) == sent
        outcome(admin.delete_topics([topic_name]))
        wait_until(lambda: topic_name not in admin.list_topics(timeout=10).topics)


def test_create_describe_delete_with_kafka_python(broker: Broker, topic_name: str) -> None:
    admin = kafka.KafkaAdminClient(bootstrap_servers=broker.address)
    try:
        admin.create_topics({topic_name: {"num_partitions": 2, "replication_factor": 1}}, wait_for_metadata=True)
        (described,) = admin.describe_topics([topic_name])
        assert sorted(p["partition_index"] for p in described["partitions"]) == [0, 1]
        assert topic_name in admin.list_topics()
        admin.create_partitions({topic_name: 5})
        wait_until(lambda: len(admin.describe_topics([topic_name])[0]["partitions"]) == 5)
        assert [b["broker_id"] for b in admin.describe_cluster()["brokers"]] == [1]
        with pytest.raises(kafka.errors.TopicAlreadyExistsError):
            admin.create_topics({topic_name: {"num_partitions": 2, "replication_factor": 1}})
        admin.delete_topics([topic_name])
        wait_until(lambda: topic_name not in admin.list_topics())
    finally:
        admin.close()


def test_delete_records_and_offsets_with_kafka_python(broker: Broker, topic: str) -> None:
    clients.confluent_produce(broker.address, topic, [Message(None, b"%d" % i) for i in range(10)])
    place = kafka.TopicPartition(topic, 0)
    admin = kafka.KafkaAdminClient(bootstrap_servers=broker.address)
    try:
        assert admin.delete_records({place: 4})[place]["low_watermark"] == 4
        found = admin.list_partition_offsets({place: kafka.OffsetSpec.EARLIEST})
        assert found[place].offset == 4
    finally:
        admin.close()


def test_create_describe_delete_with_aiokafka(broker: Broker, topic_name: str) -> None:
    async def run() -> None:
        admin = aiokafka.admin.AIOKafkaAdminClient(bootstrap_servers=broker.address)
        await admin.start()
        try:
            await admin.create_topics([aiokafka.admin.NewTopic(topic_name, 2, 1)])
            (described,) = await admin.describe_topics([topic_name])
            assert sorted(p["partition"] for p in described["partitions"]) == [0, 1]
            await admin.create_partitions({topic_name: aiokafka.admin.NewPartitions(4)})
            (described,) = await admin.describe_topics([topic_name])
            assert len(described["partitions"]) == 4
            await admin.delete_topics([topic_name])
            assert topic_name not in await admin.list_topics()
        finally:
            await admin.close()

    asyncio.run(asyncio.wait_for(run(), 30))


def test_kcat_lists_the_cluster(broker: Broker, topic: str) -> None:
    listed = clients.kcat("-L", "-b", broker.address, "-t", topic).decode()
    assert f"broker 1 at {broker.address}" in listed
    assert f'topic "{topic}" with 1 partitions' in listed
    assert "partition 0, leader 1, replicas: 1, isrs: 1" in listed


@pytest.mark.parametrize("name", ["not valid!", "a/b", "", ".", "..", "x" * 250])
def test_invalid_topic_names_are_refused(broker: Broker, name: str) -> None:
    with broker.connect() as connection:
        assert connection.create_topic(name) == KafkaError.TOPIC_EXCEPTION


@pytest.mark.parametrize("name", ["a", "A.b_c-9", "x" * 249])
def test_every_character_that_names_may_have(broker: Broker, name: str) -> None:
    with broker.connect() as connection:
        assert connection.create_topic(name) == 0
    clients.confluent_produce(broker.address, name, [Message(None, b"x")])
    assert clients.confluent_consume(broker.address, name, 1) == [Message(None, b"x")]


def test_errors_of_create_topics(admin: AdminClient, topic: str, topic_name: str) -> None:
    def creating(name: str, partitions: int = 1, replicas: int = 1, **more: object) -> int:
        return error_of(admin.create_topics([NewTopic(name, partitions, replicas, **more)]))

    assert creating(topic) == KafkaError.TOPIC_ALREADY_EXISTS
    other = topic_name + "-other"
    assert creating(other, replicas=2) == KafkaError.INVALID_REPLICATION_FACTOR
    assert creating(other, partitions=0) == KafkaError.INVALID_PARTITIONS
    assert creating(other, config={"no.such.key": "1"}) == KafkaError.INVALID_CONFIG
    assert creating(other, config={"retention.ms": "soon"}) == KafkaError.INVALID_CONFIG
    assert other not in admin.list_topics(timeout=10).topics


def test_a_request_to_validate_only_makes_nothing(admin: AdminClient, topic_name: str) -> None:
    outcome(admin.create_topics([NewTopic(topic_name, 1, 1)], validate_only=True))
    assert topic_name not in admin.list_topics(timeout=10).topics


def test_create_partitions(broker: Broker, admin: AdminClient, topic: str) -> None:
    outcome(admin.create_partitions([NewPartitions(topic, 4)]))
    wait_until(lambda: len(admin.list_topics(topic, timeout=10).topics[topic].partitions) == 4)
    for partition in range(4):
        clients.confluent_produce(broker.address, topic, [Message(None, b"%d" % partition)], partition=partition)
        assert clients.confluent_consume(broker.address, topic, 1, partition) == [Message(None, b"%d" % partition)]
    assert error_of(admin.create_partitions([NewPartitions(topic, 2)])) == KafkaError.INVALID_PARTITIONS
    assert error_of(admin.create_partitions([NewPartitions(topic + "-no", 2)])) == KafkaError.UNKNOWN_TOPIC_OR_PART


def test_delete_records(broker: Broker, admin: AdminClient, topic: str) -> None:
    sent = [Message(None, b"%d" % i) for i in range(100)]
    clients.confluent_produce(broker.address, topic, sent)
    assert outcome(admin.delete_records([TopicPartition(topic, 0, 40)])).low_watermark == 40
    consumer = clients.confluent_consumer(broker.address)
    assert consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=10) == (40, 100)
    consumer.close()
    assert clients.confluent_consume(broker.address, topic, 60, offset=40) == sent[40:]
    assert error_of(admin.delete_records([TopicPartition(topic, 0, 101)])) == KafkaError.OFFSET_OUT_OF_RANGE
    # The end, by its marker.
    assert outcome(admin.delete_records([TopicPartition(topic, 0, confluent_kafka.OFFSET_END)])).low_watermark == 100


def test_describe_configs_of_a_topic(admin: AdminClient, topic_name: str) -> None:
    outcome(admin.create_topics([NewTopic(topic_name, 1, 1, config={"retention.ms": "3600000"})]))
    found = outcome(admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic_name)]))
    assert found["retention.ms"].value == "3600000" and not found["retention.ms"].is_default
    assert found["cleanup.policy"].value == "delete" and found["cleanup.policy"].is_default
    assert found["max.message.bytes"].value == "1048588"
    missing = ConfigResource(ResourceType.TOPIC, topic_name + "-no")
    assert error_of(admin.describe_configs([missing])) == KafkaError.UNKNOWN_TOPIC_OR_PART


def test_describe_configs_of_the_broker(broker: Broker, admin: AdminClient) -> None:
    found = outcome(admin.describe_configs([ConfigResource(ResourceType.BROKER, "1")]))
    assert found["log.dirs"].value == str(broker.log_directory)
    assert found["node.id"].value == "1" and found["node.id"].is_read_only
    assert found["message.max.bytes"].value == "1048588"


def test_list_offsets(broker: Broker, admin: AdminClient, topic: str) -> None:
    place = TopicPartition(topic, 0)

    def listed(spec: OffsetSpec) -> tuple[int, int]:
        found = outcome(admin.list_offsets({place: spec}))
        return found.offset, found.timestamp

    assert listed(OffsetSpec.latest())[0] == 0
    produce_at(broker, topic, [1_000, 5_000, 3_000])
    assert listed(OffsetSpec.earliest())[0] == 0
    assert listed(OffsetSpec.latest())[0] == 3
    assert listed(OffsetSpec.max_timestamp()) == (1, 5_000)
    assert listed(OffsetSpec.for_timestamp(2_000)) == (1, 5_000)


def produce_at(broker: Broker, topic: str, timestamps: list[int]) -> None:
    """One batch per message, each with its own time."""
    producer = confluent_kafka.Producer({"bootstrap.servers": broker.address, "linger.ms": 0})
    for timestamp in timestamps:
        producer.produce(topic, b"at %d" % timestamp, timestamp=timestamp)
        assert producer.flush(10) == 0


def test_offsets_by_time(broker: Broker, topic: str) -> None:
    produce_at(broker, topic, [1_000, 2_000, 2_000, 4_000])
    wanted = {0: 0, 1_000: 0, 1_001: 1, 2_000: 1, 2_001: 3, 4_000: 3}

    consumer = clients.confluent_consumer(broker.address)
    for timestamp, offset in wanted.items():
        (found,) = consumer.offsets_for_times([TopicPartition(topic, 0, timestamp)], timeout=10)
        assert found.offset == offset, timestamp
    (found,) = consumer.offsets_for_times([TopicPartition(topic, 0, 4_001)], timeout=10)
    assert found.offset == confluent_kafka.OFFSET_END
    consumer.close()

    place = kafka.TopicPartition(topic, 0)
    by_library = kafka.KafkaConsumer(bootstrap_servers=broker.address)
    for timestamp, offset in wanted.items():
        assert by_library.offsets_for_times({place: timestamp})[place].offset == offset, timestamp
    assert by_library.offsets_for_times({place: 4_001})[place] is None
    assert by_library.beginning_offsets([place]) == {place: 0}
    assert by_library.end_offsets([place]) == {place: 4}
    by_library.close()

    for timestamp, offset in wanted.items():
        assert clients.aio_offset_by_time(broker.address, topic, timestamp) == offset, timestamp
        printed = clients.kcat("-Q", "-b", broker.address, "-t", f"{topic}:0:{timestamp}")
        assert printed.decode().split() == [topic, "[0]", "offset", str(offset)], timestamp
    assert clients.aio_offset_by_time(broker.address, topic, 4_001) is None


def test_offsets_by_time_inside_a_batch(broker: Broker, topic: str) -> None:
    producer = confluent_kafka.Producer(
        {"bootstrap.servers": broker.address, "linger.ms": 100, "compression.codec": "lz4"}
    )
    for number in range(1000):
        producer.produce(topic, b"x", timestamp=1_000_000 + number)
    assert producer.flush(10) == 0
    consumer = clients.confluent_consumer(broker.address)
    for number in [0, 1, 499, 998, 999]:
        (found,) = consumer.offsets_for_times([TopicPartition(topic, 0, 1_000_000 + number)], timeout=10)
        assert found.offset == number
    consumer.close()


def test_the_broker_may_set_the_time(broker: Broker, topic_name: str) -> None:
    with broker.connect() as connection:
        assert connection.create_topic(topic_name, configs={"message.timestamp.type": "LogAppendTime"}) == 0
    before = int(time.time() * 1000)
    produce_at(broker, topic_name, [1_000])
    consumer = clients.confluent_consumer(broker.address)
    consumer.assign([TopicPartition(topic_name, 0, 0)])
    message = consumer.poll(10)
    kind, timestamp = message.timestamp()
    assert kind == confluent_kafka.TIMESTAMP_LOG_APPEND_TIME
    assert before <= timestamp <= int(time.time() * 1000)
    consumer.close()


def test_messages_from_the_far_future_are_refused(broker: Broker, topic: str) -> None:
    producer = confluent_kafka.Producer({"bootstrap.servers": broker.address, "linger.ms": 0})
    errors: list[KafkaError | None] = []
    for ahead in [0, 7_200_000]:
        producer.produce(
            topic, b"x", timestamp=int(time.time() * 1000) + ahead, on_delivery=lambda error, _: errors.append(error)
        )
        assert producer.flush(10) == 0
    assert errors[0] is None
    assert errors[1].code() == KafkaError.INVALID_TIMESTAMP


def test_compacted_topics_need_keys(broker: Broker, topic_name: str) -> None:
    with broker.connect() as connection:
        assert connection.create_topic(topic_name, configs={"cleanup.policy": "compact"}) == 0
    clients.confluent_produce(broker.address, topic_name, [Message(b"k", b"x")])
    with pytest.raises(clients.ProduceFailed, match="INVALID_RECORD"):
        clients.confluent_produce(broker.address, topic_name, [Message(None, b"x")])


def test_an_offset_out_of_range_is_reported(broker: Broker, topic: str) -> None:
    consumer = clients.confluent_consumer(broker.address, **{"auto.offset.reset": "error"})
    consumer.assign([TopicPartition(topic, 0, 5)])
    message = consumer.poll(10)
    assert message is not None and message.error() is not None
    assert message.error().code() in (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE)
    consumer.close()


def test_describe_cluster(broker: Broker, admin: AdminClient) -> None:
    described = admin.describe_cluster().result(10)
    assert len(described.cluster_id) == 22
    assert described.controller.id == 1
    assert [(node.id, node.host, node.port) for node in described.nodes] == [(1, "127.0.0.1", broker.port)]
