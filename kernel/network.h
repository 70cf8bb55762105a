/* Twin of network.py: the forward and the backward pass, on one block of examples.
 *
 * Design
 * a. A block is as many panels as fit the cache beside the weights. What the panels of a block
 *    compute stays there until the products over examples (Eq 7, 10) read it: nothing of size
 *    m × n_h exists, and X is read once.
 * b. A unit's Z1 is turned into A1 and g'(Z1) while it is in L1: one exponential for the two, and
 *    Eq 9 is a product.
 * c. Examples beyond the end of a batch repeat its last one with a share of 0.
 */
#pragma once

#include "functions.h"
#include "products.h"

typedef struct {
    Index n_x, n_h, n_y, n_t; /* n_t: rows of Y, which is n_y but for quantiles: 1 */
    Index m;
    const real *X;             /* (n_x, m), x_row and x_column numbers from one to the next */
    Index x_row, x_column;
    const real *Y;             /* (n_t, m) */
    Index y_row, y_column;
    const real *sample_weight; /* (K, m), or NULL */
    const real *levels;        /* (n_y) of the quantiles, or NULL */
    double setting;            /* Huber's delta, Tweedie's power */
    double penalty;
    double dropout;            /* share of the hidden units left out of each example's step */
    uint64_t seed;             /* of the dropout */
    int32_t activation, loss;
} Problem;

typedef struct { /* the numbers that are learnt, or their gradients: one after another in memory */
    real *W1; /* (n_h, n_x) */
    real *b1; /* (n_h) */
    real *W2; /* (n_y, n_h); (n_y, n_x) where n_h = 0 */
    real *b2; /* (n_y) */
} Parameters;

INLINE Index inputs_of_W2(const Problem *p) { return p->n_h ? p->n_h : p->n_x; }

static Index n_parameters(const Problem *p) {
    return p->n_h * (p->n_x + 1) + p->n_y * (inputs_of_W2(p) + 1);
}

static Parameters parameters_at(const Problem *p, real *theta) {
    Parameters at = {.W1 = theta};
    at.b1 = at.W1 + p->n_h * p->n_x;
    at.W2 = at.b1 + p->n_h;
    at.b2 = at.W2 + p->n_y * inputs_of_W2(p);
    return at;
}

typedef struct { /* one block of examples; every array is panels of the shape given */
    Index vectors;     /* of examples that are there */
    real *X;           /* (n_x, P) */
    real *Y;           /* (n_t, P) */
    real *share;       /* (1, P) each example's share of the average, for one member */
    real *A1;          /* (n_h, P) Z1, then A1 */
    real *dZ1;         /* (n_h, P) g'(Z1), then dZ1 */
    real *Z2;          /* (n_y, P) */
    real *dZ2;         /* (n_y, P) */
    uint32_t *example; /* (1, P) its number among all m, for the dropout */
} Block;

INLINE int vectors_of_panel(const Block *block, Index panel) {
    Index left = block->vectors - panel * WIDE;
    return left < WIDE ? (int)left : WIDE;
}

/* ---- dropout: twin of dropout.py --------------------------------------------------------------- */

/* A hash of 32 bits: each bit in changes about half of the bits out. */
#define MIX(h) ((h) ^= (h) >> 16, (h) *= 0x7feb352dU, (h) ^= (h) >> 15, (h) *= 0x846ca68bU, \
                (h) ^= (h) >> 16)

static uint32_t dropout_key(uint64_t seed, uint64_t step, uint64_t member) {
    const uint32_t words[] = {(uint32_t)seed, (uint32_t)(seed >> 32), (uint32_t)step,
                              (uint32_t)member};
    uint32_t key = 0;
    for (int i = 0; i < 4; i++) key ^= words[i], MIX(key);
    return key;
}

/* What A1 and g'(Z1) of one unit are multiplied with: 1 / (1 - dropout) or 0. */
INLINE vec kept(uint32_t key, const uint32_t *example, uint32_t unit, double dropout) {
    hashes h;
    memcpy(&h, example, sizeof h);
    h ^= key, MIX(h);
    h += unit * 0x9e3779b9U, MIX(h);
    const uint32_t threshold = (uint32_t)(dropout * 0x1p32);
    mask keep;
    for (int i = 0; i < LANES; i++) keep[i] = h[i] >= threshold ? -1 : 0;
    return where(keep, splat((real)(1 / (1 - dropout))), splat(0));
}

/* ---- forward ----------------------------------------------------------------------------------- */

/* Z (n, P) of some units becomes A1, and dZ1 g'(Z1) if it is wanted. */
INLINE void activate(const enum activation activation, real *Z1, real *dZ1, int units,
                     int vectors) {
    for (int i = 0; i < units; i++)
        for (int v = 0; v < vectors; v++) {
            vec g_prime, A1 = g(activation, load(Z1 + i * P + v * LANES), &g_prime);
            store(Z1 + i * P + v * LANES, A1);
            if (dZ1) store(dZ1 + i * P + v * LANES, g_prime);
        }
}

static void activate_units(int activation, real *Z1, real *dZ1, int units, int vectors) {
#define CASE(name) case name: activate(name, Z1, dZ1, units, vectors); break;
    switch (activation) {
        CASE(SIGMOID) CASE(TANH) CASE(RELU) CASE(LEAKY_RELU) CASE(IDENTITY) CASE(SOFTPLUS)
        CASE(GELU) CASE(SILU)
    }
#undef CASE
}

/* One panel's A1 (n_h, P), Z2 (n_y, P) and, unless dZ1 is NULL, g'(Z1) in dZ1 (n_h, P). Where the
 * problem has dropout, key and example say which units are left out. */
static void forward(const Problem *p, Parameters W, const real *X, int vectors, real *A1,
                    real *dZ1, real *Z2, uint32_t key, const uint32_t *example) {
    for (Index j = 0; j < p->n_h; j += UNITS) {
        const int units = p->n_h - j < UNITS ? (int)(p->n_h - j) : UNITS;
        real *Z1 = A1 + j * P, *g_prime = dZ1 ? dZ1 + j * P : NULL;
        product_rows(W.W1 + j * p->n_x, p->n_x, 1, X, p->n_x, W.b1 + j, Z1, units, vectors); /* Eq 1 */
        activate_units(p->activation, Z1, g_prime, units, vectors);                      /* Eq 2 */
        if (p->dropout > 0)
            for (int i = 0; i < units; i++)
                for (int v = 0; v < vectors; v++) {
                    vec keep = kept(key, example + v * LANES, (uint32_t)(j + i), p->dropout);
                    real *A = Z1 + i * P + v * LANES, *d = g_prime + i * P + v * LANES;
                    store(A, load(A) * keep), store(d, load(d) * keep);
                }
    }
    const Index n = inputs_of_W2(p);
    for (Index o = 0; o < p->n_y; o += UNITS) {
        const int units = p->n_y - o < UNITS ? (int)(p->n_y - o) : UNITS;
        product_rows(W.W2 + o * n, n, 1, p->n_h ? A1 : X, n, W.b2 + o, Z2 + o * P, units,
                     vectors); /* Eq 3, of A1 = X where n_h = 0 */
    }
}

/* ---- output, loss, dZ2 (Eq 4, 5, 6): one vector of examples, all rows of Z2 --------------------
 *
 * Each returns the losses of the examples and writes dZ2 (n_y, P); without Y it writes A2. */

INLINE vec softmax_loss(Index n_y, const real *Z2, const real *Y, real *out) {
    vec largest = load(Z2), others = {0}, total = {0};
    mask seen = {0};
    for (Index o = 1; o < n_y; o++) largest = larger(largest, load(Z2 + o * P));
    for (Index o = 0; o < n_y; o++) { /* the first of the largest is the 1 that log1p adds */
        vec z = load(Z2 + o * P) - largest, E = exponential(z);
        mask first = (z == 0) & ~seen;
        seen |= first;
        others += where(first, splat(0), E);
        store(out + o * P, E);
        if (Y) total -= load(Y + o * P) * z;
    }
    for (Index o = 0; o < n_y; o++) {
        vec a = load(out + o * P) / (1 + others);
        store(out + o * P, Y ? a - load(Y + o * P) : a);
    }
    return log1p_positive(others) + total;
}

/* A2 is Z2 sorted; each score is compared with the level of its place. */
INLINE vec quantile_loss(Index n_y, const real *levels, const real *Z2, const real *Y, real *out) {
    vec total = {0};
    for (Index o = 0; o < n_y; o++) {
        vec z = load(Z2 + o * P), tau = {0};
        mask place = {0};
        for (Index i = 0; i < n_y; i++) {
            vec other = load(Z2 + i * P);
            place -= i < o ? other <= z : other < z;
        }
        for (Index i = 0; i < n_y; i++) {
            mask here = place == (whole)i;
            if (Y) tau = where(here, splat(levels[i]), tau);
            else store(out + i * P, where(here, z, load(out + i * P)));
        }
        if (!Y) continue;
        vec R = load(Y) - z;
        total += larger(tau * R, (tau - 1) * R);
        store(out + o * P, where(R == 0, splat(0), where(R < 0, 1 - tau, -tau)));
    }
    return total;
}

INLINE vec separate_losses(const enum loss loss, real setting, Index n_y, const real *Z2,
                           const real *Y, real *out) {
    vec total = {0};
    for (Index o = 0; o < n_y; o++) {
        vec a, dz;
        total += loss_of(loss, setting, load(Z2 + o * P), Y ? load(Y + o * P) : splat(1), &a, &dz);
        store(out + o * P, Y ? dz : a);
    }
    return total;
}

static vec output(const Problem *p, const real *Z2, const real *Y, real *out) {
#define CASE(name) \
    case name: return separate_losses(name, (real)p->setting, p->n_y, Z2, Y, out);
    switch (p->loss) {
    case CROSS_ENTROPY: return softmax_loss(p->n_y, Z2, Y, out);
    case QUANTILE: return quantile_loss(p->n_y, p->levels, Z2, Y, out);
    CASE(BINARY_CROSS_ENTROPY) CASE(SQUARED_ERROR) CASE(ABSOLUTE_ERROR) CASE(HUBER) CASE(POISSON)
    CASE(GAMMA) CASE(TWEEDIE)
    }
#undef CASE
    return splat(NAN);
}

/* ---- backward ---------------------------------------------------------------------------------- */

/* dZ1 (n_h, P) = W2ᵀ dZ2 ∗ g'(Z1), which stands in dZ1. A tile of W2ᵀ dZ2 at a time. */
static void backward_to_Z1(const Problem *p, Parameters W, const real *dZ2, int vectors,
                           real *dZ1) {
    real tile[UNITS * P] __attribute__((aligned(VECTOR_BYTES)));
    for (Index j = 0; j < p->n_h; j += UNITS) {
        const int units = p->n_h - j < UNITS ? (int)(p->n_h - j) : UNITS;
        product_rows(W.W2 + j, 1, p->n_h, dZ2, p->n_y, NULL, tile, units, vectors);
        for (int i = 0; i < units; i++)
            for (int v = 0; v < vectors; v++) {
                real *d = dZ1 + (j + i) * P + v * LANES;
                store(d, load(tile + i * P + v * LANES) * load(d)); /* Eq 9, of A1 = g(Z1) */
            }
    }
}

/* Cost of a block, its examples weighted by their shares; its gradients are added to d, unless
 * d is NULL. The key is that of the dropout. */
static double pass(const Problem *p, Parameters W, Block *block, const Parameters *d,
                   uint32_t key) {
    vec J = {0};
    const Index n_panels = (block->vectors + WIDE - 1) / WIDE;
    for (Index panel = 0; panel < n_panels; panel++) {
        const int vectors = vectors_of_panel(block, panel);
        const real *X = block->X + panel * p->n_x * P;
        const real *Y = block->Y + panel * p->n_t * P;
        real *A1 = block->A1 + panel * p->n_h * P;
        real *dZ1 = block->dZ1 + panel * p->n_h * P;
        real *Z2 = block->Z2, *dZ2 = block->dZ2 + panel * p->n_y * P;
        forward(p, W, X, vectors, A1, d ? dZ1 : NULL, Z2, key, block->example + panel * P);
        for (int v = 0; v < vectors; v++) {
            const vec share = load(block->share + panel * P + v * LANES);
            J += share * output(p, Z2 + v * LANES, Y + v * LANES, dZ2 + v * LANES); /* Eq 4, 5, 6 */
            for (Index o = 0; o < p->n_y; o++) { /* the 1/m of Eq 7, 8, 10 and 11, once for all */
                real *at = dZ2 + o * P + v * LANES;
                store(at, load(at) * share);
            }
        }
        if (d) backward_to_Z1(p, W, dZ2, vectors, dZ1);
    }
    if (d) {
        const Index x = p->n_x * P, h = p->n_h * P, y = p->n_y * P;
        const real *A1 = p->n_h ? block->A1 : block->X;
        const Index n = inputs_of_W2(p);
        product_transposed(block->dZ2, y, p->n_y, A1, n * P, n, block->vectors, d->W2); /* Eq 7 */
        row_sums(block->dZ2, y, p->n_y, block->vectors, d->b2);                         /* Eq 8 */
        product_transposed(block->dZ1, h, p->n_h, block->X, x, p->n_x, block->vectors,
                           d->W1);                              /* Eq 10, of Z1 = W1 X + b1 */
        row_sums(block->dZ1, h, p->n_h, block->vectors, d->b1); /* Eq 11 */
    }
    return (double)sum(J);
}

/* θ ← θ - α dθ, for n numbers; dθ gets the penalty's part, penalty · θ, on the way. */
static void gradient_descent(Index n, real *restrict theta, const real *restrict d_theta,
                             real penalty, real alpha) {
    for (Index i = 0; i < n; i++)
        theta[i] -= alpha * (d_theta[i] + penalty * theta[i]); /* Eq 12 */
}
