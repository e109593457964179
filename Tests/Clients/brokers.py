# SPDX-License-Identifier: Apache-2.0
"""The real server binary as a test sees it: started on free ports and a directory of its own, stopped by process id."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import wire

ROOT = Path(__file__).resolve().parents[2]


def executable(name: str, variable: str) -> Path:
    """The binary named by the environment variable, otherwise the release build's."""
    return Path(os.environ.get(variable) or ROOT / ".build" / "release" / name)


SERVER = executable("swiftkafka-server", "SWIFTKAFKA_SERVER")
DUMP_LOG_SEGMENTS = executable("dump-log-segments", "SWIFTKAFKA_DUMP_LOG_SEGMENTS")


def free_port() -> int:
    """A port that was free a moment ago. The kernel hands out others for a while, so that races are rare."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class StartFailed(Exception):
    """The server ended, or did not answer, when it should have served."""


class Broker:
    """One server process at a time on one directory; the same ports over restarts."""

    def __init__(self, directory: Path, properties: dict[str, object] | None = None, port: int | None = None):
        self.directory = directory
        self.log_directory = directory / "data"
        self.port = port or free_port()
        self.config = directory / "server.properties"
        self.output = directory / "server.out"
        self.process: subprocess.Popen | None = None
        directory.mkdir(parents=True, exist_ok=True)
        self.write_config(properties or {})

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def write_config(self, properties: dict[str, object]) -> None:
        values: dict[str, object] = {
            "node.id": 1,
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "log.dirs": self.log_directory,
        }
        values.update(properties)
        lines = [f"{key}={value}" for key, value in values.items()]
        self.config.write_text("\n".join(lines) + "\n")

    def spawn(self, *arguments: str) -> subprocess.Popen:
        """Starts the process and does not wait for it to serve."""
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [SERVER, self.config, *arguments], stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
        return self.process

    def start(self, *arguments: str, timeout: float = 20) -> float:
        """Starts the server and returns the seconds until it answered its first ApiVersions request."""
        began = time.monotonic()
        self.spawn(*arguments)
        self.wait_until_serving(timeout)
        return time.monotonic() - began

    def wait_until_serving(self, timeout: float = 20) -> None:
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            status = self.process.poll()
            if status is not None:
                raise StartFailed(f"the server ended with {status}:\n{self.text()}")
            try:
                with self.connect(timeout=2) as connection:
                    connection.api_versions()
                return
            except OSError:
                time.sleep(0.002)
        raise StartFailed(f"the server did not serve within {timeout} s:\n{self.text()}")

    def connect(self, timeout: float = 10) -> wire.Connection:
        return wire.Connection("127.0.0.1", self.port, timeout)

    def stop(self, timeout: float = 20) -> int:
        """SIGTERM, and the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait(timeout)

    def kill(self) -> None:
        """SIGKILL: the process gets no chance to write anything."""
        self.process.kill()
        self.process.wait(10)

    def wait(self, timeout: float = 20) -> int:
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
            raise AssertionError(f"the server did not end within {timeout} s:\n{self.text()}") from None

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def text(self) -> str:
        """Everything the server printed, over all its starts."""
        return self.output.read_text(errors="replace") if self.output.exists() else ""

    def segments(self, topic: str, partition: int = 0) -> list[Path]:
        return sorted((self.log_directory / f"{topic}-{partition}").glob("*.log"))


def run_to_end(broker: Broker, *arguments: str, timeout: float = 10) -> tuple[int, str]:
    """Runs a server that is expected to refuse to start: its status and what it printed."""
    done = subprocess.run(
        [SERVER, broker.config, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout,
        check=False,
    )
    return done.returncode, done.stdout.decode(errors="replace")
