# SPDX-License-Identifier: Apache-2.0
"""The files themselves: a node's directory that a script wrote is served, and what the broker writes passes the same
script's checks (Tests/Support/kafka_files, which shares no code with the server)."""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

import clients
import wire
from brokers import Broker
from clients import Message

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Support"))

from kafka_files import checks, golden, node  # noqa: E402

PARTITION = "t-0"
SEGMENT = 1 << 20  # the least that is allowed


def check(broker: Broker, **how: object) -> dict:
    """What the script finds in the broker's log directory; raises at the first fault."""
    compacted = how.pop("compacted_topics", ())
    return checks.check_root(str(broker.log_directory), checks.Options(**how), compacted)


def values(summary: dict, partition: str) -> list[str]:
    return [record[3] for record in summary["partitions"][partition]["records"]]


def has_fault(root: Path, how: checks.Options) -> bool:
    try:
        checks.check_root(str(root), how)
    except Exception:  # noqa: BLE001 - a fault, or what cannot even be parsed
        return True
    return False


def test_the_checks_find_every_flipped_bit(tmp_path) -> None:
    (tmp_path / PARTITION).mkdir()
    golden.CASES["transactions"](str(tmp_path))
    strict = checks.Options(interval=512)
    checks.check_root(str(tmp_path), strict)
    files = [path for path in sorted((tmp_path / PARTITION).iterdir()) if path.name != "partition.metadata"]
    chance = random.Random(7)
    for path in files:
        whole = path.read_bytes()
        for _ in range(min(40, len(whole))):
            position, bit = chance.randrange(len(whole)), chance.randrange(8)
            path.write_bytes(whole[:position] + bytes([whole[position] ^ 1 << bit]) + whole[position + 1 :])
            assert has_fault(tmp_path, strict), f"nobody missed bit {bit} of byte {position} of {path.name}"
        path.write_bytes(whole)
    checks.check_root(str(tmp_path), strict)


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


def test_what_compaction_leaves_passes_the_checks(make_broker) -> None:
    broker: Broker = make_broker(log_cleaner_backoff_ms=100, log_segment_delete_delay_ms=100)
    broker.start()
    configs = {"cleanup.policy": "compact", "segment.bytes": str(SEGMENT), "min.cleanable.dirty.ratio": "0.01"}
    with broker.connect() as connection:
        assert connection.create_topic("compacted", configs=configs) == 0
    batches = [[Message(b"%d" % (i % 50), b"%d %06d " % (n, i) * 700) for i in range(100)] for n in range(6)]
    for number, batch in enumerate(batches):
        codec = ("none", "gzip", "lz4")[number % 3] if number > 2 else "none"
        clients.confluent_produce(broker.address, "compacted", batch, codec, **{"enable.idempotence": True})
    clients.confluent_produce(broker.address, "compacted", [Message(b"0", None)])
    deadline = time.monotonic() + 20
    while sum(segment.stat().st_size for segment in broker.segments("compacted")) > 3 * SEGMENT:
        assert time.monotonic() < deadline, broker.text()
        time.sleep(0.1)
    broker.kill()
    check(broker, crashed=True, compacted_topics=["compacted"])
    broker.start()
    assert broker.stop() == 0
    partition = check(broker, compacted_topics=["compacted"])["partitions"]["compacted-0"]
    last = {key: value for _, _, key, value in partition["records"]}
    expected = {m.key.decode(): m.value.decode() for batch in batches for m in batch} | {"0": None}
    assert last == expected
    assert partition["logEnd"] == 601
    assert len(partition["records"]) < 400
