# SPDX-License-Identifier: Apache-2.0
"""Metrics and health of the real server over HTTP: values move as clients work, and hostile input does no harm."""

from __future__ import annotations

import http.client
import os
import random
import re
import socket
import time
from collections.abc import Callable

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from brokers import Broker, free_port


class Metrics:
    def __init__(self, port: int):
        self.port = port

    def get(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def values(self) -> dict[str, float]:
        """Every series with its value; every line is one or a comment."""
        status, text = self.get("/metrics")
        assert status == 200
        found: dict[str, float] = {}
        for line in text.splitlines():
            if line.startswith("#"):
                assert re.match(r"# (HELP|TYPE) \w+ ", line), line
                continue
            match = re.fullmatch(r"(\w+(?:\{[^}]*\})?) (\S+)", line)
            assert match, line
            assert match[1] not in found, line
            found[match[1]] = float(match[2])
        return found


@pytest.fixture
def measured(make_broker: Callable[..., Broker]) -> tuple[Broker, Metrics]:
    port = free_port()
    broker = make_broker(metrics_listener=f"http://127.0.0.1:{port}")
    broker.start()
    return broker, Metrics(port)


def test_values_move_as_clients_produce_and_consume(measured: tuple[Broker, Metrics]) -> None:
    broker, metrics = measured
    admin = AdminClient({"bootstrap.servers": broker.address})
    admin.create_topics([NewTopic("counted", 2, 1)])["counted"].result(10)
    before = metrics.values()
    producer = Producer({"bootstrap.servers": broker.address, "linger.ms": 5})
    for number in range(500):
        producer.produce("counted", b"x" * 100, partition=number % 2)
    assert producer.flush(10) == 0
    consumer = Consumer({"bootstrap.servers": broker.address, "group.id": "none", "enable.auto.commit": False})
    consumer.assign([TopicPartition("counted", partition, 0) for partition in range(2)])
    deadline = time.monotonic() + 10
    count = 0
    while count < 500 and time.monotonic() < deadline:
        count += sum(1 for message in consumer.consume(500, 0.2) if message.error() is None)
    during = metrics.values()
    consumer.close()
    assert count == 500

    def grown(series: str) -> float:
        return during[series] - before.get(series, 0)

    topic = '{topic="counted"}'
    name = "kafka_server_brokertopicmetrics_"
    assert grown(f"{name}messagesin_total{topic}") == 500
    assert grown(f"{name}messagesin_total") == 500
    assert grown(f"{name}bytesin_total{topic}") > 50_000
    assert grown(f"{name}bytesout_total{topic}") == grown(f"{name}bytesin_total{topic}")
    ends = [during[f'kafka_log_log_logendoffset{{topic="counted",partition="{partition}"}}'] for partition in range(2)]
    assert sum(ends) == 500
    produced = 'kafka_network_requestmetrics_totaltimems_count{request="Produce"}'
    assert grown(produced) >= 1
    assert during['kafka_network_requestmetrics_totaltimems_bucket{request="Produce",le="+Inf"}'] == during[produced]
    assert during['kafka_server_socket_server_metrics_connection_count{listener="PLAINTEXT"}'] >= 3
    assert during["process_resident_memory_bytes"] > 1 << 20
    assert during["process_open_fds"] > 5
    assert during["process_cpu_seconds_total"] > 0
    # The consumer asks for its coordinator, which makes `__consumer_offsets`, sooner or later.
    logs = [series for series in during if series.startswith("kafka_log_log_logendoffset{")]
    counted = [series for series in logs if 'topic="__consumer_offsets"' not in series]
    assert len(counted) == 2
    assert during["kafka_server_replicamanager_partitioncount"] == len(logs)
    assert 0 <= during["kafka_network_socketserver_networkprocessoravgidlepercent"] <= 1
    assert during["kafka_controller_kafkacontroller_activecontrollercount"] == 1


def test_lag_is_the_end_without_what_was_committed(measured: tuple[Broker, Metrics]) -> None:
    broker, metrics = measured
    admin = AdminClient({"bootstrap.servers": broker.address})
    admin.create_topics([NewTopic("behind", 2, 1)])["behind"].result(10)
    producer = Producer({"bootstrap.servers": broker.address, "linger.ms": 5})
    for number in range(300):
        producer.produce("behind", b"x", partition=number % 2)
    assert producer.flush(10) == 0
    consumer = Consumer({"bootstrap.servers": broker.address, "group.id": "g", "enable.auto.commit": False})

    def commit(partition: int, offset: int) -> None:
        consumer.commit(offsets=[TopicPartition("behind", partition, offset)], asynchronous=False)

    def series(values: dict[str, float], name: str) -> dict[int, float]:
        found = {}
        for partition in range(2):
            key = f'{name}{{consumergroup="g",topic="behind",partition="{partition}"}}'
            if key in values:
                found[partition] = values[key]
        return found

    def lags() -> dict[int, float]:
        """As the metrics tell them, which is as their own ends and positions tell them."""
        values = metrics.values()
        lag = series(values, "kafka_consumergroup_lag")
        for partition, position in series(values, "kafka_consumergroup_current_offset").items():
            end = values[f'kafka_log_log_logendoffset{{topic="behind",partition="{partition}"}}']
            assert lag[partition] == end - position
        return lag

    assert lags() == {}
    commit(0, 40)
    assert lags() == {0: 110}
    commit(1, 150)
    assert lags() == {0: 110, 1: 0}
    for _ in range(10):
        producer.produce("behind", b"x", partition=1)
    assert producer.flush(10) == 0
    commit(0, 150)
    assert lags() == {0: 0, 1: 10}
    name = "kafka_server_group_coordinator_metrics_"
    values = metrics.values()
    assert values[f"{name}offset_commit_count_total"] == 3
    assert values[f"{name}offset_count"] == 2
    assert values[f'{name}group_count{{protocol="classic"}}'] == 1
    consumer.close()
    # A group with members, and one of the consumer protocol.
    members = [
        Consumer(
            {"bootstrap.servers": broker.address, "group.id": group, "auto.offset.reset": "earliest"} | settings
        )
        for group, settings in [("old", {}), ("new", {"group.protocol": "consumer"})]
    ]
    deadline = time.monotonic() + 30
    for member in members:
        member.subscribe(["behind"])
        while member.poll(0.2) is None:
            assert time.monotonic() < deadline
    values = metrics.values()
    assert values['kafka_consumergroup_members{consumergroup="old"}'] == 1
    assert values['kafka_consumergroup_members{consumergroup="new"}'] == 1
    assert values[f'{name}classic_group_count{{state="Stable"}}'] == 1
    assert values[f'{name}consumer_group_count{{state="Stable"}}'] == 1
    assert values[f"{name}group_completed_rebalance_count_total"] >= 1
    assert values[f"{name}consumer_group_rebalance_count_total"] >= 1
    for member in members:
        member.close()


def test_ready_while_it_serves_and_silent_without_the_key(make_broker: Callable[..., Broker]) -> None:
    port = free_port()
    broker = make_broker(metrics_listener=f"http://127.0.0.1:{port}")
    broker.start()
    metrics = Metrics(port)
    assert metrics.get("/readyz")[0] == 200
    assert metrics.get("/healthz")[0] == 200
    assert metrics.get("/")[0] == 404
    assert broker.stop() == 0
    with pytest.raises(OSError):
        metrics.get("/healthz")
    broker.write_config({})
    broker.start()
    with pytest.raises(OSError):
        metrics.get("/healthz")


def test_a_port_in_use_is_said_at_the_start(make_broker: Callable[..., Broker]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        broker = make_broker(metrics_listener=f"http://127.0.0.1:{taken.getsockname()[1]}")
        broker.spawn()
        assert broker.wait() == 1
    assert "metrics.listener" in broker.text()


def test_hostile_input_does_no_harm(measured: tuple[Broker, Metrics]) -> None:
    broker, metrics = measured
    chance = random.Random(1)
    inputs = [
        b"", b"\r\n\r\n", b"GET /metrics", b"GET /metrics HTTP/1.1\r\n" + b"X: y\r\n" * 5_000,
        b"POST /metrics HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n" + b"z" * 100_000,
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(512),
        b"GET /../../etc/passwd HTTP/1.1\r\n\r\n", b"GET /metrics HTTP/1.1\r\n\r\n" * 200,
    ] + [chance.randbytes(chance.randrange(1, 5_000)) for _ in range(50)]
    for sent in inputs:
        with socket.create_connection(("127.0.0.1", metrics.port), timeout=5) as connection:
            try:
                connection.sendall(sent)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(1 << 16):
                    pass
            except OSError:
                pass
    silent = [socket.create_connection(("127.0.0.1", metrics.port), timeout=5) for _ in range(50)]
    assert metrics.get("/healthz")[0] == 200
    for connection in silent:
        connection.close()
    assert broker.is_running()
    assert metrics.values()["kafka_server_kafkaserver_brokerstate"] == 3
