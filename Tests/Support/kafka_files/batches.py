# SPDX-License-Identifier: Apache-2.0
"""Record batches (magic 2) and the message sets before them (magic 0 and 1), as a segment holds them."""
import struct
import zlib
from dataclasses import dataclass, field

from .codecs import NONE, compress, crc32c, decompress, need

HEADER = struct.Struct(">qiibIhiqqqhii")
assert HEADER.size == 61
TRANSACTIONAL, CONTROL, HORIZON = 0x10, 0x20, 0x40


@dataclass
class Batch:
    """A batch, or one message of the old formats, where it stands in its segment."""
    position: int
    data: bytes
    magic: int
    base: int
    last: int
    attributes: int
    max_time: int
    epoch: int = -1
    base_time: int = -1
    producer: int = -1
    producer_epoch: int = -1
    sequence: int = -1
    count: int = 1
    _records: list = field(default=None)

    @property
    def size(self):
        return len(self.data)

    @property
    def last_sequence(self):
        return -1 if self.sequence < 0 else (self.sequence + self.last - self.base) & 0x7FFFFFFF

    @property
    def is_control(self):
        return self.magic == 2 and self.attributes & CONTROL != 0

    def records(self, name=""):
        """[(offset, timestamp, key, value)]; None where the codec cannot be read here."""
        if self._records is None:
            self._records = _read_records(self, name) if self.magic == 2 else _read_messages(self)
        return self._records


# Reading


def read_batches(name, data, base, tolerant=False):
    """All batches of a segment's bytes. `tolerant` ends the list at what is not one, as recovery does."""
    found, position, expected = [], 0, base
    while position < len(data):
        try:
            batch = _read_batch(name, data, position, expected)
        except Exception:
            if tolerant:
                return found
            raise
        found.append(batch)
        position += batch.size
        expected = batch.last + 1
    return found


def _read_batch(name, data, position, expected):
    at = f"{name}: at {position}"
    left = len(data) - position
    need(left >= 17, f"{at}: {left} bytes are left")
    offset, length = struct.unpack_from(">qi", data, position)
    magic, size = data[position + 16], length + 12
    need(size <= left, f"{at}: {size} bytes, {left} are left")
    whole = data[position:position + size]
    batch = _read_v2(at, whole, position, offset, length) if magic == 2 else _read_old(at, whole, position, magic)
    need(batch.base >= expected, f"{at}: offset {batch.base}, expected {expected}")
    return batch


def _read_v2(at, data, position, offset, length):
    need(length >= 49, f"{at}: length {length}")
    (_, _, epoch, _, crc, attributes, last_delta, base_time, max_time, producer, producer_epoch, sequence,
     count) = HEADER.unpack_from(data)
    need(crc32c(data[21:]) == crc, f"{at}: wrong checksum")
    need(attributes & ~0x7F == 0, f"{at}: attributes {attributes:#x}")
    need(attributes & 7 <= 4, f"{at}: codec {attributes & 7}")
    need(last_delta >= 0 and 0 <= count <= last_delta + 1, f"{at}: {count} records up to {last_delta}")
    return Batch(position, data, 2, offset, offset + last_delta, attributes, max_time, epoch, base_time, producer,
                 producer_epoch, sequence, count)


def _read_old(at, data, position, magic):
    need(magic in (0, 1), f"{at}: magic {magic}")
    last, _, crc, _, attributes = struct.unpack_from(">qiIbb", data)
    need(zlib.crc32(data[16:]) == crc, f"{at}: wrong checksum")
    time = struct.unpack_from(">q", data, 18)[0] if magic == 1 else -1
    batch = Batch(position, data, magic, last, last, attributes, time)
    records = batch.records(at)
    batch.base, batch.count = records[0][0], len(records)
    return batch


def _read_records(batch, name):
    data = decompress(batch.attributes & 7, batch.data[61:]) if batch.count else b""
    if data is None:
        return None
    at, values = 0, []
    for index in range(batch.count):
        length, at = varint(data, at)
        end = at + length
        time_delta, at = varint(data, at + 1)
        delta, at = varint(data, at)
        fields = []
        for _ in range(2):
            size, at = varint(data, at)
            fields.append(None if size < 0 else data[at:at + size])
            at += max(size, 0)
        headers, at = varint(data, at)
        for _ in range(headers):
            size, at = varint(data, at)
            size, at = varint(data, at + size)
            at += max(size, 0)
        need(at == end, f"{name}: record {index} of offset {batch.base} is {at - end} bytes too long")
        need(not values or values[-1][0] < batch.base + delta, f"{name}: offsets in {batch.base} do not ascend")
        time = batch.max_time if batch.attributes & 8 else batch.base_time + time_delta
        values.append((batch.base + delta, time, *fields))
    need(at == len(data), f"{name}: {len(data) - at} bytes behind the records of offset {batch.base}")
    need(not values or values[-1][0] <= batch.last, f"{name}: a record of {batch.base} is behind its batch")
    need(not values or batch.is_control or max(v[1] for v in values) == batch.max_time,
         f"{name}: the largest timestamp of {batch.base} is not {batch.max_time}")
    return values


def _read_messages(batch):
    """The messages that one of the old formats holds; offsets inside of a compressed one are relative in format 1."""
    time, key, value = _fields(batch.data, batch.magic)
    if batch.attributes & 7 == NONE:
        return [(batch.last, time, key, value)]
    inner, at, messages = decompress(batch.attributes & 7, value, batch.magic), 0, []
    while at < len(inner):
        offset, size = struct.unpack_from(">qi", inner, at)
        inner_time, key, value = _fields(inner[at:at + 12 + size], batch.magic)
        messages.append((offset, time if batch.attributes & 8 else inner_time, key, value))
        at += 12 + size
    shift = batch.last - messages[-1][0] if batch.magic == 1 else 0
    return [(offset + shift, *rest) for offset, *rest in messages]


def _fields(message, magic):
    at = 26 if magic == 1 else 18
    time = struct.unpack_from(">q", message, 18)[0] if magic == 1 else -1
    fields = []
    for _ in range(2):
        size = struct.unpack_from(">i", message, at)[0]
        fields.append(None if size < 0 else message[at + 4:at + 4 + size])
        at += 4 + max(size, 0)
    return time, *fields


# Writing


def varint(data, at):
    raw = shift = 0
    while True:
        byte = data[at]
        at += 1
        raw |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return (raw >> 1) ^ -(raw & 1), at


def put_varint(value):
    raw = ((value << 1) ^ (value >> 63)) & (1 << 64) - 1
    return put_unsigned(raw)


def put_unsigned(raw):
    out = bytearray()
    while raw >= 0x80:
        out.append(raw & 0x7F | 0x80)
        raw >>= 7
    out.append(raw)
    return bytes(out)


def make_batch(base, records, *, epoch=0, codec=NONE, producer=(-1, -1, -1), attributes=0, last_delta=None,
               horizon=None, max_time=None):
    """`records` are (offset delta, timestamp, key, value, headers)."""
    base_time = horizon if horizon is not None else records[0][1] if records else -1
    body = b""
    for delta, time, key, value, headers in records:
        record = b"\0" + put_varint(time - base_time) + put_varint(delta)
        for part in (key, value):
            record += put_varint(-1) if part is None else put_varint(len(part)) + part
        record += put_varint(len(headers))
        for name, part in headers:
            record += put_varint(len(name)) + name
            record += put_varint(-1) if part is None else put_varint(len(part)) + part
        body += put_varint(len(record)) + record
    if max_time is None:
        max_time = max((record[1] for record in records), default=-1)
    attributes |= codec | (HORIZON if horizon is not None else 0)
    last = last_delta if last_delta is not None else records[-1][0]
    payload = compress(codec, body) if records else b""
    tail = struct.pack(">hiqqqhii", attributes, last, base_time, max_time, *producer, len(records)) + payload
    return struct.pack(">qiibI", base, len(tail) + 9, epoch, 2, crc32c(tail)) + tail


def make_marker(base, *, commit, producer, producer_epoch, coordinator_epoch, time, epoch=0, horizon=None):
    """The control batch that ends a transaction."""
    record = (0, time, struct.pack(">hh", 0, 1 if commit else 0), struct.pack(">hi", 0, coordinator_epoch), [])
    return make_batch(base, [record], epoch=epoch, producer=(producer, producer_epoch, -1),
                      attributes=TRANSACTIONAL | CONTROL, horizon=horizon)


def make_message(offset, magic, time, key, value, attributes=0):
    body = struct.pack(">bb", magic, attributes) + (struct.pack(">q", time) if magic == 1 else b"")
    for part in (key, value):
        body += struct.pack(">i", -1) if part is None else struct.pack(">i", len(part)) + part
    return struct.pack(">qiI", offset, len(body) + 4, zlib.crc32(body)) + body


def make_wrapper(base, magic, codec, messages):
    """A compressed message of an old format; `messages` are (timestamp, key, value)."""
    inner = b"".join(make_message(index if magic == 1 else base + index, magic, *message)
                     for index, message in enumerate(messages))
    time = max(message[0] for message in messages) if magic == 1 else -1
    return make_message(base + len(messages) - 1, magic, time, None, compress(codec, inner, magic), codec)
