#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads and writes a partition's directory, independently of the broker's own code.

Written from the published description of Apache Kafka's files, with the standard library only.

    log_directory.py check DIRECTORY [--interval BYTES]   one line of JSON, or the first fault on stderr and status 1
    log_directory.py make DIRECTORY [--segments N] [--interval BYTES]
                                                          a closed log with several segments, as a broker leaves it

`check` demands of a directory that was closed cleanly: batches whole, checksums right, offsets ascending and inside
their segment; each index exactly what its log calls for; snapshots and checkpoints well formed; files cut to size.
"""
import argparse
import gzip
import json
import os
import struct
import sys

BATCH = struct.Struct(">qiibIhiqqqhii")
assert BATCH.size == 61


def crc32c_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


TABLE = crc32c_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


class Fault(Exception):
    pass


def need(condition, what):
    if not condition:
        raise Fault(what)


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
    raw = (value << 1) ^ (value >> 63)
    raw &= (1 << 64) - 1
    out = bytearray()
    while raw >= 0x80:
        out.append(raw & 0x7F | 0x80)
        raw >>= 7
    out.append(raw)
    return bytes(out)


# Reading


def read_batches(name, data, base):
    """Yields a dictionary for every batch of a segment."""
    position, expected = 0, base
    while position < len(data):
        need(len(data) - position >= 61, f"{name}: {len(data) - position} bytes are left at {position}")
        (offset, length, epoch, magic, crc, attributes, last_delta, base_time, max_time, producer, producer_epoch,
         sequence, count) = BATCH.unpack_from(data, position)
        size = length + 12
        need(magic == 2, f"{name}: magic {magic} at {position}")
        need(length >= 49 and position + size <= len(data), f"{name}: length {length} at {position}")
        need(crc32c(data[position + 21:position + size]) == crc, f"{name}: wrong checksum at {position}")
        need(offset >= expected, f"{name}: offset {offset} at {position}, expected {expected}")
        need(attributes & ~0x7F == 0, f"{name}: attributes {attributes:#x} at {position}")
        yield dict(position=position, size=size, offset=offset, last=offset + last_delta, epoch=epoch,
                   attributes=attributes, base_time=base_time, max_time=max_time, producer=producer,
                   producer_epoch=producer_epoch, sequence=sequence, count=count,
                   records=data[position + 61:position + size])
        position += size
        expected = offset + last_delta + 1


def read_records(name, batch):
    data = batch["records"]
    codec = batch["attributes"] & 7
    if codec == 1:
        data = gzip.decompress(data)
    elif codec != 0:
        return None
    at, values = 0, []
    for index in range(batch["count"]):
        length, at = varint(data, at)
        end = at + length
        at += 1
        _, at = varint(data, at)
        delta, at = varint(data, at)
        fields = []
        for _ in range(2):
            size, at = varint(data, at)
            fields.append(None if size < 0 else data[at:at + size])
            at += max(size, 0)
        headers, at = varint(data, at)
        for _ in range(headers):
            size, at = varint(data, at)
            at += size
            size, at = varint(data, at)
            at += max(size, 0)
        need(at == end, f"{name}: record {index} at offset {batch['offset']} is {at - end} bytes too long")
        values.append((batch["offset"] + delta, fields[0], fields[1]))
    need(at == len(data), f"{name}: {len(data) - at} bytes behind the records of offset {batch['offset']}")
    return values


def expected_indexes(batches, base, interval):
    """The entries that a segment's indexes must have when its log was written in one go."""
    offsets, times = [], []
    since, largest, largest_last = 0, -1, base
    for batch in batches:
        if batch["max_time"] > largest:
            largest, largest_last = batch["max_time"], batch["last"]
        if since > interval:
            offsets.append((batch["last"] - base, batch["position"]))
            if largest > (times[-1][0] if times else -1):
                times.append((largest, largest_last - base))
            since = 0
        since += batch["size"]
    if largest > (times[-1][0] if times else -1):
        times.append((largest, largest_last - base))
    return offsets, times


def read_checkpoint(path, fields):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    need(text.endswith("\n") or not text, f"{path}: no newline at the end")
    lines = text.splitlines()
    if not lines:
        return []
    need(lines[0] == "0", f"{path}: version {lines[0]}")
    need(int(lines[1]) == len(lines) - 2, f"{path}: {lines[1]} entries announced, {len(lines) - 2} found")
    entries = [line.split(" ") for line in lines[2:]]
    need(all(len(entry) == fields for entry in entries), f"{path}: malformed line")
    return entries


def read_snapshot(path):
    with open(path, "rb") as file:
        data = file.read()
    version, crc, count = struct.unpack_from(">hIi", data)
    need(version == 1, f"{path}: version {version}")
    need(crc32c(data[6:]) == crc, f"{path}: wrong checksum")
    need(len(data) == 10 + 46 * count, f"{path}: {len(data)} bytes for {count} entries")
    return [struct.unpack_from(">qhiqiqiq", data, 10 + 46 * index) for index in range(count)]


def check(directory, interval):
    names = sorted(os.listdir(directory))
    bases = [int(name[:20]) for name in names if name.endswith(".log") and len(name) == 24]
    need(bases, "no segment")
    summary = dict(segments=bases, records=[], offsets=0, epochs=[], snapshots=[], producers={})
    expected, epochs = bases[0], []
    for base in bases:
        digits = f"{base:020d}"
        with open(os.path.join(directory, digits + ".log"), "rb") as file:
            data = file.read()
        need(base >= expected, f"segment {base} begins before {expected}")
        batches = list(read_batches(digits + ".log", data, base))
        for batch in batches:
            need(batch["last"] - base < 2 ** 31, f"offset {batch['last']} is too far from {base}")
            if not epochs or epochs[-1][0] != batch["epoch"]:
                epochs.append((batch["epoch"], batch["offset"]))
            if batch["producer"] >= 0 and not batch["attributes"] & 0x20:
                last_sequence = (batch["sequence"] + batch["last"] - batch["offset"]) & 0x7FFFFFFF
                summary["producers"][batch["producer"]] = [batch["producer_epoch"], last_sequence, batch["last"]]
            for offset, key, value in read_records(digits + ".log", batch) or []:
                summary["records"].append([offset, None if value is None else value.decode("utf-8", "replace")])
        if batches:
            expected = batches[-1]["last"] + 1
        check_indexes(directory, digits, batches, base, interval)
    summary["offsets"] = expected
    path = os.path.join(directory, "leader-epoch-checkpoint")
    written = [(int(a), int(b)) for a, b in read_checkpoint(path, 2)] if os.path.exists(path) else []
    need(written == epochs, f"leader epochs are {written}, the batches say {epochs}")
    summary["epochs"] = written
    for name in names:
        if name.endswith(".snapshot"):
            offset = int(name[:20])
            entries = read_snapshot(os.path.join(directory, name))
            summary["snapshots"].append(offset)
            # Between bases: the end at an earlier shutdown, which the next start removes.
            need(bases[0] <= offset <= expected, f"{name} is outside of the log")
            if offset == expected:
                known = {entry[0]: [entry[1], entry[2], entry[3]] for entry in entries}
                need(known == summary["producers"], f"{name} has {known}, the batches say {summary['producers']}")
        elif name == "partition.metadata":
            with open(os.path.join(directory, name), encoding="utf-8") as file:
                lines = file.read().splitlines()
            need(lines[0] == "version: 0" and lines[1].startswith("topic_id: "), f"{name}: {lines}")
            summary["topicID"] = lines[1][len("topic_id: "):]
        elif name[20:] not in (".log", ".index", ".timeindex") and name != "leader-epoch-checkpoint":
            raise Fault(f"{name} should not be there")
    summary["producers"] = {str(key): value for key, value in sorted(summary["producers"].items())}
    return summary


def check_indexes(directory, digits, batches, base, interval):
    found = []
    for suffix, layout in ((".index", ">ii"), (".timeindex", ">qi")):
        with open(os.path.join(directory, digits + suffix), "rb") as file:
            data = file.read()
        size = struct.calcsize(layout)
        need(len(data) % size == 0, f"{digits}{suffix} has {len(data)} bytes")
        found.append([struct.unpack_from(layout, data, at) for at in range(0, len(data), size)])
    if interval is None:
        at = {batch["position"]: batch["last"] for batch in batches}
        for offset, position in found[0]:
            need(at.get(position) == base + offset, f"{digits}.index: entry {offset} at {position} is no batch")
        return
    offsets, times = expected_indexes(batches, base, interval)
    need(found[0] == offsets, f"{digits}.index has {found[0]}, the log calls for {offsets}")
    need(found[1] == times, f"{digits}.timeindex has {found[1]}, the log calls for {times}")


# Writing


def make_batch(base, values, epoch, time, codec=0, producer=(-1, -1, -1), attributes=0):
    records = bytearray()
    for delta, value in enumerate(values):
        body = b"\0" + put_varint(delta) + put_varint(delta) + put_varint(-1)
        body += put_varint(-1) if value is None else put_varint(len(value)) + value
        body += put_varint(1) + put_varint(1) + b"h" + put_varint(-1)
        records += put_varint(len(body)) + body
    payload = gzip.compress(bytes(records), mtime=0) if codec == 1 else bytes(records)
    count = len(values)
    tail = struct.pack(">hiqqqhii", attributes | codec, count - 1, time, time + count - 1, producer[0], producer[1],
                       producer[2], count) + payload
    return struct.pack(">qiibI", base, len(tail) + 9, epoch, 2, crc32c(tail)) + tail


def make(directory, segments, interval):
    os.makedirs(directory, exist_ok=True)
    offset, sequence, epochs, producers = 0, 0, [], {}
    for number in range(segments):
        base, data = offset, b""
        epoch = number // 2 + 1
        if not epochs or epochs[-1][0] != epoch:
            epochs.append((epoch, offset))
        for step in range(12):
            values = [f"s{number}b{step}r{record}".encode() + b"x" * (37 * step % 301) for record in range(1 + step % 3)]
            if step == 7:
                values[0] = None
            identity = (4711, 2, sequence) if step % 2 else (-1, -1, -1)
            batch = make_batch(offset, values, epoch, 1700000000000 + offset * 10 - (step % 4) * 25, step % 2,
                               identity)
            data += batch
            offset += len(values)
            if step % 2:
                sequence += len(values)
                producers[4711] = (2, sequence - 1, offset - 1, len(values) - 1,
                                   1700000000000 + (offset - len(values)) * 10 - (step % 4) * 25 + len(values) - 1)
        write_segment(directory, base, data, interval)
        write_snapshot(directory, offset, producers)
    with open(os.path.join(directory, "leader-epoch-checkpoint"), "w", encoding="utf-8") as file:
        file.write(f"0\n{len(epochs)}\n" + "".join(f"{epoch} {start}\n" for epoch, start in epochs))
    with open(os.path.join(directory, "partition.metadata"), "w", encoding="utf-8") as file:
        file.write("version: 0\ntopic_id: tNJ3b6_xSD2HAy5MhZAmQw")


def write_segment(directory, base, data, interval):
    digits = os.path.join(directory, f"{base:020d}")
    batches = list(read_batches(digits, data, base))
    offsets, times = expected_indexes(batches, base, interval)
    for suffix, content in ((".log", data), (".index", b"".join(struct.pack(">ii", *entry) for entry in offsets)),
                            (".timeindex", b"".join(struct.pack(">qi", *entry) for entry in times))):
        with open(digits + suffix, "wb") as file:
            file.write(content)


def write_snapshot(directory, offset, producers):
    body = struct.pack(">i", len(producers))
    for producer, (epoch, last_sequence, last, delta, time) in sorted(producers.items()):
        body += struct.pack(">qhiqiqiq", producer, epoch, last_sequence, last, delta, time, -1, -1)
    with open(os.path.join(directory, f"{offset:020d}.snapshot"), "wb") as file:
        file.write(struct.pack(">hI", 1, crc32c(body)) + body)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    checking = commands.add_parser("check")
    checking.add_argument("directory")
    checking.add_argument("--interval", type=int, help="log.index.interval.bytes, where the log was written in one go")
    making = commands.add_parser("make")
    making.add_argument("directory")
    making.add_argument("--segments", type=int, default=5)
    making.add_argument("--interval", type=int, default=4096)
    arguments = parser.parse_args()
    try:
        if arguments.command == "check":
            print(json.dumps(check(arguments.directory, arguments.interval)))
        else:
            make(arguments.directory, arguments.segments, arguments.interval)
            print(json.dumps(check(arguments.directory, arguments.interval)))
    except Fault as fault:
        print(fault, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
