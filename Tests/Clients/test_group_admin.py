# SPDX-License-Identifier: Apache-2.0
"""What operators ask about groups, and change: with the admin clients of confluent-kafka and kafka-python."""

from __future__ import annotations

from collections.abc import Iterator

import confluent_kafka
import pytest
from confluent_kafka import ConsumerGroupState, ConsumerGroupTopicPartitions, KafkaError, TopicPartition
from confluent_kafka.admin import AdminClient
from kafka import TopicPartition as PythonTopicPartition
from kafka.admin import KafkaAdminClient
from kafka.structs import OffsetAndMetadata

import clients
from brokers import Broker
from groups import Member, numbers, share


@pytest.fixture
def admin(broker: Broker) -> AdminClient:
    return AdminClient({"bootstrap.servers": broker.address})


@pytest.fixture
def python_admin(broker: Broker) -> Iterator[KafkaAdminClient]:
    client = KafkaAdminClient(bootstrap_servers=broker.address)
    yield client
    client.close()


@pytest.fixture
def member(broker: Broker, topic: str) -> Iterator[Member]:
    clients.confluent_produce(broker.address, topic, numbers(5))
    running = Member("confluent-kafka", broker.address, f"group-of-{topic}", topic)
    running.wait(lambda: running.committed() == {0: 5}, "commits")
    yield running
    if running.process.poll() is None:
        running.kill()


def listed(admin: AdminClient, **filters: object) -> dict[str, ConsumerGroupState]:
    found = admin.list_consumer_groups(request_timeout=10, **filters).result(20)
    assert not found.errors
    return {group.group_id: group.state for group in found.valid}


def test_a_group_is_listed_described_and_deleted(admin: AdminClient, topic: str, member: Member) -> None:
    group = f"group-of-{topic}"
    assert listed(admin)[group] == ConsumerGroupState.STABLE
    assert group in listed(admin, states={ConsumerGroupState.STABLE})
    assert group not in listed(admin, states={ConsumerGroupState.EMPTY})
    described = admin.describe_consumer_groups([group])[group].result(20)
    assert described.state == ConsumerGroupState.STABLE
    (found,) = described.members
    assert found.host == "/127.0.0.1"
    assert [(p.topic, p.partition) for p in found.assignment.topic_partitions] == [(topic, 0)]
    with pytest.raises(confluent_kafka.KafkaException) as refused:
        admin.delete_consumer_groups([group])[group].result(20)
    assert refused.value.args[0].code() == KafkaError.NON_EMPTY_GROUP
    member.leave()
    assert listed(admin)[group] == ConsumerGroupState.EMPTY
    admin.delete_consumer_groups([group])[group].result(20)
    assert group not in listed(admin)
    with pytest.raises(confluent_kafka.KafkaException) as missing:
        admin.delete_consumer_groups([group])[group].result(20)
    assert missing.value.args[0].code() == KafkaError.GROUP_ID_NOT_FOUND


def test_offsets_are_listed_and_altered(admin: AdminClient, topic: str, member: Member) -> None:
    group = f"group-of-{topic}"
    place = TopicPartition(topic, 0)

    def offset() -> int:
        asked = [ConsumerGroupTopicPartitions(group, [place])]
        return admin.list_consumer_group_offsets(asked)[group].result(20).topic_partitions[0].offset

    assert offset() == 5
    back = [ConsumerGroupTopicPartitions(group, [TopicPartition(topic, 0, 2)])]
    # While the group has members only they may commit.
    altered = admin.alter_consumer_group_offsets(back)[group]
    with pytest.raises(confluent_kafka.KafkaException):
        for found in altered.result(20).topic_partitions:
            if found.error:
                raise confluent_kafka.KafkaException(found.error)
    member.leave()
    for found in admin.alter_consumer_group_offsets(back)[group].result(20).topic_partitions:
        assert found.error is None
    assert offset() == 2


def test_kafka_python_sees_and_changes_the_same(
    python_admin: KafkaAdminClient, topic: str, member: Member
) -> None:
    group = f"group-of-{topic}"
    place = PythonTopicPartition(topic, 0)
    assert group in str(python_admin.list_groups())
    assert topic in str(python_admin.describe_groups([group]))
    assert python_admin.list_group_offsets(group)[group][place].offset == 5
    member.leave()
    python_admin.alter_group_offsets(group, {place: OffsetAndMetadata(3, "", -1)})
    assert python_admin.list_group_offsets(group)[group][place].offset == 3
    python_admin.delete_groups([group])
    assert group not in str(python_admin.list_groups())
