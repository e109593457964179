# SPDX-License-Identifier: Apache-2.0
"""Encodes and decodes Kafka messages in Python by interpreting Sources/KafkaProtocol/Schema.

Values are dictionaries of Kafka's field names. Only what the capture script needs: no defaults of ignorable fields are
checked, and unknown tagged fields are dropped.
"""
import pathlib
import re
import struct
import uuid

SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "Sources/KafkaProtocol/Schema"
INTEGERS = {"int8": ">b", "int16": ">h", "uint16": ">H", "int32": ">i", "uint32": ">I", "int64": ">q", "bool": ">?",
            "float64": ">d"}


def versions(text):
    if text.endswith("+"):
        return int(text[:-1]), 32767
    low, _, high = text.partition("-")
    return int(low), int(high or low)


class Field:
    def __init__(self, words, parent):
        self.name, kind = words[0], words[1]
        kind, _, null = kind.partition("?")
        self.is_array = kind.startswith("[]")
        self.type = kind[2:] if self.is_array else kind
        rest = words[2:]
        self.versions = parent
        if rest and re.match(r"\d", rest[0]):
            self.versions = versions(rest.pop(0))
        self.nullable = versions(null) if null else ((0, 32767) if "?" in words[1] else (1, 0))
        self.tag = int(rest[rest.index("tag") + 1]) if "tag" in rest else None
        self.default = rest[rest.index("=") + 1] if "=" in rest else None

    def present(self, version):
        return self.versions[0] <= version <= self.versions[1]

    def is_nullable(self, version):
        return self.nullable[0] <= version <= self.nullable[1]


class Message:
    """The request or the response of one API."""

    def __init__(self, lines, valid, flexible):
        self.valid, self.flexible, self.structs = valid, flexible, {}
        self.fields = self._fields(lines, 1, valid)

    def _fields(self, lines, level, parent):
        fields = []
        while lines and lines[0][0] >= level:
            _, words = lines.pop(0)
            if words[0] == "struct":
                self.structs[words[1]] = self._fields(lines, level + 1, parent)
                continue
            field = Field(words, parent)
            if lines and lines[0][0] > level:
                self.structs[field.type] = self._fields(lines, level + 1, field.versions)
            fields.append(field)
        return fields

    def is_flexible(self, version):
        return self.flexible is not None and version >= self.flexible

    # Encoding

    def encode(self, value, version):
        return self._encode_fields(self.fields, value, version)

    def _encode_fields(self, fields, value, version):
        out, tags = b"", []
        for field in fields:
            if not field.present(version):
                continue
            if field.tag is None:
                out += self._encode_field(field, value.get(field.name, self._default(field)), version)
            elif field.name in value:
                tags.append((field.tag, self._encode_field(field, value[field.name], version)))
        if self.is_flexible(version):
            out += varint(len(tags))
            for tag, data in sorted(tags):
                out += varint(tag) + varint(len(data)) + data
        return out

    def _default(self, field):
        if field.default == "null":
            return None
        if field.is_array:
            return []
        if field.type in INTEGERS:
            return int(field.default) if field.default and field.default != "true" else int(field.default == "true")
        return {"string": "", "bytes": b"", "records": None, "uuid": uuid.UUID(int=0)}.get(field.type, {})

    def _encode_field(self, field, value, version):
        if field.is_array:
            if value is None:
                return self._length(None, version)
            body = b"".join(self._encode_value(field, field.type, item, version) for item in value)
            return self._length(len(value), version) + body
        return self._encode_value(field, field.type, value, version)

    def _encode_value(self, field, kind, value, version):
        if kind in INTEGERS:
            return struct.pack(INTEGERS[kind], value)
        if kind == "uuid":
            return value.bytes
        if kind == "string":
            data = None if value is None else value.encode()
            if self.is_flexible(version):
                return self._length(None if data is None else len(data), version) + (data or b"")
            return struct.pack(">h", -1 if data is None else len(data)) + (data or b"")
        if kind in ("bytes", "records"):
            return self._length(None if value is None else len(value), version) + (value or b"")
        if field.is_nullable(version) and not field.is_array:
            if value is None:
                return b"\xff"
            return b"\x01" + self._encode_fields(self.structs[kind], value, version)
        return self._encode_fields(self.structs[kind], value, version)

    def _length(self, length, version):
        if self.is_flexible(version):
            return varint(0 if length is None else length + 1)
        return struct.pack(">i", -1 if length is None else length)

    # Decoding

    def decode(self, reader, version):
        return self._decode_fields(self.fields, reader, version)

    def _decode_fields(self, fields, reader, version):
        value = {f.name: self._decode_field(f, reader, version) for f in fields
                 if f.present(version) and f.tag is None}
        if self.is_flexible(version):
            known = {f.tag: f for f in fields if f.tag is not None and f.present(version)}
            for _ in range(reader.varint()):
                tag, data = reader.varint(), reader.take(reader.varint())
                if tag in known:
                    value[known[tag].name] = self._decode_field(known[tag], Reader(data), version)
        return value

    def _decode_field(self, field, reader, version):
        if field.is_array:
            count = self._read_length(reader, version)
            return None if count is None else [
                self._decode_value(field, reader, version) for _ in range(count)]
        return self._decode_value(field, reader, version)

    def _decode_value(self, field, reader, version):
        kind = field.type
        if kind in INTEGERS:
            return reader.unpack(INTEGERS[kind])
        if kind == "uuid":
            return uuid.UUID(bytes=reader.take(16))
        if kind == "string":
            flexible = self.is_flexible(version)
            length = self._read_length(reader, version) if flexible else reader.unpack(">h")
            return None if length is None or length < 0 else reader.take(length).decode()
        if kind in ("bytes", "records"):
            length = self._read_length(reader, version)
            return None if length is None else reader.take(length)
        if field.is_nullable(version) and not field.is_array and reader.unpack(">b") < 0:
            return None
        return self._decode_fields(self.structs[kind], reader, version)

    def _read_length(self, reader, version):
        length = reader.varint() - 1 if self.is_flexible(version) else reader.unpack(">i")
        return None if length < 0 else length


class API:
    def __init__(self, path):
        lines = []
        for text in path.read_text().splitlines():
            code = text.split("#")[0]
            if code.strip():
                lines.append(((len(code) - len(code.lstrip())) // 2, code.split()))
        words = lines.pop(0)[1]
        self.name, self.key = words[1], int(words[3])
        self.valid = versions(words[5])
        self.flexible = versions(words[7])[0] if words[6] == "flexible" else None
        split = next(i for i, line in enumerate(lines) if line == (0, ["response"]))
        self.request = Message(lines[1:split], self.valid, self.flexible)
        self.response = Message(lines[split + 1:], self.valid, self.flexible)


class Reader:
    def __init__(self, data):
        self.data, self.position = data, 0

    def take(self, count):
        piece = self.data[self.position:self.position + count]
        if len(piece) != count:
            raise ValueError("truncated")
        self.position += count
        return piece

    def unpack(self, form):
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def varint(self):
        result = shift = 0
        while True:
            byte = self.take(1)[0]
            result |= (byte & 127) << shift
            if byte < 128:
                return result
            shift += 7


def varint(value):
    out = b""
    while value >= 128:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def load():
    """All APIs by key."""
    return {api.key: api for api in map(API, sorted(SCHEMAS.glob("*.schema")))}
