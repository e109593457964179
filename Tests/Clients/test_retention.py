# SPDX-License-Identifier: Apache-2.0
"""Settings that stock clients change while the broker runs, and the old records that go because of them."""

from __future__ import annotations

import time
from collections.abc import Callable

import confluent_kafka
from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ConfigSource,
    NewTopic,
    ResourceType,
)
from kafka.admin import ConfigResource as PythonConfigResource
from kafka.admin import ConfigResourceType as PythonConfigResourceType
from kafka.admin import KafkaAdminClient

import clients
from brokers import Broker
from clients import Message

RECORDS = 12


def start(make_broker: Callable[..., Broker], **properties: object) -> tuple[Broker, AdminClient]:
    broker = make_broker(log_retention_check_interval_ms=200, log_initial_task_delay_ms=0, **properties)
    broker.start()
    return broker, AdminClient({"bootstrap.servers": broker.address})


def create(admin: AdminClient, topic: str, **config: str) -> None:
    settings = {key.replace("_", "."): value for key, value in config.items()}
    for created in admin.create_topics([NewTopic(topic, 1, 1, config=settings)]).values():
        created.result(20)


def change(admin: AdminClient, kind: ResourceType, name: str, key: str, value: str) -> None:
    entry = ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(kind, name, incremental_configs=[entry])
    for changed in admin.incremental_alter_configs([resource]).values():
        changed.result(20)


def source(admin: AdminClient, topic: str, key: str) -> tuple[str, ConfigSource]:
    (described,) = admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic)]).values()
    entry = described.result(20)[key]
    return entry.value, ConfigSource(entry.source)


def earliest(broker: Broker, topic: str) -> int:
    consumer = clients.confluent_consumer(broker.address)
    try:
        return consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=10)[0]
    finally:
        consumer.close()


def wait_for_start(broker: Broker, topic: str, wanted: Callable[[int], bool]) -> int:
    deadline = time.monotonic() + 8
    while not wanted(found := earliest(broker, topic)):
        assert time.monotonic() < deadline, f"the log still starts at {found}: {broker.text()}"
        time.sleep(0.1)
    return found


def produce(broker: Broker, topic: str) -> None:
    # Three records fill a segment of 1 MiB.
    for number in range(RECORDS):
        clients.confluent_produce(broker.address, topic, [Message(b"%d" % number, b"x" * 340_000)])


def test_a_shorter_time_takes_effect_and_a_consumer_below_is_told(make_broker) -> None:
    broker, admin = start(make_broker)
    create(admin, "timed")
    produce(broker, "timed")
    assert earliest(broker, "timed") == 0
    change(admin, ResourceType.TOPIC, "timed", "retention.ms", "1")
    assert wait_for_start(broker, "timed", lambda found: found == RECORDS) == RECORDS
    assert source(admin, "timed", "retention.ms") == ("1", ConfigSource.DYNAMIC_TOPIC_CONFIG)

    consumer = clients.confluent_consumer(broker.address, **{"auto.offset.reset": "error"})
    try:
        consumer.assign([TopicPartition("timed", 0, 0)])
        message: confluent_kafka.Message | None = consumer.poll(10)
        assert message is not None and message.error().code() == KafkaError._AUTO_OFFSET_RESET, message
    finally:
        consumer.close()
    assert broker.stop() == 0
    broker.start()
    assert earliest(broker, "timed") == RECORDS
    assert broker.stop() == 0


def test_a_smaller_size_takes_effect(make_broker) -> None:
    broker, admin = start(make_broker)
    create(admin, "sized", segment_bytes=str(1 << 20))
    produce(broker, "sized")
    # This client asks in the incremental way by default.
    python = KafkaAdminClient(bootstrap_servers=broker.address)
    try:
        size = {"retention.bytes": str(2_100_000)}
        python.alter_configs([PythonConfigResource(PythonConfigResourceType.TOPIC, "sized", size)])
    finally:
        python.close()
    found = wait_for_start(broker, "sized", lambda found: found > 0)
    # Whole segments go, as long as the limit is still held without them.
    assert found == 3
    assert source(admin, "sized", "segment.bytes")[1] == ConfigSource.DYNAMIC_TOPIC_CONFIG
    assert broker.stop() == 0


def test_a_default_of_the_broker_takes_effect(make_broker) -> None:
    broker, admin = start(make_broker)
    create(admin, "by-default")
    create(admin, "of-its-own", retention_ms="3600000")
    for topic in ("by-default", "of-its-own"):
        produce(broker, topic)
    change(admin, ResourceType.BROKER, "1", "log.retention.ms", "1")
    wait_for_start(broker, "by-default", lambda found: found == RECORDS)
    assert earliest(broker, "of-its-own") == 0
    assert source(admin, "by-default", "retention.ms") == ("1", ConfigSource.DYNAMIC_BROKER_CONFIG)
    assert broker.stop() == 0


def test_the_old_way_deletes_what_it_does_not_name(make_broker) -> None:
    broker, admin = start(make_broker)
    create(admin, "old", segment_ms="7000000")
    produce(broker, "old")
    resource = ConfigResource(ResourceType.TOPIC, "old", set_config={"retention.ms": "1"})
    for changed in admin.alter_configs([resource]).values():
        changed.result(20)
    wait_for_start(broker, "old", lambda found: found == RECORDS)
    assert source(admin, "old", "segment.ms")[1] == ConfigSource.DEFAULT_CONFIG
    assert broker.stop() == 0


def test_what_cannot_be_set_is_refused(make_broker) -> None:
    broker, admin = start(make_broker)
    create(admin, "kept")
    for kind, name, key, value, code in (
        (ResourceType.TOPIC, "kept", "retention.ms", "soon", KafkaError.INVALID_CONFIG),
        (ResourceType.TOPIC, "missing", "retention.ms", "1", KafkaError.UNKNOWN_TOPIC_OR_PART),
        (ResourceType.BROKER, "1", "log.dirs", "/elsewhere", KafkaError.INVALID_REQUEST),
    ):
        try:
            change(admin, kind, name, key, value)
        except KafkaException as refused:
            assert refused.args[0].code() == code, refused
        else:
            raise AssertionError(f"{key}={value} was taken")
    assert broker.stop() == 0
