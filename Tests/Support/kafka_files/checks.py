# SPDX-License-Identifier: Apache-2.0
"""Checks directories that a broker wrote: first a partition's, then a whole log directory."""
import base64
import json
import os
import re
import struct

from . import metadata, state
from .batches import read_batches
from .codecs import need
from .writer import text

SEGMENT_SUFFIXES = (".log", ".index", ".timeindex", ".txnindex", ".snapshot")
LEFTOVERS = (".deleted", ".cleaned", ".swap", ".tmp", ".part")
CHECKPOINTS = ("recovery-point-offset-checkpoint", "log-start-offset-checkpoint", "replication-offset-checkpoint",
               "cleaner-offset-checkpoint")


class Options:
    """How strict to be. `interval`: every index entry must be there, as of a log written in one go. `crashed`: the log
    was not closed, so that its end may be torn and its last indexes may lack entries or end in zeros. `compacted`:
    batches may have been removed."""

    def __init__(self, interval=None, crashed=False, compacted=False, log_start=0):
        self.interval, self.crashed, self.compacted = interval, crashed, compacted
        # From the checkpoint: where the log begins, if that is inside of its first segment.
        self.log_start = log_start


def check_partition(directory, options):
    names = sorted(os.listdir(directory))
    bases = [int(name[:20]) for name in names if re.fullmatch(r"\d{20}\.log", name)]
    need(bases, f"{directory}: no segment")
    is_metadata = os.path.basename(directory) == "__cluster_metadata-0"
    check_names(directory, names, bases, options, is_metadata)
    snapshots = {int(name[:20]): state.read_snapshot(os.path.join(directory, name))
                 for name in names if re.fullmatch(r"\d{20}\.snapshot", name)}
    # The state before the first segment is in the snapshot at its base, and nowhere else.
    replay = state.Replay(snapshots.get(bases[0], ()))
    check = PartitionCheck(directory, bases, snapshots, replay, options)
    raft_epochs = []
    for base in bases:
        batches = check.segment(base)
        if is_metadata:
            metadata.check_batches(f"{base:020d}.log", batches, raft_epochs)
    check.end()
    summary = check.summary()
    for name in names:
        file = os.path.join(directory, name)
        if name == "partition.metadata":
            lines = state.read_file(file).decode().splitlines()
            need(lines[0] == "version: 0" and lines[1].startswith("topic_id: "), f"{file}: {lines}")
            need(len(base64.urlsafe_b64decode(lines[1][10:] + "==")) == 16, f"{file}: {lines[1]}")
            summary["topicID"] = lines[1][10:]
        elif metadata.is_snapshot_name(name):
            metadata.check_snapshot(file)
        elif name == "quorum-state":
            metadata.check_quorum_state(file)
    return summary


def check_names(directory, names, bases, options, is_metadata):
    allowed = {"leader-epoch-checkpoint", "partition.metadata"} | ({"quorum-state"} if is_metadata else set())
    for name in names:
        suffix = name[20:]
        if re.match(r"\d{20}", name) and suffix in SEGMENT_SUFFIXES:
            known = suffix == ".snapshot" or int(name[:20]) in bases
            need(known, f"{directory}/{name}: its log file is missing")
        elif is_metadata and metadata.is_snapshot_name(name):
            pass
        elif name.endswith(LEFTOVERS):
            # What was deleted waits for its time, unless the log is closed and opened again.
            need(options.crashed or name.endswith(".deleted"), f"{directory}/{name} was left")
        else:
            need(name in allowed, f"{directory}/{name} should not be there")


class PartitionCheck:
    """Goes through the segments in their order."""

    def __init__(self, directory, bases, snapshots, replay, options):
        self.directory, self.bases, self.snapshots, self.replay = directory, bases, snapshots, replay
        self.options = options
        self.expected = bases[0]
        self.records, self.unread, self.log_bytes = [], 0, 0
        self.first_epochs = []

    def path(self, offset, suffix):
        return os.path.join(self.directory, f"{offset:020d}{suffix}")

    def segment(self, base):
        name = f"{base:020d}.log"
        is_last = base == self.bases[-1]
        data = state.read_file(self.path(base, ".log"))
        self.log_bytes += len(data)
        if not self.options.compacted:
            need(base == self.expected, f"{self.directory}: segment {base} begins, {self.expected} was due")
        need(base >= self.expected, f"{self.directory}: segment {base} begins before {self.expected}")
        self.check_snapshot(base)
        batches = read_batches(name, data, base, tolerant=self.options.crashed and is_last)
        aborted, expected = [], base
        for batch in batches:
            need(batch.last - base < 2 ** 31, f"{name}: offset {batch.last} is too far from {base}")
            if not self.options.compacted:
                need(batch.base == expected, f"{name}: offset {batch.base}, {expected} was due")
            expected = batch.last + 1
            latest = self.replay.epochs[-1][0] if self.replay.epochs else -1
            need(batch.magic < 2 or batch.epoch >= latest, f"{name}: epoch {batch.epoch} at {batch.base} after {latest}")
            ended = self.replay.feed(batch)
            if ended:
                aborted.append(ended)
            self.collect(name, batch)
        self.expected = max(self.expected, expected)
        self.check_indexes(base, batches, is_last)
        self.check_aborted(base, aborted, is_last)
        return batches

    def collect(self, name, batch):
        records = batch.records(name)
        if records is None:
            self.unread += batch.count
        elif not batch.is_control:
            self.records += [[offset, time, text(key), text(value)] for offset, time, key, value in records]

    def end(self):
        if self.expected not in self.bases:
            self.check_snapshot(self.expected)
        if not self.options.crashed:
            # One that is missing says: nobody wrote with an id.
            need(self.expected in self.snapshots or not self.replay.producers,
                 f"{self.directory}: no snapshot at the end, {self.expected}")
            self.check_epochs()

    def check_epochs(self):
        path = os.path.join(self.directory, "leader-epoch-checkpoint")
        written = [(int(a), int(b)) for a, b in state.read_checkpoint(path, 2)] if os.path.exists(path) else []
        need(all(a[0] < b[0] and a[1] < b[1] for a, b in zip(written, written[1:])), f"{path} does not ascend")
        self.written_epochs = written
        said = self.replay.epochs
        if self.options.compacted:
            # The cleaner may have removed all batches of an epoch, or its first ones.
            for epoch, start in said:
                floor = max((entry for entry in written if entry[1] <= start), default=(None,))
                need(floor[0] == epoch, f"{path}: {start} has epoch {epoch}, the file says {floor[0]}")
            return
        start = self.options.log_start
        said = [(e, max(s, start)) for (e, s), (_, end) in zip(said, said[1:] + [(0, self.expected)]) if end > start]
        need(written[:len(said)] == said, f"{path}: {written}, the batches say {said}")
        need(all(start == self.expected for _, start in written[len(said):]), f"{path}: {written} beyond the batches")

    def check_snapshot(self, offset):
        """A snapshot is what the batches before its offset say; of older ones it may know more."""
        found = self.snapshots.get(offset)
        if found is None or offset == self.bases[0]:
            return
        path = self.path(offset, ".snapshot")
        need([e[0] for e in found] == sorted({e[0] for e in found}), f"{path}: producers do not ascend")
        replayed = {entry[0]: entry for entry in self.replay.entries}
        for entry in found:
            wanted = replayed.pop(entry[0], None)
            if wanted is None:
                known_before = entry[3] < self.bases[0] or self.options.compacted
                need(known_before, f"{path}: producer {entry[0]} at {entry[3]} is not in the log")
            elif entry != wanted:
                # Cleaning takes markers and first batches of transactions away, never a producer's last batch.
                same = self.options.compacted and entry[1:5] == wanted[1:5]
                need(same, f"{path}: {entry}, the batches say {wanted}")
        # Producers that were silent for too long are left out: that they are not here proves nothing, unless all are
        # missing though the last of them wrote just before.
        latest = max((entry[5] for entry in replayed.values()), default=0)
        newest = max((entry[5] for entry in self.replay.entries), default=0)
        need(newest - latest >= 86_400_000 or not replayed, f"{path}: producers {sorted(replayed)} are missing")

    def check_indexes(self, base, batches, is_last):
        open_end = self.options.crashed and is_last
        offsets = self.read_index(base, ".index", state.OFFSET_ENTRY, open_end)
        times = self.read_index(base, ".timeindex", state.TIME_ENTRY, open_end)
        name = self.path(base, "")
        if self.options.interval is not None and not self.options.crashed:
            wanted = state.index_entries(batches, base, self.options.interval)
            need(offsets == wanted[0], f"{name}.index has {offsets}, the log calls for {wanted[0]}")
            need(times == wanted[1], f"{name}.timeindex has {times}, the log calls for {wanted[1]}")
            return
        last_of = {batch.position: batch.last for batch in batches}
        for entry, position in offsets:
            need(last_of.get(position) == base + entry, f"{name}.index: entry {entry} at {position} is no batch")
        need(all(a[0] < b[0] and a[1] < b[1] for a, b in zip(offsets, offsets[1:])), f"{name}.index does not ascend")
        need(all(a[0] < b[0] and a[1] <= b[1] for a, b in zip(times, times[1:])), f"{name}.timeindex does not ascend")
        largest, at = -1, {}
        for batch in batches:
            if batch.max_time > largest:
                largest = batch.max_time
                at[largest] = batch.last - base
        for time, entry in times:
            need(at.get(time) == entry, f"{name}.timeindex: {time} is not first exceeded up to {entry}")
        if not open_end and largest >= 0:
            need(times and times[-1][0] == largest, f"{name}.timeindex does not end with {largest}")

    def read_index(self, base, suffix, layout, open_end):
        path = self.path(base, suffix)
        if open_end and not os.path.exists(path):
            return []
        data = state.read_file(path)
        need(len(data) % layout.size == 0, f"{path} has {len(data)} bytes")
        entries = list(layout.iter_unpack(data))
        while open_end and entries and entries[-1] == (0, 0):
            entries.pop()
        return entries

    def check_aborted(self, base, aborted, is_last):
        path = self.path(base, ".txnindex")
        found = state.read_aborted(path) if os.path.exists(path) else []
        if self.options.crashed and is_last:
            return
        if self.options.compacted:
            # Markers outlive what the cleaner removed of their transactions; entries of what is gone are gone.
            markers = {one.last_offset for one in self.replay.aborted}
            need(all(one.last_offset in markers for one in found), f"{path}: {found} without their markers")
            return
        need(found == aborted, f"{path}: {found}, the batches say {aborted}")

    def summary(self):
        open_offset = self.replay.first_open_offset
        return dict(
            segments=self.bases, logEnd=self.expected, bytes=self.log_bytes, records=self.records, unread=self.unread,
            epochs=getattr(self, "written_epochs", self.replay.epochs), snapshots=sorted(self.snapshots),
            producers=[list(entry) for entry in self.replay.entries], firstUnstable=open_offset,
            aborted=[[a.producer, a.first_offset, a.last_offset, a.last_stable] for a in self.replay.aborted],
            topicID=None)


# A whole log directory


def check_root(root, options, compacted=()):
    """`compacted`: names of topics whose logs may have gaps."""
    summary = dict(partitions={}, checkpoints={}, marker=None, snapshots=0)
    starts_path = os.path.join(root, "log-start-offset-checkpoint")
    starts = state.read_checkpoint(starts_path, 3) if os.path.exists(starts_path) else []
    log_starts = {f"{topic}-{number}": int(offset) for topic, number, offset in starts}
    for name in sorted(os.listdir(root)):
        path = os.path.join(root, name)
        if os.path.isdir(path):
            if re.fullmatch(r".+\.[0-9a-f]{32}-(delete|stray|future)", name):
                continue
            need(re.fullmatch(r"[A-Za-z0-9._-]+-\d+", name), f"{path} is no partition")
            is_compacted = options.compacted or name.rpartition("-")[0] in compacted
            own = Options(options.interval, options.crashed, is_compacted, log_starts.get(name, 0))
            summary["partitions"][name] = check_partition(path, own)
        elif name in CHECKPOINTS:
            entries = [(f"{t}-{p}", int(o)) for t, p, o in state.read_checkpoint(path, 3)]
            need(len(dict(entries)) == len(entries), f"{path}: a partition appears twice")
            summary["checkpoints"][name] = dict(entries)
        elif name == "meta.properties":
            summary["meta"] = check_meta(path)
        elif name == ".kafka_cleanshutdown":
            summary["marker"] = check_marker(path)
        elif name == "bootstrap.checkpoint":
            summary["snapshots"] += metadata.check_snapshot(path)
        else:
            need(name == ".lock" or options.crashed and name.endswith(".tmp"), f"{path} should not be there")
    need(options.crashed or summary["marker"] is not None, f"{root}: no marker of a clean shutdown")
    check_offsets(root, summary, options)
    return summary


def check_marker(path):
    data = state.read_file(path)
    if not data:
        return -1
    value = json.loads(data)
    need(value["version"] == 0, f"{path}: version {value['version']}")
    return value["brokerEpoch"]


def check_meta(path):
    lines = state.read_file(path).decode().splitlines()
    need(lines and lines[0].startswith("#"), f"{path} does not begin with a comment")
    values = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    need(values.get("version") == "1", f"{path}: version {values.get('version')}")
    need(re.fullmatch(r"\d+", values.get("node.id", "")), f"{path}: node.id {values.get('node.id')}")
    for key in ("cluster.id", "directory.id"):
        need(re.fullmatch(r"[A-Za-z0-9_-]{22}", values.get(key, "")), f"{path}: {key} {values.get(key)}")
    return values


def check_offsets(root, summary, options):
    for file, offsets in summary["checkpoints"].items():
        for name, offset in offsets.items():
            partition = summary["partitions"].get(name)
            if partition is None:
                need(options.crashed or file.startswith("cleaner"), f"{root}/{file}: {name} is not here")
                continue
            start, end = partition["segments"][0], partition["logEnd"]
            at = f"{root}/{file}: {name} is at {offset} of {start}..{end}"
            if options.crashed:
                need(offset <= end, at)
            elif file.startswith("recovery-point"):
                need(offset == end, at)
            else:
                need(start <= offset <= end, at)
    if not options.crashed:
        recovered = summary["checkpoints"].get("recovery-point-offset-checkpoint", {})
        for name, partition in summary["partitions"].items():
            known = name in recovered or name == "__cluster_metadata-0" or partition["logEnd"] == 0
            need(known, f"{root}: {name} has no recovery point")
