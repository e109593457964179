// SPDX-License-Identifier: Apache-2.0
// Builds requests: big-endian integers, varints, a record batch of an exact size.
#ifndef C_LOAD_BATCH_H
#define C_LOAD_BATCH_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
    uint8_t *bytes;
    size_t count;
} buffer;

static inline void put8(buffer *b, uint8_t v) { b->bytes[b->count++] = v; }
static inline void put16(buffer *b, uint16_t v) {
    put8(b, v >> 8);
    put8(b, (uint8_t)v);
}
static inline void put32(buffer *b, uint32_t v) {
    put16(b, v >> 16);
    put16(b, (uint16_t)v);
}
static inline void put64(buffer *b, uint64_t v) {
    put32(b, v >> 32);
    put32(b, (uint32_t)v);
}
static inline void put_varint(buffer *b, uint32_t v) {
    while (v >= 0x80) {
        put8(b, (uint8_t)v | 0x80);
        v >>= 7;
    }
    put8(b, (uint8_t)v);
}
static inline int varint_size(uint32_t v) {
    int size = 1;
    while (v >>= 7) size++;
    return size;
}
static inline uint32_t zigzag(int32_t v) { return ((uint32_t)v << 1) ^ (uint32_t)(v >> 31); }
static inline void put_compact_string(buffer *b, const char *s) {
    put_varint(b, (uint32_t)strlen(s) + 1);
    memcpy(b->bytes + b->count, s, strlen(s));
    b->count += strlen(s);
}
static inline void patch32(uint8_t *at, uint32_t v) {
    buffer b = {at, 0};
    put32(&b, v);
}
static inline void patch64(uint8_t *at, uint64_t v) {
    buffer b = {at, 0};
    put64(&b, v);
}
static inline uint32_t get32(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint32_t crc32c(const uint8_t *bytes, size_t count) {
    uint32_t crc = ~0u;
    for (size_t i = 0; i < count; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (0x82F63B78u & -(crc & 1));
    }
    return ~crc;
}

static inline int record_size(int index, int value) {
    int body = 3 + varint_size(zigzag(index)) + varint_size(zigzag(value)) + value + 1;
    return varint_size(zigzag(body)) + body;
}

static inline void put_record(buffer *b, int index, int value) {
    int body = 3 + varint_size(zigzag(index)) + varint_size(zigzag(value)) + value + 1;
    put_varint(b, zigzag(body));
    put8(b, 0);
    put_varint(b, 0);
    put_varint(b, zigzag(index));
    put_varint(b, zigzag(-1));
    put_varint(b, zigzag(value));
    for (int i = 0; i < value; i++) put8(b, (uint8_t)('a' + (i + index) % 26));
    put_varint(b, 0);
}

/// The value length that makes the record exactly `size` bytes, or -1.
static inline int value_for(int index, int size) {
    for (int value = size > 16 ? size - 16 : 0; value < size; value++)
        if (record_size(index, value) == size) return value;
    return -1;
}

static inline int records_in(int batch_bytes) { return batch_bytes < 2048 ? 1 : batch_bytes / 1024; }

/// A batch of exactly `size` bytes, not compressed, without producer id.
static inline void put_batch(buffer *b, int size) {
    uint8_t *start = b->bytes + b->count;
    int records = records_in(size);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t timestamp = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    put64(b, 0);
    put32(b, (uint32_t)size - 12);
    put32(b, ~0u);
    put8(b, 2);
    put32(b, 0);
    put16(b, 0);
    put32(b, (uint32_t)records - 1);
    put64(b, timestamp);
    put64(b, timestamp);
    put64(b, ~0ull);
    put16(b, 0xFFFF);
    put32(b, ~0u);
    put32(b, (uint32_t)records);
    int rest = size - 61;
    for (int i = 0; i < records; i++) {
        int share = rest / (records - i), value = value_for(i, share);
        // Some sizes cannot be reached because a length takes another byte; the next record makes up for it.
        while (value < 0) value = value_for(i, --share);
        put_record(b, i, value);
        rest -= share;
    }
    if (rest != 0) abort();
    patch32(start + 17, crc32c(start + 21, (size_t)size - 21));
}

#endif
