# SPDX-License-Identifier: Apache-2.0
"""A whole node's directory, as another broker would have left it: formatted, with a snapshot of its metadata, a topic
`t` and its records."""
import os

from . import metadata, state
from .codecs import GZIP, LZ4, NONE, SNAPPY, ZSTD
from .writer import LogWriter

TOPIC_ID = metadata.uuid_of("golden topic t")
DIRECTORY_ID = metadata.uuid_of("golden directory")
CLUSTER_ID = metadata.uuid_text(metadata.uuid_of("golden cluster"))
# metadata.version 3.9-IV0, which the versions from 3.9 on start with.
METADATA_VERSION = 21
LEADER_EPOCH = 3


def make(root, time):
    """Writes it; returns what its clients must find."""
    os.makedirs(root, exist_ok=True)
    state.write_file(os.path.join(root, "meta.properties"),
                     metadata.meta_properties(CLUSTER_ID, 1, metadata.uuid_text(DIRECTORY_ID)))
    features = [metadata.feature_level("metadata.version", METADATA_VERSION)]
    state.write_file(os.path.join(root, "bootstrap.checkpoint"), metadata.snapshot(features, 0, 0))
    make_metadata(os.path.join(root, "__cluster_metadata-0"), features, time)
    log = make_log(time)
    log.write(os.path.join(root, "t-0"), topic_id=metadata.uuid_text(TOPIC_ID))
    for name in ("recovery-point-offset-checkpoint", "replication-offset-checkpoint"):
        state.write_file(os.path.join(root, name), state.checkpoint_text([("t", 0, log.end)]))
    for name in ("log-start-offset-checkpoint", "cleaner-offset-checkpoint"):
        state.write_file(os.path.join(root, name), state.checkpoint_text([]))
    state.write_file(os.path.join(root, ".kafka_cleanshutdown"), b'{"version":0,"brokerEpoch":10}')
    return log.expectation(topicID=metadata.uuid_text(TOPIC_ID))


def make_metadata(directory, features, time):
    """A snapshot of offsets 0 to 5 of epoch 1, and a log from there: the rest of the topic's records, in epoch 2."""
    topic = metadata.topic("t", TOPIC_ID)
    partition = metadata.partition(0, TOPIC_ID, 1, LEADER_EPOCH, DIRECTORY_ID)
    config = metadata.config(2, "t", "retention.ms", "-1")
    end, epoch = 6, 1
    log = LogWriter(end)
    log.add(metadata.leader_change(end, 1, [1], 2, time))
    log.add(metadata.data_batch(log.end, [partition], 2, time))
    log.add(metadata.data_batch(log.end, [config], 2, time))
    log.write(directory, topic_id=metadata.TOPIC_ID)
    state.write_file(os.path.join(directory, f"{end:020d}-{epoch:010d}.checkpoint"),
                     metadata.snapshot(features + [topic], epoch, time))
    state.write_file(os.path.join(directory, "quorum-state"), metadata.quorum_state(1, 2, [1]))


def make_log(time):
    log = LogWriter()
    for number in range(40):
        if number in (10, 25):
            log.roll()
        codec = (NONE, GZIP, SNAPPY, LZ4, ZSTD)[number % 5]
        values = [b"%d.%d" % (number, index) + b"-" * (number * 7) for index in range(1 + number % 3)]
        log.append(values, epoch=0 if number < 15 else LEADER_EPOCH, codec=codec, time=time + log.end * 10,
                   keys=[b"key %d" % number] * len(values) if number % 2 else None,
                   producer=(1000, 0) if number % 4 == 0 else None)
    return log
