/* Twin of lookup.py: inputs that are looked up. A step makes tables of W, each example takes two
 * rows of each column's table or one, and gives its dZ to the same rows of the gradient's tables.
 *
 * Design
 * a. A row of a table is one number of each unit: here units lie in the lanes. So W lies transposed
 *    in memory, (n_x, units), and tiles of Z are turned into panels of examples, and back.
 * b. The tables hold all of the affine map: biases, inputs as they are, columns. One tile of Z stays
 *    in registers while all of them add to it.
 * c. Tables are panels, too, (n_rows, P) of P units: what one panel of units needs lies close
 *    together and stays in the cache for the examples.
 */
#pragma once

#include "products.h"

enum {
    AT_ONCE = LANES < 4 ? LANES : 4, /* examples of a tile */
    MOST_SORTED = 256,               /* rows of a table by which examples are sorted */
};

typedef struct {
    Index n_columns;
    Index n_bins;          /* of them are bins; they come first */
    const int32_t *rows;   /* (n_columns + 1) where the table of each begins: after 1 row of biases and
                              n_d of inputs as they are; the last ends where all do */
    const uint16_t *index; /* (m, n_columns) */
    const real *fraction;  /* (m, n_columns) */
    const real *centers;   /* (slots) */
    int32_t centred;
} Lookup;

typedef struct { /* the affine map Z = W X + b, Z (units, m): Z1, and below it the scores' own part */
    Index n_d, n_h, n_y;   /* n_y: 0 where scores have no part of their own */
    const Lookup *X;
} Affine;

/* Where the table rows of a panel of P units are, from number u on. */
INLINE Index panel_of_tables(const Affine *a, Index u) { return u * a->X->rows[a->X->n_columns]; }

INLINE Index size_of_tables(const Affine *a) {
    return a->X->n_columns ? panel_of_tables(a, (a->n_h + a->n_y + P - 1) / P * P) : 0;
}

/* ---- tables of W, and W's gradient from theirs, once in a step --------------------------------- */

/* next = low + w; mean += center w */
INLINE void add_slot(Index n, const real *restrict w, const real *restrict low, real center,
                     real *restrict next, real *restrict mean) {
    for (Index j = 0; j < n; j++) next[j] = low[j] + w[j], mean[j] += center * w[j];
}

INLINE void copy_slot(Index n, const real *restrict w, real center, real *restrict next,
                      real *restrict mean) {
    for (Index j = 0; j < n; j++) next[j] = w[j], mean[j] += center * w[j];
}

/* The tables (n_rows, P) of n units; where they have their part of W (n_x, units), biases in row 0. */
static void make_panel(const Affine *a, const real *w, Index n, real *tables) {
    const Lookup *X = a->X;
    const Index units = a->n_h + a->n_y;
    const real *center = X->centers;
    for (Index l = 1; l <= a->n_d; l++, w += units) memcpy(tables + l * P, w, n * sizeof(real));
    for (Index c = 0; c < X->n_columns; c++) {
        real *row = tables + X->rows[c] * P, *mean = tables + (X->rows[c + 1] - 1) * P;
        memset(mean, 0, P * sizeof(real));
        if (c < X->n_bins) memset(row, 0, P * sizeof(real)), row += P; /* S_0 */
        for (; row < mean; row += P, w += units, center++)
            if (c < X->n_bins) add_slot(n, w, row - P, *center, row, mean);
            else copy_slot(n, w, *center, row, mean);
        for (Index j = 0; X->centred && j < n; j++) tables[j] -= mean[j];
    }
}

static void make_tables(const Affine *a, const real *W, const real *b1, const real *b2,
                        real *tables) {
    const Index units = a->n_h + a->n_y;
    for (Index u = 0; u < units; u += P) {
        real *panel = tables + panel_of_tables(a, u);
        const Index n = units - u < P ? units - u : P;
        for (Index j = 0; j < n; j++) panel[j] = u + j < a->n_h ? b1[u + j] : b2[u + j - a->n_h];
        make_panel(a, W + u, n, panel);
    }
}

/* dw = row + center d_mean; low += row */
INLINE void add_gradient(Index n, const real *restrict row, real center,
                         const real *restrict d_mean, real *restrict low, real *restrict dw) {
    for (Index j = 0; j < n; j++) dw[j] = row[j] + center * d_mean[j], low[j] += row[j];
}

INLINE void copy_gradient(Index n, const real *restrict row, real center,
                          const real *restrict d_mean, real *restrict dw) {
    for (Index j = 0; j < n; j++) dw[j] = row[j] + center * d_mean[j];
}

/* Of the gradients of the tables (n_rows, P), which are used up, those of the part of W. */
static void from_panel(const Affine *a, real *tables, Index n, real *dw) {
    const Lookup *X = a->X;
    const Index units = a->n_h + a->n_y;
    const real *center = X->centers;
    for (Index l = 1; l <= a->n_d; l++, dw += units) memcpy(dw, tables + l * P, n * sizeof(real));
    for (Index c = 0; c < X->n_columns; c++) {
        const int bins = c < X->n_bins;
        real *first = tables + (X->rows[c] + bins) * P, *mean = tables + (X->rows[c + 1] - 1) * P;
        const Index T = (mean - first) / P;
        for (Index j = 0; X->centred && j < n; j++) mean[j] -= tables[j];
        for (Index t = T - 1; t >= 0; t--) {
            real *row = first + t * P;
            if (bins) add_gradient(n, row, center[t], mean, row - P, dw + t * units);
            else copy_gradient(n, row, center[t], mean, dw + t * units);
        }
        dw += T * units, center += T;
    }
}

static void from_tables(const Affine *a, real *tables, const real *db1, const real *db2, real *dW) {
    const Index units = a->n_h + a->n_y;
    for (Index u = 0; u < units; u += P) {
        real *panel = tables + panel_of_tables(a, u);
        const Index n = units - u < P ? units - u : P;
        for (Index j = 0; j < n; j++) panel[j] = u + j < a->n_h ? db1[u + j] : db2[u + j - a->n_h];
        from_panel(a, panel, n, dW + u);
    }
}

/* ---- forward ----------------------------------------------------------------------------------- */

/* Z (AT_ONCE examples, P units) of `wide` vectors of units; direct inputs D (n_d, P). */
INLINE void look_up_tile(const Affine *a, const real *tables, const real *D,
                         const uint32_t *examples, real *Z, const int wide) {
    const Lookup *X = a->X;
    vec total[AT_ONCE][WIDE];
#pragma GCC unroll 4
    for (int i = 0; i < AT_ONCE; i++)
#pragma GCC unroll 4
        for (int v = 0; v < wide; v++) total[i][v] = load(tables + v * LANES);
    const real *w = tables + P;
    for (Index l = 0; l < a->n_d; l++, w += P)
#pragma GCC unroll 4
        for (int i = 0; i < AT_ONCE; i++)
#pragma GCC unroll 4
            for (int v = 0; v < wide; v++) total[i][v] += D[l * P + i] * load(w + v * LANES);
#pragma GCC unroll 4
    for (int i = 0; i < AT_ONCE; i++) {
        const uint16_t *t = X->index + examples[i] * X->n_columns;
        const real *fraction = X->fraction + examples[i] * X->n_columns;
        Index c = 0;
        for (; c < X->n_bins; c++) {
            const real *low = tables + (X->rows[c] + t[c]) * P, *high = low + P;
            const vec f = splat(fraction[c]), rest = splat(1 - fraction[c]);
#pragma GCC unroll 4
            for (int v = 0; v < wide; v++) {
                total[i][v] += rest * load(low + v * LANES);
                total[i][v] += f * load(high + v * LANES);
            }
        }
        for (; c < X->n_columns; c++) {
            const real *row = tables + (X->rows[c] + t[c]) * P;
#pragma GCC unroll 4
            for (int v = 0; v < wide; v++) total[i][v] += load(row + v * LANES);
        }
    }
#pragma GCC unroll 4
    for (int i = 0; i < AT_ONCE; i++)
#pragma GCC unroll 4
        for (int v = 0; v < wide; v++) store(Z + i * P + v * LANES, total[i][v]);
}

/* Where row j of Z1, or of Z2 below it, is in panels of examples. */
INLINE real *row_of(const Affine *a, real *Z1, real *Z2, Index j) {
    return j < a->n_h ? Z1 + j * P : Z2 + (j - a->n_h) * P;
}

/* Z1 (n_h, P) and Z2 (n_y, P) of one panel. */
static void look_up(const Affine *a, const real *tables, const real *D, const uint32_t *examples,
                    int vectors, real *Z1, real *Z2) {
    const Index n = a->n_h + a->n_y;
    real tile[P * P] __attribute__((aligned(64))); /* (P examples, P units) */
    for (Index u = 0; u < n; u += P) {
        const int wide = n - u < P ? (int)((n - u + LANES - 1) / LANES) : WIDE;
        for (Index e = 0; e < vectors * LANES; e += AT_ONCE)
#define TILE(w) \
    case w: \
        look_up_tile(a, tables + panel_of_tables(a, u), D + e, examples + e, tile + e * P, w); \
        break;
            switch (wide) {
                TILE(1) TILE(2)
#if REGISTERS == 32
                TILE(3) TILE(4)
#endif
            }
#undef TILE
        for (Index j = 0; j < wide * LANES; j += LANES)
            for (int e = 0; e < vectors * LANES; e += LANES) {
                vec square[LANES];
                for (int i = 0; i < LANES; i++) square[i] = load(tile + (e + i) * P + j);
                transpose(square);
                for (Index i = 0; i < LANES && u + j + i < n; i++)
                    store(row_of(a, Z1, Z2, u + j + i) + e, square[i]);
            }
    }
}

/* ---- backward ---------------------------------------------------------------------------------- */

/* The m examples of a panel in the order of their rows, column by column: order (n_columns, P). A
 * column too wide for that to be worth it keeps its order. */
static void sort_by_row(const Lookup *X, const uint32_t *examples, Index m, uint8_t *order) {
    for (Index c = 0; c < X->n_columns; c++, order += P) {
        const uint16_t *t = X->index + c;
        const Index n_rows = X->rows[c + 1] - X->rows[c];
        uint8_t begin[MOST_SORTED + 1] = {0}; /* a counting sort */
        if (n_rows > MOST_SORTED) {
            for (Index e = 0; e < m; e++) order[e] = (uint8_t)e;
            continue;
        }
        for (Index e = 0; e < m; e++) begin[t[examples[e] * X->n_columns] + 1]++;
        for (Index k = 0; k < n_rows; k++) begin[k + 1] += begin[k];
        for (Index e = 0; e < m; e++) order[begin[t[examples[e] * X->n_columns]]++] = (uint8_t)e;
    }
}

/* The gradient of one column's table, at `wide` vectors of units. A run of examples with the same
 * row is added up in registers: writing to the table is what takes time. */
INLINE void add_column(const Lookup *X, Index c, const real *dZ, const uint32_t *examples,
                       const uint8_t *order, Index m, real *table, const int bins,
                       const int wide) {
    const uint16_t *t = X->index + c;
    const real *fraction = X->fraction + c;
    for (Index i = 0; i < m;) {
        vec total[WIDE] = {{0}}, high[WIDE] = {{0}}; /* Σ dz, and Σ f dz, which is the next row's */
        const uint16_t here = t[examples[order[i]] * X->n_columns];
        for (; i < m; i++) {
            const Index e = order[i], at = examples[e] * X->n_columns;
            if (t[at] != here) break;
#pragma GCC unroll 4
            for (int v = 0; v < wide; v++) {
                const vec dz = load(dZ + e * P + v * LANES);
                total[v] += dz;
                if (bins) high[v] += fraction[at] * dz;
            }
        }
        real *low = table + here * P;
#pragma GCC unroll 4
        for (int v = 0; v < wide; v++, low += LANES) {
            store(low, load(low) + (total[v] - high[v]));
            if (bins) store(low + P, load(low + P) + high[v]);
        }
    }
}

INLINE void add_columns(const Lookup *X, const real *dZ, const uint32_t *examples,
                        const uint8_t *order, Index m, real *tables, const int wide) {
    for (Index c = 0; c < X->n_columns; c++) {
        real *table = tables + X->rows[c] * P;
        if (c < X->n_bins) add_column(X, c, dZ, examples, order + c * P, m, table, 1, wide);
        else add_column(X, c, dZ, examples, order + c * P, m, table, 0, wide);
    }
}

/* Gradients of the tables += what P units, from number u on, of one panel of m examples give. */
static void add_up(const Affine *a, real *dZ1, real *dZ2, const real *D, const uint32_t *examples,
                   const uint8_t *order, Index m, Index u, real *tables) {
    const Index n = a->n_h + a->n_y;
    tables += panel_of_tables(a, u);
    const int wide = n - u < P ? (int)((n - u + LANES - 1) / LANES) : WIDE;
    real tile[P * P] __attribute__((aligned(64))); /* (P examples, P units) */
    Index at[P];
    for (Index e = 0; e < P; e++) at[e] = e * P;
    for (Index j = 0; j < wide * LANES; j += LANES)
        for (int e = 0; e < m; e += LANES) {
            vec square[LANES];
            for (Index i = 0; i < LANES; i++)
                square[i] = u + j + i < n ? load(row_of(a, dZ1, dZ2, u + j + i) + e) : (vec){0};
            transpose(square);
            for (int i = 0; i < LANES; i++) store(tile + (e + i) * P + j, square[i]);
        }
    product_outer(D, 0, a->n_d, tile, at, wide * LANES, m, 1, tables + P, P);
#define TILE(w) \
    case w: add_columns(a->X, tile, examples, order, m, tables, w); break;
    switch (wide) {
        TILE(1) TILE(2)
#if REGISTERS == 32
        TILE(3) TILE(4)
#endif
    }
#undef TILE
}
