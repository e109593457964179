# SPDX-License-Identifier: Apache-2.0
"""Administration beyond topics by stock clients: elections, reassignments, quorum, features, producers, quotas, the
settings of groups and loggers. Where no client speaks an API, a plain socket does."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

import kafka
import kafka.admin
import kafka.errors
import pytest
from confluent_kafka import ElectionType, KafkaError, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

import clients
import wire
from brokers import Broker
from clients import Message

DESCRIBE_CLIENT_QUOTAS = 48
ALTER_CLIENT_QUOTAS = 49
INCREMENTAL_ALTER_CONFIGS = 44
DESCRIBE_CONFIGS = 32
BROKER_LOGGER = 8
GROUP = 32


@pytest.fixture
def admin(broker: Broker) -> AdminClient:
    return AdminClient({"bootstrap.servers": broker.address})


@pytest.fixture
def python_admin(broker: Broker) -> Iterator[kafka.KafkaAdminClient]:
    client = kafka.KafkaAdminClient(bootstrap_servers=broker.address)
    yield client
    client.close()


@pytest.mark.parametrize("kind", [ElectionType.PREFERRED, ElectionType.UNCLEAN])
def test_elections_with_confluent_kafka(admin: AdminClient, topic: str, kind: ElectionType) -> None:
    places = [TopicPartition(topic, 0), TopicPartition(topic, 9)]
    found = admin.elect_leaders(kind, places).result(20)
    assert found[places[0]].code() == KafkaError.ELECTION_NOT_NEEDED
    assert found[places[1]].code() == KafkaError.UNKNOWN_TOPIC_OR_PART
    # Of all partitions, those that need none are left out.
    assert admin.elect_leaders(kind).result(20) == {}


def test_reassignments_with_kafka_python(python_admin: kafka.KafkaAdminClient, topic: str) -> None:
    place = kafka.TopicPartition(topic, 0)
    alter = python_admin.alter_partition_reassignments
    assert alter({place: [1]}) == {place: None}
    assert python_admin.list_partition_reassignments() == {}
    assert alter({place: None}) == {place: kafka.errors.NoReassignmentInProgressError}
    assert alter({place: [1, 2]}) == {place: kafka.errors.for_code(39)}
    assert alter({kafka.TopicPartition(topic, 7): [1]}) == {
        kafka.TopicPartition(topic, 7): kafka.errors.UnknownTopicOrPartitionError
    }


def test_the_quorum_with_kafka_python(python_admin: kafka.KafkaAdminClient) -> None:
    described = python_admin.describe_metadata_quorum()
    (partition,) = described["topics"][0]["partitions"]
    assert partition["error"] is None and partition["leader_id"] == 1
    assert [voter["replica_id"] for voter in partition["current_voters"]] == [1]
    assert partition["observers"] == []
    assert partition["high_watermark"] == partition["current_voters"][0]["log_end_offset"]
    assert [node["node_id"] for node in described["nodes"]] == [1]


def test_features_with_kafka_python(make_broker: Callable[..., Broker]) -> None:
    broker = make_broker()
    broker.start()
    client = kafka.KafkaAdminClient(bootstrap_servers=broker.address)

    name = "transaction.version"

    def finalized() -> int:
        return client.describe_features()[name].get("finalized", (0, 0))[1]

    try:
        assert client.describe_features()["metadata.version"]["finalized"][1] >= 25
        before = finalized()
        target, kind = (1, "UPGRADE") if before < 1 else (0, "SAFE_DOWNGRADE")
        client.update_features({name: (kind, target)}, validate_only=True)
        assert finalized() == before
        client.update_features({name: (kind, target)})
        assert finalized() == target
        with pytest.raises(kafka.errors.InvalidUpdateVersionError):
            client.update_features({name: ("UPGRADE", 99)})
    finally:
        client.close()


def test_producers_with_kafka_python(broker: Broker, python_admin: kafka.KafkaAdminClient, topic: str) -> None:
    clients.confluent_produce(broker.address, topic, [Message(None, b"x")] * 3, **{"enable.idempotence": True})
    place = kafka.TopicPartition(topic, 0)
    (producer,) = python_admin.describe_producers([place])[place].active_producers
    assert producer.producer_epoch == 0 and producer.last_sequence == 2


def test_resources_are_listed_with_kafka_python(python_admin: kafka.KafkaAdminClient, topic: str) -> None:
    found = python_admin.list_config_resources()
    assert topic in found["topic"] and found["broker"] == ["1"] and found["broker_logger"] == ["1"]
    assert python_admin.list_config_resources(["BROKER"]) == {"broker": ["1"]}


# --- settings of loggers, brokers and groups ---


def change(name: str, value: str | None, operation: AlterConfigOpType) -> ConfigEntry:
    return ConfigEntry(name, value, incremental_operation=operation)


def test_settings_of_groups_with_confluent_kafka(admin: AdminClient, topic_name: str) -> None:
    def alter(name: str, value: str) -> None:
        entry = change(name, value, AlterConfigOpType.SET)
        resource = ConfigResource(ResourceType.GROUP, topic_name, incremental_configs=[entry])
        (future,) = admin.incremental_alter_configs([resource]).values()
        future.result(20)

    alter("consumer.session.timeout.ms", "50000")
    resource = ConfigResource(ResourceType.GROUP, topic_name)
    (future,) = admin.describe_configs([resource]).values()
    found = future.result(20)
    assert found["consumer.session.timeout.ms"].value == "50000"
    (future,) = admin.describe_configs([ConfigResource(ResourceType.BROKER, "1")]).values()
    ours = future.result(20)["group.consumer.heartbeat.interval.ms"].value
    assert found["consumer.heartbeat.interval.ms"].value == ours
    with pytest.raises(Exception, match="group.consumer.max.session.timeout.ms"):
        alter("consumer.session.timeout.ms", "60001")


def alter_configs(broker: Broker, kind: int, name: str, key: str, operation: int, value: str | None) -> int:
    """The error of a change of one configuration, in version 0 of IncrementalAlterConfigs."""
    body = wire.Writer().int("i", 1).int("b", kind).string(name).int("i", 1).string(key).int("b", operation)
    body = body.string(value).int("b", 0).data
    with broker.connect() as connection:
        reader = connection.call(INCREMENTAL_ALTER_CONFIGS, 0, body)
        reader.int("i")
        ((error, *_),) = reader.array(lambda: (reader.int("h"), reader.string(), reader.int("b"), reader.string()))
        reader.end()
    return error


def describe_configs(broker: Broker, kind: int, name: str) -> dict[str, str | None]:
    """Names and values, in version 1 of DescribeConfigs."""
    body = wire.Writer().int("i", 1).int("b", kind).string(name).int("i", -1).int("b", 0).data
    with broker.connect() as connection:
        reader = connection.call(DESCRIBE_CONFIGS, 1, body)
        reader.int("i")
        assert reader.int("i") == 1
        assert reader.int("h") == 0
        reader.string(), reader.int("b"), reader.string()

        def entry() -> tuple[str, str | None]:
            found = (reader.string(), reader.string())
            reader.int("b"), reader.int("b"), reader.int("b")
            assert reader.int("i") == 0
            return found

        found = dict(reader.array(entry))
        reader.end()
    return found


def test_the_level_of_a_logger_takes_effect_at_once(make_broker: Callable[..., Broker]) -> None:
    broker = make_broker()
    broker.start()
    assert describe_configs(broker, BROKER_LOGGER, "1")["metadata"] == "INFO"
    assert alter_configs(broker, BROKER_LOGGER, "1", "metadata", 0, "TRACE") == 0
    assert describe_configs(broker, BROKER_LOGGER, "1")["metadata"] == "TRACE"
    assert alter_configs(broker, BROKER_LOGGER, "1", "metadata", 0, "LOUD") == KafkaError.INVALID_CONFIG
    assert alter_configs(broker, BROKER_LOGGER, "1", "metadata", 1, None) == 0
    assert describe_configs(broker, BROKER_LOGGER, "1")["metadata"] == "INFO"


# --- quotas, which no Python client speaks ---


def alter_quota(
    broker: Broker, entity: list[tuple[str, str | None]], key: str, value: float | None, validate: bool = False
) -> int:
    """The error of a change of one quota, in version 0."""
    body = wire.Writer().int("i", 1).int("i", len(entity))
    for kind, name in entity:
        body = body.string(kind).string(name)
    body = body.int("i", 1).string(key)
    data = body.data + struct.pack(">d??", value or 0, value is None, validate)
    with broker.connect() as connection:
        reader = connection.call(ALTER_CLIENT_QUOTAS, 0, data)
        reader.int("i")
        assert reader.int("i") == 1
        error = reader.int("h")
        reader.string()
        answered = reader.array(lambda: (reader.string(), reader.string()))
        reader.end()
    assert answered == entity
    return error


def describe_quotas(broker: Broker, kind: str, match: int, name: str | None) -> dict:
    """Entities with their quotas, in version 0."""
    body = wire.Writer().int("i", 1).string(kind).int("b", match).string(name).int("b", 0).data
    with broker.connect() as connection:
        reader = connection.call(DESCRIBE_CLIENT_QUOTAS, 0, body)
        reader.int("i")
        assert reader.int("h") == 0
        reader.string()

        def value() -> tuple[str, float]:
            key = reader.string()
            (number,) = struct.unpack(">d", reader.take(8))
            return key, number

        def entry() -> tuple:
            entity = tuple(reader.array(lambda: (reader.string(), reader.string())))
            return entity, dict(reader.array(value))

        found = dict(reader.array(entry))
        reader.end()
    return found


def test_quotas_are_stored_and_survive_a_kill(make_broker: Callable[..., Broker]) -> None:
    broker = make_broker()
    broker.start()
    assert alter_quota(broker, [("user", "u"), ("client-id", None)], "producer_byte_rate", 1024.0) == 0
    assert alter_quota(broker, [("user", "u")], "request_percentage", 12.5) == 0
    assert alter_quota(broker, [("user", "u")], "consumer_byte_rate", 5.0, validate=True) == 0
    assert alter_quota(broker, [("user", "u")], "no_such_rate", 5.0) == KafkaError.INVALID_REQUEST
    assert (
        alter_quota(broker, [("ip", "not an address")], "connection_creation_rate", 5.0) == KafkaError.INVALID_REQUEST
    )
    wanted = {
        (("client-id", None), ("user", "u")): {"producer_byte_rate": 1024.0},
        (("user", "u"),): {"request_percentage": 12.5},
    }
    assert describe_quotas(broker, "user", 0, "u") == wanted
    broker.kill()
    broker.start()
    assert describe_quotas(broker, "user", 2, None) == wanted
    assert describe_quotas(broker, "client-id", 1, None) == {key: wanted[key] for key in wanted if len(key) == 2}
    assert alter_quota(broker, [("user", "u")], "request_percentage", None) == 0
    assert len(describe_quotas(broker, "user", 0, "u")) == 1
