/* The entry points, for one instruction set and one type: this file is compiled once for each.
 *
 * Design
 * a. One call makes many steps. K members train together: a batch of one block is gathered once, and
 *    each member takes its whole step with it while what it needs is in the cache.
 * b. Which examples form a block, and which blocks a stripe, is fixed by the sizes alone. Stripes
 *    are added up in their order, so any number of threads gives the same bits. Threads share the
 *    members, or, with one member, the stripes and then the numbers of the step.
 * c. A call allocates once, before it changes anything: it either runs to its end or returns a
 *    reason with everything as it was.
 */
#include <stdlib.h>

#include "optimizers.h"
#include "threads.h"

enum status { DONE, NO_MEMORY, NO_SUCH_EXAMPLE, NO_WEIGHT };

enum {
    BLOCK_BYTES = 384 * 1024, /* of a block's panels: they share L2 with the weights */
    STRIPES = 8,
    STRIPE_PRODUCTS = 2000000, /* multiplications that are worth a stripe, about 30 µs */
    STRIPE_EXAMPLES = 64,      /* so many that adding up their gradients is little work */
    CHUNK = 16384,             /* numbers whose step is worth a task, about 5 µs */
};

typedef struct {
    const Problem *p;
    const Optimizer *optimizer; /* NULL: no steps, only cost and gradients */
    Index K;                    /* members */
    real *theta;                /* (K, n_parameters) */
    real *moments;              /* (K, n_moments, n_parameters) */
    real *tables;               /* (1 or threads, size_of_tables), where inputs are looked up */
    real *gradients;            /* (places, n_gradients), or NULL */
    double *J;                  /* (stripes or threads) */
    double *totals;             /* (n_steps or 1, K) sums of the weights of each batch */
    double *costs;              /* (n_steps, K) */
    const int32_t *order;       /* numbers of the examples, batch after batch; NULL: all, always */
    const int64_t *ends;        /* (n_steps) where each batch ends in it */
    Index n_steps, n_steps_done;
    Index block_panels, stripes;
    Index chunks; /* of the numbers of one member, whose steps can be made at once */
    Index places; /* of gradients: one for each thread with members of its own, or for each stripe;
                     one in all where stripes of one block follow each other on one thread */
    Block blocks[MOST_THREADS];
    int n_threads;
} Descent;

/* ---- blocks of examples ------------------------------------------------------------------------ */

INLINE Index panel_bytes(const Problem *p) {
    const Index reals = p->n_d + p->n_t + 1 + 2 * p->n_h + 2 * p->n_y;
    return P * ((Index)sizeof(real) * reals + 12 + p->lookup.n_columns);
}

/* Where the arrays of a block lie in a piece of memory. Returns what is behind them. */
static char *lay_out(const Problem *p, Block *block, Index panels, char *at) {
    const Index row = P * (Index)sizeof(real);
    block->X = (real *)at, at += panels * p->n_d * row;
    block->Y = (real *)at, at += panels * p->n_t * row;
    block->share = (real *)at, at += panels * row;
    block->A1 = (real *)at, at += panels * p->n_h * row;
    block->dZ1 = (real *)at, at += panels * p->n_h * row;
    block->dZ2 = (real *)at, at += panels * p->n_y * row;
    block->Z2 = (real *)at, at += panels * p->n_y * row;
    block->at = (Index *)at, at += panels * P * (Index)sizeof(Index);
    block->example = (uint32_t *)at, at += panels * P * 4;
    block->order = (uint8_t *)at, at += panels * P * p->lookup.n_columns;
    return at + (-(uintptr_t)at & 63);
}

/* Gather one vector of examples: rows of their n numbers become n rows of LANES examples. */
INLINE void gather(const real *from, Index row, Index column, Index n, const Index *examples,
                   real *to) {
    Index k = 0;
    if (row == 1)
        for (; k + LANES <= n; k += LANES) {
            vec square[LANES];
            for (int i = 0; i < LANES; i++) square[i] = load(from + examples[i] * column + k);
            transpose(square);
            for (int i = 0; i < LANES; i++) store(to + (k + i) * P, square[i]);
        }
    for (int i = 0; i < LANES; i++)
        for (Index l = k; l < n; l++) to[l * P + i] = from[l * row + examples[i] * column];
}

/* Fill a block with count examples, those of order or first, first + 1, ... */
static void fill(const Problem *p, Block *block, const int32_t *order, Index first, Index count) {
    block->m = count;
    block->vectors = (count + LANES - 1) / LANES;
    for (Index vector = 0; vector < block->vectors; vector++) {
        const Index panel = vector / WIDE, v = vector % WIDE * LANES;
        Index examples[LANES];
        for (int i = 0; i < LANES; i++) {
            Index e = vector * LANES + i;
            if (e >= count) e = count - 1; /* its share is 0 */
            examples[i] = order ? order[e] : first + e;
            block->example[panel * P + v + i] = (uint32_t)examples[i];
            block->at[panel * P + v + i] = examples[i] * p->x_column;
        }
        gather(p->X, p->x_row, p->x_column, p->n_d, examples, block->X + panel * p->n_d * P + v);
        gather(p->Y, p->y_row, p->y_column, p->n_t, examples, block->Y + panel * p->n_t * P + v);
    }
}

/* For the gradients of what is looked up. */
static void sort_block(const Problem *p, Block *block) {
    for (Index i = 0; i * P < block->m; i++)
        sort_by_row(&p->lookup, block->example + i * P, examples_of_panel(block, i),
                    block->order + i * P * p->lookup.n_columns);
}

/* Each example's share of the average, for one member. */
static void fill_shares(const Problem *p, Block *block, Index member, Index count, double total,
                        const int32_t *order, Index first) {
    const real *weight = p->sample_weight ? p->sample_weight + member * p->m : NULL;
    const real equal = (real)(1 / total);
    for (Index e = 0; e < block->vectors * LANES; e++) {
        real share = 0; /* of the examples beyond the end */
        if (e < count)
            share = weight ? (real)(weight[order ? order[e] : first + e] / total) : equal;
        block->share[e] = share;
    }
}

/* ---- tables of what is looked up --------------------------------------------------------------- */

/* So many numbers that what comes behind them is aligned for all vectors. */
INLINE Index aligned(Index n) { return (n + 15) / 16 * 16; }

/* Numbers of a member's gradients: those of the parameters, and of the tables. */
INLINE Index tables_begin(const Problem *p) { return aligned(n_parameters(p)); }

INLINE Index n_gradients(const Problem *p) {
    const Affine map = affine(p);
    return p->lookup.n_columns ? tables_begin(p) + size_of_tables(&map) : n_parameters(p);
}

static void tables_of(const Problem *p, real *theta, real *tables) {
    if (!p->lookup.n_columns) return;
    const Affine map = affine(p);
    const Parameters W = parameters_at(p, theta, NULL);
    make_tables(&map, p->n_h ? W.W1 : W.V, W.b1, W.b2, tables);
}

/* Threads with members of their own have tables of their own. */
INLINE real *tables(const Descent *d, int t) {
    const Affine map = affine(d->p);
    return d->tables + (d->K > 1 ? t : 0) * size_of_tables(&map);
}

static void gradients_of_tables(const Problem *p, real *gradients) {
    if (!p->lookup.n_columns) return;
    const Affine map = affine(p);
    const Parameters d = parameters_at(p, gradients, gradients + tables_begin(p));
    from_tables(&map, d.tables, d.b1, d.b2, p->n_h ? d.W1 : d.V);
}

/* ---- steps ------------------------------------------------------------------------------------- */

/* The passes of one member over one stripe of one batch. `filled`: a block that is all of the batch
 * has been filled before. */
static void passes(Descent *d, int t, Index step, Index k, Index stripe, int filled) {
    const Problem *p = d->p;
    const Index n = n_gradients(p), begin = d->order && step ? d->ends[step - 1] : 0;
    const Index m = d->order ? d->ends[step] - begin : p->m;
    const Index width = d->block_panels * P, n_blocks = (m + width - 1) / width;
    const double total = d->totals[(d->order ? step * d->K : 0) + k];
    const Parameters W = parameters_at(p, d->theta + k * n_parameters(p), tables(d, t));
    const uint32_t key =
        p->dropout > 0 ? dropout_key(p->seed, d->n_steps_done + step, k) : 0;
    Block *block = &d->blocks[t];
    filled = filled && n_blocks == 1;
    const Index place = d->K > 1 ? t : stripe, to_block = n_blocks * (stripe + 1) / d->stripes;
    real *at = d->gradients + (d->places > 1 ? place : 0) * n;
    const Parameters gradients = parameters_at(p, at, at + tables_begin(p));
    int add = d->K == 1 && d->places == 1 && stripe > 0;
    d->J[place] = 0;
    for (Index b = n_blocks * stripe / d->stripes; b < to_block; b++) {
        const Index first = b * width, count = m - first < width ? m - first : width;
        const int32_t *order = d->order ? d->order + begin + first : NULL;
        if (!filled) {
            fill(p, block, order, first, count);
            if (d->gradients) sort_block(p, block);
        }
        if (!filled || (p->sample_weight && d->K > 1))
            fill_shares(p, block, k, count, total, order, first);
        d->J[place] += pass(p, W, block, d->gradients ? &gradients : NULL, add, key);
        add = 1;
    }
    if (d->gradients && !add) memset(at, 0, n * sizeof(real)); /* a stripe without a block */
}

/* Add up the stripes of one member, in their order, and step: one chunk of its numbers. */
static void finish_step(Descent *d, int t, Index step, Index k, Index chunk) {
    const Index size = n_parameters(d->p), n = n_gradients(d->p), place = d->K > 1 ? t : 0;
    const Index from = n * chunk / d->chunks, to = n * (chunk + 1) / d->chunks;
    if (chunk == 0) {
        double J = d->J[place];
        for (Index s = 1; s < d->stripes; s++) J += d->J[s];
        d->costs[step * d->K + k] = J;
    }
    if (!d->gradients) return;
    real *restrict total = d->gradients + place * n;
    for (Index s = 1; d->K == 1 && s < d->places; s++) {
        const real *restrict more = d->gradients + s * n;
        for (Index i = from; i < to; i++) total[i] += more[i];
    }
    gradients_of_tables(d->p, total);
    if (d->optimizer)
        optimizer_step(d->p, d->optimizer, d->theta + k * size, total,
                       d->moments + k * n_moments(d->optimizer) * size, d->n_steps_done + step,
                       from, to);
}

static void descend_work(void *shared, Team *team, int t) {
    Descent *d = shared;
    const Index size = n_parameters(d->p);
    if (d->K > 1) { /* members to threads, which then need not wait for each other */
        const Index from = d->K * t / team->n, to = d->K * (t + 1) / team->n;
        for (Index step = 0; step < d->n_steps; step++)
            for (Index k = from; k < to; k++) { /* all of a member's step while it is in the cache */
                tables_of(d->p, d->theta + k * size, tables(d, t));
                passes(d, t, step, k, 0, k > from || (!d->order && step > 0));
                finish_step(d, t, step, k, 0);
            }
        return;
    }
    const Index tasks = d->stripes + d->chunks;
    for (Index i; (i = take(team, d->stripes, d->chunks, d->n_steps)) >= 0; end_task(team)) {
        const Index step = i / tasks, task = i % tasks;
        if (task < d->stripes) {
            passes(d, t, step, 0, task, !d->order && step > 0);
        } else {
            finish_step(d, t, step, 0, task - d->stripes);
            tables_of(d->p, d->theta, d->tables);
        }
    }
}

/* Check the order and sum the weights of each batch. */
static enum status weigh(const Descent *d) {
    const Problem *p = d->p;
    const Index n = d->order ? d->n_steps : 1;
    for (Index step = 0; step < n; step++) {
        const Index begin = d->order && step ? d->ends[step - 1] : 0;
        const Index end = d->order ? d->ends[step] : p->m;
        for (Index i = begin; d->order && i < end; i++)
            if (d->order[i] < 0 || d->order[i] >= p->m) return NO_SUCH_EXAMPLE;
        for (Index k = 0; k < d->K; k++) {
            double total = p->sample_weight ? 0 : (double)(end - begin);
            if (p->sample_weight)
                for (Index i = begin; i < end; i++)
                    total += p->sample_weight[k * p->m + (d->order ? d->order[i] : i)];
            if (!(total > 0)) return NO_WEIGHT;
            d->totals[step * d->K + k] = total;
        }
    }
    return DONE;
}

/* Multiplications of the passes over m examples. */
static Index n_products(const Problem *p, Index m) {
    return 3 * m * (p->n_h + n_linear(p)) * (p->n_d + 4 * p->lookup.n_columns + p->n_y);
}

INLINE Index smaller_of(Index a, Index b) { return a < b ? a : b; }

/* How many stripes are worth their while, and that their gradients are added up. Members that share
 * the threads need none. */
static Index wanted_stripes(const Descent *d, Index m) {
    const Index products = n_products(d->p, m);
    Index stripes = smaller_of(1 + products / STRIPE_PRODUCTS, products / (48 * n_gradients(d->p)));
    stripes = smaller_of(stripes, smaller_of((m - 1) / STRIPE_EXAMPLES + 1, STRIPES));
    return d->K > 1 || stripes < 1 ? 1 : stripes;
}

static int run(Descent *d, real *gradients_out, int n_threads, Index largest_batch) {
    const Problem *p = d->p;
    const Index size = n_parameters(p), bytes = panel_bytes(p);
    const Index panels = (largest_batch + P - 1) / P;
    const Index wanted = wanted_stripes(d, largest_batch);
    d->block_panels = smaller_of(BLOCK_BYTES / bytes, (panels + wanted - 1) / wanted);
    if (d->block_panels < 1) d->block_panels = 1;
    const Index n_blocks = (panels + d->block_panels - 1) / d->block_panels;
    d->stripes = wanted > 1 ? smaller_of(n_blocks, STRIPES) : 1;
    const Index shares = d->K > 1 ? d->K : d->stripes;
    d->n_threads = n_threads < shares ? n_threads : (int)shares;
    d->chunks = d->K > 1 || p->lookup.n_columns ? 1 : n_gradients(p) / CHUNK;
    if (d->chunks > d->n_threads) d->chunks = d->n_threads;
    if (d->chunks < 1) d->chunks = 1;
    if (d->n_threads > MOST_THREADS) d->n_threads = MOST_THREADS;

    const Affine map = affine(p);
    const Index one_block = d->block_panels * bytes + 64;
    const Index n_tables = (d->K > 1 ? d->n_threads : 1) * size_of_tables(&map);
    d->places = d->K > 1 ? d->n_threads : d->stripes;
    const Index n_J = d->places;
    /* Sums that are added at once are the sums that are added later: but not those of tables. */
    if (d->n_threads == 1 && n_blocks <= d->stripes && !p->lookup.n_columns) d->places = 1;
    const Index n_all = gradients_out || d->optimizer ? aligned(d->places * n_gradients(p)) : 0;
    const Index n_totals = (d->order ? d->n_steps : 1) * d->K;
    char *memory = malloc(d->n_threads * one_block + (n_tables + n_all) * sizeof(real) +
                          (n_J + n_totals) * sizeof(double) + 64);
    if (!memory) return NO_MEMORY;
    char *at = memory + (-(uintptr_t)memory & 63);
    for (int t = 0; t < d->n_threads; t++) at = lay_out(p, &d->blocks[t], d->block_panels, at);
    d->tables = (real *)at, at += n_tables * sizeof(real);
    d->gradients = n_all ? (real *)at : NULL, at += n_all * sizeof(real);
    d->J = (double *)at, at += n_J * sizeof(double);
    d->totals = (double *)at, at += n_totals * sizeof(double);
    const enum status status = weigh(d);
    if (status == DONE) {
        memset(d->tables, 0, n_tables * sizeof(real)); /* behind the last unit of a row */
        if (d->K == 1) tables_of(p, d->theta, d->tables);
        run_on_threads(d->n_threads, descend_work, d);
        if (gradients_out) memcpy(gradients_out, d->gradients, size * sizeof(real));
    }
    free(memory);
    return status;
}

/* n_steps steps of K members; theta, moments and costs (n_steps, K) are written. */
static int descend(const Problem *p, const Optimizer *optimizer, Index K, real *theta,
                   real *moments, Index n_steps_done, const int32_t *order, const int64_t *ends,
                   Index n_steps, double *costs, int n_threads) {
    Descent d = {.p = p, .optimizer = optimizer, .K = K, .theta = theta, .moments = moments,
                 .costs = costs, .order = order, .ends = ends, .n_steps = n_steps,
                 .n_steps_done = n_steps_done};
    Index largest = order ? 0 : p->m;
    for (Index step = 0; order && step < n_steps; step++) {
        const Index size = ends[step] - (step ? ends[step - 1] : 0);
        if (size > largest) largest = size;
    }
    return run(&d, NULL, n_threads, largest);
}

/* Cost of all examples, and, unless it is NULL, the gradient without the penalty's part. */
static int evaluate(const Problem *p, real *theta, double *cost, real *gradients, int n_threads) {
    Problem plain = *p;
    plain.dropout = 0;
    Descent d = {.p = &plain, .K = 1, .theta = theta, .costs = cost, .n_steps = 1};
    return run(&d, gradients, n_threads, p->m);
}

/* ---- prediction -------------------------------------------------------------------------------- */

typedef struct {
    const Problem *p;
    real *theta;
    real *tables;
    real *out; /* (n_y, m): Z2, or A2 */
    Index out_row, out_column;
    int scores;
    Block blocks[MOST_THREADS]; /* of one panel each */
} Prediction;

static void predict_work(void *shared, Team *team, int t) {
    Prediction *d = shared;
    const Problem *p = d->p;
    Block *block = &d->blocks[t];
    const Index panels = (p->m + P - 1) / P;
    for (Index panel = panels * t / team->n; panel < panels * (t + 1) / team->n; panel++) {
        const Index first = panel * P, count = p->m - first < P ? p->m - first : P;
        fill(p, block, NULL, first, count);
        forward(p, parameters_at(p, d->theta, d->tables), block, 0, 0);
        if (!d->scores) output(p, block, 0);
        const real *from = d->scores ? block->Z2 : block->dZ2;
        for (Index i = 0; i < count; i++)
            for (Index o = 0; o < p->n_y; o++)
                d->out[o * d->out_row + (first + i) * d->out_column] = from[o * P + i];
    }
}

/* What `predict` looks up, once for many predictions. */
static int prepare(const Problem *p, real *theta, real *tables) {
    const Affine map = affine(p);
    memset(tables, 0, size_of_tables(&map) * sizeof(real));
    tables_of(p, theta, tables);
    return DONE;
}

/* Z2 of all examples if scores, else A2. */
static int predict(const Problem *p, real *theta, real *tables, real *out, Index out_row,
                   Index out_column, int scores, int n_threads) {
    Problem plain = *p;
    plain.dropout = 0;
    plain.n_t = 0; /* no Y */
    Prediction d = {.p = &plain, .theta = theta, .tables = tables, .out = out, .out_row = out_row,
                    .out_column = out_column, .scores = scores};
    const Index panels = (p->m + P - 1) / P, bytes = panel_bytes(&plain) + 64;
    if (n_threads > panels) n_threads = panels > 0 ? (int)panels : 1;
    if (n_threads > MOST_THREADS) n_threads = MOST_THREADS;
    char *memory = malloc(n_threads * bytes + 64);
    if (!memory) return NO_MEMORY;
    char *at = memory + (-(uintptr_t)memory & 63);
    for (int t = 0; t < n_threads; t++) at = lay_out(&plain, &d.blocks[t], 1, at);
    run_on_threads(n_threads, predict_work, &d);
    free(memory);
    return DONE;
}

/* ---- what the library offers for this instruction set and type --------------------------------- */

#define PASTE_(a, b, c) a##_##b##_##c
#define PASTE(a, b, c) PASTE_(a, b, c)

typedef void (*Function)(void);

const Function PASTE(shoal, ISA, REAL)[] = {(Function)descend, (Function)evaluate,
                                            (Function)prepare, (Function)predict};
