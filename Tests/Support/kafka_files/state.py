# SPDX-License-Identifier: Apache-2.0
"""What a log's batches imply: producers, transactions, leader epochs, index entries; and the files that hold these."""
import struct
from dataclasses import astuple, dataclass

from .batches import TRANSACTIONAL
from .codecs import crc32c, need

OFFSET_ENTRY, TIME_ENTRY = struct.Struct(">ii"), struct.Struct(">qi")
ABORTED_ENTRY = struct.Struct(">hqqqq")
SNAPSHOT_ENTRY = struct.Struct(">qhiqiqiq")
assert (ABORTED_ENTRY.size, SNAPSHOT_ENTRY.size) == (34, 46)


@dataclass
class Producer:
    """An entry of a snapshot, in the order of its fields."""
    id: int
    epoch: int = -1
    last_sequence: int = -1
    last_offset: int = -1
    offset_delta: int = 0
    timestamp: int = -1
    coordinator_epoch: int = -1
    first_offset: int = -1

    def enter(self, epoch):
        if epoch != self.epoch:
            self.epoch = epoch
            self.last_sequence, self.last_offset, self.offset_delta = -1, -1, 0


@dataclass(frozen=True)
class Aborted:
    producer: int
    first_offset: int
    last_offset: int
    last_stable: int


class Replay:
    """Is fed a log's batches in their order."""

    def __init__(self, producers=()):
        self.producers = {one[0]: Producer(*one) for one in producers}
        self.epochs = []
        self.aborted = []

    def feed(self, batch):
        """Returns the aborted transaction that the batch ends, if it is a marker that does."""
        if batch.magic < 2:
            return None
        if batch.epoch >= 0 and (not self.epochs or batch.epoch > self.epochs[-1][0]):
            self.epochs.append((batch.epoch, batch.base))
        if batch.producer < 0:
            return None
        one = self.producers.setdefault(batch.producer, Producer(batch.producer))
        one.enter(batch.producer_epoch)
        one.timestamp = batch.max_time
        if batch.is_control:
            # A marker may outlive its record: the cleaner keeps the empty batch for the producer's sake.
            records = batch.records()
            return self._end(batch, one, records[0]) if records else None
        one.last_sequence, one.last_offset = batch.last_sequence, batch.last
        one.offset_delta = batch.last - batch.base
        if batch.attributes & TRANSACTIONAL and one.first_offset < 0:
            one.first_offset = batch.base
        return None

    def _end(self, batch, one, record):
        version, kind = struct.unpack_from(">hh", record[2])
        need(version == 0 and kind in (0, 1), f"control record {version}/{kind} of producer {batch.producer}")
        first, one.first_offset = one.first_offset, -1
        one.coordinator_epoch = struct.unpack_from(">hi", record[3])[1]
        if kind == 1 or first < 0:
            return None
        others = [p.first_offset for p in self.producers.values() if p.first_offset >= 0]
        ended = Aborted(batch.producer, first, batch.last, min(others, default=batch.last + 1))
        self.aborted.append(ended)
        return ended

    @property
    def entries(self):
        return [astuple(one) for _, one in sorted(self.producers.items())]

    @property
    def first_open_offset(self):
        return min((p.first_offset for p in self.producers.values() if p.first_offset >= 0), default=None)


def index_entries(batches, base, interval):
    """The entries that a segment's indexes must have when its log was written in one go."""
    offsets, times = [], []
    since, largest, largest_last = 0, -1, base
    for batch in batches:
        if batch.max_time > largest:
            largest, largest_last = batch.max_time, batch.last
        if since > interval:
            offsets.append((batch.last - base, batch.position))
            if largest > (times[-1][0] if times else -1):
                times.append((largest, largest_last - base))
            since = 0
        since += batch.size
    if largest > (times[-1][0] if times else -1):
        times.append((largest, largest_last - base))
    return offsets, times


# Files


def read_file(path):
    with open(path, "rb") as file:
        return file.read()


def write_file(path, content):
    with open(path, "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)


def checkpoint_text(entries):
    lines = "".join(" ".join(str(part) for part in entry) + "\n" for entry in entries)
    return f"0\n{len(entries)}\n{lines}"


def read_checkpoint(path, fields):
    text = read_file(path).decode()
    need(text.endswith("\n") or not text, f"{path}: no newline at the end")
    lines = text.splitlines()
    if not lines:
        return []
    need(lines[0] == "0", f"{path}: version {lines[0]}")
    need(int(lines[1]) == len(lines) - 2, f"{path}: {lines[1]} entries announced, {len(lines) - 2} found")
    entries = [line.split(" ") for line in lines[2:]]
    need(all(len(entry) == fields for entry in entries), f"{path}: malformed line")
    return entries


def snapshot_bytes(entries):
    body = struct.pack(">i", len(entries)) + b"".join(SNAPSHOT_ENTRY.pack(*entry) for entry in entries)
    return struct.pack(">hI", 1, crc32c(body)) + body


def read_snapshot(path):
    data = read_file(path)
    need(len(data) >= 10, f"{path}: {len(data)} bytes")
    version, crc, count = struct.unpack_from(">hIi", data)
    need(version == 1, f"{path}: version {version}")
    need(crc32c(data[6:]) == crc, f"{path}: wrong checksum")
    need(len(data) == 10 + SNAPSHOT_ENTRY.size * count, f"{path}: {len(data)} bytes for {count} entries")
    return list(SNAPSHOT_ENTRY.iter_unpack(data[10:]))


def aborted_bytes(aborted):
    return b"".join(ABORTED_ENTRY.pack(0, *(one.producer, one.first_offset, one.last_offset, one.last_stable))
                    for one in aborted)


def read_aborted(path):
    data = read_file(path)
    need(len(data) % ABORTED_ENTRY.size == 0, f"{path} has {len(data)} bytes")
    entries = list(ABORTED_ENTRY.iter_unpack(data))
    need(all(entry[0] == 0 for entry in entries), f"{path}: unknown version")
    need(all(a[3] < b[3] for a, b in zip(entries, entries[1:])), f"{path}: last offsets do not ascend")
    return [Aborted(*entry[1:]) for entry in entries]
