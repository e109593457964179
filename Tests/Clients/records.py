# SPDX-License-Identifier: Apache-2.0
"""Records in the three formats of Kafka, written for the tests alone: nothing here shares code with the server.

Formats 0 and 1 are message sets (CRC-32, nested when compressed), format 2 is the record batch (CRC-32C, varints).
"""

from __future__ import annotations

import gzip
import struct
import zlib
from dataclasses import dataclass, field

import cramjam
import lz4.frame
import zstandard

NONE, GZIP, SNAPPY, LZ4, ZSTD = range(5)
XERIAL_HEADER = b"\x82SNAPPY\x00" + struct.pack(">ii", 1, 1)


@dataclass(frozen=True)
class Record:
    key: bytes | None
    value: bytes | None
    timestamp: int = -1
    offset: int = -1
    headers: tuple[tuple[str, bytes | None], ...] = field(default=())


def compress(codec: int, data: bytes, magic: int = 2) -> bytes:
    if codec == GZIP:
        return gzip.compress(data, mtime=0)
    if codec == SNAPPY:
        block = bytes(cramjam.snappy.compress_raw(data))
        return XERIAL_HEADER + struct.pack(">i", len(block)) + block
    if codec == LZ4:
        frame = lz4.frame.compress(data)
        return _with_checksum_of_format_0(frame) if magic == 0 else frame
    if codec == ZSTD:
        return zstandard.ZstdCompressor().compress(data)
    return data


def decompress(codec: int, data: bytes, magic: int = 2) -> bytes:
    if codec == GZIP:
        return gzip.decompress(data)
    if codec == SNAPPY:
        if not data.startswith(XERIAL_HEADER[:8]):
            return bytes(cramjam.snappy.decompress_raw(data))
        blocks, position = [], len(XERIAL_HEADER)
        while position < len(data):
            (size,) = struct.unpack_from(">i", data, position)
            blocks.append(bytes(cramjam.snappy.decompress_raw(data[position + 4 : position + 4 + size])))
            position += 4 + size
        return b"".join(blocks)
    if codec == LZ4:
        return lz4.frame.decompress(_with_standard_checksum(data) if magic == 0 else data)
    if codec == ZSTD:
        return zstandard.ZstdDecompressor().decompressobj().decompress(data)
    return data


def _with_checksum_of_format_0(frame: bytes) -> bytes:
    """Format 0 has lz4 frames whose header checksum wrongly covers the frame's magic number, too."""
    end = _lz4_header_end(frame)
    return frame[:end] + bytes([xxhash32(frame[:end]) >> 8 & 0xFF]) + frame[end + 1 :]


def _with_standard_checksum(frame: bytes) -> bytes:
    end = _lz4_header_end(frame)
    assert frame[end] == xxhash32(frame[:end]) >> 8 & 0xFF, "header checksum of format 0"
    return frame[:end] + bytes([xxhash32(frame[4:end]) >> 8 & 0xFF]) + frame[end + 1 :]


def _lz4_header_end(frame: bytes) -> int:
    """Where the header's checksum stands: the header may hold the size of the content."""
    return 14 if frame[4] & 0x08 else 6


def xxhash32(data: bytes) -> int:
    """xxHash-32 with seed 0, for fewer than 16 bytes."""
    assert len(data) < 16
    mask = 0xFFFFFFFF
    primes = [0, 2_654_435_761, 2_246_822_519, 3_266_489_917, 668_265_263, 374_761_393]

    def rotated(value: int, bits: int) -> int:
        return (value << bits | value >> (32 - bits)) & mask

    value = primes[5] + len(data)
    words = len(data) // 4 * 4
    for (word,) in struct.iter_unpack("<I", data[:words]):
        value = rotated(value + word * primes[3] & mask, 17) * primes[4] & mask
    for byte in data[words:]:
        value = rotated(value + byte * primes[5] & mask, 11) * primes[1] & mask
    value = (value ^ value >> 15) * primes[2] & mask
    value = (value ^ value >> 13) * primes[3] & mask
    return value ^ value >> 16


# --- formats 0 and 1 -------------------------------------------------------------------------------------------------


def message_set(magic: int, records: list[Record], codec: int = NONE) -> bytes:
    """A message set; with a codec, one wrapper message around the set of the records."""
    inner = b"".join(_message(magic, index, record) for index, record in enumerate(records))
    if codec == NONE:
        return inner
    wrapper = Record(None, compress(codec, inner, magic), max((record.timestamp for record in records), default=-1))
    return _message(magic, len(records) - 1, wrapper, codec)


def _message(magic: int, offset: int, record: Record, codec: int = NONE) -> bytes:
    body = struct.pack(">bb", magic, codec)
    if magic == 1:
        body += struct.pack(">q", record.timestamp)
    body += _bytes32(record.key) + _bytes32(record.value)
    message = struct.pack(">I", zlib.crc32(body)) + body
    return struct.pack(">qi", offset, len(message)) + message


def _bytes32(data: bytes | None) -> bytes:
    return struct.pack(">i", -1) if data is None else struct.pack(">i", len(data)) + data


def parse_message_set(data: bytes, magic: int) -> list[Record]:
    """All whole records of a message set; every entry must be of the given format and have the right CRC."""
    records: list[Record] = []
    position = 0
    while position + 12 <= len(data):
        offset, size = struct.unpack_from(">qi", data, position)
        message = data[position + 12 : position + 12 + size]
        position += 12 + size
        if len(message) < size:
            break
        crc, found, attributes = struct.unpack_from(">Ibb", message, 0)
        assert found == magic, f"format {found} at offset {offset}, not {magic}"
        assert crc == zlib.crc32(message[4:]), f"wrong CRC at offset {offset}"
        at = 6
        timestamp = -1
        if magic == 1:
            (timestamp,) = struct.unpack_from(">q", message, at)
            at += 8
        key, at = _take32(message, at)
        value, at = _take32(message, at)
        if attributes & 7 == NONE:
            records.append(Record(key, value, timestamp, offset))
        else:
            records += _unwrapped(magic, offset, decompress(attributes & 7, value, magic))
    return records


def _take32(data: bytes, at: int) -> tuple[bytes | None, int]:
    (size,) = struct.unpack_from(">i", data, at)
    return (None, at + 4) if size < 0 else (data[at + 4 : at + 4 + size], at + 4 + size)


def _unwrapped(magic: int, wrapper_offset: int, inner: bytes) -> list[Record]:
    records = parse_message_set(inner, magic)
    if magic == 0:
        return records
    # Format 1 numbers the inner records from 0; the wrapper carries the offset of the last.
    first = wrapper_offset - records[-1].offset
    return [Record(r.key, r.value, r.timestamp, first + r.offset) for r in records]


# --- format 2 --------------------------------------------------------------------------------------------------------


def _crc32c_table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


_TABLE = _crc32c_table()


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def varint(value: int) -> bytes:
    """Zig-zag LEB128."""
    value = (value << 1) ^ (value >> 63)
    value &= 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def take_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at
        shift += 7


def record_batch(
    records: list[Record],
    codec: int = NONE,
    producer: tuple[int, int, int] = (-1, -1, -1),
    attributes: int = 0,
) -> bytes:
    """One record batch with base offset 0. `producer` is id, epoch and base sequence."""
    first = records[0].timestamp
    body = b"".join(_record(index, record, first) for index, record in enumerate(records))
    producer_id, epoch, sequence = producer
    checked = struct.pack(
        ">hiqqqhii",
        attributes | codec,
        len(records) - 1,
        first,
        max(record.timestamp for record in records),
        producer_id,
        epoch,
        sequence,
        len(records),
    ) + compress(codec, body)
    return struct.pack(">qiibI", 0, len(checked) + 9, -1, 2, crc32c(checked)) + checked


def _record(index: int, record: Record, first: int) -> bytes:
    body = b"\x00" + varint(record.timestamp - first) + varint(index)
    body += _varint_bytes(record.key) + _varint_bytes(record.value) + varint(len(record.headers))
    for key, value in record.headers:
        body += _varint_bytes(key.encode()) + _varint_bytes(value)
    return varint(len(body)) + body


def _varint_bytes(data: bytes | None) -> bytes:
    return varint(-1) if data is None else varint(len(data)) + data


@dataclass(frozen=True)
class Batch:
    base_offset: int
    leader_epoch: int
    attributes: int
    producer_id: int
    records: list[Record]


def parse_batches(data: bytes) -> list[Batch]:
    """All whole record batches of a fetch answer; formats and CRCs must be right."""
    batches = []
    position = 0
    while position + 61 <= len(data):
        base_offset, length, leader_epoch, magic, crc = struct.unpack_from(">qiibI", data, position)
        end = position + 12 + length
        if end > len(data):
            break
        assert magic == 2, f"format {magic} at offset {base_offset}"
        assert crc == crc32c(data[position + 21 : end]), f"wrong CRC at offset {base_offset}"
        attributes, _, first, _, producer_id, _, _, count = struct.unpack_from(">hiqqqhii", data, position + 21)
        body = decompress(attributes & 7, data[position + 61 : end])
        batches.append(
            Batch(base_offset, leader_epoch, attributes, producer_id, _parse_records(body, count, base_offset, first))
        )
        position = end
    return batches


def _parse_records(body: bytes, count: int, base_offset: int, first: int) -> list[Record]:
    records = []
    at = 0
    for _ in range(count):
        _, at = take_varint(body, at)
        timestamp, at = take_varint(body, at + 1)
        delta, at = take_varint(body, at)
        key, at = _take_varint_bytes(body, at)
        value, at = _take_varint_bytes(body, at)
        header_count, at = take_varint(body, at)
        headers = []
        for _ in range(header_count):
            name, at = _take_varint_bytes(body, at)
            content, at = _take_varint_bytes(body, at)
            headers.append((name.decode(), content))
        records.append(Record(key, value, first + timestamp, base_offset + delta, tuple(headers)))
    return records


def _take_varint_bytes(data: bytes, at: int) -> tuple[bytes | None, int]:
    size, at = take_varint(data, at)
    return (None, at) if size < 0 else (data[at : at + size], at + size)
