/* The matrix products of a network, on panels.
 *
 * Design
 * a. All keep a tile of the result in registers while they run along the sum, which is all that a
 *    fast matrix product is. A panel is narrow enough that nothing needs packing.
 * b. A sum along units (Eq 1, 3, 9) has examples in the lanes: A's numbers are broadcast. A panel's
 *    examples are used WIDE vectors at a time, or, in the last panel of a batch, one.
 * c. A sum over examples (Eq 7, 10) can have them in the lanes and add the lanes up at the end,
 *    which is right for few examples or few columns; or, where each example's numbers lie side by
 *    side in memory, have those in the lanes, and nothing needs adding up. With `add` such a sum is
 *    added to what is there, else it takes its place.
 */
#pragma once

#include "vectors.h"

typedef ptrdiff_t Index;

enum {
    UNITS = 6, /* rows of a tile of `product` */
    COLUMNS = REGISTERS == 32 ? 4 : 2, /* columns of a tile of `product_transposed`; 4 rows */
};

INLINE void product_tile(const real *A, Index row, Index column, const real *B, Index k,
                         const real *c, const int times, real *C, const int units,
                         const int wide) {
    vec total[UNITS][WIDE];
#pragma GCC unroll 8
    for (int i = 0; i < units; i++)
#pragma GCC unroll 4
        for (int v = 0; v < wide; v++)
            total[i][v] = c ? splat(c[i]) : times ? splat(0) : load(C + i * P + v * LANES);
    for (Index l = 0; l < k; l++) {
        vec b[WIDE];
#pragma GCC unroll 4
        for (int v = 0; v < wide; v++) b[v] = load(B + l * P + v * LANES);
#pragma GCC unroll 8
        for (int i = 0; i < units; i++) {
            vec a = splat(A[i * row + l * column]);
#pragma GCC unroll 4
            for (int v = 0; v < wide; v++) total[i][v] += a * b[v];
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < units; i++)
#pragma GCC unroll 4
        for (int v = 0; v < wide; v++) {
            real *at = C + i * P + v * LANES;
            store(at, times ? total[i][v] * load(at) : total[i][v]);
        }
}

/* C (n, P) = A (n, k) B (k, P) + c (n, 1) of all panels, which hold so many vectors. A's numbers are
 * `row` and `column` apart; a panel of B begins b_panel numbers after the one before, one of C
 * c_panel. Without c the product is added to C, or multiplied with it. */
static void product(const real *A, Index row, Index column, Index n, const real *B, Index b_panel,
                    Index k, const real *c, int times, real *C, Index c_panel, Index vectors) {
    for (Index j = 0; j < n; j += UNITS, A += UNITS * row, C += UNITS * P, c += c ? UNITS : 0) {
        const real *b = B;
        real *to = C;
        for (Index left = vectors; left > 0; left -= WIDE, b += b_panel, to += c_panel)
#define TILE(n) \
    case n: \
        if (left >= WIDE) \
            product_tile(A, row, column, b, k, c, times, to, n, WIDE); \
        else \
            for (Index v = 0; v < left * LANES; v += LANES) \
                product_tile(A, row, column, b + v, k, c, times, to + v, n, 1); \
        break;
            switch (n - j < UNITS ? n - j : UNITS) {
                TILE(1) TILE(2) TILE(3) TILE(4) TILE(5) TILE(6)
            }
#undef TILE
    }
}

/* dC Bᵀ: C (n, k) = Σ over panels of A (n, P) B (k, P)ᵀ, of so many vectors in all. A panel of A
 * begins a_panel numbers after the one before, one of B b_panel. With c, c (n) = Σ of A (n, P). */
INLINE void transposed_tile(const real *A, Index a_panel, const real *B, Index b_panel,
                            Index vectors, int add, real *C, Index c_row, real *c, const int rows,
                            const int columns, const int with_c) {
    const int wide = columns + with_c, n = rows * wide;
    enum { MOST = (4 * (COLUMNS + 1) + LANES - 1) / LANES * LANES };
    vec total[MOST] = {{0}};
    for (Index left = vectors; left > 0; left -= WIDE, A += a_panel, B += b_panel)
        for (Index v = 0; v < (left < WIDE ? left : WIDE); v++) {
            vec b[COLUMNS];
#pragma GCC unroll 4
            for (int l = 0; l < columns; l++) b[l] = load(B + l * P + v * LANES);
#pragma GCC unroll 4
            for (int i = 0; i < rows; i++) {
                vec a = load(A + i * P + v * LANES);
#pragma GCC unroll 4
                for (int l = 0; l < columns; l++) total[i * wide + l] += a * b[l];
                if (with_c) total[i * wide + columns] += a;
            }
        }
    real flat[MOST];
#pragma GCC unroll 8
    for (int i = 0; i < n; i += LANES) store(flat + i, sums(total + i, n - i));
#pragma GCC unroll 4
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 8
        for (int l = 0; l < wide; l++) {
            real *to = l < columns ? C + i * c_row + l : c + i;
            *to = add ? *to + flat[i * wide + l] : flat[i * wide + l];
        }
}

static void product_transposed(const real *A, Index a_panel, Index n, const real *B, Index b_panel,
                               Index k, Index vectors, int add, real *C, Index c_row, real *c) {
    for (Index i = 0; i < n; i += 4) {
        const int rows = n - i < 4 ? (int)(n - i) : 4;
        for (Index l = 0; l < k || (l == 0 && c); l += COLUMNS) {
            const int columns = k - l < COLUMNS ? (int)(k - l) : COLUMNS, with_c = !l && c;
#define TILE(r, c_, w) \
    case r * 16 + c_ * 2 + w: \
        transposed_tile(A + i * P, a_panel, B + l * P, b_panel, vectors, add, C + i * c_row + l, \
                        c_row, c + i, r, c_, w); \
        break;
#define TILES(c_, w) TILE(4, c_, w) TILE(3, c_, w) TILE(2, c_, w) TILE(1, c_, w)
            switch (rows * 16 + columns * 2 + with_c) {
                TILES(0, 1) TILES(1, 0) TILES(1, 1) TILES(2, 0) TILES(2, 1)
#if REGISTERS == 32
                TILES(3, 0) TILES(3, 1) TILES(4, 0) TILES(4, 1)
#endif
            }
#undef TILES
#undef TILE
        }
    }
}

/* The same, C (n, k) = Σ over examples A (n, P) b (k), with the k numbers b of each example side by
 * side in memory, at[e] numbers behind B. For so many columns as are `wide` vectors. */
INLINE void outer_tile(const real *A, Index a_panel, const real *B, const Index *at, Index m,
                       int add, real *C, Index c_row, const int units, const int wide) {
    vec total[UNITS][WIDE] = {{{0}}};
    for (Index from = 0; from < m; from += P, A += a_panel, at += P) {
        const Index n = m - from < P ? m - from : P;
        for (Index e = 0; e < n; e++) {
            vec b[WIDE];
#pragma GCC unroll 4
            for (int v = 0; v < wide; v++) b[v] = load(B + at[e] + v * LANES);
#pragma GCC unroll 8
            for (int i = 0; i < units; i++) {
                vec a = splat(A[i * P + e]);
#pragma GCC unroll 4
                for (int v = 0; v < wide; v++) total[i][v] += a * b[v];
            }
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < units; i++)
#pragma GCC unroll 4
        for (int v = 0; v < wide; v++) {
            real *c = C + i * c_row + v * LANES;
            store(c, add ? load(c) + total[i][v] : total[i][v]);
        }
}

/* Of k columns, a multiple of LANES. */
static void product_outer(const real *A, Index a_panel, Index n, const real *B, const Index *at,
                          Index k, Index m, int add, real *C, Index c_row) {
    for (Index l = 0; l < k; l += P) { /* so that the columns in use stay in L1 for all units */
        const int wide = k - l < P ? (int)((k - l) / LANES) : WIDE;
        for (Index i = 0; i < n; i += UNITS) {
            const int units = n - i < UNITS ? (int)(n - i) : UNITS;
#define TILE(n, w) \
    case n * 8 + w: \
        outer_tile(A + i * P, a_panel, B + l, at, m, add, C + i * c_row + l, c_row, n, w); \
        break;
#define TILES(n) TILE(n, 1) TILE(n, 2)
#if REGISTERS == 32
#undef TILES
#define TILES(n) TILE(n, 1) TILE(n, 2) TILE(n, 3) TILE(n, 4)
#endif
            switch (units * 8 + wide) {
                TILES(1) TILES(2) TILES(3) TILES(4) TILES(5) TILES(6)
            }
#undef TILES
#undef TILE
        }
    }
}
