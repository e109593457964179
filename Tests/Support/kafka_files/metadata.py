# SPDX-License-Identifier: Apache-2.0
"""The metadata log of a node (KRaft): records, snapshots, quorum state, `meta.properties`."""
import base64
import json
import os
import re
import struct
import uuid

from . import state
from .batches import CONTROL, make_batch, put_unsigned, read_batches
from .codecs import need

TOPIC_ID = base64.urlsafe_b64encode(bytes(15) + b"\1").decode().rstrip("=")
LEADER_CHANGE, SNAPSHOT_HEADER, SNAPSHOT_FOOTER, KRAFT_VERSION, KRAFT_VOTERS = 2, 3, 4, 5, 6
# Record types that exist; the greatest version of each does not matter here.
KNOWN_RECORDS = set(range(30))


def uuid_text(value):
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def uuid_of(name):
    """Always the same 16 bytes for a name."""
    return uuid.uuid5(uuid.NAMESPACE_URL, name).bytes


# Records, in the flexible encoding


def string(text):
    data = text.encode()
    return put_unsigned(len(data) + 1) + data


def array(items):
    return put_unsigned(len(items) + 1) + b"".join(items)


def frame(kind, version, body):
    """A record's value: frame version 1, type, version, fields, no tagged fields."""
    return put_unsigned(1) + put_unsigned(kind) + put_unsigned(version) + body + b"\0"


def feature_level(name, level):
    return frame(12, 0, string(name) + struct.pack(">h", level))


def topic(name, topic_id):
    return frame(2, 0, string(name) + topic_id)


def partition(number, topic_id, node, leader_epoch, directory_id):
    replicas = array([struct.pack(">i", node)])
    return frame(3, 1, struct.pack(">i", number) + topic_id + replicas * 2 + array([]) * 2
                 + struct.pack(">iii", node, leader_epoch, leader_epoch) + array([directory_id]))


def config(kind, resource, name, value):
    return frame(4, 0, struct.pack(">b", kind) + string(resource) + string(name) + string(value))


# Batches


def data_batch(base, values, epoch, time):
    records = [(delta, time, None, value, []) for delta, value in enumerate(values)]
    return make_batch(base, records, epoch=epoch)


def control_batch(base, kind, value, epoch, time):
    return make_batch(base, [(0, time, struct.pack(">hh", 0, kind), value, [])], epoch=epoch, attributes=CONTROL)


def leader_change(base, leader, voters, epoch, time):
    ids = array([struct.pack(">i", voter) + b"\0" for voter in voters])
    return control_batch(base, LEADER_CHANGE, struct.pack(">hi", 0, leader) + ids * 2 + b"\0", epoch, time)


def snapshot(values, epoch, time, kraft_version=None):
    """The bytes of a snapshot, also of `bootstrap.checkpoint`; `kraft_version` is written where given."""
    data = control_batch(0, SNAPSHOT_HEADER, struct.pack(">hq", 0, time) + b"\0", epoch, time)
    end = 1
    if kraft_version is not None:
        data += control_batch(end, KRAFT_VERSION, struct.pack(">hh", 0, kraft_version) + b"\0", epoch, time)
        end += 1
    if values:
        data += data_batch(end, values, epoch, time)
        end += len(values)
    return data + control_batch(end, SNAPSHOT_FOOTER, struct.pack(">h", 0) + b"\0", epoch, time)


def meta_properties(cluster_id, node, directory_id):
    return (f"#\n#Fri Jan 02 03:04:05 UTC 2026\ncluster.id={cluster_id}\ndirectory.id={directory_id}\n"
            f"node.id={node}\nversion=1\n")


def quorum_state(leader, epoch, voters):
    return json.dumps({"clusterId": "", "leaderId": leader, "leaderEpoch": epoch, "votedId": -1, "appliedOffset": 0,
                       "currentVoters": [{"voterId": voter} for voter in voters], "data_version": 0},
                      separators=(",", ":"))


# Checking


def check_snapshot(path):
    name = os.path.basename(path)
    data = state.read_file(path)
    batches = read_batches(name, data, 0)
    need(len(batches) >= 2, f"{path}: {len(batches)} batches")
    kinds = []
    for batch in batches:
        for record in batch.records(name):
            if batch.is_control:
                version, kind = struct.unpack_from(">hh", record[2])
                need(version == 0, f"{path}: control record version {version}")
                kinds.append(kind)
            else:
                check_record(name, record)
                kinds.append(None)
    need(kinds[0] == SNAPSHOT_HEADER and kinds[-1] == SNAPSHOT_FOOTER, f"{path}: not framed: {kinds[:2]}, {kinds[-2:]}")
    need(not {SNAPSHOT_HEADER, SNAPSHOT_FOOTER} & set(kinds[1:-1]), f"{path}: a frame inside of the frame")
    return sum(kind is None for kind in kinds)


def check_record(name, record):
    value = record[3]
    need(record[2] is None, f"{name}: the record at {record[0]} has a key")
    need(value and value[0] == 1, f"{name}: the record at {record[0]} has no frame version 1")
    need(value[1] in KNOWN_RECORDS, f"{name}: the record at {record[0]} has type {value[1]}")


def check_batches(name, batches, epochs):
    """What a metadata log's batches must be, besides what every log's must."""
    for batch in batches:
        need(batch.producer == -1, f"{name}: the batch at {batch.base} has a producer")
        if not epochs or epochs[-1] != batch.epoch:
            need(not epochs or epochs[-1] < batch.epoch, f"{name}: the epoch goes back at {batch.base}")
            epochs.append(batch.epoch)
            records = batch.records(name)
            begins = batch.is_control and struct.unpack_from(">hh", records[0][2])[1] == LEADER_CHANGE
            need(begins, f"{name}: epoch {batch.epoch} does not begin with its leader")
        elif not batch.is_control:
            for record in batch.records(name):
                check_record(name, record)


def check_quorum_state(path):
    value = json.loads(state.read_file(path))
    need(value["data_version"] in (0, 1), f"{path}: version {value['data_version']}")
    for field in ("leaderId", "leaderEpoch", "votedId"):
        need(isinstance(value[field], int), f"{path}: {field} is {value.get(field)}")
    return value


def is_snapshot_name(name):
    return re.fullmatch(r"\d{20}-\d{10}\.checkpoint", name) is not None
