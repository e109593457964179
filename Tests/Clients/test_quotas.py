# SPDX-License-Identifier: Apache-2.0
"""Client quotas as stock clients feel them: they are told how long to wait, and what they send afterwards waits."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from brokers import Broker
from wire import Writer

ALTER_CLIENT_QUOTAS = 49


def set_quota(
    broker: Broker, name: str | None, key: str, value: float | None, entity: str = "client-id"
) -> None:
    """AlterClientQuotas 0 for a client id or an address, None for all without one; the value None removes the quota."""
    body = Writer().int("i", 1).int("i", 1).string(entity).string(name)
    body.int("i", 1).string(key).int("d", value or 0.0).int("??", value is None, False)
    with broker.connect() as connection:
        answer = connection.call(ALTER_CLIENT_QUOTAS, 0, bytes(body.data))
    answer.int("i")
    assert answer.int("i") == 1
    assert answer.int("h") == 0, answer.string()


@pytest.fixture
def limited(make_broker: Callable[..., Broker]) -> Broker:
    # Two seconds of a rate may be used at once.
    broker = make_broker(quota_window_num=3)
    broker.start()
    with broker.connect() as connection:
        if ALTER_CLIENT_QUOTAS not in connection.api_versions()[1]:
            pytest.fail("AlterClientQuotas is not served")
    admin = AdminClient({"bootstrap.servers": broker.address})
    admin.create_topics([NewTopic("q", 1, 1)])["q"].result(10)
    return broker


def produce(broker: Broker, client: str, count: int, told: list[float]) -> float:
    """Produces records of 10 kB one by one; the seconds it took, and the throttle times in milliseconds."""
    producer = Producer(
        {
            "bootstrap.servers": broker.address, "client.id": client, "linger.ms": 0,
            "throttle_cb": lambda event: told.append(event.throttle_time),
        }
    )
    began = time.monotonic()
    for _ in range(count):
        producer.produce("q", b"x" * 10_000, partition=0)
        assert producer.flush(30) == 0
    took = time.monotonic() - began
    for _ in range(20):
        producer.poll(0.01)
    return took


def test_a_producer_above_its_rate_is_told_and_slowed_down(limited: Broker) -> None:
    set_quota(limited, "slow", "producer_byte_rate", 40_000)
    told: list[float] = []
    # 130 kB, of which 80 kB go at once.
    took = produce(limited, "slow", 13, told)
    assert told and max(told) > 0
    # The wait after the last record lies behind the end.
    assert 0.3 < took < 20
    unlimited: list[float] = []
    assert produce(limited, "fast", 13, unlimited) < took
    assert not unlimited
    set_quota(limited, "slow", "producer_byte_rate", None)
    again: list[float] = []
    produce(limited, "slow", 13, again)
    assert not again


def test_a_consumer_above_its_rate_gets_everything_in_its_time(limited: Broker) -> None:
    produce(limited, "feeder", 13, [])
    set_quota(limited, "reader", "consumer_byte_rate", 40_000)
    told: list[float] = []
    consumer = Consumer(
        {
            "bootstrap.servers": limited.address, "client.id": "reader", "group.id": "none",
            "enable.auto.commit": False, "fetch.max.bytes": 20_000, "message.max.bytes": 20_000,
            "throttle_cb": lambda event: told.append(event.throttle_time),
        }
    )
    consumer.assign([TopicPartition("q", 0, 0)])
    began = time.monotonic()
    count = 0
    while count < 13 and time.monotonic() - began < 30:
        message = consumer.poll(0.2)
        if message is not None:
            assert message.error() is None, message.error()
            count += 1
    took = time.monotonic() - began
    consumer.close()
    assert count == 13
    assert told and max(told) > 0
    assert took > 0.3


def test_the_throttled_are_muted_and_others_are_served(limited: Broker) -> None:
    set_quota(limited, "slow", "producer_byte_rate", 4_000)
    told: list[float] = []
    slow = threading.Thread(target=produce, args=(limited, "slow", 2, told), daemon=True)
    slow.start()
    assert produce(limited, "fast", 50, []) < 5
    slow.join(30)
    assert told


def open_connections(broker: Broker, count: int, source: str) -> list[socket.socket]:
    """Connections from an address of this machine, each of which has asked ApiVersions."""
    opened = []
    for number in range(count):
        connection = socket.create_connection(("127.0.0.1", broker.port), timeout=10, source_address=(source, 0))
        connection.sendall(struct.pack(">ihhih", 10, 18, 0, number, -1))
        opened.append(connection)
    return opened


def answers(connections: list[socket.socket]) -> int:
    """How many are answered; the others are closed, which is waited for."""
    count = 0
    for connection in connections:
        try:
            count += bool(connection.recv(1 << 16))
        except ConnectionResetError:
            pass
        connection.close()
    return count


def test_connections_beyond_the_quota_of_an_address_are_held_and_closed(limited: Broker) -> None:
    set_quota(limited, "127.0.0.2", "connection_creation_rate", 3, "ip")
    began = time.monotonic()
    # Two seconds of the rate may be used at once.
    connections = open_connections(limited, 20, "127.0.0.2")
    others = open_connections(limited, 20, "127.0.0.3")
    assert answers(others) == 20
    assert time.monotonic() - began < 5
    assert 6 <= answers(connections) <= 10
    assert time.monotonic() - began >= 0.3
    # A client that keeps to the rate is served, one that comes again gets in after a while.
    time.sleep(3)
    assert answers(open_connections(limited, 1, "127.0.0.2")) == 1
    set_quota(limited, "127.0.0.2", "connection_creation_rate", None, "ip")
    assert answers(open_connections(limited, 20, "127.0.0.2")) == 20
    assert limited.is_running()


def test_connections_beyond_the_broker_s_rate_wait_and_are_served(make_broker: Callable[..., Broker]) -> None:
    broker = make_broker(quota_window_num=2, max_connection_creation_rate=10)
    broker.start()
    time.sleep(2)
    began = time.monotonic()
    connections = open_connections(broker, 40, "127.0.0.1")
    assert answers(connections) == 40
    took = time.monotonic() - began
    # A second's worth may come at once, and the test has asked before.
    assert 2 <= took <= 12, took
    assert broker.stop() == 0
