# SPDX-License-Identifier: Apache-2.0
"""The machine's own log files go in through kcat, and come out of another client and of the file itself unchanged."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import brokers
import clients
import corpus
from brokers import Broker

# Each codec is read back by one of the other clients; aiokafka takes the smallest part.
READERS = {
    "none": clients.confluent_consume,
    "gzip": clients.python_consume,
    "snappy": clients.confluent_consume,
    "lz4": clients.aio_consume,
    "zstd": clients.python_consume,
}
MARK = b" payload: "


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    found = corpus.corpus()
    assert len(found) >= 100_000
    return found


@pytest.fixture(scope="module")
def input_file(lines: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "lines.txt"
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


@pytest.mark.parametrize("codec", clients.CODECS)
def test_machine_logs(broker: Broker, topic: str, codec: str, lines: list[bytes], input_file: Path) -> None:
    # Without a linger a fast broker gets many batches of one line, which librdkafka does not pack.
    linger = ["-X", "linger.ms=100"]
    clients.kcat("-P", "-b", broker.address, "-t", topic, "-p", "0", "-z", codec, *linger, "-l", str(input_file))
    found = READERS[codec](broker.address, topic, len(lines))
    assert [message.value for message in found] == lines
    assert all(message.key is None and not message.headers for message in found)

    # The file shows the same, while the broker has it open.
    segments = broker.segments(topic)
    assert segments
    names = {name.encode(): 0 for name in clients.CODECS}
    dumped: list[bytes] = []
    for kind, line in dump(segments):
        if kind == "batch":
            names[line.split(b"compresscodec: ")[1].split()[0]] += int(line.split(b" count: ")[1].split()[0])
            assert line.endswith(b"isvalid: true")
        else:
            dumped.append(line)
    assert dumped == [line.decode(errors="replace").encode() for line in lines]
    # Counted in records: librdkafka leaves a batch as it is where packing makes it no smaller, as with the smallest.
    assert {name for name, count in names.items() if count} <= {codec.encode(), b"none"}
    assert names[codec.encode()] > sum(names.values()) / 2


def dump(segments: list[Path]) -> Iterator[tuple[str, bytes]]:
    """What dump-log-segments prints of the segments: batch lines, and the payloads of record lines."""
    files = ",".join(map(str, segments))
    command = [brokers.DUMP_LOG_SEGMENTS, "--files", files, "--print-data-log"]
    done = subprocess.run(command, capture_output=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr.decode()
    for line in done.stdout.split(b"\n"):
        if line.startswith(b"baseOffset: "):
            yield "batch", line
        elif line.startswith(b"| offset: "):
            yield "record", line[line.index(MARK) + len(MARK) :]
        else:
            assert not line or line.startswith((b"Dumping ", b"Log starting offset: ")), line
