# SPDX-License-Identifier: Apache-2.0
"""Settings of a broker that change while it runs, as an administrator changes them: threads, listeners, limits."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import (
    AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic, ResourceType,
)

import wire
from brokers import Broker, free_port

MAP = "PLAINTEXT:PLAINTEXT,EXTRA:PLAINTEXT"


def admin(port: int) -> AdminClient:
    return AdminClient({"bootstrap.servers": f"127.0.0.1:{port}"})


def alter(broker: Broker, *, name: str = "1", port: int | None = None, **changes: object) -> None:
    """Sets keys, whose underscores stand for dots, of the broker; None deletes."""
    entries = [
        ConfigEntry(
            key.replace("_", "."), "" if value is None else str(value),
            incremental_operation=AlterConfigOpType.DELETE if value is None else AlterConfigOpType.SET,
        )
        for key, value in changes.items()
    ]
    resource = ConfigResource(ResourceType.BROKER, name, incremental_configs=entries)
    client = admin(port or broker.port)
    for future in client.incremental_alter_configs([resource]).values():
        future.result(10)


def create(broker: Broker, topic: str, **configs: str) -> None:
    client = admin(broker.port)
    settings = {key.replace("_", "."): value for key, value in configs.items()}
    client.create_topics([NewTopic(topic, 1, 1, config=settings)])[topic].result(10)


def described(broker: Broker, key: str) -> tuple[str | None, int]:
    resource = ConfigResource(ResourceType.BROKER, "1")
    client = admin(broker.port)
    (future,) = client.describe_configs([resource]).values()
    entry = future.result(10)[key]
    return entry.value, entry.source


def produce(port: int, topic: str, value: str) -> None:
    producer = Producer({"bootstrap.servers": f"127.0.0.1:{port}", "linger.ms": 0, "message.timeout.ms": 10_000})
    failures: list[object] = []
    producer.produce(topic, value, callback=lambda error, _: failures.append(error) if error else None)
    assert producer.flush(15) == 0
    assert not failures


def consume(port: int, topic: str, count: int) -> list[str]:
    consumer = Consumer({"bootstrap.servers": f"127.0.0.1:{port}", "group.id": "g", "auto.offset.reset": "earliest"})
    consumer.assign([TopicPartition(topic, 0, 0)])
    try:
        messages = [consumer.poll(10) for _ in range(count)]
    finally:
        consumer.close()
    return [message.value().decode() for message in messages]


def reactors(broker: Broker) -> int:
    """How many event queues the process has: each reactor waits on one of its own."""
    links = []
    for entry in Path(f"/proc/{broker.process.pid}/fd").iterdir():
        try:
            links.append(str(entry.readlink()))
        except OSError:
            continue
    return sum(link == "anon_inode:[eventpoll]" for link in links)


def eventually(condition: Callable[[], bool], timeout: float = 10) -> bool:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


def refuses(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except ConnectionRefusedError:
        return True
    return False


def listeners(broker: Broker, extra: int | None = None, port: int | None = None) -> str:
    own = f"PLAINTEXT://127.0.0.1:{port or broker.port}"
    return own if extra is None else f"{own},EXTRA://127.0.0.1:{extra}"


def test_a_listener_comes_serves_stays_over_restarts_and_goes(make_broker: Callable[..., Broker]) -> None:
    broker = make_broker()
    broker.start()
    extra = free_port()
    create(broker, "t")
    assert refuses(extra)
    alter(broker, listeners=listeners(broker, extra), listener_security_protocol_map=MAP)
    # Clients of the new listener are told of it, not of the other.
    assert eventually(lambda: [one.port for one in admin(extra).list_topics(timeout=5).brokers.values()] == [extra])
    produce(extra, "t", "a")
    produce(broker.port, "t", "b")
    assert consume(extra, "t", 2) == ["a", "b"]
    assert described(broker, "listeners")[0] == listeners(broker, extra)
    assert broker.stop() == 0
    broker.start()
    produce(extra, "t", "c")
    broker.kill()
    broker.start()
    assert consume(extra, "t", 3) == ["a", "b", "c"]
    with wire.Connection("127.0.0.1", extra, 10) as connection:
        connection.api_versions()
        # By way of the listener that goes: the answer comes, then the end.
        alter(broker, port=extra, listeners=None)
        with pytest.raises(OSError):
            for _ in range(100):
                connection.api_versions()
                time.sleep(0.02)
    assert refuses(extra)
    produce(broker.port, "t", "d")
    assert consume(broker.port, "t", 4) == ["a", "b", "c", "d"]


def test_a_listener_that_cannot_be_is_refused(make_broker: Callable[..., Broker]) -> None:
    broker = make_broker(listener_security_protocol_map=MAP)
    broker.start()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(KafkaException, match="already"):
            alter(broker, listeners=listeners(broker, port))
    with pytest.raises(KafkaException, match="WHO is none"):
        alter(broker, listeners=listeners(broker) + f",WHO://127.0.0.1:{free_port()}")
    with pytest.raises(KafkaException, match="inter-broker"):
        alter(broker, listeners=f"EXTRA://127.0.0.1:{free_port()}")
    assert described(broker, "listeners")[0] == listeners(broker)
    with broker.connect() as connection:
        connection.api_versions()


def test_a_stored_port_that_is_taken_does_not_keep_the_broker_from_starting(make_broker: Callable[..., Broker]) -> None:
    broker = make_broker(listener_security_protocol_map=MAP)
    broker.start()
    extra = free_port()
    alter(broker, listeners=listeners(broker, extra))
    assert broker.stop() == 0
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", extra))
        taken.listen()
        broker.start()
        assert "not bound" in broker.text()
    # Any change tries again.
    alter(broker, message_max_bytes=2_000_000)
    assert not refuses(extra)


def test_network_threads_grow_and_shrink_under_load(make_broker: Callable[..., Broker]) -> None:
    broker = make_broker(num_network_threads=2)
    broker.start()
    others = reactors(broker) - 2
    with ExitStack() as stack:
        first = [stack.enter_context(broker.connect()) for _ in range(8)]
        alter(broker, num_network_threads=4)
        assert reactors(broker) == others + 4
        second = [stack.enter_context(broker.connect()) for _ in range(16)]
        for connection in first + second:
            connection.api_versions()
        alter(broker, num_network_threads=2)
        alter(broker, num_network_threads=1)
        # Those that serve somebody stay.
        time.sleep(1.5)
        assert reactors(broker) == others + 4
        for connection in first + second:
            connection.api_versions()
    assert eventually(lambda: reactors(broker) == others + 1)
    assert described(broker, "num.network.threads")[0] == "1"
    # The client of a failed request lives on for a while, and keeps a reactor.
    with pytest.raises(KafkaException, match="should not be greater than double the current value 1"):
        alter(broker, num_network_threads=3)
    # The file said 2.
    assert broker.stop() == 0
    broker.start()
    assert eventually(lambda: reactors(broker) == others + 1)
    alter(broker, num_network_threads=None)
    assert reactors(broker) == others + 2


def test_background_threads_change_between_half_and_double(make_broker: Callable[..., Broker]) -> None:
    broker = make_broker()
    broker.start()
    for value in (4, 21):
        with pytest.raises(KafkaException, match="update validation failed for background.threads"):
            alter(broker, background_threads=value)
    create(broker, "t", flush_messages="1")
    for value in (5, 2, 1, 2, None):
        if value is None:
            with pytest.raises(KafkaException, match="greater than double"):
                alter(broker, background_threads=None)
            continue
        alter(broker, background_threads=value)
        # Needs a background thread, to sync.
        produce(broker.port, "t", str(value))
    assert broker.stop() == 0
    broker.start()
    assert consume(broker.port, "t", 4) == ["5", "2", "1", "2"]


def served(port: int, count: int, stack: ExitStack) -> int:
    """How many of so many new connections are served within half a second."""
    connections = [stack.enter_context(wire.Connection("127.0.0.1", port, 0.5)) for _ in range(count)]
    total = 0
    for connection in connections:
        try:
            connection.api_versions()
            total += 1
        except OSError:
            break
    return total


def test_limits_of_connections_change_for_one_listener_and_for_all(make_broker: Callable[..., Broker]) -> None:
    broker = make_broker(listener_security_protocol_map=MAP, inter_broker_listener_name="PLAINTEXT")
    extra = free_port()
    broker.write_config(
        {
            "listeners": listeners(broker, extra), "listener.security.protocol.map": MAP,
            "inter.broker.listener.name": "PLAINTEXT",
        }
    )
    broker.start()
    alter(broker, **{"listener.name.extra.max.connections": 3})
    with ExitStack() as stack:
        assert served(extra, 5, stack) == 3
        assert served(broker.port, 5, stack) == 5
    alter(broker, **{"listener.name.extra.max.connections": None, "max.connections.per.ip": 4})
    with ExitStack() as stack:
        assert served(extra, 6, stack) <= 4
    alter(broker, **{"max.connections.per.ip": None})
    with ExitStack() as stack:
        assert served(extra, 6, stack) == 6


def is_open(connection: wire.Connection) -> bool:
    try:
        connection.api_versions()
    except OSError:
        return False
    return True


def test_a_lower_limit_ends_connections_that_were_not_used_for_longest(make_broker: Callable[..., Broker]) -> None:
    broker = make_broker()
    broker.start()
    with ExitStack() as stack:
        connections = [stack.enter_context(broker.connect()) for _ in range(8)]
        for connection in connections[4:] + connections[:4]:
            connection.api_versions()
            time.sleep(0.01)
        # The administrator's own connections are the newest; those of a client that has ended may count for a moment.
        alter(broker, max_connections=6)
        time.sleep(0.5)
        assert [is_open(one) for one in connections[:4]] == [True] * 4
        assert sum(is_open(one) for one in connections[4:]) <= 2
