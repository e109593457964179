#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes Tests/KafkaRecordsTests/GoldenBatches.swift: batches made by other people's record builders.

Needs: pip install kafka-python aiokafka crc32c python-snappy lz4 zstandard cramjam xxhash
Usage: golden_batches.py > Tests/KafkaRecordsTests/GoldenBatches.swift
"""
import importlib.metadata as metadata
import textwrap

import kafka.record.default_records as kp2
import kafka.record.legacy_records as kp1
import aiokafka.record.default_records as aio2
import aiokafka.record.legacy_records as aio1

T = 1577994283622
CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
# (timestamp, key, value, headers)
RECORDS = [
    (T, b"key", b"value", [("h1", b"one"), ("h2", b"")]),
    (T + 7, None, b"x" * 300, []),
    (T - 1000, b"", None, [("n", None)]),
    (T + 70000, b"k" * 70, b"", []),
]


def v2(builder, codec, producer=(-1, -1, -1), transactional=False):
    b = builder(2, codec, transactional, *producer, 1 << 20)
    for offset, (timestamp, key, value, headers) in enumerate(RECORDS):
        assert b.append(offset, timestamp, key, value, headers) is not None
    return bytes(b.build())


def legacy(builder, magic, codec):
    b = builder(magic, codec, 1 << 20)
    for offset, (timestamp, key, value, _) in enumerate(RECORDS):
        assert b.append(offset, timestamp, key, value) is not None
    return bytes(b.build())


def emit(name, data):
    print(f'        GoldenBatch(\n            name: "{name}",\n            hex: """')
    for line in textwrap.wrap(data.hex(), 100):
        print(f"                {line}")
    print('                """),')


def main():
    versions = ", ".join(f"{p} {metadata.version(p)}" for p in ("kafka-python", "aiokafka"))
    print("// SPDX-License-Identifier: Apache-2.0")
    print(f"// Written by Tests/Scripts/golden_batches.py with {versions}. Do not edit.\n")
    print("/// A batch or message set that another implementation has built; the hex digits stand on lines of 100.")
    print("struct GoldenBatch: Sendable {\n    let name: String\n    let hex: String\n")
    print("    static let magic2: [GoldenBatch] = [")
    for name, codec in CODECS.items():
        emit(f"kafka-python {name}", v2(kp2.DefaultRecordBatchBuilder, codec))
        emit(f"aiokafka {name}", v2(aio2.DefaultRecordBatchBuilder, codec))
    emit("idempotent none", v2(kp2.DefaultRecordBatchBuilder, 0, (4711, 3, 2147483646), True))
    print("    ]\n")
    for magic in (0, 1):
        print(f"    static let magic{magic}: [GoldenBatch] = [")
        for name, codec in CODECS.items():
            if name == "zstd":
                continue
            emit(f"kafka-python {name}", legacy(kp1.LegacyRecordBatchBuilder, magic, codec))
            if (magic, name) != (0, "lz4"):  # aiokafka does not write the quirk
                emit(f"aiokafka {name}", legacy(aio1.LegacyRecordBatchBuilder, magic, codec))
        print("    ]" + ("\n" if magic == 0 else ""))
    print("}")


if __name__ == "__main__":
    main()
