# SPDX-License-Identifier: Apache-2.0
"""The tests' own codec against a library's, so that a broker is not judged by a wrong measure."""

from __future__ import annotations

import lz4.frame
import pytest
from kafka.record.memory_records import MemoryRecords

import records
from records import Record

SAMPLE = [Record(b"k", b"v%d" % i, 1000 + i, i) for i in range(20)] + [
    Record(None, None, 5, 20),
    Record(b"", b"", 7, 21),
]


def read_by_library(data: bytes) -> list[tuple[bytes | None, bytes | None, int]]:
    found = []
    batches = MemoryRecords(data)
    while batches.has_next():
        batch = batches.next_batch()
        assert batch.validate_crc()
        found += [(record.key, record.value, record.offset) for record in batch]
    return found


# Format 0 has a frame checksum of its own kind for lz4, which the codec here does not write.
@pytest.mark.parametrize(("magic", "codec"), [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (1, 3)])
def test_message_sets(magic: int, codec: int) -> None:
    data = records.message_set(magic, SAMPLE, codec)
    wanted = [(record.key, record.value, record.offset) for record in SAMPLE]
    assert read_by_library(data) == wanted
    assert [(r.key, r.value, r.offset) for r in records.parse_message_set(data, magic)] == wanted


@pytest.mark.parametrize("codec", range(5))
def test_record_batches(codec: int) -> None:
    data = records.record_batch(SAMPLE, codec, producer=(12, 0, 5))
    assert read_by_library(data) == [(record.key, record.value, record.offset) for record in SAMPLE]
    (batch,) = records.parse_batches(data)
    assert (batch.producer_id, batch.attributes, batch.records) == (12, codec, SAMPLE)


def test_crc32c() -> None:
    assert records.crc32c(b"123456789") == 0xE3069283


def test_xxhash32() -> None:
    assert (records.xxhash32(b""), records.xxhash32(b"abc")) == (0x02CC5D05, 0x32D153FF)
    frame = lz4.frame.compress(b"x" * 100, store_size=False)
    assert frame[6] == records.xxhash32(frame[4:6]) >> 8 & 0xFF
