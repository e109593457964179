# SPDX-License-Identifier: Apache-2.0
"""The files themselves: a node's directory that a script wrote is served, and what the broker writes passes the same
script's checks (Tests/Support/kafka_files, which shares no code with the server)."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

import clients
import wire
from brokers import Broker
from clients import Message

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Support"))

from kafka_files import checks, node  # noqa: E402

PARTITION = "t-0"
SEGMENT = 1 << 20  # the least that is allowed


def check(broker: Broker, **how: object) -> dict:
    """What the script finds in the broker's log directory; raises at the first fault."""
    compacted = how.pop("compacted_topics", ())
    return checks.check_root(str(broker.log_directory), checks.Options(**how), compacted)


def values(summary: dict, partition: str) -> list[str]:
    return [record[3] for record in summary["partitions"][partition]["records"]]


def test_a_directory_of_another_broker_is_served(make_broker) -> None:
    broker: Broker = make_broker()
    expected = node.make(str(broker.log_directory), int(time.time() * 1000) - 60_000)
    sent = [Message(record[2] and record[2].encode(), record[3].encode()) for record in expected["records"]]
    broker.start()
    assert clients.confluent_consume(broker.address, "t", len(sent)) == sent
    assert clients.python_consume(broker.address, "t", len(sent)) == sent
    assert clients.confluent_consume(broker.address, "t", len(sent) - 33, offset=33) == sent[33:]
    with broker.connect() as connection:
        middle = expected["records"][40]
        assert connection.list_offset("t", middle[1]) == (wire.NO_ERROR, middle[0])
    more = [Message(b"k", b"more %d" % number) for number in range(50)]
    assert clients.confluent_produce(broker.address, "t", more, "zstd")[0] == len(sent)
    assert broker.stop() == 0
    found = check(broker)
    assert found["meta"]["cluster.id"] == node.CLUSTER_ID
    assert found["partitions"][PARTITION]["topicID"] == expected["topicID"]
    assert values(found, PARTITION) == [m.value.decode() for m in sent + more]
    assert found["partitions"][PARTITION]["segments"] == expected["segments"]
    assert found["partitions"]["__cluster_metadata-0"]["logEnd"] > 9
    broker.start()
    assert clients.confluent_consume(broker.address, "t", len(sent + more)) == sent + more
    assert broker.stop() == 0
    check(broker)


def produce_everything(broker: Broker) -> dict[str, list[str]]:
    """Topics written by several clients with every codec; the values by partition."""
    written: dict[str, list[str]] = {}
    for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
        batch = [Message(b"%d" % (i % 7), b"%s %d " % (codec.encode(), i) * 20) for i in range(60)]
        clients.confluent_produce(broker.address, f"codec-{codec}", batch, codec, **{"enable.idempotence": True})
        clients.python_produce(broker.address, f"codec-{codec}", batch[:5])
        written[f"codec-{codec}-0"] = [m.value.decode() for m in batch + batch[:5]]
    large = [Message(b"k", b"%06d" % number * 1500) for number in range(250)]
    clients.confluent_produce(broker.address, "large", large)
    written["large-0"] = [m.value.decode() for m in large]
    clients.kcat_produce(broker.address, "kcat", clients.kcat_messages(40), "zstd")
    written["kcat-0"] = [m.value and m.value.decode() for m in clients.kcat_messages(40)]
    return written


def test_what_clients_produced_passes_the_checks(make_broker) -> None:
    broker: Broker = make_broker(log_segment_bytes=SEGMENT, log_index_interval_bytes=700)
    broker.start()
    written = produce_everything(broker)
    running = check(broker, crashed=True)
    for partition, expected in written.items():
        assert values(running, partition) == expected
    assert broker.stop() == 0
    stopped = check(broker)
    for partition, expected in written.items():
        assert values(stopped, partition) == expected
    assert len(stopped["partitions"]["large-0"]["segments"]) > 2
    assert stopped["partitions"]["codec-none-0"]["producers"]


def test_a_crash_and_the_start_after_it_pass_the_checks(make_broker) -> None:
    broker: Broker = make_broker(log_segment_bytes=SEGMENT, log_index_interval_bytes=700)
    broker.start()
    written = produce_everything(broker)
    broker.kill()
    crashed = check(broker, crashed=True)
    broker.start()
    again = produce_everything(broker)
    broker.kill()
    broker.start()
    assert broker.stop() == 0
    stopped = check(broker)
    for partition, expected in written.items():
        assert values(crashed, partition) == expected
        assert values(stopped, partition) == expected + again[partition]
