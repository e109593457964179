# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import itertools
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import brokers
from brokers import Broker

_numbers = itertools.count(1)


def pytest_sessionstart(session: pytest.Session) -> None:
    if not brokers.SERVER.exists():
        raise pytest.UsageError(f"no server at {brokers.SERVER}; run Scripts/build, or set SWIFTKAFKA_SERVER")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the figures that tests recorded, passed or not."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, figures in getattr(report, "user_properties", []):
                if getattr(report, "when", "") == "call":
                    terminalreporter.write_line(f"{name}: {figures}")


@pytest.fixture(scope="session")
def shared_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    settings = {
        # Tests write messages with times in 1970, which retention must not take away.
        "log.retention.ms": -1,
        # Groups that need not wait for the default times.
        "group.initial.rebalance.delay.ms": 100,
        "group.consumer.min.session.timeout.ms": 6000,
        "group.consumer.session.timeout.ms": 6000,
        "group.consumer.min.heartbeat.interval.ms": 500,
        "group.consumer.heartbeat.interval.ms": 500,
    }
    running = Broker(tmp_path_factory.mktemp("broker"), settings)
    running.start()
    yield running
    if running.is_running():
        assert running.stop() == 0, running.text()
    shutil.rmtree(running.log_directory, ignore_errors=True)


@pytest.fixture
def broker(shared_broker: Broker) -> Iterator[Broker]:
    """One broker for all tests that neither stop nor configure it. A test in which it ends fails, alone."""
    if not shared_broker.is_running():
        shared_broker.start()
    yield shared_broker
    ended = shared_broker.process.poll()
    assert ended is None, f"the broker ended with {ended} during this test:\n{shared_broker.text()}"


@pytest.fixture
def make_broker(tmp_path: Path) -> Iterator[Callable[..., Broker]]:
    """Makes brokers for this test alone, not started; whatever still runs at the end is killed."""
    made: list[Broker] = []

    def make(name: str = "one", **properties: object) -> Broker:
        made.append(Broker(tmp_path / name, {key.replace("_", "."): value for key, value in properties.items()}))
        return made[-1]

    yield make
    for one in made:
        if one.is_running():
            one.kill()
        shutil.rmtree(one.log_directory, ignore_errors=True)


@pytest.fixture
def topic_name(request: pytest.FixtureRequest) -> str:
    """A topic name of the test's own."""
    words = re.sub(r"[^A-Za-z0-9]+", "-", request.node.name).strip("-")
    return f"{words[:180]}-{next(_numbers)}"


@pytest.fixture
def topic(broker: Broker, topic_name: str) -> str:
    """A topic with one partition that exists."""
    with broker.connect() as connection:
        assert connection.create_topic(topic_name) == 0
    return topic_name
