#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures start and memory of the release server: empty, and with 1,000 partitions, after a clean stop and a kill.

Start lasts from the creation of the process to its first answer to ApiVersions; memory is read two seconds later.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Tests" / "Clients"))

import wire  # noqa: E402
from brokers import Broker  # noqa: E402

ROUNDS = 11
PARTITIONS = 1_000


def start(broker: Broker) -> float:
    """Milliseconds until the first answer."""
    began = time.perf_counter()
    broker.spawn()
    while True:
        try:
            with broker.connect() as connection:
                connection.api_versions()
            return (time.perf_counter() - began) * 1000
        except ConnectionError:
            if broker.process.poll() is not None:
                raise SystemExit(f"the server ended:\n{broker.text()}") from None
            time.sleep(0.0002)


def memory(broker: Broker) -> dict[str, float]:
    """MB resident: all of it, and the part that is not a file's."""
    time.sleep(2)
    status = Path(f"/proc/{broker.process.pid}/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in status)
    return {name: int(fields[name].split()[0]) / 1024 for name in ("VmRSS", "RssAnon")}


def row(what: str, starts: list[float], goal: str, resident: dict[str, float], memory_goal: str) -> None:
    print(
        f"{what:<34} start p50 {statistics.median(starts):7.1f} ms  min {min(starts):7.1f}  max {max(starts):7.1f}"
        f"  (goal {goal})   memory {resident['VmRSS']:6.1f} MB, anonymous {resident['RssAnon']:6.1f}"
        f"  (goal {memory_goal})"
    )


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="swiftkafka-bench-") as folder:
        starts = []
        for number in range(ROUNDS):
            broker = Broker(Path(folder) / f"empty-{number}")
            starts.append(start(broker))
            if number < ROUNDS - 1:
                broker.stop()
        row("empty directory, formats it", starts, "≤ 20 ms", memory(broker), "≤ 12 MB")
        broker.stop()

        broker = Broker(Path(folder) / "full")
        broker.start()
        with broker.connect(timeout=60) as connection:
            assert connection.create_topic("many", PARTITIONS) == wire.NO_ERROR
        for what, end in [("clean stop", broker.stop), ("kill -9", broker.kill)]:
            starts = []
            for _ in range(ROUNDS):
                end()
                starts.append(start(broker))
            row(f"{PARTITIONS} partitions, after a {what}", starts, "≤ 200 ms", memory(broker), "≤ 40 MB")
        broker.stop()


if __name__ == "__main__":
    main()
