# SPDX-License-Identifier: Apache-2.0
"""Start, stop and configuration of the process as an operator meets them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time

import pytest

import brokers
import clients
import records
import wire
from brokers import Broker
from clients import Message
from records import Record

MARKER = ".kafka_cleanshutdown"


def refusal(broker: Broker, *arguments: str) -> str:
    """The one line with which the server refuses to start, besides what it did before in its log."""
    status, text = brokers.run_to_end(broker, *arguments)
    lines = [line for line in text.splitlines() if " INFO " not in line]
    assert status not in (0, None) and status > 0, f"status {status}: {text}"
    assert len(lines) == 1, text
    return lines[0]


def test_a_clean_stop_leaves_its_marker_and_keeps_everything(make_broker) -> None:
    broker: Broker = make_broker()
    broker.start()
    sent = [Message(b"k", b"%d" % i) for i in range(1000)]
    clients.confluent_produce(broker.address, "kept", sent, "gzip")
    assert broker.stop() == 0
    assert (broker.log_directory / MARKER).exists()
    broker.start()
    assert not (broker.log_directory / MARKER).exists(), "the marker holds for one start"
    assert clients.python_consume(broker.address, "kept", 1000) == sent
    assert clients.confluent_produce(broker.address, "kept", sent[:1]) == [1000]
    assert broker.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_both_signals_stop_cleanly_with_clients_connected(make_broker, number: int) -> None:
    broker: Broker = make_broker()
    broker.start()
    with broker.connect() as idle, broker.connect() as waiting:
        idle.api_versions()
        assert waiting.create_topic("waited-for") == 0
        body = wire.Writer().int("iiiii", -1, 60_000, 1, 1 << 20, 1).string("waited-for").int("iiqi", 1, 0, 0, 1 << 20)
        waiting.send(wire.FETCH, 3, bytes(body.data))
        time.sleep(0.1)
        began = time.monotonic()
        broker.process.send_signal(number)
        assert broker.wait(15) == 0, broker.text()
        assert time.monotonic() - began < 10
    assert (broker.log_directory / MARKER).exists()


def test_a_second_signal_exits_at_once(make_broker) -> None:
    broker: Broker = make_broker()
    broker.start()
    clients.confluent_produce(broker.address, "t", [Message(None, b"x")])
    with broker.connect() as unread:
        # Answers that nobody reads: a clean stop waits for them.
        unread.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        clients.confluent_produce(broker.address, "large", [Message(None, b"x" * 900_000)] * 8)
        body = wire.Writer().int("iiiii", -1, 0, 1, 8 << 20, 1).string("large").int("iiqi", 1, 0, 0, 8 << 20)
        for _ in range(4):
            unread.send(wire.FETCH, 3, bytes(body.data))
        unread.socket.recv(1)
        broker.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        assert broker.is_running(), "it does not wait for the answers"
        broker.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        assert broker.wait(10) == 128 + signal.SIGTERM
        assert time.monotonic() - began < 1
    # However far the first had come, the next start finds everything.
    broker.start()
    assert clients.confluent_consume(broker.address, "t", 1) == [Message(None, b"x")]
    assert broker.stop() == 0


def test_a_second_server_on_the_same_directory_is_refused(make_broker) -> None:
    first: Broker = make_broker("first")
    first.start()
    second: Broker = make_broker("second", log_dirs=first.log_directory)
    line = refusal(second)
    assert str(first.log_directory) in line and "lock" in line.lower()
    with first.connect() as connection:
        assert connection.api_versions()[0] == wire.NO_ERROR
    assert first.stop() == 0


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("num.partitions", "many"),
        ("num.partitions", "0"),
        ("num.network.threads", "0"),
        ("log.segment.bytes", "-5"),
        ("log.retention.ms", "99999999999999999999"),
        ("auto.create.topics.enable", "maybe"),
        ("log.cleanup.policy", "shred"),
        ("listeners", "PLAINTEXT://127.0.0.1:port"),
        ("node.id", "-7"),
        ("compression.type", "rar"),
    ],
)
def test_a_wrong_value_stops_the_start_with_one_line(make_broker, key: str, value: str) -> None:
    broker: Broker = make_broker()
    broker.write_config({key: value})
    line = refusal(broker)
    assert key in line and value in line


def test_a_wrong_override_stops_the_start_with_one_line(make_broker) -> None:
    line = refusal(make_broker(), "--override", "num.partitions=many")
    assert "num.partitions" in line and "many" in line


def test_an_unknown_key_warns_and_starts(make_broker) -> None:
    broker: Broker = make_broker()
    broker.write_config({"no.such.key": "1"})
    broker.start()
    assert broker.stop() == 0
    assert sum("no.such.key" in line for line in broker.text().splitlines()) == 1


def test_an_override_wins_over_the_file(make_broker) -> None:
    broker: Broker = make_broker(num_partitions=2)
    broker.start("--override", "num.partitions=3", "--override", "auto.create.topics.enable=true")
    clients.confluent_produce(broker.address, "made", [Message(None, b"x")])
    with broker.connect() as connection:
        assert connection.metadata_v0(["made"])[1] == {"made": (wire.NO_ERROR, {0: 1, 1: 1, 2: 1})}
    assert broker.stop() == 0


def test_topics_are_not_made_when_that_is_off(make_broker) -> None:
    broker: Broker = make_broker()
    broker.write_config({"auto.create.topics.enable": "false"})
    broker.start()
    with broker.connect() as connection:
        assert connection.metadata_v0(["absent"])[1] == {"absent": (wire.UNKNOWN_TOPIC_OR_PARTITION, {})}
        assert connection.metadata_v0([])[1] == {}
    assert broker.stop() == 0


def test_a_port_in_use_is_named(make_broker) -> None:
    broker: Broker = make_broker()
    with socket.socket() as other:
        other.bind(("127.0.0.1", broker.port))
        other.listen()
        assert str(broker.port) in refusal(broker)


def test_port_0_takes_any_port(make_broker) -> None:
    broker: Broker = make_broker()
    broker.write_config({"listeners": "PLAINTEXT://127.0.0.1:0"})
    broker.spawn()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and not (found := listening_ports(broker.process.pid)):
        time.sleep(0.02)
    assert found, broker.text()
    assert broker.stop() == 0


def listening_ports(process: int) -> list[int]:
    """The TCP ports on which the process listens, as the kernel tells."""
    mine = set()
    for descriptor in os.listdir(f"/proc/{process}/fd"):
        try:
            mine.add(os.readlink(f"/proc/{process}/fd/{descriptor}"))
        except OSError:
            continue
    ports = []
    with open(f"/proc/{process}/net/tcp", encoding="ascii") as table:
        for line in table.readlines()[1:]:
            columns = line.split()
            if columns[3] == "0A" and f"socket:[{columns[9]}]" in mine:
                ports.append(int(columns[1].split(":")[1], 16))
    return ports


def test_a_log_directory_that_is_a_file_is_refused(make_broker) -> None:
    broker: Broker = make_broker()
    broker.log_directory.write_text("not a directory")
    assert str(broker.log_directory) in refusal(broker)
    broker.log_directory.unlink()


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_log_directory_is_refused(make_broker) -> None:
    broker: Broker = make_broker()
    broker.log_directory.mkdir(mode=0)
    assert str(broker.log_directory) in refusal(broker)
    broker.log_directory.chmod(0o700)


def test_a_log_directory_that_cannot_be_made_is_refused(make_broker) -> None:
    # Not even root makes directories there.
    broker: Broker = make_broker(log_dirs="/proc/swiftkafka/data")
    assert "/proc/swiftkafka" in refusal(broker)


def test_a_missing_configuration_file_is_named(make_broker) -> None:
    broker: Broker = make_broker()
    broker.config.unlink()
    assert "server.properties" in refusal(broker)


def test_a_directory_of_another_node_is_refused(make_broker) -> None:
    broker: Broker = make_broker()
    broker.start()
    assert broker.stop() == 0
    broker.write_config({"node.id": 2})
    assert "node.id" in refusal(broker)


def test_files_of_the_zookeeper_era_start_a_single_node(make_broker) -> None:
    broker: Broker = make_broker()
    broker.config.write_text(
        "broker.id=0\n"
        f"listeners=PLAINTEXT://127.0.0.1:{broker.port}\n"
        f"log.dirs={broker.log_directory}\n"
        "zookeeper.connect=localhost:2181\n"
        "zookeeper.connection.timeout.ms=18000\n"
    )
    broker.start()
    clients.confluent_produce(broker.address, "t", [Message(None, b"x")])
    assert clients.kcat_consume(broker.address, "t", 1) == [Message(None, b"x")]
    assert broker.stop() == 0
    lines = broker.text().splitlines()
    for key in ["zookeeper.connect", "zookeeper.connection.timeout.ms"]:
        assert any(key in line for line in lines), broker.text()


def test_topics_survive_many_restarts(make_broker) -> None:
    broker: Broker = make_broker()
    for number in range(5):
        broker.start()
        with broker.connect() as connection:
            assert connection.create_topic(f"topic-{number}", partitions=number + 1) == 0
            found = connection.metadata_v0([])[1]
        assert {name: len(partitions) for name, (_, partitions) in found.items()} == {
            f"topic-{n}": n + 1 for n in range(number + 1)
        }
        assert broker.stop() == 0


def test_segments_roll_and_are_read_back(make_broker) -> None:
    broker: Broker = make_broker(log_segment_bytes=1_048_576, log_index_interval_bytes=512)
    broker.start()
    sent = [Message(b"key", b"%d" % i + b"x" * 1000) for i in range(15_000)]
    for first in range(0, len(sent), 500):
        clients.confluent_produce(broker.address, "rolled", sent[first : first + 500])
    assert len(broker.segments("rolled")) >= 10
    assert clients.aio_consume(broker.address, "rolled", len(sent)) == sent
    assert broker.stop() == 0
    broker.start()
    assert clients.confluent_consume(broker.address, "rolled", 500, offset=7_777) == sent[7_777:8_277]
    assert broker.stop() == 0


def test_several_log_directories_share_the_partitions(make_broker) -> None:
    broker: Broker = make_broker()
    folders = [broker.directory / name for name in ("a", "b", "c")]
    broker.write_config({"log.dirs": ",".join(map(str, folders))})
    broker.start()
    with broker.connect() as connection:
        assert connection.create_topic("spread", partitions=9) == 0
        for partition in range(9):
            batch = records.record_batch([Record(None, b"x", int(time.time() * 1000))])
            assert connection.produce(7, "spread", batch, partition=partition).error == wire.NO_ERROR
    assert broker.stop() == 0
    for folder in folders:
        assert (folder / "meta.properties").exists()
        assert len(list(folder.glob("spread-*"))) == 3
    broker.start()
    with broker.connect() as connection:
        for partition in range(9):
            assert connection.list_offset("spread", -1, partition) == (wire.NO_ERROR, 1)
    assert broker.stop() == 0


def test_it_says_what_it_is() -> None:
    for arguments in (["--help"], ["--version"]):
        done = subprocess.run([brokers.SERVER, *arguments], capture_output=True, timeout=10, check=False)
        assert done.returncode == 0 and done.stdout
