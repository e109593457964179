// SPDX-License-Identifier: Apache-2.0
// Steps of CRC-32C that need certain instructions. The loops over a whole buffer stand here, too, because only
// inside one function with the right target attribute does the compiler use the instruction; which loop runs is
// decided in Swift (KafkaBase/CRC32C.swift), which also has the fallback.
#ifndef C_PLATFORM_CRC32C_H
#define C_PLATFORM_CRC32C_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/// What 16 bytes are multiplied with to count as if they stood so many bytes further on: a factor for each half.
typedef struct {
    uint64_t by256[2], by64[2], by16[2];
} cplatform_crc32c_factors;

/// Whether `cplatform_crc32c_fold` may be called.
int cplatform_has_folding(void);

/// Plain CRC-32C register update (no inversion) over `blocks` times 64 bytes, at least four.
uint32_t cplatform_crc32c_fold(
    uint32_t crc, const uint8_t *bytes, size_t blocks, const cplatform_crc32c_factors *factors);

#if defined(__x86_64__)
static inline int cplatform_has_crc32c(void) { return __builtin_cpu_supports("sse4.2"); }

/// Plain CRC-32C register update (no inversion) over `length` bytes.
__attribute__((target("sse4.2"))) static inline uint32_t
cplatform_crc32c_update(uint32_t crc, const uint8_t *bytes, size_t length) {
    uint64_t state = crc;
    while (length >= 8) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        state = __builtin_ia32_crc32di(state, word);
        bytes += 8;
        length -= 8;
    }
    crc = (uint32_t)state;
    while (length > 0) {
        crc = __builtin_ia32_crc32qi(crc, *bytes++);
        length--;
    }
    return crc;
}

/// Three independent streams of `words` 8-byte words each, side by side in memory; hides the instruction's latency.
__attribute__((target("sse4.2"))) static inline void
cplatform_crc32c_update3(const uint8_t *bytes, size_t words, uint32_t *a, uint32_t *b, uint32_t *c) {
    uint64_t x = *a, y = *b, z = *c;
    const uint8_t *second = bytes + words * 8, *third = second + words * 8;
    for (size_t i = 0; i < words; i++) {
        uint64_t p, q, r;
        memcpy(&p, bytes + i * 8, 8);
        memcpy(&q, second + i * 8, 8);
        memcpy(&r, third + i * 8, 8);
        x = __builtin_ia32_crc32di(x, p);
        y = __builtin_ia32_crc32di(y, q);
        z = __builtin_ia32_crc32di(z, r);
    }
    *a = (uint32_t)x;
    *b = (uint32_t)y;
    *c = (uint32_t)z;
}

#elif defined(__aarch64__)
#include <arm_acle.h>
#if defined(__linux__)
#include <sys/auxv.h>
static inline int cplatform_has_crc32c(void) { return (getauxval(AT_HWCAP) & (1 << 7)) != 0; }
#else
static inline int cplatform_has_crc32c(void) { return 1; }
#endif

__attribute__((target("crc"))) static inline uint32_t
cplatform_crc32c_update(uint32_t crc, const uint8_t *bytes, size_t length) {
    while (length >= 8) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        crc = __crc32cd(crc, word);
        bytes += 8;
        length -= 8;
    }
    while (length > 0) {
        crc = __crc32cb(crc, *bytes++);
        length--;
    }
    return crc;
}

__attribute__((target("crc"))) static inline void
cplatform_crc32c_update3(const uint8_t *bytes, size_t words, uint32_t *a, uint32_t *b, uint32_t *c) {
    const uint8_t *second = bytes + words * 8, *third = second + words * 8;
    for (size_t i = 0; i < words; i++) {
        uint64_t p, q, r;
        memcpy(&p, bytes + i * 8, 8);
        memcpy(&q, second + i * 8, 8);
        memcpy(&r, third + i * 8, 8);
        *a = __crc32cd(*a, p);
        *b = __crc32cd(*b, q);
        *c = __crc32cd(*c, r);
    }
}

#else
static inline int cplatform_has_crc32c(void) { return 0; }
static inline uint32_t cplatform_crc32c_update(uint32_t crc, const uint8_t *bytes, size_t length) {
    (void)bytes;
    (void)length;
    return crc;
}
static inline void
cplatform_crc32c_update3(const uint8_t *bytes, size_t words, uint32_t *a, uint32_t *b, uint32_t *c) {
    (void)bytes;
    (void)words;
    (void)a;
    (void)b;
    (void)c;
}
#endif

#endif
