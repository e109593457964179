# SPDX-License-Identifier: Apache-2.0
"""Members of groups as a test sees them: processes whose every step can be waited for."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import clients

SCRIPT = Path(__file__).with_name("member.py")


class Member:
    """A consumer in a process of its own; what it prints is gathered line by line."""

    def __init__(self, client: str, address: str, group: str, topic: str, **settings: object):
        arguments = [f"{name}={value}" for name, value in settings.items()]
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self.process = subprocess.Popen(
            [sys.executable, SCRIPT, client, address, group, topic, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            with self._changed:
                self.lines.append(line.rstrip("\n"))
                self._changed.notify_all()

    # --- what has happened

    def messages(self) -> list[tuple[int, int]]:
        """Partition and offset of each message, in order."""
        return [(int(p), int(o)) for p, o in self._fields("message")]

    def committed(self) -> dict[int, int]:
        """The last acknowledged position of each partition."""
        return {int(p): int(o) for p, o in self._fields("committed")}

    def _fields(self, word: str) -> list[list[str]]:
        return [line.split()[1:3] for line in list(self.lines) if line.startswith(word + " ")]

    def owned(self) -> set[int]:
        """The partitions that it has now."""
        owned: set[int] = set()
        for line in list(self.lines):
            found = re.fullmatch(r"(assigned|revoked|lost) ([\d,]+|-)", line)
            if found:
                places = set() if found[2] == "-" else set(map(int, found[2].split(",")))
                owned = owned | places if found[1] == "assigned" else owned - places
        return owned

    def wait(self, condition: Callable[[], bool], what: str, timeout: float = 40) -> None:
        deadline = time.monotonic() + timeout
        with self._changed:
            while not condition():
                left = deadline - time.monotonic()
                assert left > 0, f"no {what} within {timeout} s:\n" + "\n".join(self.lines[-40:])
                # Also for conditions on other members.
                self._changed.wait(min(left, 0.1))

    # --- its end

    def leave(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) == 0, "\n".join(self.lines[-40:])
        self._reader.join(10)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)
        self._reader.join(10)


def share(members: list[Member], count: int, timeout: float = 40) -> None:
    """Waits until the members have the partitions among them, each once and everybody some."""

    def is_shared() -> bool:
        owned = [member.owned() for member in members]
        return all(owned) and sum(map(len, owned)) == count and set().union(*owned) == set(range(count))

    members[0].wait(is_shared, f"share of {count} partitions among {len(members)}", timeout)


def numbers(topic_messages: int, begin: int = 0) -> list[clients.Message]:
    return [clients.Message(None, str(number).encode()) for number in range(begin, begin + topic_messages)]
