# SPDX-License-Identifier: Apache-2.0
"""A small Kafka client on a plain socket, for what stock clients no longer send: the oldest versions of the protocol.

Requests and answers are written out by hand from the protocol's public description. Only non-flexible versions.
"""

from __future__ import annotations

import itertools
import socket
import struct
from dataclasses import dataclass

PRODUCE, FETCH, LIST_OFFSETS, METADATA, API_VERSIONS = 0, 1, 2, 3, 18
CREATE_TOPICS, INIT_PRODUCER_ID = 19, 22

NO_ERROR = 0
OFFSET_OUT_OF_RANGE = 1
CORRUPT_MESSAGE = 2
UNKNOWN_TOPIC_OR_PARTITION = 3
MESSAGE_TOO_LARGE = 10
INVALID_TOPIC = 17
INVALID_REQUIRED_ACKS = 21
UNSUPPORTED_VERSION = 35
TOPIC_ALREADY_EXISTS = 36
OUT_OF_ORDER_SEQUENCE_NUMBER = 45
UNSUPPORTED_COMPRESSION_TYPE = 76


class Writer:
    def __init__(self) -> None:
        self.data = bytearray()

    def int(self, kind: str, *values: float) -> Writer:
        self.data += struct.pack(">" + kind, *values)
        return self

    def string(self, text: str | None) -> Writer:
        if text is None:
            return self.int("h", -1)
        encoded = text.encode()
        self.int("h", len(encoded))
        self.data += encoded
        return self

    def bytes(self, data: bytes | None) -> Writer:
        self.int("i", -1 if data is None else len(data))
        self.data += data or b""
        return self


class Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0

    def int(self, kind: str) -> int:
        (value,) = struct.unpack_from(">" + kind, self.data, self.position)
        self.position += struct.calcsize(">" + kind)
        return value

    def string(self) -> str | None:
        size = self.int("h")
        return None if size < 0 else self.take(size).decode()

    def bytes(self) -> bytes | None:
        size = self.int("i")
        return None if size < 0 else self.take(size)

    def array(self, element) -> list:
        return [element() for _ in range(self.int("i"))]

    def take(self, count: int) -> bytes:
        taken = self.data[self.position : self.position + count]
        assert len(taken) == count, "the answer is cut off"
        self.position += count
        return taken

    def end(self) -> None:
        assert self.position == len(self.data), f"{len(self.data) - self.position} bytes too many in the answer"


@dataclass(frozen=True)
class Produced:
    error: int
    base_offset: int
    log_append_time: int = -1
    log_start_offset: int = -1


@dataclass(frozen=True)
class Fetched:
    error: int
    high_watermark: int
    records: bytes


class Connection:
    def __init__(self, host: str, port: int, timeout: float = 10) -> None:
        self.socket = socket.create_connection((host, port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.correlation = itertools.count(1)

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    # --- frames ---

    def send(self, api: int, version: int, body: bytes) -> int:
        number = next(self.correlation)
        header = Writer().int("hhi", api, version, number).string("wire-test").data
        self.socket.sendall(struct.pack(">i", len(header) + len(body)) + header + body)
        return number

    def receive(self) -> tuple[int, Reader]:
        """The next answer: its correlation id and its body."""
        (size,) = struct.unpack(">i", self._exactly(4))
        reader = Reader(self._exactly(size))
        return reader.int("i"), reader

    def _exactly(self, count: int) -> bytes:
        parts = bytearray()
        while len(parts) < count:
            part = self.socket.recv(min(count - len(parts), 1 << 20))
            if not part:
                raise ConnectionError("the server closed the connection")
            parts += part
        return bytes(parts)

    def call(self, api: int, version: int, body: bytes) -> Reader:
        sent = self.send(api, version, body)
        number, reader = self.receive()
        assert number == sent, f"answer {number} to request {sent}"
        return reader

    # --- requests ---

    def api_versions(self, version: int = 0) -> tuple[int, dict[int, tuple[int, int]]]:
        """The error, and the versions per API."""
        reader = self.call(API_VERSIONS, version, b"")
        error = reader.int("h")
        ranges = reader.array(lambda: (reader.int("h"), reader.int("h"), reader.int("h")))
        return error, {key: (low, high) for key, low, high in ranges}

    def metadata_v0(
        self, topics: list[str]
    ) -> tuple[dict[int, tuple[str, int]], dict[str, tuple[int, dict[int, int]]]]:
        """Brokers by id, and per topic its error and leader per partition. No topics means all."""
        body = Writer().int("i", len(topics))
        for topic in topics:
            body.string(topic)
        reader = self.call(METADATA, 0, body.data)
        brokers = reader.array(lambda: (reader.int("i"), (reader.string(), reader.int("i"))))

        def partition() -> tuple[int, int]:
            error, index, leader = reader.int("h"), reader.int("i"), reader.int("i")
            replicas, isr = reader.array(lambda: reader.int("i")), reader.array(lambda: reader.int("i"))
            assert error != NO_ERROR or (leader in replicas and leader in isr)
            return index, leader

        def topic() -> tuple[str, tuple[int, dict[int, int]]]:
            error, name = reader.int("h"), reader.string()
            return name, (error, dict(reader.array(partition)))

        found = reader.array(topic)
        reader.end()
        return dict(brokers), dict(found)

    def produce(
        self, version: int, topic: str, records: bytes, acks: int = 1, partition: int = 0, timeout_ms: int = 10_000
    ) -> Produced | None:
        """Versions 0–8. None without acknowledgement."""
        sent = self.send(PRODUCE, version, self.produce_body(version, topic, records, acks, partition, timeout_ms))
        if acks == 0:
            return None
        number, reader = self.receive()
        assert number == sent
        return self.read_produced(version, topic, partition, reader)

    @staticmethod
    def produce_body(
        version: int, topic: str, records: bytes, acks: int = 1, partition: int = 0, timeout_ms: int = 10_000
    ) -> bytes:
        body = Writer()
        if version >= 3:
            body.string(None)
        body.int("hii", acks, timeout_ms, 1).string(topic).int("ii", 1, partition).bytes(records)
        return bytes(body.data)

    @staticmethod
    def read_produced(version: int, topic: str, partition: int, reader: Reader) -> Produced:
        assert (reader.int("i"), reader.string()) == (1, topic)
        assert (reader.int("i"), reader.int("i")) == (1, partition)
        error, base_offset = reader.int("h"), reader.int("q")
        append_time = reader.int("q") if version >= 2 else -1
        start = reader.int("q") if version >= 5 else -1
        if version >= 8:
            reader.array(lambda: (reader.int("i"), reader.string()))
            reader.string()
        if version >= 1:
            assert reader.int("i") >= 0, "throttle time"
        reader.end()
        return Produced(error, base_offset, append_time, start)

    def fetch(
        self,
        version: int,
        topic: str,
        offset: int,
        partition: int = 0,
        max_wait_ms: int = 100,
        min_bytes: int = 1,
        max_bytes: int = 1 << 24,
    ) -> Fetched:
        """Versions 0–4."""
        body = Writer().int("iii", -1, max_wait_ms, min_bytes)
        if version >= 3:
            body.int("i", max_bytes)
        if version >= 4:
            body.int("b", 0)
        body.int("i", 1).string(topic).int("iiqi", 1, partition, offset, max_bytes)
        reader = self.call(FETCH, version, body.data)
        if version >= 1:
            assert reader.int("i") >= 0, "throttle time"
        assert (reader.int("i"), reader.string()) == (1, topic)
        assert (reader.int("i"), reader.int("i")) == (1, partition)
        error, high_watermark = reader.int("h"), reader.int("q")
        if version >= 4:
            reader.int("q")
            for _ in range(max(0, reader.int("i"))):
                reader.take(16)
        records = reader.bytes()
        reader.end()
        return Fetched(error, high_watermark, records or b"")

    def list_offsets_v0(self, topic: str, timestamp: int, count: int, partition: int = 0) -> tuple[int, list[int]]:
        """The error, and offsets of segment starts before the time, newest first."""
        body = Writer().int("ii", -1, 1).string(topic).int("iiqi", 1, partition, timestamp, count)
        reader = self.call(LIST_OFFSETS, 0, body.data)
        assert (reader.int("i"), reader.string()) == (1, topic)
        assert (reader.int("i"), reader.int("i")) == (1, partition)
        error, offsets = reader.int("h"), reader.array(lambda: reader.int("q"))
        reader.end()
        return error, offsets

    def list_offset(self, topic: str, timestamp: int, partition: int = 0) -> tuple[int, int]:
        """ListOffsets 1: the error and the offset. −1 is the end, −2 the start."""
        body = Writer().int("ii", -1, 1).string(topic).int("iiq", 1, partition, timestamp)
        reader = self.call(LIST_OFFSETS, 1, body.data)
        reader.int("i"), reader.string(), reader.int("i"), reader.int("i")
        error, _, offset = reader.int("h"), reader.int("q"), reader.int("q")
        reader.end()
        return error, offset

    def create_topic(
        self, name: str, partitions: int = 1, replicas: int = 1, configs: dict[str, str] | None = None
    ) -> int:
        """CreateTopics 2: the error."""
        body = Writer().int("i", 1).string(name).int("ihi", partitions, replicas, 0).int("i", len(configs or {}))
        for key, value in (configs or {}).items():
            body.string(key).string(value)
        reader = self.call(CREATE_TOPICS, 2, body.int("ib", 10_000, 0).data)
        reader.int("i")
        assert (reader.int("i"), reader.string()) == (1, name)
        error = reader.int("h")
        reader.string()
        reader.end()
        return error

    def init_producer_id(self) -> tuple[int, int, int]:
        """InitProducerId 0 without a transactional id: error, producer id, epoch."""
        reader = self.call(INIT_PRODUCER_ID, 0, Writer().string(None).int("i", 60_000).data)
        reader.int("i")
        answer = reader.int("h"), reader.int("q"), reader.int("h")
        reader.end()
        return answer
