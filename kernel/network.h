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
#include "lookup.h"
#include "products.h"

enum { GROUP_BYTES = 16 * 1024 };

typedef struct {
    Index n_x, n_h, n_y, n_t; /* n_t: rows of Y, which is n_y but for quantiles: 1 */
    Index n_d;                 /* inputs that are as they are; the others are looked up */
    Index m;
    const real *X;             /* (n_d, m), x_row and x_column numbers from one to the next */
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
    int32_t skip;              /* whether Z2 = W2 A1 + b2 + V X */
    Lookup lookup;
} Problem;

typedef struct { /* the numbers that are learnt, or their gradients: one after another in memory */
    real *W1; /* (n_h, n_x) */
    real *V;  /* (n_y, n_x), with a skip: the last rows of W1; where n_h = 0: W2 */
    real *b1; /* (n_h) */
    real *W2; /* (n_y, n_h); (n_y, n_x) where n_h = 0 */
    real *b2; /* (n_y) */
    real *tables; /* of lookup.h, where inputs are looked up: then W1 and V, or W2, are (n_x, n) */
} Parameters;

INLINE Index inputs_of_W2(const Problem *p) { return p->n_h ? p->n_h : p->n_x; }

/* Scores that have a part linear in X. */
INLINE Index n_linear(const Problem *p) { return p->skip || !p->n_h ? p->n_y : 0; }

INLINE Affine affine(const Problem *p) {
    return (Affine){.n_d = p->n_d, .n_h = p->n_h, .n_y = n_linear(p), .X = &p->lookup};
}

INLINE Index size_of_W1(const Problem *p) { return (p->n_h + (p->skip ? p->n_y : 0)) * p->n_x; }

static Index n_parameters(const Problem *p) {
    return size_of_W1(p) + p->n_h + p->n_y * (inputs_of_W2(p) + 1);
}

static Parameters parameters_at(const Problem *p, real *theta, real *tables) {
    Parameters at = {.W1 = theta, .tables = tables};
    at.V = at.W1 + p->n_h * p->n_x;
    at.b1 = at.W1 + size_of_W1(p);
    at.W2 = at.b1 + p->n_h;
    if (!p->n_h) at.V = at.W2;
    at.b2 = at.W2 + p->n_y * inputs_of_W2(p);
    return at;
}

typedef struct { /* one block of examples; every array is panels of the shape given */
    Index m;           /* examples */
    Index vectors;     /* of them */
    real *X;           /* (n_d, P) */
    real *Y;           /* (n_t, P) */
    real *share;       /* (1, P) each example's share of the average, for one member */
    real *A1;          /* (n_h, P) Z1, then A1 */
    real *dZ1;         /* (n_h, P) g'(Z1), then dZ1 */
    real *Z2;          /* (n_y, P) */
    real *dZ2;         /* (n_y, P) */
    Index *at;         /* (1, P) where the example begins in the problem's X */
    uint8_t *order;    /* (n_columns, P) of the examples, see sort_by_row */
    uint32_t *example; /* (1, P) its number among all */
} Block;

INLINE Index examples_of_panel(const Block *block, Index panel) {
    return block->m - panel * P < P ? block->m - panel * P : P;
}

/* Vectors of some panels that hold examples. */
INLINE Index vectors_between(const Block *block, Index from, Index to) {
    return (to * WIDE < block->vectors ? to * WIDE : block->vectors) - from * WIDE;
}

INLINE int vectors_of_panel(const Block *block, Index panel) {
    return (int)vectors_between(block, panel, panel + 1);
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
    mask keep = {0};
    for (int i = 0; i < LANES; i++) keep[i] = h[i] >= threshold ? -1 : 0;
    return where(keep, splat((real)(1 / (1 - dropout))), splat(0));
}

/* ---- forward ----------------------------------------------------------------------------------- */

/* Rows of Z1 become A1, and those of dZ1 g'(Z1) unless it is NULL. */
INLINE void activate(const enum activation activation, real *Z1, real *dZ1, Index rows,
                     int vectors) {
    const Index run = vectors == WIDE ? rows * P : vectors * LANES; /* full rows are one long one */
    for (Index row = 0; row < rows * P; row += vectors == WIDE ? run : P)
        for (Index i = row; i < row + run; i += LANES) {
            vec g_prime, A1 = g(activation, load(Z1 + i), &g_prime);
            store(Z1 + i, A1);
            if (dZ1) store(dZ1 + i, g_prime);
        }
}

static void activate_rows(int activation, real *Z1, real *dZ1, Index rows, int vectors) {
#define CASE(name) case name: activate(name, Z1, dZ1, rows, vectors); break;
    switch (activation) {
        CASE(SIGMOID) CASE(TANH) CASE(RELU) CASE(LEAKY_RELU) CASE(IDENTITY) CASE(SOFTPLUS)
        CASE(GELU) CASE(SILU)
    }
#undef CASE
}

/* Of panels `from` to `to`: Z1 = W1 X + b1 (Eq 1), and the scores' linear part, V X + b2, in Z2. */
static void inputs_forward(const Problem *p, Parameters W, Block *block, Index from, Index to) {
    const Index x = p->n_d * P, h = p->n_h * P, y = p->n_y * P, n = vectors_between(block, from, to);
    const real *X = block->X + from * x;
    real *Z1 = block->A1 + from * h, *Z2 = block->Z2 + from * y;
    if (!p->lookup.n_columns) {
        product(W.W1, p->n_x, 1, p->n_h, X, x, p->n_x, W.b1, 0, Z1, h, n);
        product(W.V, p->n_x, 1, n_linear(p), X, x, p->n_x, W.b2, 0, Z2, y, n);
        return;
    }
    const Affine map = affine(p);
    for (Index i = from; i < to; i++, X += x, Z1 += h, Z2 += y)
        look_up(&map, W.tables, X, block->example + i * P, vectors_of_panel(block, i), Z1, Z2);
}

static void drop_out(const Problem *p, Block *block, Index i, int gradients, uint32_t key) {
    const uint32_t *example = block->example + i * P;
    real *A1 = block->A1 + i * p->n_h * P, *dZ1 = block->dZ1 + i * p->n_h * P;
    for (Index j = 0; j < p->n_h; j++)
        for (int v = 0; v < vectors_of_panel(block, i); v++) {
            const vec keep = kept(key, example + v * LANES, (uint32_t)j, p->dropout);
            real *A = A1 + j * P + v * LANES, *d = dZ1 + j * P + v * LANES;
            store(A, load(A) * keep);
            if (gradients) store(d, load(d) * keep);
        }
}

/* A1 and Z2 of a block and, if the gradients are wanted, g'(Z1) in dZ1. The key is that of the
 * dropout. */
static void forward(const Problem *p, Parameters W, Block *block, int gradients, uint32_t key) {
    const Index n_panels = (block->vectors + WIDE - 1) / WIDE;
    const Index h = p->n_h * P, y = p->n_y * P;
    /* So many panels at a time that their Z1 is still in L1 when it is turned into A1. */
    const Index group = GROUP_BYTES / (h * (Index)sizeof(real) + 1) + 1;
    for (Index from = 0; from < n_panels; from += group) {
        const Index to = n_panels - from < group ? n_panels : from + group;
        const int last = vectors_of_panel(block, to - 1);
        const Index full = last == WIDE ? to : to - 1;
        real *Z1 = block->A1, *g_prime = gradients ? block->dZ1 : NULL;
        inputs_forward(p, W, block, from, to); /* Eq 1 */
        activate_rows(p->activation, Z1 + from * h, g_prime ? g_prime + from * h : NULL,
                      (full - from) * p->n_h, WIDE); /* Eq 2 */
        if (full < to)
            activate_rows(p->activation, Z1 + full * h, g_prime ? g_prime + full * h : NULL,
                          p->n_h, last);
        for (Index i = from; p->dropout > 0 && i < to; i++) drop_out(p, block, i, gradients, key);
        if (p->n_h)
            product(W.W2, p->n_h, 1, p->n_y, block->A1 + from * h, h, p->n_h,
                    p->skip ? NULL : W.b2, 0, block->Z2 + from * y, y,
                    vectors_between(block, from, to)); /* Eq 3 */
    }
}

/* ---- output, loss, dZ2 (Eq 4, 5, 6) --------------------------------------------------------------
 *
 * Of one vector of examples and all rows of Z2: each returns the losses and writes dZ2; without Y
 * it writes A2. */

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

/* Where the rows of one vector of examples begin. */
INLINE Index vector_at(Index v, Index rows) { return v / WIDE * rows * P + v % WIDE * LANES; }

/* J of a block, and dZ2 with the 1/m of Eq 7, 8, 10 and 11 in it, once for all. Without Y: A2, in
 * dZ2. */
INLINE real outputs_together(const enum loss loss, const Problem *p, const Block *block,
                             int with_Y) {
    vec J = {0};
    for (Index v = 0; v < block->vectors; v++) {
        const real *Z2 = block->Z2 + vector_at(v, p->n_y);
        const real *Y = with_Y ? block->Y + vector_at(v, p->n_t) : NULL;
        real *dZ2 = block->dZ2 + vector_at(v, p->n_y);
        vec losses = loss == QUANTILE ? quantile_loss(p->n_y, p->levels, Z2, Y, dZ2)
                                      : softmax_loss(p->n_y, Z2, Y, dZ2);
        if (!with_Y) continue;
        const vec share = load(block->share + v * LANES);
        J += share * losses;
        for (Index o = 0; o < p->n_y; o++) store(dZ2 + o * P, load(dZ2 + o * P) * share);
    }
    return sum(J);
}

/* The same for losses whose scores do not know of each other. Where all examples have one share,
 * the logarithms of cross-entropy are one, of a product: each factor is between 1 and 2. */
INLINE real outputs_apart(const enum loss loss, const Problem *p, const Block *block, int with_Y) {
    vec J = {0}, product = {0}; /* less 1, which keeps the digits of small factors */
    for (Index o = 0; o < p->n_y; o++)
        for (Index v = 0; v < block->vectors; v++) {
            const Index at = vector_at(v, p->n_y) + o * P;
            const vec share = with_Y ? load(block->share + v * LANES) : splat(1);
            const vec y = with_Y ? load(block->Y + at) : splat(1);
            vec a, dz, E;
            J += share * loss_of(loss, (real)p->setting, load(block->Z2 + at), y, &a, &dz, &E);
            store(block->dZ2 + at, with_Y ? dz * share : a);
            if (loss != BINARY_CROSS_ENTROPY || !with_Y) continue;
            if (p->sample_weight) {
                J += share * log1p_fraction(E);
                continue;
            }
            E = zero_where(share == 0, E);
            product += E + product * E;
            if (v % 64 == 63 || v == block->vectors - 1) {
                J += block->share[0] * log1p_positive(product);
                product = splat(0);
            }
        }
    return sum(J);
}

INLINE real outputs(const enum loss loss, const Problem *p, const Block *block, int with_Y) {
    return loss == CROSS_ENTROPY || loss == QUANTILE ? outputs_together(loss, p, block, with_Y)
                                                     : outputs_apart(loss, p, block, with_Y);
}

static double output(const Problem *p, const Block *block, int with_Y) {
#define CASE(name) case name: return with_Y ? outputs(name, p, block, 1) : outputs(name, p, block, 0);
    switch (p->loss) {
        CASE(BINARY_CROSS_ENTROPY) CASE(CROSS_ENTROPY) CASE(SQUARED_ERROR) CASE(ABSOLUTE_ERROR)
        CASE(HUBER) CASE(QUANTILE) CASE(POISSON) CASE(GAMMA) CASE(TWEEDIE)
    }
#undef CASE
    return NAN;
}

/* ---- backward ---------------------------------------------------------------------------------- */

/* dW (n, n_x) = dZ Xᵀ and db (n) = Σ dZ, of Z = W X + b: the columns of X that are whole vectors as
 * they lie in memory. */
static void backward_to_weights(const Problem *p, const Block *block, const real *dZ, Index n,
                                int add, real *dW, real *db) {
    const Index x = p->n_x * P, z = n * P;
    const Index whole = p->x_row == 1 ? p->n_x / LANES * LANES : 0;
    product_outer(dZ, z, n, p->X, block->at, whole, block->m, add, dW, p->n_x);
    product_transposed(dZ, z, n, block->X + whole * P, x, p->n_x - whole, block->vectors,
                       add, dW + whole, p->n_x, db);
}

/* dW1, db1 and dV, or, where inputs are looked up, db1 and the gradients of their tables. */
static void inputs_backward(const Problem *p, const Block *block, int add, const Parameters *d) {
    if (!p->lookup.n_columns) { /* Eq 10 and 11, of Z1 = W1 X + b1 */
        backward_to_weights(p, block, block->dZ1, p->n_h, add, d->W1, d->b1);
        backward_to_weights(p, block, block->dZ2, n_linear(p), add, d->V, NULL);
        return;
    }
    product_transposed(block->dZ1, p->n_h * P, p->n_h, NULL, 0, 0, block->vectors, add, NULL, 0,
                       d->b1); /* Eq 11 */
    const Affine map = affine(p);
    if (!add) memset(d->tables, 0, size_of_tables(&map) * sizeof(real));
    for (Index u = 0; u < map.n_h + map.n_y; u += P)
        for (Index i = 0; i * P < block->m; i++)
            add_up(&map, block->dZ1 + i * p->n_h * P, block->dZ2 + i * p->n_y * P,
                   block->X + i * p->n_d * P, block->example + i * P,
                   block->order + i * P * p->lookup.n_columns, examples_of_panel(block, i), u,
                   d->tables);
}

/* Cost of a block, its examples weighted by their shares; its gradients are written to d, or added
 * to what is there, unless d is NULL. Each stage runs over all panels: what bounds a small network
 * is the wait for results, and panels do not wait for each other. */
static double pass(const Problem *p, Parameters W, Block *block, const Parameters *d, int add,
                   uint32_t key) {
    const Index h = p->n_h * P, y = p->n_y * P;
    forward(p, W, block, d != NULL, key);
    const double J = output(p, block, 1); /* Eq 4, 5, 6 */
    if (d) {
        product(W.W2, 1, p->n_h, p->n_h, block->dZ2, y, p->n_y, NULL, 1, block->dZ1, h,
                block->vectors); /* Eq 9, of A1 = g(Z1): dZ1 = W2ᵀ dZ2 ∗ g'(Z1), which is there */
        product_transposed(block->dZ2, y, p->n_y, block->A1, h, p->n_h, block->vectors, add, d->W2,
                           p->n_h, d->b2);  /* Eq 7 and 8 */
        inputs_backward(p, block, add, d); /* Eq 10 and 11 */
    }
    return J;
}

/* θ ← θ - α dθ, for n numbers; dθ gets the penalty's part, penalty · θ, on the way. */
static void gradient_descent(Index n, real *restrict theta, const real *restrict d_theta,
                             real penalty, real alpha) {
    for (Index i = 0; i < n; i++)
        theta[i] -= alpha * (d_theta[i] + penalty * theta[i]); /* Eq 12 */
}
