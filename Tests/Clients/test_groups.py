# SPDX-License-Identifier: Apache-2.0
"""Groups of stock consumers: they share partitions, come and go, and go on where they were."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

import clients
from brokers import Broker
from groups import Member, numbers, share

CLIENTS = ["confluent-kafka", "kafka-python", "aiokafka"]
# What is set for a member that speaks the new protocol (KIP-848).
CONSUMER_PROTOCOL = {"protocol": "consumer"}
PARTITIONS = 4


@pytest.fixture
def group(topic_name: str) -> str:
    return f"group-of-{topic_name}"


@pytest.fixture
def wide_topic(broker: Broker, topic_name: str) -> str:
    with broker.connect() as connection:
        assert connection.create_topic(topic_name, PARTITIONS) == 0
    return topic_name


@pytest.fixture
def enter(broker: Broker, group: str) -> Iterator[Callable[..., Member]]:
    """Starts members; those that still run at the end are killed."""
    members: list[Member] = []

    def start(client: str, topic: str, **settings: object) -> Member:
        members.append(Member(client, broker.address, group, topic, **settings))
        return members[-1]

    yield start
    for member in members:
        if member.process.poll() is None:
            member.kill()


def produce(broker: Broker, topic: str, count: int, begin: int = 0) -> None:
    """The same number of messages to each partition."""
    for partition in range(PARTITIONS):
        clients.confluent_produce(broker.address, topic, numbers(count, begin), partition=partition)


def test_kcat_commits_and_resumes(broker: Broker, topic: str, group: str) -> None:
    clients.confluent_produce(broker.address, topic, numbers(20))

    def consume(count: int) -> list[str]:
        output = clients.kcat(
            *("-b", broker.address, "-G", group, "-c", str(count), "-q", "-f", "%o\n"),
            *("-X", "auto.offset.reset=earliest", topic),
        )
        return output.decode().split()

    assert consume(8) == [str(offset) for offset in range(8)]
    assert consume(12) == [str(offset) for offset in range(8, 20)]


@pytest.mark.parametrize(
    ("client", "settings"), [(client, {}) for client in CLIENTS] + [("confluent-kafka", CONSUMER_PROTOCOL)]
)
def test_the_next_member_goes_on_where_the_last_one_was(
    broker: Broker, topic: str, enter: Callable[..., Member], client: str, settings: dict[str, str]
) -> None:
    clients.confluent_produce(broker.address, topic, numbers(30))
    first = enter(client, topic, limit=11, **settings)
    first.wait(lambda: first.committed() == {0: 11}, "commit")
    first.leave()
    second = enter(client, topic, limit=19, **settings)
    second.wait(lambda: second.committed() == {0: 30}, "commit")
    second.leave()
    assert [offset for _, offset in first.messages() + second.messages()] == list(range(30))


@pytest.mark.parametrize(
    ("client", "settings"),
    [(client, {"assignor": "range"}) for client in CLIENTS]
    + [(client, {"assignor": "cooperative-sticky"}) for client in ("confluent-kafka", "kafka-python")]
    + [("confluent-kafka", CONSUMER_PROTOCOL)],
)
def test_members_share_and_take_over(
    broker: Broker, wide_topic: str, enter: Callable[..., Member], client: str, settings: dict[str, str]
) -> None:
    first = enter(client, wide_topic, **settings)
    share([first], PARTITIONS)
    second = enter(client, wide_topic, **settings)
    share([first, second], PARTITIONS)
    produce(broker, wide_topic, 5)
    both = [first, second]
    first.wait(lambda: len(set(sum((m.messages() for m in both), []))) == 5 * PARTITIONS, "messages")
    second.leave()
    share([first], PARTITIONS)
    produce(broker, wide_topic, 5, begin=5)
    first.wait(lambda: first.committed() == dict.fromkeys(range(PARTITIONS), 10), "commits")
    assert sorted(first.messages() + second.messages()) == [(p, o) for p in range(PARTITIONS) for o in range(10)]


@pytest.mark.parametrize(
    ("client", "settings"), [(client, {}) for client in CLIENTS] + [("confluent-kafka", CONSUMER_PROTOCOL)]
)
def test_a_killed_member_is_replaced(
    broker: Broker, wide_topic: str, enter: Callable[..., Member], client: str, settings: dict[str, str]
) -> None:
    produce(broker, wide_topic, 5)
    killed, living = enter(client, wide_topic, **settings), enter(client, wide_topic, **settings)
    share([killed, living], PARTITIONS)
    both = [killed, living]
    living.wait(lambda: sum(sum(m.committed().values()) for m in both) >= 5 * PARTITIONS, "commits")
    killed.kill()
    share([living], PARTITIONS)
    produce(broker, wide_topic, 5, begin=5)
    living.wait(
        lambda: all(living.committed().get(partition) == 10 for partition in range(PARTITIONS)), "all commits"
    )
    # What was committed is not read again, and nothing is left out.
    for partition in range(PARTITIONS):
        read = [offset for place, offset in living.messages() if place == partition]
        before = [offset for place, offset in killed.messages() if place == partition]
        assert set(read) | set(before) == set(range(10)), partition
        assert len(read) == len(set(read)), partition
        # At most the one message whose commit was cut off is read by both.
        assert len(set(read) & set(before)) <= 1, partition


def test_a_static_member_comes_back_to_its_partitions(
    broker: Broker, wide_topic: str, enter: Callable[..., Member]
) -> None:
    settings = {"session": 20_000}
    first = enter("confluent-kafka", wide_topic, instance="a", **settings)
    second = enter("confluent-kafka", wide_topic, instance="b", **settings)
    share([first, second], PARTITIONS)
    had = first.owned()
    rebalances = len([line for line in second.lines if line.startswith("assigned")])
    first.kill()
    again = enter("confluent-kafka", wide_topic, instance="a", **settings)
    again.wait(lambda: again.owned() == had, "the same partitions")
    assert len([line for line in second.lines if line.startswith("assigned")]) == rebalances


@pytest.mark.parametrize("client", CLIENTS)
def test_the_broker_is_killed(make_broker: Callable[..., Broker], client: str) -> None:
    broker = make_broker(group_initial_rebalance_delay_ms=0)
    broker.start()
    with broker.connect() as connection:
        assert connection.create_topic("t") == 0
    member = Member(client, broker.address, "g", "t", session=20_000)
    try:
        clients.confluent_produce(broker.address, "t", numbers(10))
        member.wait(lambda: member.committed() == {0: 10}, "commit")
        broker.kill()
        broker.start()
        clients.confluent_produce(broker.address, "t", numbers(10, 10))
        member.wait(lambda: member.committed() == {0: 20}, "commit after the broker's start")
        assert [offset for _, offset in member.messages()] == list(range(20))
    finally:
        member.kill()
    # Another member finds what was committed last.
    clients.confluent_produce(broker.address, "t", numbers(1, 20))
    after = Member(client, broker.address, "other", "t", session=6_000)
    try:
        after.wait(lambda: after.committed() == {0: 21}, "commit")
    finally:
        after.kill()
