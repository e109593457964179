# SPDX-License-Identifier: Apache-2.0
"""Records the request frames that stock clients send, as golden bytes for KafkaProtocolTests.

    python3 capture_frames.py --output ../KafkaProtocolTests/Golden kcat confluent-kafka kafka-python aiokafka

A small server answers just enough for the clients to go on. Each client runs against several offers of versions: all
that the schemas have, those before flexible versions, and the older half of these. The first frame of each API and version is kept, whole, in
one file a client. Needs kcat, and the Python packages confluent-kafka, kafka-python and aiokafka.
"""
import argparse
import pathlib
import re
import socket
import struct
import subprocess
import threading
import time
import uuid

import schema_codec

APIS = schema_codec.load()
BY_NAME = {api.name: api for api in APIS.values()}
TOPIC_ID = uuid.UUID("6f1c9b1e-3d55-4c8a-9c5e-2a7f8e1d0b43")
MEMBER = "member-1"


class Broker:
    def __init__(self, offer):
        self.offer, self.frames, self.records = offer, {}, None
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def highest(self, api):
        if self.offer == "all" or api.flexible is None:
            return api.valid[1]
        return api.flexible - 1 if self.offer == "classic" else (api.flexible - 1) // 2

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def close(self):
        self.listener.close()

    def _serve(self, connection):
        stream = connection.makefile("rb")
        while True:
            try:
                prefix = stream.read(4)
                if len(prefix) < 4:
                    return
                payload = stream.read(struct.unpack(">i", prefix)[0])
                answer = self._answer(prefix, payload)
                if answer is not None:
                    connection.sendall(struct.pack(">i", len(answer)) + answer)
            except OSError:
                return

    def _answer(self, prefix, payload):
        reader = schema_codec.Reader(payload)
        key, version, correlation = reader.unpack(">h"), reader.unpack(">h"), reader.unpack(">i")
        length = reader.unpack(">h")
        if length > 0:
            reader.take(length)
        api = APIS[key]
        name = (api.name, version)
        self.frames.setdefault(name, prefix + payload)
        if not api.valid[0] <= version <= self.highest(api):
            body = BY_NAME["ApiVersions"].response.encode({"ErrorCode": 35}, 0)
            return struct.pack(">i", correlation) + body
        flexible = api.response.is_flexible(version)
        if flexible:
            reader.varint()
        request = api.request.decode(reader, version)
        make = getattr(self, "answer_" + api.name, lambda request, version: {})
        response = make(request, version)
        if response is None:
            return None
        header = struct.pack(">i", correlation) + (b"\0" if flexible and api.name != "ApiVersions" else b"")
        return header + api.response.encode(response, version)

    # Answers, by API

    def answer_ApiVersions(self, request, version):
        keys = [{"ApiKey": a.key, "MinVersion": a.valid[0], "MaxVersion": self.highest(a)}
                for a in APIS.values() if self.highest(a) >= a.valid[0]]
        return {"ApiKeys": keys}

    def answer_Metadata(self, request, version):
        names = [t.get("Name") or "events" for t in request.get("Topics") or []] or ["events"]
        partition = {"LeaderId": 1, "ReplicaNodes": [1], "IsrNodes": [1], "LeaderEpoch": 0}
        return {
            "Brokers": [{"NodeId": 1, "Host": "127.0.0.1", "Port": self.port}], "ClusterId": "captured",
            "ControllerId": 1,
            "Topics": [{"Name": n, "TopicId": TOPIC_ID, "Partitions": [partition]} for n in dict.fromkeys(names)],
        }

    def answer_DescribeCluster(self, request, version):
        return {"ClusterId": "captured", "ControllerId": 1,
                "Brokers": [{"BrokerId": 1, "Host": "127.0.0.1", "Port": self.port}]}

    def answer_FindCoordinator(self, request, version):
        place = {"NodeId": 1, "Host": "127.0.0.1", "Port": self.port}
        return place | {"Coordinators": [place | {"Key": k} for k in request.get("CoordinatorKeys", [])]}

    def answer_InitProducerId(self, request, version):
        return {"ProducerId": 1000, "ProducerEpoch": 0}

    def answer_Produce(self, request, version):
        responses = []
        for topic in request["TopicData"]:
            for partition in topic["PartitionData"]:
                self.records = partition["Records"]
            responses.append({"Name": topic.get("Name"), "TopicId": topic.get("TopicId"), "PartitionResponses": [
                {"Index": p["Index"], "BaseOffset": 0, "LogStartOffset": 0} for p in topic["PartitionData"]]})
        return {"Responses": responses} if request["Acks"] else None

    def answer_Fetch(self, request, version):
        responses = []
        for topic in request["Topics"]:
            partitions = []
            for p in topic["Partitions"]:
                wanted = p["FetchOffset"] == 0 and self.records
                partitions.append({"PartitionIndex": p["Partition"], "HighWatermark": 1, "LastStableOffset": 1,
                                   "LogStartOffset": 0, "Records": self.records if wanted else b""})
                if not wanted:
                    time.sleep(0.1)
            responses.append({"Topic": topic.get("Topic"), "TopicId": topic.get("TopicId"), "Partitions": partitions})
        if not responses:
            time.sleep(0.1)
        return {"Responses": responses}

    def answer_ListOffsets(self, request, version):
        return {"Topics": [{"Name": t["Name"], "Partitions": [
            {"PartitionIndex": p["PartitionIndex"], "Offset": 0, "OldStyleOffsets": [0], "LeaderEpoch": 0}
            for p in t["Partitions"]]} for t in request["Topics"]]}

    def answer_OffsetForLeaderEpoch(self, request, version):
        return {"Topics": [{"Topic": t["Topic"], "Partitions": [
            {"Partition": p["Partition"], "LeaderEpoch": 0, "EndOffset": 1} for p in t["Partitions"]]}
            for t in request["Topics"]]}

    def answer_JoinGroup(self, request, version):
        protocol = request["Protocols"][0]
        return {"GenerationId": 1, "ProtocolType": "consumer", "ProtocolName": protocol["Name"], "Leader": MEMBER,
                "MemberId": MEMBER, "Members": [{"MemberId": MEMBER, "Metadata": protocol["Metadata"]}]}

    def answer_SyncGroup(self, request, version):
        own = [a["Assignment"] for a in request["Assignments"] if a["MemberId"] == MEMBER]
        return {"ProtocolType": "consumer", "ProtocolName": "range", "Assignment": own[0] if own else b""}

    def answer_LeaveGroup(self, request, version):
        return {"Members": [{"MemberId": m["MemberId"]} for m in request.get("Members", [])]}

    def answer_ConsumerGroupHeartbeat(self, request, version):
        return {"MemberId": request["MemberId"] or MEMBER, "MemberEpoch": 1, "HeartbeatIntervalMs": 500,
                "Assignment": {"TopicPartitions": [{"TopicId": TOPIC_ID, "Partitions": [0]}]}}

    def answer_OffsetCommit(self, request, version):
        return {"Topics": [{"Name": t.get("Name"), "TopicId": t.get("TopicId"), "Partitions": [
            {"PartitionIndex": p["PartitionIndex"]} for p in t["Partitions"]]} for t in request["Topics"]]}

    def answer_OffsetFetch(self, request, version):
        def topics(wanted):
            return [{"Name": t.get("Name"), "TopicId": t.get("TopicId"), "Partitions": [
                {"PartitionIndex": p, "CommittedOffset": -1, "Metadata": ""} for p in t["PartitionIndexes"]]}
                for t in wanted or []]
        return {"Topics": topics(request.get("Topics")), "Groups": [
            {"GroupId": g["GroupId"], "Topics": topics(g["Topics"])} for g in request.get("Groups", [])]}

    def answer_CreateTopics(self, request, version):
        return {"Topics": [{"Name": t["Name"], "TopicId": TOPIC_ID, "NumPartitions": 1, "ReplicationFactor": 1}
                           for t in request["Topics"]]}

    def answer_DeleteTopics(self, request, version):
        names = request.get("TopicNames") or [t["Name"] for t in request.get("Topics", [])]
        return {"Responses": [{"Name": n} for n in names]}

    def answer_CreatePartitions(self, request, version):
        return {"Results": [{"Name": t["Name"]} for t in request["Topics"]]}

    def answer_DescribeConfigs(self, request, version):
        return {"Results": [{"ResourceType": r["ResourceType"], "ResourceName": r["ResourceName"]}
                            for r in request["Resources"]]}

    def answer_IncrementalAlterConfigs(self, request, version):
        return {"Responses": [{"ResourceType": r["ResourceType"], "ResourceName": r["ResourceName"]}
                              for r in request["Resources"]]}

    def answer_DeleteRecords(self, request, version):
        return {"Topics": [{"Name": t["Name"], "Partitions": [
            {"PartitionIndex": p["PartitionIndex"], "LowWatermark": 0} for p in t["Partitions"]]}
            for t in request["Topics"]]}

    def answer_DescribeGroups(self, request, version):
        return {"Groups": [{"GroupId": g, "GroupState": "Empty"} for g in request["Groups"]]}

    def answer_ConsumerGroupDescribe(self, request, version):
        # Not found as a group of the new protocol: the client then asks for a classic one.
        return {"Groups": [{"GroupId": g, "ErrorCode": 69} for g in request["GroupIds"]]}

    def answer_DeleteGroups(self, request, version):
        return {"Results": [{"GroupId": g} for g in request["GroupsNames"]]}

    def answer_CreateAcls(self, request, version):
        return {"Results": [{} for _ in request["Creations"]]}

    def answer_DeleteAcls(self, request, version):
        return {"FilterResults": [{} for _ in request["Filters"]]}

    def answer_AddPartitionsToTxn(self, request, version):
        return {"ResultsByTopicV3AndBelow": [
            {"Name": t["Name"], "ResultsByPartition": [{"PartitionIndex": p} for p in t["Partitions"]]}
            for t in request.get("V3AndBelowTopics", [])]}

    def answer_TxnOffsetCommit(self, request, version):
        return self.answer_OffsetCommit(request, version)


# Clients: each does a round of what its API offers and gives its version.

def run_kcat(broker):
    def kcat(*arguments, text=b""):
        subprocess.run(["kcat", "-b", broker.address, *arguments], input=text, capture_output=True, timeout=20)
    kcat("-P", "-t", "events", "-k", "key", "-H", "header=value", "-X", "acks=1", text=b"value\n")
    kcat("-P", "-t", "events", "-z", "gzip", "-X", "enable.idempotence=true", text=b"value\n")
    kcat("-C", "-t", "events", "-o", "beginning", "-c", "1", "-e")
    kcat("-C", "-t", "events", "-o", "beginning", "-c", "1", "-e", "-X", "isolation.level=read_uncommitted")
    kcat("-G", "group", "-c", "1", "events")
    kcat("-L")
    kcat("-Q", "-t", "events:0:-1")
    for fallback in ("0.9.0", "0.10.0"):
        old = ["-X", "api.version.request=false", "-X", f"broker.version.fallback={fallback}"]
        kcat("-P", "-t", "events", *old, text=b"value\n")
        kcat("-C", "-t", "events", "-o", "beginning", "-c", "1", "-e", *old)
    text = subprocess.run(["kcat", "-V"], capture_output=True, text=True).stdout
    numbers = re.search(r"Version (\S+).*librdkafka (\S+)", text)
    return f"kcat {numbers[1]}, librdkafka {numbers[2]}"


def run_confluent(broker):
    import confluent_kafka
    from confluent_kafka import admin
    base = {"bootstrap.servers": broker.address}

    def attempt(action):
        try:
            action()
        except Exception as error:  # a client that gives up has still sent its frame
            print("   ", type(error).__name__, str(error)[:100])

    producer = confluent_kafka.Producer(base | {"transactional.id": "transaction", "transaction.timeout.ms": 5000})
    attempt(lambda: producer.init_transactions(5))
    attempt(lambda: producer.begin_transaction())
    producer.produce("events", b"value", b"key", headers={"header": b"value"})
    attempt(lambda: producer.flush(5))
    consumer = confluent_kafka.Consumer(base | {"group.id": "group", "auto.offset.reset": "earliest"})
    consumer.subscribe(["events"])
    consumer.poll(6)
    position = [confluent_kafka.TopicPartition("events", 0, 1)]
    attempt(lambda: producer.send_offsets_to_transaction(position, consumer.consumer_group_metadata(), 5))
    attempt(lambda: producer.commit_transaction(5))
    attempt(lambda: consumer.commit(offsets=position, asynchronous=False))
    consumer.close()
    if broker.offer == "all":
        modern = confluent_kafka.Consumer(base | {"group.id": "modern", "group.protocol": "consumer"})
        modern.subscribe(["events"])
        modern.poll(3)
        modern.close()
    client = admin.AdminClient(base)
    topic = admin.ConfigResource(admin.ConfigResource.Type.TOPIC, "events")
    entry = admin.ConfigEntry("retention.ms", "1000")
    entry.incremental_operation = admin.AlterConfigOpType.SET
    changed = admin.ConfigResource(admin.ConfigResource.Type.TOPIC, "events", incremental_configs=[entry])
    binding = admin.AclBinding(
        admin.ResourceType.TOPIC, "events", admin.ResourcePatternType.LITERAL, "User:x", "*",
        admin.AclOperation.READ, admin.AclPermissionType.ALLOW)
    anything = admin.AclBindingFilter(
        admin.ResourceType.ANY, None, admin.ResourcePatternType.ANY, None, None, admin.AclOperation.ANY,
        admin.AclPermissionType.ANY)
    calls = [
        lambda: client.create_topics([admin.NewTopic("made", 1, 1, config={"retention.ms": "1"})]),
        lambda: client.create_partitions([admin.NewPartitions("made", 2)]),
        lambda: client.delete_topics(["made"]),
        lambda: client.describe_configs([topic]),
        lambda: client.incremental_alter_configs([changed]),
        lambda: client.create_acls([binding]),
        lambda: client.describe_acls(anything),
        lambda: client.delete_acls([anything]),
        lambda: {0: client.list_consumer_groups()},
        lambda: client.describe_consumer_groups(["group"]),
        lambda: client.delete_consumer_groups(["group"]),
        lambda: client.delete_records(position),
        lambda: {0: client.describe_cluster()},
        lambda: client.describe_topics(confluent_kafka.TopicCollection(["events"])),
        lambda: client.list_offsets({position[0]: admin.OffsetSpec.latest()}),
        lambda: {0: client.describe_user_scram_credentials()},
        lambda: client.elect_leaders(confluent_kafka.ElectionType.PREFERRED, position),
    ]
    for call in calls:
        def wait(call=call):
            futures = call()
            for future in futures.values() if isinstance(futures, dict) else [futures]:
                future.result(5)
        attempt(wait)
    return f"confluent-kafka {confluent_kafka.__version__}, librdkafka {confluent_kafka.libversion()[0]}"


def run_kafka_python(broker):
    import kafka

    def attempt(action):
        try:
            return action()
        except Exception as error:
            print("   ", type(error).__name__, str(error)[:100])

    def produce():
        producer = kafka.KafkaProducer(bootstrap_servers=broker.address, max_block_ms=5000)
        producer.send("events", b"value", key=b"key", headers=[("header", b"value")]).get(5)
        producer.close(5)

    def consume():
        consumer = kafka.KafkaConsumer(
            "events", bootstrap_servers=broker.address, group_id="group", auto_offset_reset="earliest",
            consumer_timeout_ms=3000)
        for _ in consumer:
            break
        attempt(consumer.commit)
        consumer.close()

    def administer():
        client = kafka.KafkaAdminClient(bootstrap_servers=broker.address, request_timeout_ms=5000)
        from kafka import admin
        for call in [
            lambda: client.create_topics([admin.NewTopic("made", 1, 1)]),
            lambda: client.delete_topics(["made"]),
            lambda: client.describe_configs([admin.ConfigResource(admin.ConfigResourceType.TOPIC, "events")]),
            lambda: client.list_groups(),
            lambda: client.describe_groups(["group"]),
            lambda: client.delete_groups(["group"]),
            lambda: client.describe_cluster(),
            lambda: client.list_topics(),
            lambda: client.describe_log_dirs(),
        ]:
            attempt(call)
        client.close()

    for step in (produce, consume, administer):
        attempt(step)
    return f"kafka-python {kafka.__version__}"


def run_aiokafka(broker):
    import asyncio

    import aiokafka
    from aiokafka import admin

    async def attempt(action):
        try:
            return await asyncio.wait_for(action, 6)
        except Exception as error:
            print("   ", type(error).__name__, str(error)[:100])

    async def produce():
        producer = aiokafka.AIOKafkaProducer(bootstrap_servers=broker.address, transactional_id="transaction")
        await producer.start()
        try:
            await producer.begin_transaction()
            await producer.send_and_wait("events", b"value", key=b"key", headers=[("header", b"value")])
            await producer.commit_transaction()
        finally:
            await producer.stop()

    async def consume():
        consumer = aiokafka.AIOKafkaConsumer(
            "events", bootstrap_servers=broker.address, group_id="group", auto_offset_reset="earliest")
        await consumer.start()
        try:
            await asyncio.wait_for(consumer.getone(), 3)
            await consumer.commit()
        finally:
            await consumer.stop()

    async def administer():
        client = admin.AIOKafkaAdminClient(bootstrap_servers=broker.address)
        await client.start()
        for call in (
            client.create_topics([admin.NewTopic("made", 1, 1)]), client.delete_topics(["made"]),
            client.list_consumer_groups(), client.describe_consumer_groups(["group"]), client.describe_cluster(),
        ):
            await attempt(call)
        await client.close()

    async def everything():
        for step in (produce, consume, administer):
            await attempt(step())

    asyncio.run(everything())
    return f"aiokafka {aiokafka.__version__}"


CLIENTS = {"kcat": run_kcat, "confluent-kafka": run_confluent, "kafka-python": run_kafka_python,
           "aiokafka": run_aiokafka}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("clients", nargs="+", choices=CLIENTS)
    options = parser.parse_args()
    for client in options.clients:
        frames = {}
        for offer in ("all", "classic", "half"):
            print(client, offer)
            broker = Broker(offer)
            version = CLIENTS[client](broker)
            broker.close()
            for name, frame in broker.frames.items():
                frames.setdefault(name, frame)
        lines = [f"# Request frames sent by {version}, recorded by Tests/Support/capture_frames.py.",
                 "# API, version, the whole frame with its length in hexadecimal."]
        lines += [f"{api} {number} {frame.hex()}" for (api, number), frame in sorted(frames.items())]
        (options.output / f"{client}.hex").write_text("\n".join(lines) + "\n")
        print(client, len(frames), "frames")


if __name__ == "__main__":
    main()
