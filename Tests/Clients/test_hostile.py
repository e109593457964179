# SPDX-License-Identifier: Apache-2.0
"""The release binary under hostile input over real sockets: requests as stock clients sent them, whole, byte by byte and
damaged. Unit tests throw many more at the same broker inside their own process."""

from __future__ import annotations

import random
import socket
import struct
import time
from pathlib import Path

import pytest

import brokers
import clients
import wire
from brokers import Broker
from clients import Message

SEED = 20261122
FRAMES = 50_000
# Sent over one connection before its answers are read.
AT_ONCE = 40
EDGES = [0, 1, -1, -2, 127, 128, 255, 256, 32_767, 32_768, 65_535, 65_536, 1 << 20, 2**31 - 1, -(2**31), 1 << 32, 2**63 - 1]
# Megabytes that the process may take in the end, and those for each of the partitions that damaged requests have made.
RESIDENT_MAX = 48
RESIDENT_MAX_PARTITION = 6 / 1024


def captured_frames() -> list[bytes]:
    folder: Path = brokers.ROOT / "Tests" / "KafkaProtocolTests" / "Golden"
    lines = [line for file in sorted(folder.glob("*.hex")) for line in file.read_text().splitlines()]
    return [bytes.fromhex(line.split()[2]) for line in lines if not line.startswith("#")]


def mutate(frame: bytes, other: bytes, chance: random.Random) -> bytes:
    """A frame with its length in front, different from what it was made of."""
    body = bytearray(frame[4:])
    while True:
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(min(len(body), 64) if chance.random() < 0.5 else len(body))
            match chance.randrange(7):
                case 0 | 1:
                    body[at] ^= 1 << chance.randrange(8)
                case 2:
                    body[at] = chance.randrange(256)
                case 3 | 4:
                    size = chance.choice([2, 4, 8])
                    value = chance.choice(EDGES) % (1 << 8 * size)
                    body[at : at + size] = value.to_bytes(size, "big")[: len(body) - at]
                case 5:
                    del body[at : at + chance.randint(1, 8)]
                case 6:
                    body[at:] = other[chance.randrange(4, len(other)) :]
            if len(body) < 2:
                body += other[4:]
        length = len(body)
        if chance.randrange(200) == 0:
            length = chance.choice(EDGES) % (1 << 31)
        made = struct.pack(">i", length) + body
        if made != frame:
            return made


def answered(connection: wire.Connection) -> int | None:
    """The correlation id of the next answer; None where the broker closes or leaves the peer waiting."""
    try:
        return connection.receive()[0]
    except (TimeoutError, ConnectionError):
        return None


def answers(broker: Broker, frames: list[bytes], step: int) -> list[int | None]:
    """What becomes of each frame, over a connection of its own, `step` bytes at a time."""
    broker.start()
    heard = []
    for frame in frames:
        with broker.connect(timeout=0.5) as connection:
            for first in range(0, len(frame), step):
                connection.socket.sendall(frame[first : first + step])
            heard.append(answered(connection))
    assert broker.stop() == 0
    return heard


def test_captured_requests_may_come_byte_by_byte(make_broker) -> None:
    frames = captured_frames()
    assert len(frames) >= 190
    # Two brokers: what joins a group or makes a topic is answered otherwise the second time.
    whole = answers(make_broker("whole"), frames, 1 << 20)
    assert answers(make_broker("bytes"), frames, 1) == whole
    numbers = [struct.unpack_from(">i", frame, 8)[0] for frame in frames]
    assert all(heard in (number, None) for heard, number in zip(whole, numbers))
    assert sum(heard is not None for heard in whole) > len(frames) // 2


@pytest.mark.timeout(300)
def test_damaged_requests_cost_nobody_anything(make_broker, record_property) -> None:
    broker: Broker = make_broker()
    broker.start()
    kept = [Message(b"k", b"%d" % i) for i in range(1000)]
    clients.confluent_produce(broker.address, "kept", kept)
    frames = captured_frames()
    chance = random.Random(SEED)
    began = time.monotonic()
    slowest = 0.0
    sent = 0
    with broker.connect() as bystander:
        while sent < FRAMES:
            burst = [mutate(chance.choice(frames), chance.choice(frames), chance) for _ in range(AT_ONCE)]
            # The broker closes for most of them: the rest goes over further connections.
            while burst:
                burst = burst[throw(broker, burst) :]
            sent += AT_ONCE
            if sent % 1000 == 0:
                asked = time.monotonic()
                assert bystander.api_versions()[0] == wire.NO_ERROR
                slowest = max(slowest, time.monotonic() - asked)
    resident = memory(broker)
    partitions = sum(path.is_dir() for path in broker.log_directory.iterdir())
    record_property(
        "hostile",
        f"{sent} frames in {time.monotonic() - began:.0f} s, {partitions} partitions, resident {resident:.0f} MB, "
        f"slowest answer to another client {slowest * 1000:.0f} ms",
    )
    assert slowest < 1
    assert resident < RESIDENT_MAX + partitions * RESIDENT_MAX_PARTITION
    assert clients.confluent_consume(broker.address, "kept", 1000) == kept
    assert broker.stop() == 0


def throw(broker: Broker, burst: list[bytes]) -> int:
    """Sends frames over one connection; returns how many the broker has dealt with, at least one."""
    with broker.connect(timeout=0.05) as connection:
        try:
            connection.socket.sendall(b"".join(burst))
            connection.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        heard = 0
        while answered(connection) is not None:
            heard += 1
        return min(heard + 1, len(burst))


def memory(broker: Broker) -> float:
    """Resident megabytes."""
    for line in Path(f"/proc/{broker.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmRSS")
