/* The two matrix products of a network, on panels.
 *
 * Design
 * a. Both keep a tile of the result in registers while they run along the sum, which is all that a
 *    fast matrix product is. A's numbers are broadcast, B's examples lie in the lanes; a panel is
 *    narrow enough that nothing needs packing.
 * b. A panel's examples are used WIDE vectors at a time, or, in the last panel of a batch, one.
 */
#pragma once

#include "vectors.h"

typedef ptrdiff_t Index;

enum {
    UNITS = REGISTERS == 32 ? 6 : 5,  /* rows of a tile of `product` */
    COLUMNS = REGISTERS == 32 ? 4 : 2, /* columns of a tile of `product_transposed`; 4 rows */
};

INLINE void product_tile(const real *A, Index row, Index column, const real *B, Index k,
                         const real *c, real *C, const int units, const int wide) {
    vec total[UNITS][WIDE];
#pragma GCC unroll 8
    for (int i = 0; i < units; i++)
#pragma GCC unroll 4
        for (int v = 0; v < wide; v++) total[i][v] = splat(c ? c[i] : 0);
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
        for (int v = 0; v < wide; v++) store(C + i * P + v * LANES, total[i][v]);
}

static void product_rows(const real *A, Index row, Index column, const real *B, Index k,
                         const real *c, real *C, int units, int vectors) {
#define TILE(n) \
    case n: \
        if (vectors == WIDE) \
            product_tile(A, row, column, B, k, c, C, n, WIDE); \
        else \
            for (int v = 0; v < vectors; v++) \
                product_tile(A, row, column, B + v * LANES, k, c, C + v * LANES, n, 1); \
        break;
    switch (units) {
        TILE(1) TILE(2) TILE(3) TILE(4) TILE(5)
#if REGISTERS == 32
        TILE(6)
#endif
    }
#undef TILE
}

/* dC Bᵀ: C (n, k) += Σ over panels of A (n, P) B (k, P)ᵀ, of so many vectors in all. A panel of A
 * begins a_panel numbers after the one before, one of B b_panel. */
INLINE void transposed_tile(const real *A, Index a_panel, const real *B, Index b_panel,
                            Index vectors, real *C, Index c_row, const int rows,
                            const int columns) {
    vec total[(4 * COLUMNS + LANES - 1) / LANES * LANES] = {{0}};
    for (Index left = vectors; left > 0; left -= WIDE, A += a_panel, B += b_panel) {
        const int n = left < WIDE ? (int)left : WIDE;
        for (int v = 0; v < n; v++) {
            vec b[COLUMNS];
#pragma GCC unroll 4
            for (int l = 0; l < columns; l++) b[l] = load(B + l * P + v * LANES);
#pragma GCC unroll 4
            for (int i = 0; i < rows; i++) {
                vec a = load(A + i * P + v * LANES);
#pragma GCC unroll 4
                for (int l = 0; l < columns; l++) total[i * columns + l] += a * b[l];
            }
        }
    }
    real flat[(4 * COLUMNS + LANES - 1) / LANES * LANES];
    for (int i = 0; i < rows * columns; i += LANES) store(flat + i, sums(total + i));
#pragma GCC unroll 4
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (int l = 0; l < columns; l++) C[i * c_row + l] += flat[i * columns + l];
}

static void product_transposed(const real *A, Index a_panel, Index n, const real *B, Index b_panel,
                               Index k, Index vectors, real *C) {
    for (Index i = 0; i < n; i += 4) {
        const int rows = n - i < 4 ? (int)(n - i) : 4;
        for (Index l = 0; l < k; l += COLUMNS) {
            const int columns = k - l < COLUMNS ? (int)(k - l) : COLUMNS;
#define TILE(r, c) \
    case r * 8 + c: \
        transposed_tile(A + i * P, a_panel, B + l * P, b_panel, vectors, C + i * k + l, k, r, c); \
        break;
            switch (rows * 8 + columns) {
                TILE(4, 1) TILE(3, 1) TILE(2, 1) TILE(1, 1)
                TILE(4, 2) TILE(3, 2) TILE(2, 2) TILE(1, 2)
#if REGISTERS == 32
                TILE(4, 3) TILE(3, 3) TILE(2, 3) TILE(1, 3)
                TILE(4, 4) TILE(3, 4) TILE(2, 4) TILE(1, 4)
#endif
            }
#undef TILE
        }
    }
}

/* c (n) += Σ over the examples of A (n, P). */
static void row_sums(const real *A, Index a_panel, Index n, Index vectors, real *c) {
    for (Index i = 0; i < n; i++) {
        vec total = {0};
        const real *a = A + i * P;
        for (Index left = vectors; left > 0; left -= WIDE, a += a_panel)
            for (Index v = 0; v < (left < WIDE ? left : WIDE); v++) total += load(a + v * LANES);
        c[i] += sum(total);
    }
}
