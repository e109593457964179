// SPDX-License-Identifier: Apache-2.0
// CRC-32C by carry-less multiplication, for CPUs that multiply four pairs at once (VPCLMULQDQ with AVX-512).
//
// Not inline in a header, which would bring all of the vector intrinsics into the module that Swift sees.
#include "CPlatform.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define FOLDING __attribute__((target("avx512f,avx512vl,vpclmulqdq,pclmul,sse4.2")))

int cplatform_has_folding(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("vpclmulqdq") && __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.2");
}

/// Moves each 128 bits of `sum` ahead by the distance that `factors` stand for, and adds what lies there.
FOLDING static inline __m512i fold(__m512i sum, __m512i factors, __m512i there) {
    __m512i low = _mm512_clmulepi64_epi128(sum, factors, 0x00), high = _mm512_clmulepi64_epi128(sum, factors, 0x11);
    return _mm512_ternarylogic_epi64(low, high, there, 0x96);
}

FOLDING static inline __m128i fold_one(__m128i sum, __m128i factors, __m128i there) {
    __m128i low = _mm_clmulepi64_si128(sum, factors, 0x00), high = _mm_clmulepi64_si128(sum, factors, 0x11);
    return _mm_ternarylogic_epi64(low, high, there, 0x96);
}

FOLDING uint32_t cplatform_crc32c_fold(
    uint32_t crc, const uint8_t *bytes, size_t blocks, const cplatform_crc32c_factors *factors) {
    __m512i by256 = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)factors->by256));
    __m512i by64 = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)factors->by64));
    __m128i by16 = _mm_loadu_si128((const __m128i *)factors->by16);
    __m512i a = _mm512_loadu_si512(bytes), b = _mm512_loadu_si512(bytes + 64);
    __m512i c = _mm512_loadu_si512(bytes + 128), d = _mm512_loadu_si512(bytes + 192);
    a = _mm512_xor_si512(a, _mm512_zextsi128_si512(_mm_cvtsi32_si128((int)crc)));
    for (bytes += 256, blocks -= 4; blocks >= 4; bytes += 256, blocks -= 4) {
        a = fold(a, by256, _mm512_loadu_si512(bytes));
        b = fold(b, by256, _mm512_loadu_si512(bytes + 64));
        c = fold(c, by256, _mm512_loadu_si512(bytes + 128));
        d = fold(d, by256, _mm512_loadu_si512(bytes + 192));
    }
    __m512i sum = fold(fold(fold(a, by64, b), by64, c), by64, d);
    for (; blocks > 0; bytes += 64, blocks--) sum = fold(sum, by64, _mm512_loadu_si512(bytes));
    __m128i one = _mm512_castsi512_si128(sum);
    one = fold_one(one, by16, _mm512_extracti32x4_epi32(sum, 1));
    one = fold_one(one, by16, _mm512_extracti32x4_epi32(sum, 2));
    one = fold_one(one, by16, _mm512_extracti32x4_epi32(sum, 3));
    // What is left has the checksum of the whole.
    uint64_t state = _mm_crc32_u64(0, (uint64_t)_mm_extract_epi64(one, 0));
    return (uint32_t)_mm_crc32_u64(state, (uint64_t)_mm_extract_epi64(one, 1));
}

#else

int cplatform_has_folding(void) { return 0; }

uint32_t cplatform_crc32c_fold(
    uint32_t crc, const uint8_t *bytes, size_t blocks, const cplatform_crc32c_factors *factors) {
    (void)bytes;
    (void)blocks;
    (void)factors;
    return crc;
}

#endif
