# SPDX-License-Identifier: Apache-2.0
"""The five-minute tour of the README, executed as it stands: only the port and the places of binaries are exchanged."""

from __future__ import annotations

import re
import subprocess
import sys

import brokers
import clients


def tour() -> list[tuple[str, str, str]]:
    """The blocks of the tour in order: language, text, and what the README shows as output below it."""
    text = (brokers.ROOT / "README.md").read_text()
    section = text.split("\n## Five-minute tour\n")[1].split("\n## ")[0]
    blocks = re.findall(r"```(sh|python|text)\n(.*?)```", section, re.S)
    steps: list[tuple[str, str, str]] = []
    for language, content in blocks:
        if language == "text":
            kind, command, _ = steps[-1]
            steps[-1] = (kind, command, content)
        else:
            steps.append((language, content, ""))
    return steps


def test_the_tour_works_as_written(make_broker) -> None:
    broker = make_broker()
    broker.start()
    steps = tour()
    assert {language for language, _, _ in steps} == {"sh", "python"}
    ran = 0
    for language, content, shown in steps:
        if "make run" in content:
            continue
        command = content.replace("localhost:9092", broker.address).replace("kcat ", f"{clients.KCAT} ")
        command = command.replace(".build/release/dump-log-segments", str(brokers.DUMP_LOG_SEGMENTS))
        command = command.replace("/tmp/swiftkafka-logs", str(broker.log_directory))
        run = ["bash", "-euo", "pipefail", "-c", command] if language == "sh" else [sys.executable, "-c", command]
        done = subprocess.run(run, capture_output=True, text=True, timeout=60, check=False, cwd=brokers.ROOT)
        assert done.returncode == 0, f"{content}\n{done.stdout}{done.stderr}"
        # What the README shows must be printed; `…` stands for what differs from run to run.
        for line in shown.splitlines():
            pattern = ".*".join(re.escape(part) for part in line.split("…"))
            assert re.search(rf"^{pattern}$", done.stdout, re.M), f"{line!r} is not in:\n{done.stdout}"
        ran += 1
    assert ran >= 4
    assert broker.stop() == 0
