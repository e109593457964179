# SPDX-License-Identifier: Apache-2.0
"""Writes the files of a partition as a broker leaves them."""
import os

from . import state
from .batches import TRANSACTIONAL, make_batch, make_marker, read_batches
from .codecs import NONE

TIME = 1_700_000_000_000


class LogWriter:
    """One partition's log in memory: batches in segments, and what follows from them."""

    def __init__(self, start=0, interval=512):
        self.interval = interval
        self.segments = {start: b""}
        self.base = self.end = start
        self.replay = state.Replay()
        self.snapshots = {}
        self.aborted = {start: []}
        self.records = []
        self.sequences = {}

    # Content

    def add(self, data):
        """Appends the bytes of whole batches."""
        batches = read_batches("", data, 0)
        for batch in batches:
            ended = self.replay.feed(batch)
            if ended:
                self.aborted[self.base].append(ended)
            if not batch.is_control:
                self.records += batch.records()
            self.end = batch.last + 1
        self.segments[self.base] += data

    def append(self, values, *, epoch=0, codec=NONE, producer=None, transactional=False, keys=None, headers=(),
               time=None):
        """Appends a batch of `values` at the log's end; `producer` is (id, epoch), its sequences go on by themselves."""
        time = TIME + self.end * 10 if time is None else time
        identity = (-1, -1, -1)
        if producer:
            identity = (*producer, self.sequences.get(producer, 0))
            self.sequences[producer] = (identity[2] + len(values)) & 0x7FFFFFFF
        records = [(delta, time + delta, keys[delta] if keys else None, value, list(headers))
                   for delta, value in enumerate(values)]
        self.add(make_batch(self.end, records, epoch=epoch, codec=codec, producer=identity,
                            attributes=TRANSACTIONAL if transactional else 0))

    def end_transaction(self, producer, *, commit, coordinator_epoch=7, epoch=0):
        self.add(make_marker(self.end, commit=commit, producer=producer[0], producer_epoch=producer[1],
                             coordinator_epoch=coordinator_epoch, time=TIME + self.end * 10, epoch=epoch))

    def roll(self, base=None):
        self.base = self.end if base is None else base
        self.end = self.base
        self.segments[self.base] = b""
        self.aborted[self.base] = []
        self.snapshots[self.base] = self.replay.entries

    # Files

    def segment_files(self, base, preallocated=0):
        """{suffix: bytes} of one segment; `preallocated` is the size of index files that were not cut."""
        data = self.segments[base]
        offsets, times = state.index_entries(read_batches("", data, base), base, self.interval)
        files = {".log": data, ".index": b"".join(state.OFFSET_ENTRY.pack(*entry) for entry in offsets),
                 ".timeindex": b"".join(state.TIME_ENTRY.pack(*entry) for entry in times)}
        if preallocated:
            files[".index"] = files[".index"].ljust(preallocated // 8 * 8, b"\0")
            files[".timeindex"] = files[".timeindex"].ljust(preallocated // 12 * 12, b"\0")
        if self.aborted[base]:
            files[".txnindex"] = state.aborted_bytes(self.aborted[base])
        return files

    def write(self, directory, *, preallocated=0, topic_id=None, snapshot=True):
        """Writes everything. `preallocated` concerns the last segment's indexes, `snapshot` the one at the end."""
        os.makedirs(directory, exist_ok=True)
        last = max(self.segments)
        for base in self.segments:
            for suffix, content in self.segment_files(base, preallocated if base == last else 0).items():
                state.write_file(path(directory, base, suffix), content)
        snapshots = dict(self.snapshots)
        if snapshot:
            snapshots[self.end] = self.replay.entries
        for offset, entries in snapshots.items():
            state.write_file(path(directory, offset, ".snapshot"), state.snapshot_bytes(entries))
        state.write_file(os.path.join(directory, "leader-epoch-checkpoint"),
                         state.checkpoint_text(self.replay.epochs))
        if topic_id:
            state.write_file(os.path.join(directory, "partition.metadata"), f"version: 0\ntopic_id: {topic_id}")

    def expectation(self, **more):
        """What an implementation must say of the log once it is open."""
        open_offset = self.replay.first_open_offset
        return dict(
            interval=self.interval, segments=sorted(self.segments), logStart=min(self.segments), logEnd=self.end, epochs=self.replay.epochs,
            records=[[offset, time, text(key), text(value)] for offset, time, key, value in self.records],
            producers=[list(entry) for entry in self.replay.entries],
            aborted=[[a.producer, a.first_offset, a.last_offset, a.last_stable] for a in self.replay.aborted],
            firstUnstable=open_offset, **more)


def path(directory, offset, suffix):
    return os.path.join(directory, f"{offset:020d}{suffix}")


def text(part):
    return None if part is None else part.decode("utf-8", "replace")
