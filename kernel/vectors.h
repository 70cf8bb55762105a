/* real, and vectors of it: GCC's and Clang's vector extensions, so one source serves every
 * instruction set. The file that is compiled says which by its flags, and REAL is float or double.
 *
 * Design
 * a. Examples lie in the lanes. A panel is WIDE vectors of examples side by side, and an array
 *    (n, P) holds n rows of one panel: a small network's step fits in registers and L1, and no
 *    function of the network needs a sum across lanes.
 * b. What a lane computes does not depend on its place or on its neighbours. So one row predicted
 *    alone gives the same bits as among a million.
 * c. Where the compiler has fused multiply-add it uses it (-ffp-contract=fast); nothing else is
 *    reordered (never -ffast-math), so NaN, infinities and denormals are those of NumPy.
 */
#pragma once

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#define REGISTERS 32
#elif defined(__AVX2__)
#define VECTOR_BYTES 32
#define REGISTERS 16
#elif defined(__aarch64__)
#define VECTOR_BYTES 16
#define REGISTERS 32
#else
#define VECTOR_BYTES 16
#define REGISTERS 16
#endif

typedef REAL real;
#define IS_FLOAT (sizeof(real) == 4)

#define FLOAT 1
#define DOUBLE 2
#define KIND_float FLOAT
#define KIND_double DOUBLE
#define KIND_(name) KIND_##name
#define KIND(name) KIND_(name)
#if KIND(REAL) == FLOAT
typedef int32_t whole;
typedef uint32_t bits;
#else
typedef int64_t whole;
typedef uint64_t bits;
#endif

enum {
    LANES = VECTOR_BYTES / sizeof(real),
    LOG2_LANES = LANES == 16 ? 4 : LANES == 8 ? 3 : LANES == 4 ? 2 : 1,
    WIDE = REGISTERS == 32 ? 4 : 2, /* vectors of a panel */
    P = WIDE * LANES,               /* examples of a panel */
};

typedef real vec __attribute__((vector_size(VECTOR_BYTES)));
typedef whole mask __attribute__((vector_size(VECTOR_BYTES))); /* lanes of 0 or -1 */
typedef bits vbits __attribute__((vector_size(VECTOR_BYTES)));
typedef real loose __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(real)), may_alias));
typedef uint32_t hashes __attribute__((vector_size(4 * VECTOR_BYTES / sizeof(real))));

#define INLINE static inline __attribute__((always_inline, unused))

INLINE vec load(const real *from) { return *(const loose *)from; }
INLINE void store(real *to, vec x) { *(loose *)to = x; }
INLINE vec splat(real x) { return x - (vec){0}; }
INLINE vec absolute(vec x) { return (vec)((vbits)x & ((bits)-1 >> 1)); }
/* |x| with the sign of z. */
INLINE vec signed_as(vec x, vec z) {
    return (vec)(((vbits)x & ((bits)-1 >> 1)) | ((vbits)z & ~((bits)-1 >> 1)));
}
INLINE vec zero_where(mask yes, vec x) { return (vec)(~yes & (mask)x); }

/* where(yes, a, b); larger and smaller give a where either is NaN. The processor's own instructions
 * stand here because no expression in vector types makes every compiler choose them. */
#if defined(__AVX2__)
#include <immintrin.h>
#define JOIN(a, b, c) a##b##c
#if VECTOR_BYTES == 64 && KIND(REAL) == FLOAT
#define X86(name) JOIN(_mm512_, name, _ps)
#define LANE_MASK(yes) _mm512_movepi32_mask((__m512i)(yes))
#elif VECTOR_BYTES == 64
#define X86(name) JOIN(_mm512_, name, _pd)
#define LANE_MASK(yes) _mm512_movepi64_mask((__m512i)(yes))
#elif KIND(REAL) == FLOAT
#define X86(name) JOIN(_mm256_, name, _ps)
#else
#define X86(name) JOIN(_mm256_, name, _pd)
#endif
INLINE vec larger(vec a, vec b) { return X86(max)(b, a); }
INLINE vec smaller(vec a, vec b) { return X86(min)(b, a); }
#if VECTOR_BYTES == 64
INLINE vec where(mask yes, vec a, vec b) { return X86(mask_blend)(LANE_MASK(yes), b, a); }
#else
INLINE vec where(mask yes, vec a, vec b) { return X86(blendv)(b, a, (vec)yes); }
#endif
#else
INLINE vec where(mask yes, vec a, vec b) { return (vec)((yes & (mask)a) | (~yes & (mask)b)); }
INLINE vec larger(vec a, vec b) { return where(a < b, b, a); }
INLINE vec smaller(vec a, vec b) { return where(a > b, b, a); }
#endif

INLINE vec at_least(vec x, real bound) { return larger(x, splat(bound)); }
INLINE vec at_most(vec x, real bound) { return smaller(x, splat(bound)); }

/* 1 / x for x from 1 to 4, to a unit in the last place; dividing takes three times as long. */
INLINE vec reciprocal(vec x) {
#if VECTOR_BYTES == 64
    vec r = X86(rcp14)(x);
    r = r + r * (1 - x * r);
    if (KIND(REAL) == DOUBLE) r = r + r * (1 - x * r);
    return r;
#else
    return 1 / x;
#endif
}

/* Lane i of the result is lane i of a, or of b, or of either's neighbour: from[i] < LANES is a. */
INLINE vec pick(vec a, vec b, mask from) {
#ifdef __clang__
    vec out;
    for (int i = 0; i < LANES; i++) out[i] = from[i] < LANES ? a[from[i]] : b[from[i] - LANES];
    return out;
#else
    return __builtin_shuffle(a, b, from);
#endif
}

#if VECTOR_BYTES == 64 && KIND(REAL) == FLOAT
#define LANE_NUMBERS {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
#elif VECTOR_BYTES == 64 || (VECTOR_BYTES == 32 && KIND(REAL) == FLOAT)
#define LANE_NUMBERS {0, 1, 2, 3, 4, 5, 6, 7}
#elif VECTOR_BYTES == 32 || KIND(REAL) == FLOAT
#define LANE_NUMBERS {0, 1, 2, 3}
#else
#define LANE_NUMBERS {0, 1}
#endif

/* Swap the blocks of `step` lanes of a whose number is odd with those of b whose number is even:
 * the step of a matrix transposition, of which all below is made. */
INLINE void exchange(vec *a, vec *b, const int step) {
    const mask lane = LANE_NUMBERS;
    const mask odd = (lane & step) != 0;
    vec low = pick(*a, *b, (odd & (lane - step + LANES)) | (~odd & lane));
    vec high = pick(*a, *b, (odd & (lane + LANES)) | (~odd & (lane + step)));
    *a = low, *b = high;
}

/* LANES vectors, seen as a square matrix, are transposed. */
INLINE void transpose(vec *rows) {
#pragma GCC unroll 4
    for (int k = 0; k < LOG2_LANES; k++)
#pragma GCC unroll 16
        for (int i = 0; i < LANES; i++)
            if (!(i & 1 << k)) exchange(&rows[i], &rows[i + (1 << k)], 1 << k);
}

/* Lane i of the result is the sum of the lanes of rows[i], of which there are LANES: n, and zeros. */
INLINE vec sums(vec *rows, const int n) {
#pragma GCC unroll 4
    for (int k = 0; k < LOG2_LANES; k++)
#pragma GCC unroll 16
        for (int i = 0; i < LANES; i++)
            if (i < n && !(i & ((2 << k) - 1))) {
                exchange(&rows[i], &rows[i + (1 << k)], 1 << k);
                rows[i] += rows[i + (1 << k)];
            }
    return rows[0];
}

INLINE real sum(vec x) {
    real total = 0;
    for (int i = 0; i < LANES; i++) total += x[i];
    return total;
}
