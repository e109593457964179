# SPDX-License-Identifier: Apache-2.0
"""A member of a consumer group as a process of its own, so that a test can kill it.

usage: member.py CLIENT ADDRESS GROUP TOPIC [key=value …]

Prints a line for everything that happens: `assigned 0,1`, `revoked 0`, `message PARTITION OFFSET VALUE`, and
`committed PARTITION OFFSET` (the next offset to read) once the broker has taken it. SIGTERM leaves the group.
Settings: `instance` (static membership), `assignor` (range or cooperative-sticky), `protocol` (consumer), `session`
(milliseconds), `limit` (messages to read and commit before reading no more).
"""

from __future__ import annotations

import asyncio
import signal
import sys
import threading

stopping = threading.Event()


def say(*words: object) -> None:
    print(*words, flush=True)


def partitions(places: list) -> str:
    return ",".join(str(place.partition) for place in sorted(places, key=lambda place: place.partition)) or "-"


def run_confluent(address: str, group: str, topic: str, settings: dict[str, str]) -> None:
    import confluent_kafka

    config: dict[str, object] = {
        "bootstrap.servers": address,
        "group.id": group,
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        "log_level": 0,
    }
    if settings.get("protocol") == "consumer":
        config["group.protocol"] = "consumer"
    else:
        config["session.timeout.ms"] = int(settings.get("session", 6000))
        config["heartbeat.interval.ms"] = 500
        config["partition.assignment.strategy"] = settings.get("assignor", "range")
    if "instance" in settings:
        config["group.instance.id"] = settings["instance"]
    consumer = confluent_kafka.Consumer(config)
    left = int(settings.get("limit", 1 << 62))
    consumer.subscribe(
        [topic],
        on_assign=lambda _, places: say("assigned", partitions(places)),
        on_revoke=lambda _, places: say("revoked", partitions(places)),
        on_lost=lambda _, places: say("lost", partitions(places)),
    )
    while not stopping.is_set():
        message = consumer.poll(0.05) if left > 0 else None
        if left <= 0:
            stopping.wait(0.05)
        if message is None or message.error():
            continue
        say("message", message.partition(), message.offset(), message.value().decode())
        left -= 1
        try:
            consumer.commit(message, asynchronous=False)
            say("committed", message.partition(), message.offset() + 1)
        except confluent_kafka.KafkaException as error:
            say("refused", error.args[0].name())
    consumer.close()


def run_python(address: str, group: str, topic: str, settings: dict[str, str]) -> None:
    import kafka
    from kafka.coordinator.assignors.range import RangePartitionAssignor
    from kafka.structs import OffsetAndMetadata

    assignors: list = [RangePartitionAssignor]
    if settings.get("assignor") == "cooperative-sticky":
        from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor

        assignors = [CooperativeStickyAssignor]

    class Listener(kafka.ConsumerRebalanceListener):
        def on_partitions_assigned(self, assigned: list) -> None:
            say("assigned", partitions(list(assigned)))

        def on_partitions_revoked(self, revoked: list) -> None:
            say("revoked", partitions(list(revoked)))

    consumer = kafka.KafkaConsumer(
        bootstrap_servers=address,
        group_id=group,
        group_instance_id=settings.get("instance"),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=int(settings.get("session", 6000)),
        heartbeat_interval_ms=500,
        partition_assignment_strategy=assignors,
    )
    left = int(settings.get("limit", 1 << 62))
    consumer.subscribe([topic], listener=Listener())
    while not stopping.is_set():
        if left <= 0:
            stopping.wait(0.05)
            continue
        # kafka-python 3.0 forgets an assignment that arrives between two polls, when it had joined again because the
        # topic's partitions had become known: polls must outlast a rebalance.
        for place, records in consumer.poll(1000, max_records=1).items():
            for record in records:
                say("message", record.partition, record.offset, record.value.decode())
                left -= 1
                try:
                    consumer.commit({place: OffsetAndMetadata(record.offset + 1, "", -1)})
                    say("committed", record.partition, record.offset + 1)
                except kafka.errors.KafkaError as error:
                    say("refused", type(error).__name__)
    consumer.close()


def run_aio(address: str, group: str, topic: str, settings: dict[str, str]) -> None:
    import aiokafka

    class Listener(aiokafka.ConsumerRebalanceListener):
        def on_partitions_assigned(self, assigned: list) -> None:
            say("assigned", partitions(list(assigned)))

        def on_partitions_revoked(self, revoked: list) -> None:
            say("revoked", partitions(list(revoked)))

    async def run() -> None:
        consumer = aiokafka.AIOKafkaConsumer(
            bootstrap_servers=address,
            group_id=group,
            group_instance_id=settings.get("instance"),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=int(settings.get("session", 6000)),
            heartbeat_interval_ms=500,
        )
        left = int(settings.get("limit", 1 << 62))
        consumer.subscribe([topic], listener=Listener())
        await consumer.start()
        while not stopping.is_set():
            if left <= 0:
                await asyncio.sleep(0.05)
                continue
            for place, records in (await consumer.getmany(timeout_ms=50, max_records=1)).items():
                for record in records:
                    say("message", record.partition, record.offset, record.value.decode())
                    left -= 1
                    try:
                        await consumer.commit({place: record.offset + 1})
                        say("committed", record.partition, record.offset + 1)
                    except aiokafka.errors.KafkaError as error:
                        say("refused", type(error).__name__)
        await consumer.stop()

    asyncio.run(run())


CLIENTS = {"confluent-kafka": run_confluent, "kafka-python": run_python, "aiokafka": run_aio}

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    client, *where = sys.argv[1:5]
    CLIENTS[client](*where, dict(setting.split("=", 1) for setting in sys.argv[5:]))
