# SPDX-License-Identifier: Apache-2.0
"""Checksums, and the four codecs as far as files need them.

What is written is a valid frame whose blocks are stored, not compressed (gzip excepted): any reader must take it. What
is read may be compressed; for Zstandard that needs the package zstandard.
"""
import struct
import zlib

NONE, GZIP, SNAPPY, LZ4, ZSTD = range(5)
XERIAL = b"\x82SNAPPY\x00"


class Fault(Exception):
    """Something in a file is not as it must be."""


def need(condition, what):
    if not condition:
        raise Fault(what)


def _crc32c_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


_TABLE = _crc32c_table()


def crc32c(data):
    crc, table = 0xFFFFFFFF, _TABLE
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def xxh32(data):
    """XXH32 with seed 0, for the header checksum of LZ4 frames."""
    p1, p2, p3, p4, p5 = 2654435761, 2246822519, 3266489917, 668265263, 374761393
    mask = 0xFFFFFFFF

    def rotate(value, bits):
        return (value << bits | value >> (32 - bits)) & mask

    position, size = 0, len(data)
    if size >= 16:
        lanes = [(p1 + p2) & mask, p2, 0, -p1 & mask]
        while position + 16 <= size:
            for lane in range(4):
                word = struct.unpack_from("<I", data, position + 4 * lane)[0]
                lanes[lane] = rotate((lanes[lane] + word * p2) & mask, 13) * p1 & mask
            position += 16
        value = sum(rotate(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18))) & mask
    else:
        value = p5
    value = (value + size) & mask
    while position + 4 <= size:
        value = rotate((value + struct.unpack_from("<I", data, position)[0] * p3) & mask, 17) * p4 & mask
        position += 4
    for byte in data[position:]:
        value = rotate((value + byte * p5) & mask, 11) * p1 & mask
    value = (value ^ value >> 15) * p2 & mask
    value = (value ^ value >> 13) * p3 & mask
    return value ^ value >> 16


def compress(codec, data, magic=2):
    if codec == NONE:
        return data
    if codec == GZIP:
        packer = zlib.compressobj(wbits=31)
        return packer.compress(data) + packer.flush()
    if codec == SNAPPY:
        return XERIAL + struct.pack(">ii", 1, 1) + struct.pack(">i", len(_snappy_block(data))) + _snappy_block(data)
    if codec == LZ4:
        descriptor = bytes([0x60, 0x40])
        # Messages of format 0 carry a checksum over the magic number, too, which is against the frame's definition.
        covered = struct.pack("<I", 0x184D2204) + descriptor if magic == 0 else descriptor
        out = struct.pack("<I", 0x184D2204) + descriptor + bytes([xxh32(covered) >> 8 & 0xFF])
        for start in range(0, len(data), 65536):
            piece = data[start:start + 65536]
            out += struct.pack("<I", len(piece) | 0x80000000) + piece
        return out + bytes(4)
    need(codec == ZSTD, f"there is no codec {codec}")
    out = struct.pack("<IBI", 0xFD2FB528, 0xA0, len(data))
    pieces = [data[start:start + 131072] for start in range(0, len(data), 131072)] or [b""]
    for index, piece in enumerate(pieces):
        out += struct.pack("<I", len(piece) << 3 | (index == len(pieces) - 1))[:3] + piece
    return out


def _snappy_block(data):
    out, size = bytearray(), len(data)
    while size >= 0x80:
        out.append(size & 0x7F | 0x80)
        size >>= 7
    out.append(size)
    for start in range(0, len(data), 60):
        piece = data[start:start + 60]
        out.append((len(piece) - 1) << 2)
        out += piece
    return bytes(out)


def decompress(codec, data, magic=2):
    """The plain bytes; None where they are in Zstandard's compressed blocks and nothing here can read those."""
    if codec == NONE:
        return data
    if codec == GZIP:
        return zlib.decompress(data, wbits=31)
    if codec == SNAPPY:
        if not data.startswith(XERIAL):
            return _read_snappy(data)
        out, position = b"", len(XERIAL) + 8
        while position < len(data):
            size = struct.unpack_from(">i", data, position)[0]
            out += _read_snappy(data[position + 4:position + 4 + size])
            position += 4 + size
        return out
    if codec == LZ4:
        return _read_lz4(data, magic)
    need(codec == ZSTD, f"there is no codec {codec}")
    return _read_zstd(data)


def _copy(out, distance, length):
    need(0 < distance <= len(out), "a copy reaches before the beginning")
    for _ in range(length):
        out.append(out[-distance])


def _read_snappy(data):
    size = shift = position = 0
    while True:
        byte = data[position]
        position += 1
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    out = bytearray()
    while position < len(data):
        tag = data[position]
        position += 1
        if tag & 3 == 0:
            length = tag >> 2
            if length >= 60:
                width = length - 59
                length = int.from_bytes(data[position:position + width], "little")
                position += width
            out += data[position:position + length + 1]
            position += length + 1
        elif tag & 3 == 1:
            _copy(out, (tag & 0xE0) << 3 | data[position], (tag >> 2 & 7) + 4)
            position += 1
        else:
            width = 2 if tag & 3 == 2 else 4
            _copy(out, int.from_bytes(data[position:position + width], "little"), (tag >> 2) + 1)
            position += width
    need(len(out) == size, f"snappy: {len(out)} bytes, {size} announced")
    return bytes(out)


def _read_lz4(data, magic):
    need(data[:4] == struct.pack("<I", 0x184D2204), "no LZ4 frame")
    flags, position = data[4], 6
    if flags & 8:
        position += 8
    need(xxh32(data[0 if magic == 0 else 4:position]) >> 8 & 0xFF == data[position], "LZ4: wrong checksum of the header")
    position += 1
    out = bytearray()
    while True:
        size = struct.unpack_from("<I", data, position)[0]
        position += 4
        if size == 0:
            break
        stored, size = size & 0x80000000, size & 0x7FFFFFFF
        block = data[position:position + size]
        position += size + (4 if flags & 16 else 0)
        if stored:
            out += block
        else:
            _read_lz4_block(block, out)
    return bytes(out)


def _read_lz4_block(block, out):
    position = 0

    def extended(length, position):
        if length == 15:
            while True:
                byte = block[position]
                position += 1
                length += byte
                if byte != 255:
                    break
        return length, position

    while position < len(block):
        token = block[position]
        length, position = extended(token >> 4, position + 1)
        out += block[position:position + length]
        position += length
        if position >= len(block):
            return
        distance = struct.unpack_from("<H", block, position)[0]
        length, position = extended(token & 15, position + 2)
        _copy(out, distance, length + 4)


def _read_zstd(data):
    try:
        import zstandard
        return zstandard.ZstdDecompressor().decompressobj().decompress(data)
    except ImportError:
        pass
    need(data[:4] == struct.pack("<I", 0xFD2FB528), "no Zstandard frame")
    descriptor = data[4]
    single = descriptor & 0x20
    position = 5 + (0 if single else 1) + (0, 1, 2, 4)[descriptor & 3]
    position += (1 if single else 0, 2, 4, 8)[descriptor >> 6]
    out = b""
    while True:
        header = int.from_bytes(data[position:position + 3], "little")
        kind, size = header >> 1 & 3, header >> 3
        position += 3
        if kind == 0:
            out += data[position:position + size]
            position += size
        elif kind == 1:
            out += data[position:position + 1] * size
            position += 1
        else:
            return None
        if header & 1:
            return out
