# SPDX-License-Identifier: Apache-2.0
"""Real input: the log files of the machine that runs the tests."""

from __future__ import annotations

import random
from pathlib import Path

MACHINE_LOGS = [Path("/var/log/dpkg.log"), Path("/var/log/alternatives.log"), Path("/var/log/bootstrap.log")]
LINES = 100_000


def machine_lines() -> list[bytes]:
    """Lines without their ends. Machines without readable logs get generated ones, different on each."""
    lines: list[bytes] = []
    for path in [*MACHINE_LOGS, *sorted(Path("/var/log/apt").glob("*.log"))]:
        try:
            # A message of kcat is a line; an empty one would be none.
            lines += [line for line in path.read_bytes().split(b"\n") if line]
        except OSError:
            continue
    return lines if len(lines) >= 100 else generated_lines()


def generated_lines() -> list[bytes]:
    source = random.Random(11)
    words = ["installed", "configure", "trigproc", "half-configured", "status", "unpacked", "übrig", "libc6:amd64"]
    return [
        f"2026-01-{source.randint(1, 31):02} {source.choice(words)} {source.choice(words)} {source.random()}".encode()
        for _ in range(2_000)
    ]


def corpus() -> list[bytes]:
    """At least `LINES` lines, the machine's repeated as often as it takes."""
    lines = machine_lines()
    return lines * -(-LINES // len(lines))
