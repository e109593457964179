# SPDX-License-Identifier: Apache-2.0
"""Log directories as brokers leave them, each with what must be found when it is opened.

A case writes `t-0`, the checkpoints and the marker under a root, and returns an expectation: the log as it must be
once it is open, with `policy` (the topic's cleanup policy) and `tidy` (what the script may demand once it is closed).
"""
import os
import struct

from . import batches, metadata, state
from .codecs import GZIP, LZ4, NONE, SNAPPY, ZSTD
from .writer import TIME, LogWriter, path

TOPIC_ID = metadata.uuid_text(metadata.uuid_of("golden topic t"))
CODECS = (NONE, GZIP, SNAPPY, LZ4, ZSTD)
CASES = {}


def case(function):
    CASES[function.__name__.replace("_", "-")] = function
    return function


def finish(root, log, *, clean=True, marker=b'{"version":0,"brokerEpoch":42}', recovery=None, log_start=None,
           high_watermark=None, policy="delete", **more):
    """The files of the log directory, and the expectation."""
    high_watermark = log.end if high_watermark is None else high_watermark
    if clean:
        state.write_file(os.path.join(root, ".kafka_cleanshutdown"), marker)
        recovery = log.end if recovery is None else recovery
    for name, offset in (("recovery-point-offset-checkpoint", recovery), ("log-start-offset-checkpoint", log_start),
                         ("replication-offset-checkpoint", high_watermark)):
        entries = [] if offset is None else [("t", 0, offset)]
        state.write_file(os.path.join(root, name), state.checkpoint_text(entries))
    state.write_file(os.path.join(root, "meta.properties"), metadata.meta_properties(
        metadata.uuid_text(metadata.uuid_of("golden cluster")), 1, metadata.uuid_text(metadata.uuid_of("golden directory"))))
    expected = log.expectation(policy=policy, highWatermark=high_watermark, topicID=TOPIC_ID, clean=clean)
    expected.update(more)
    return expected


def sample(segments=4, batch_count=12, start=0, codecs=CODECS, epoch_step=2):
    """A log with all codecs, nulls, headers and idempotent producers."""
    log = LogWriter(start)
    for number in range(segments):
        if number:
            log.roll()
        for step in range(batch_count):
            values = [f"s{number}b{step}r{record}".encode() + b"x" * (37 * step % 301) for record in range(1 + step % 3)]
            if step == 7:
                values[0] = None
            log.append(values, epoch=1 + number // epoch_step, codec=codecs[step % len(codecs)],
                       keys=[b"" if step % 4 == 1 else b"key %d" % step] * len(values) if step % 4 else None,
                       headers=[(b"h", None), (b"text", b"\x00\xff")] if step % 5 == 0 else (),
                       producer=(4711 + step % 2, 2) if step % 3 else None,
                       time=TIME + log.end * 10 - step % 4 * 25)
    return log


def small(values=8, segments=4):
    """A log of one-record batches, two in each segment: for what happens to files."""
    log = LogWriter()
    for number in range(values):
        if number and number % (values // segments) == 0:
            log.roll()
        log.append([b"v%d" % number], keys=[b"k%d" % (number % 3)])
    return log


def put(root, name, content):
    state.write_file(os.path.join(root, "t-0", name), content)


def put_segment(root, log, base, ending, suffixes=(".log", ".index", ".timeindex")):
    """Writes a segment's files of `log` under names that end in `.cleaned`, `.swap` or `.deleted`."""
    for suffix, content in log.segment_files(base).items():
        if suffix in suffixes:
            put(root, f"{base:020d}{suffix}{ending}", content)


# Ordinary logs


@case
def plain(root):
    log = sample()
    log.write(f"{root}/t-0", topic_id=TOPIC_ID)
    return finish(root, log)


@case
def plain_after_a_crash(root):
    log = sample()
    log.write(f"{root}/t-0", topic_id=TOPIC_ID, preallocated=10 << 20, snapshot=False)
    return finish(root, log, clean=False, recovery=sorted(log.segments)[1])


@case
def plain_without_checkpoints_or_indexes(root):
    log = sample()
    log.write(f"{root}/t-0", topic_id=TOPIC_ID, snapshot=False)
    for name in os.listdir(f"{root}/t-0"):
        if name.endswith((".index", ".timeindex", ".snapshot")) or name == "leader-epoch-checkpoint":
            os.remove(f"{root}/t-0/{name}")
    expected = finish(root, log, clean=False)
    for name in os.listdir(root):
        if name.endswith("-checkpoint"):
            os.remove(f"{root}/{name}")
    # Without the checkpoint the high watermark begins at the start.
    return {**expected, "highWatermark": 0}


@case
def marker_of_an_older_broker(root):
    log = sample(segments=2)
    log.write(f"{root}/t-0", topic_id=TOPIC_ID)
    return finish(root, log, marker=b"")


@case
def sequences_that_wrap(root):
    log = LogWriter()
    log.sequences[(9, 0)] = 0x7FFFFFFF - 2
    for number in range(4):
        log.append([b"a%d" % number, b"b%d" % number], producer=(9, 0))
    log.append([b"new epoch"], producer=(9, 1))
    log.write(f"{root}/t-0", topic_id=TOPIC_ID)
    return finish(root, log)


@case
def large_offsets(root):
    log = sample(segments=3, start=(1 << 31) + 7)
    log.roll(log.end + (1 << 33))
    log.append([b"far"], epoch=3)
    log.write(f"{root}/t-0", topic_id=TOPIC_ID)
    # Only compaction leaves such a gap.
    return finish(root, log, policy="compact", tidy="compacted")


@case
def log_start_inside_of_a_segment(root):
    log = sample(segments=3)
    log.write(f"{root}/t-0", topic_id=TOPIC_ID)
    start = sorted(log.segments)[1] + 3
    expected = finish(root, log, log_start=start)
    return {**expected, "logStart": start, "epochs": [[max(e, 1), max(s, start)] for e, s in expected["epochs"]],
            "records": [record for record in expected["records"] if record[0] >= start]}


@case
def old_formats(root):
    log = LogWriter(interval=64)
    for magic in (0, 1):
        for number in range(3):
            log.add(batches.make_message(log.end, magic, TIME + log.end * 10, b"k%d" % number, b"plain %d" % log.end))
        for codec in (GZIP, SNAPPY, LZ4):
            messages = [(TIME + (log.end + i) * 10, None, b"inner %d" % (log.end + i)) for i in range(3)]
            log.add(batches.make_wrapper(log.end, magic, codec, messages))
        log.roll()
    for number in range(6):
        log.append([b"new %d" % number] * 2, epoch=0, producer=(1, 0))
    log.write(f"{root}/t-0", topic_id=TOPIC_ID)
    return finish(root, log)


@case
def old_formats_after_a_crash(root):
    expected = old_formats(root)
    os.remove(f"{root}/.kafka_cleanshutdown")
    state.write_file(f"{root}/recovery-point-offset-checkpoint", state.checkpoint_text([]))
    return {**expected, "clean": False}


# Transactions


def transactions_log():
    log = LogWriter()
    a, b, c = (100, 1), (200, 5), (300, 0)
    log.append([b"a0", b"a1"], producer=a, transactional=True)
    log.append([b"b0"], producer=b, transactional=True)
    log.append([b"plain"])
    log.append([b"a2"], producer=a, transactional=True)
    log.end_transaction(a, commit=False)
    log.end_transaction(b, commit=True)
    log.roll()
    log.append([b"a3"], producer=a, transactional=True)
    log.append([b"c0"], producer=c, transactional=True, codec=LZ4)
    log.append([b"b1"], producer=b, transactional=True)
    log.end_transaction(c, commit=False)
    log.roll()
    # Begun in the segment before.
    log.end_transaction(a, commit=False, coordinator_epoch=8)
    # A marker of a higher epoch, as a coordinator fences a producer.
    log.end_transaction((200, 6), commit=False, coordinator_epoch=8)
    log.append([b"c1"], producer=c, transactional=True)
    return log


@case
def transactions(root):
    log = transactions_log()
    log.write(f"{root}/t-0", topic_id=TOPIC_ID)
    return finish(root, log)


@case
def transactions_after_a_crash(root):
    log = transactions_log()
    log.write(f"{root}/t-0", topic_id=TOPIC_ID, preallocated=1 << 16, snapshot=False)
    for name in os.listdir(f"{root}/t-0"):
        if name.endswith(".txnindex"):
            os.remove(f"{root}/t-0/{name}")
    return finish(root, log, clean=False, recovery=0)


@case
def a_transaction_index_that_is_damaged(root):
    log = transactions_log()
    log.write(f"{root}/t-0", topic_id=TOPIC_ID)
    bases = sorted(log.segments)
    damaged = state.aborted_bytes(log.aborted[bases[1]])
    put(root, f"{bases[1]:020d}.txnindex", damaged[:-3])
    return finish(root, log)


# Compacted logs


def compacted_log():
    """What a cleaner leaves: gaps, empty batches, delete horizons, a first batch behind its segment's base."""
    log = LogWriter()
    horizon = TIME + 86_400_000
    record = lambda delta, key, value: (delta, TIME + delta, key, value, [])
    log.add(batches.make_batch(3, [record(0, b"a", b"1"), record(4, b"b", b"2")], last_delta=6, codec=GZIP))
    # Its records are gone, its producer's last sequence is kept.
    log.add(batches.make_batch(12, [], producer=(5, 1, 10), last_delta=3, max_time=TIME + 15))
    # Tombstones wait for their horizon; times count from it.
    log.add(batches.make_batch(20, [record(2, b"c", None)], last_delta=2, horizon=horizon))
    log.add(batches.make_batch(30, [record(0, b"d", b"4")], producer=(6, 0, 0), attributes=batches.TRANSACTIONAL,
                               epoch=1))
    log.add(batches.make_marker(31, commit=True, producer=6, producer_epoch=0, coordinator_epoch=2, time=TIME + 40,
                                epoch=1, horizon=horizon))
    log.roll(100)
    # All of it is gone but the epoch's last batch.
    log.add(batches.make_batch(150, [], epoch=2, producer=(5, 1, 14), last_delta=0, max_time=TIME + 90))
    log.roll(200)
    log.add(batches.make_batch(200, [record(0, b"e", b"5"), record(1, b"a", b"6")], epoch=2))
    return log


@case
def compacted(root):
    log = compacted_log()
    log.write(f"{root}/t-0", topic_id=TOPIC_ID)
    state.write_file(f"{root}/cleaner-offset-checkpoint", state.checkpoint_text([("t", 0, 200)]))
    return finish(root, log, policy="compact", tidy="compacted")


@case
def compacted_after_a_crash(root):
    log = compacted_log()
    log.write(f"{root}/t-0", topic_id=TOPIC_ID, snapshot=False)
    return finish(root, log, policy="compact", tidy="compacted", clean=False, recovery=0)


# Leftovers of interrupted work


@case
def deleted_files(root):
    log = small()
    log.write(f"{root}/t-0", topic_id=TOPIC_ID)
    put_segment(root, log, 2, ".deleted")
    put(root, f"{99:020d}.log.deleted", b"anything")
    put(root, f"{99:020d}.snapshot.deleted", b"anything")
    return finish(root, log)


@case
def a_cleaning_that_was_not_finished(root):
    log = small()
    log.write(f"{root}/t-0", topic_id=TOPIC_ID)
    put(root, f"{0:020d}.log.cleaned", log.segments[0][:30])
    put(root, f"{0:020d}.index.cleaned", b"")
    put(root, f"{0:020d}.timeindex.cleaned", b"")
    return finish(root, log, clean=False, recovery=8, policy="compact", tidy="compacted")


@case
def swaps_that_belong_to_an_unfinished_cleaning(root):
    """A segment was split: the second half is still being written, so the first half's swap must not count."""
    log = small()
    log.write(f"{root}/t-0", topic_id=TOPIC_ID)
    put(root, f"{2:020d}.log.cleaned", log.segments[2][:10])
    put(root, f"{2:020d}.log.swap", log.segments[2])
    put(root, f"{4:020d}.log.swap", log.segments[4])
    return finish(root, log, clean=False, recovery=8, policy="compact", tidy="compacted")


def cleaned_from(log, sources, keep):
    """A log with the segment that cleaning makes of `sources`, and the rest as it was."""
    result = LogWriter(interval=log.interval)
    result.segments = {}
    for base, data in log.segments.items():
        result.base = base
        if base not in sources or base == sources[0]:
            result.segments[base] = b""
            result.aborted[base] = []
        else:
            result.base = sources[0]
        for batch in batches.read_batches("", data, base):
            if base not in sources or batch.base in keep:
                result.add(batch.data)
    result.end = log.end
    result.snapshots = {base: () for base in log.snapshots}
    return result


def swap_case(root, in_place, gone):
    """Segments 2 and 4 became one; `in_place` are the suffixes that are renamed already, `gone` the old segments whose
    files are deleted already."""
    log = small()
    log.write(f"{root}/t-0", topic_id=TOPIC_ID)
    cleaned = cleaned_from(log, [2, 4], keep={3, 5})
    for suffix, content in cleaned.segment_files(2).items():
        put(root, f"{2:020d}{suffix}" + ("" if suffix in in_place else ".swap"), content)
    for base in gone:
        for suffix in (".log", ".index", ".timeindex", ".snapshot"):
            if base != 2 or suffix not in in_place:
                old = path(f"{root}/t-0", base, suffix)
                os.rename(old, old + ".deleted")
    return finish(root, cleaned, clean=False, recovery=8, policy="compact", tidy="compacted")


@case
def a_swap_before_the_old_files_went(root):
    return swap_case(root, in_place=(), gone=())


@case
def a_swap_after_the_first_old_file_went(root):
    return swap_case(root, in_place=(), gone=(2,))


@case
def a_swap_after_the_old_files_went(root):
    return swap_case(root, in_place=(), gone=(2, 4))


@case
def a_swap_whose_log_is_in_place(root):
    return swap_case(root, in_place=(".log",), gone=(2, 4))


@case
def a_swap_whose_indexes_are_in_place(root):
    return swap_case(root, in_place=(".index", ".timeindex"), gone=(2, 4))


@case
def a_split_that_was_swapped(root):
    """The other way round: segment 0 became the segments 0 and 1."""
    log = small()
    log.write(f"{root}/t-0", topic_id=TOPIC_ID)
    split = LogWriter(interval=log.interval)
    split.segments = {}
    for base in (0, 1, 2, 4, 6):
        split.segments[base], split.aborted[base], split.base = b"", [], base
        source = batches.read_batches("", log.segments[0 if base == 1 else base], 0)
        for batch in source:
            if base >= 2 or batch.base == base:
                split.add(batch.data)
    for base in (0, 1):
        put_segment(root, split, base, ".swap")
    return finish(root, split, clean=False, recovery=8)


# Damage


@case
def a_torn_tail(root):
    log = sample(segments=2)
    log.write(f"{root}/t-0", topic_id=TOPIC_ID, preallocated=1 << 16, snapshot=False)
    torn = batches.make_batch(log.end, [(0, TIME, b"k", b"torn" * 50, [])], epoch=9)
    base = max(log.segments)
    put(root, f"{base:020d}.log", log.segments[base] + torn[:-7])
    return finish(root, log, clean=False, recovery=base)


@case
def zeros_at_the_end(root):
    """The file was allocated ahead, and the machine stopped."""
    log = sample(segments=2)
    log.write(f"{root}/t-0", topic_id=TOPIC_ID, preallocated=1 << 16, snapshot=False)
    base = max(log.segments)
    put(root, f"{base:020d}.log", log.segments[base] + bytes(5000))
    return finish(root, log, clean=False, recovery=base)


@case
def a_flipped_bit_above_the_recovery_point(root):
    """Everything from there on goes, later segments included."""
    log = small()
    whole = LogWriter()
    for number in range(3):
        if number == 2:
            whole.roll()
        whole.append([b"v%d" % number], keys=[b"k%d" % (number % 3)])
    log.write(f"{root}/t-0", topic_id=TOPIC_ID, snapshot=False)
    data = bytearray(log.segments[2])
    data[-3] ^= 0x10
    put(root, f"{2:020d}.log", bytes(data))
    return finish(root, whole, clean=False, recovery=2)


@case
def indexes_that_are_wrong(root):
    """Cut short inside of an entry, filled with zeros, too large: each is built again."""
    log = sample(segments=4)
    log.write(f"{root}/t-0", topic_id=TOPIC_ID, snapshot=False)
    bases = sorted(log.segments)
    files = {base: log.segment_files(base) for base in bases}
    put(root, f"{bases[0]:020d}.index", files[bases[0]][".index"][:-3])
    put(root, f"{bases[1]:020d}.index", bytes(len(files[bases[1]][".index"])))
    put(root, f"{bases[2]:020d}.timeindex", files[bases[2]][".timeindex"] + struct.pack(">qi", 5, 1) * 9)
    os.remove(path(f"{root}/t-0", bases[3], ".timeindex"))
    return finish(root, log, clean=False, recovery=0)


@case
def stray_files(root):
    log = small()
    log.write(f"{root}/t-0", topic_id=TOPIC_ID)
    put(root, f"{77:020d}.index", b"")
    put(root, f"{77:020d}.timeindex", b"")
    put(root, f"{3:020d}.snapshot", state.snapshot_bytes([]))
    put(root, "leader-epoch-checkpoint.tmp", b"0\n")
    return finish(root, log)


@case
def a_snapshot_that_is_damaged(root):
    log = sample(segments=3)
    log.write(f"{root}/t-0", topic_id=TOPIC_ID)
    data = bytearray(state.read_file(path(f"{root}/t-0", log.end, ".snapshot")))
    data[20] ^= 1
    put(root, f"{log.end:020d}.snapshot", bytes(data))
    return finish(root, log)
