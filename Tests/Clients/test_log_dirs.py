# SPDX-License-Identifier: Apache-2.0
"""Several log directories, and a disk without space, as stock clients see them."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from pathlib import Path

import kafka
import kafka.admin
import kafka.errors
import pytest

from brokers import Broker


@pytest.fixture
def two(make_broker: Callable[..., Broker], tmp_path: Path) -> Broker:
    """A broker with the log directories `a` and `b`; its metadata lie elsewhere. Not started."""
    return make_broker(
        log_dirs=f"{tmp_path}/a,{tmp_path}/b",
        metadata_log_dir=tmp_path / "meta",
        replica_high_watermark_checkpoint_interval_ms=200,
    )


def admin(broker: Broker) -> kafka.admin.KafkaAdminClient:
    return kafka.admin.KafkaAdminClient(bootstrap_servers=broker.address)


def directories(client: kafka.admin.KafkaAdminClient) -> dict[str, dict]:
    """What is said of each directory, by the last part of its path."""
    (described,) = client.describe_log_dirs()
    return {Path(one["log_dir"]).name: one for one in described["log_dirs"]}


def partitions(directory: dict) -> set[tuple[str, int]]:
    return {
        (topic["name"], partition["partition_index"])
        for topic in directory["topics"]
        for partition in topic["partitions"]
        if not partition["is_future_key"]
    }


def produce(broker: Broker, topic: str, partition: int, count: int, size: int = 10) -> None:
    producer = kafka.KafkaProducer(bootstrap_servers=broker.address, retries=0, request_timeout_ms=5_000)
    try:
        futures = [producer.send(topic, b"v" * size, partition=partition) for _ in range(count)]
        for future in futures:
            future.get(10)
    finally:
        producer.close(timeout=0)


def count(broker: Broker, topic: str, partition: int) -> int:
    """How many records a consumer reads."""
    consumer = kafka.KafkaConsumer(bootstrap_servers=broker.address, auto_offset_reset="earliest")
    place = kafka.TopicPartition(topic, partition)
    try:
        consumer.assign([place])
        consumer.seek_to_beginning(place)
        end = consumer.end_offsets([place])[place]
        found = 0
        deadline = time.monotonic() + 10
        while consumer.position(place) < end:
            assert time.monotonic() < deadline
            found += len(consumer.poll(200).get(place, []))
        return found
    finally:
        consumer.close()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it did not come true within 10 s"
        time.sleep(0.05)


def test_partitions_are_spread_and_moved(two: Broker, tmp_path: Path) -> None:
    two.start()
    client = admin(two)
    client.create_topics([kafka.admin.NewTopic("t", 4, 1)])
    found = directories(client)
    assert {len(partitions(found[name])) for name in ("a", "b")} == {2}
    assert all(one["error_code"] == 0 and 0 < one["usable_bytes"] <= one["total_bytes"] for one in found.values())
    moving = min(partitions(found["a"]))
    produce(two, *moving, count=50, size=1_000)
    result = client.alter_replica_log_dirs({(*moving, 1): f"{tmp_path}/b"})
    assert list(result.values()) == [kafka.errors.NoError]
    wait_until(lambda: moving in partitions(directories(client)["b"]))
    produce(two, *moving, count=10)
    assert count(two, *moving) == 60
    refused = client.alter_replica_log_dirs({(*moving, 1): f"{tmp_path}/c", ("missing", 0, 1): f"{tmp_path}/a"})
    assert {key.topic: error for key, error in refused.items()} == {
        "t": kafka.errors.LogDirNotFoundError,
        "missing": kafka.errors.UnknownTopicOrPartitionError,
    }
    assert two.stop() == 0
    two.start()
    assert count(two, *moving) == 60
    assert moving in partitions(directories(admin(two))["b"])


def test_a_directory_fails_and_comes_back(two: Broker, tmp_path: Path) -> None:
    two.start()
    client = admin(two)
    client.create_topics([kafka.admin.NewTopic("t", 2, 1)])
    found = directories(client)
    (kept,), (lost,) = partitions(found["a"]), partitions(found["b"])
    for place in (kept, lost):
        produce(two, *place, count=5)
    # As a disk that is pulled out; the broker notices when it next writes a checkpoint.
    (tmp_path / "b").rename(tmp_path / "away")
    (tmp_path / "b").write_text("no directory")
    wait_until(lambda: directories(client)["b"]["error_code"] == kafka.errors.KafkaStorageError.errno)
    produce(two, *kept, count=5)
    assert count(two, *kept) == 10
    # A producer would keep its records until there is a leader again, and send them then.
    (topic,) = client.describe_topics(["t"])
    leaders = {one["partition_index"]: one["leader_id"] for one in topic["partitions"]}
    assert leaders == {kept[1]: 1, lost[1]: -1}
    assert two.is_running()
    # It starts without the directory, and with it again.
    assert two.stop() == 0
    two.start()
    assert count(two, *kept) == 10
    assert two.stop() == 0
    (tmp_path / "b").unlink()
    (tmp_path / "away").rename(tmp_path / "b")
    two.start()
    assert count(two, *lost) == 5
    produce(two, *lost, count=1)


def test_no_space_is_not_the_end(make_broker: Callable[..., Broker]) -> None:
    """A limit on the size of files stands for a disk without space, which needs no rights to set up."""
    broker = make_broker()
    broker.start()
    admin(broker).create_topics([kafka.admin.NewTopic("t", 1, 1)])
    produce(broker, "t", 0, count=5)
    size = broker.segments("t")[0].stat().st_size
    _, hard = resource.prlimit(broker.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(broker.process.pid, resource.RLIMIT_FSIZE, (size + 5_000, hard))
    with pytest.raises(kafka.errors.KafkaStorageError):
        produce(broker, "t", 0, count=1, size=100_000)
    assert broker.is_running()
    assert broker.segments("t")[0].stat().st_size == size
    assert count(broker, "t", 0) == 5
    produce(broker, "t", 0, count=1, size=100)
    resource.prlimit(broker.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
    produce(broker, "t", 0, count=1, size=100_000)
    assert count(broker, "t", 0) == 7
    assert broker.stop() == 0
