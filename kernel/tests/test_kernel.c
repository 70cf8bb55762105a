/* The kernel without Python: gradients against differences, members against threads, and an
 * allocation that fails at every n-th call. Built with sanitizers by the Makefile beside it; one
 * build for each type and instruction set. Prints "ok", or ends at the first assertion. */
#include <stdio.h>
#include <stdlib.h>

static long fail_at = -1, n_allocations; /* which allocation fails; -1: none */

static void *counted_malloc(size_t size) { return n_allocations++ == fail_at ? NULL : malloc(size); }

#define malloc counted_malloc
#define ISA test
#include "../kernel.c"
#undef malloc

#undef NDEBUG
#include <assert.h>

static uint64_t state = 1;

static double uniform(void) { /* -1 to 1; a linear congruential generator of Knuth's */
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (double)(state >> 11) * 0x1p-52 - 1;
}

/* Exactly so much memory that a sanitizer sees every step beyond it. */
static real *numbers(Index n) {
    real *x = malloc((n > 0 ? n : 1) * sizeof(real));
    for (Index i = 0; i < n; i++) x[i] = (real)uniform();
    return x;
}

enum { COLUMNS_LOOKED_UP = 3, BINS = 2 };

typedef struct {
    Problem p;
    real *X, *Y, *weight, *levels, *fraction, *centers;
    int32_t *rows;
    uint16_t *index;
} Data;

static Data data(Index n_x, Index n_h, Index n_y, Index m, int activation, int loss, Index K,
                 int by_columns) {
    Data d = {.p = {.n_x = n_x, .n_d = n_x, .n_h = n_h, .n_y = n_y, .n_t = loss == QUANTILE ? 1 : n_y, .m = m,
                    .setting = loss == TWEEDIE ? 1.5 : 0.5, .penalty = 0.01,
                    .activation = activation, .loss = loss}};
    d.X = numbers(n_x * m), d.Y = numbers(d.p.n_t * m), d.weight = numbers(K * m);
    d.levels = numbers(n_y);
    for (Index i = 0; i < n_y; i++) d.levels[i] = (real)(i + 1) / (real)(n_y + 1);
    for (Index i = 0; i < d.p.n_t * m; i++)
        if (loss != SQUARED_ERROR && loss != ABSOLUTE_ERROR) d.Y[i] = (real)fabs(d.Y[i]) + (real)0.1;
    for (Index e = 0; loss == CROSS_ENTROPY && e < m; e++) { /* shares of the classes sum to 1 */
        const Index row = by_columns ? m : 1, at = by_columns ? e : e * n_y;
        real total = 0;
        for (Index o = 0; o < n_y; o++) total += d.Y[at + o * row];
        for (Index o = 0; o < n_y; o++) d.Y[at + o * row] /= total;
    }
    for (Index i = 0; i < K * m; i++) d.weight[i] = (real)fabs(d.weight[i]) + (real)0.1;
    d.p.X = d.X, d.p.Y = d.Y, d.p.levels = d.levels;
    d.p.x_row = by_columns ? m : 1, d.p.x_column = by_columns ? 1 : n_x;
    d.p.y_row = by_columns ? m : 1, d.p.y_column = by_columns ? 1 : d.p.n_t;
    return d;
}

/* Columns of 1, 17 and 3 slots, now and then of a value that is not known. */
static void look_up_columns(Data *d) {
    static const int widths[COLUMNS_LOOKED_UP] = {1, 17, 3};
    const Index n = d->p.m * COLUMNS_LOOKED_UP;
    d->rows = malloc((COLUMNS_LOOKED_UP + 1) * sizeof(int32_t));
    d->index = malloc(n * sizeof(uint16_t)), d->fraction = numbers(n), d->centers = numbers(21);
    d->rows[0] = 1 + (int32_t)d->p.n_d;
    for (int c = 0; c < COLUMNS_LOOKED_UP; c++)
        d->rows[c + 1] = d->rows[c] + widths[c] + 1 + (c < BINS);
    for (Index i = 0; i < n; i++) {
        const int width = widths[i % COLUMNS_LOOKED_UP];
        d->index[i] = (uint16_t)((uniform() + 1) / 2 * (width + 1));
        d->fraction[i] = d->index[i] == width ? 1 : (real)fabs(d->fraction[i]);
    }
    d->p.n_x = d->p.n_d + 21;
    d->p.lookup = (Lookup){.n_columns = COLUMNS_LOOKED_UP, .n_bins = BINS, .rows = d->rows,
                           .index = d->index, .fraction = d->fraction, .centers = d->centers,
                           .centred = d->p.m % 2};
}

static void release(Data d) {
    free(d.X), free(d.Y), free(d.weight), free(d.levels);
    free(d.fraction), free(d.centers), free(d.rows), free(d.index);
}

/* ---- every function on every shape: gradients are differences of the cost ---------------------- */

static void check_gradients(Data d) {
    const Index size = n_parameters(&d.p);
    real *theta = numbers(size), *gradients = numbers(size), *out = numbers(d.p.n_y * d.p.m);
    const double h = 1e-5;
    double cost, above, below;
    for (Index i = 0; i < size; i++) theta[i] *= (real)0.3; /* scores of a few, so no cost explodes */
    assert(evaluate(&d.p, theta, &cost, gradients, 1) == DONE);
    for (Index i = 0; i < size; i += 1 + size / 7) {
        const real kept_theta = theta[i];
        theta[i] = kept_theta + (real)h;
        assert(evaluate(&d.p, theta, &above, NULL, 1) == DONE);
        theta[i] = kept_theta - (real)h;
        assert(evaluate(&d.p, theta, &below, NULL, 1) == DONE);
        theta[i] = kept_theta;
        const double difference = (above - below) / (2 * h);
        const int kinked = d.p.activation == RELU || d.p.activation == LEAKY_RELU ||
                           d.p.loss == ABSOLUTE_ERROR || d.p.loss == QUANTILE || d.p.loss == HUBER;
        assert(isfinite(difference) && isfinite(gradients[i]));
        if (!IS_FLOAT && !kinked) /* where a difference of costs says something */
            assert(fabs(difference - (double)gradients[i]) <= 1e-6 * (1 + fabs(difference) + cost));
    }
    const Affine map = affine(&d.p);
    real *tables = numbers(size_of_tables(&map));
    assert(prepare(&d.p, theta, tables) == DONE);
    for (int scores = 0; scores < 2; scores++)
        assert(predict(&d.p, theta, tables, out, 1, d.p.n_y, scores, 2) == DONE);
    free(theta), free(gradients), free(out), free(tables);
}

static void every_function(void) {
    static const Index shapes[][4] = {{0, 0, 1, 1}, {1, 1, 1, 1}, {2, 4, 1, 40}, {0, 3, 2, 9},
                                      {5, 0, 3, 67}, {17, 13, 3, 131}, {33, 7, 5, 66}};
    for (int activation = SIGMOID; activation <= SILU; activation++)
        for (int loss = BINARY_CROSS_ENTROPY; loss <= TWEEDIE; loss++)
            for (unsigned s = 0; s < sizeof shapes / sizeof *shapes; s++) {
                Data d = data(shapes[s][0], shapes[s][1], shapes[s][2], shapes[s][3], activation,
                              loss, 1, s % 2);
                d.p.skip = d.p.n_h && (s + activation) % 2;
                if ((s + loss) % 2) look_up_columns(&d);
                if (s % 3 == 0) d.p.sample_weight = d.weight;
                check_gradients(d);
                release(d);
            }
}

/* ---- descents: any number of threads gives the same bits --------------------------------------- */

static Optimizer optimizer(int method) {
    return (Optimizer){.method = method, .nesterov = method == MOMENTUM, .learning_rate = 0.01,
                       .momentum = 0.9, .beta_1 = 0.9, .beta_2 = 0.999, .epsilon = 1e-8,
                       .weight_decay = 0.01};
}

static void descents(Index K, Index m, Index batch, int full) {
    enum { STEPS = 3 };
    int32_t *order = malloc(STEPS * batch * sizeof *order);
    int64_t ends[STEPS];
    for (Index i = 0; i < STEPS * batch; i++) order[i] = (int32_t)((uniform() + 1) / 2 * (double)m);
    for (Index i = 0; i < STEPS; i++) ends[i] = (i + 1) * batch;
    for (int method = GRADIENT_DESCENT; method <= ADAM; method++) {
        Data d = data(20, 30, 3, m, TANH, CROSS_ENTROPY, K, 0);
        d.p.sample_weight = d.weight, d.p.dropout = 0.25, d.p.seed = 12345678901234;
        d.p.skip = K % 2;
        if (method != MOMENTUM) look_up_columns(&d);
        const Optimizer settings = optimizer(method);
        const Index size = n_parameters(&d.p), n = K * size, n_m = n * n_moments(&settings);
        real *start = numbers(n), *theta = numbers(n), *first = numbers(n), *moments = numbers(n_m);
        double costs[STEPS * 8];
        for (int threads = 1; threads <= 8; threads *= 2) {
            memcpy(theta, start, n * sizeof(real));
            memset(moments, 0, n_m * sizeof(real));
            assert(descend(&d.p, &settings, K, theta, moments, 0, full ? NULL : order,
                           full ? NULL : ends, STEPS, costs, threads) == DONE);
            if (threads == 1) memcpy(first, theta, n * sizeof(real));
            assert(!memcmp(theta, first, n * sizeof(real)));
        }
        free(start), free(theta), free(first), free(moments), release(d);
    }
    free(order);
}

/* ---- what goes wrong is said, and nothing is changed ------------------------------------------- */

static void failures(void) {
    Data d = data(6, 5, 2, 50, RELU, SQUARED_ERROR, 2, 0);
    const Optimizer settings = optimizer(ADAM);
    const Index size = n_parameters(&d.p);
    real *theta = numbers(2 * size), *before = numbers(2 * size), *moments = numbers(4 * size);
    real *gradients = numbers(size), *out = numbers(100);
    double costs[8];
    int32_t wrong[] = {0, 50, 1}, negative[] = {0, -1, 1};
    int64_t ends[] = {3};
    memcpy(before, theta, 2 * size * sizeof(real));
    for (int call = 0; call < 3; call++)
        for (fail_at = 0;; fail_at++) { /* until a call needs fewer allocations than that */
            int status = -1;
            n_allocations = 0;
            if (call == 0)
                status = descend(&d.p, &settings, 2, theta, moments, 0, NULL, NULL, 0, costs, 2);
            if (call == 1) status = evaluate(&d.p, theta, costs, gradients, 2);
            if (call == 2) status = predict(&d.p, theta, NULL, out, 50, 1, 1, 2);
            assert(status == (n_allocations > fail_at ? NO_MEMORY : DONE));
            if (status == DONE) break;
        }
    fail_at = -1;
    assert(descend(&d.p, &settings, 2, theta, moments, 0, wrong, ends, 1, costs, 1) ==
           NO_SUCH_EXAMPLE);
    assert(descend(&d.p, &settings, 2, theta, moments, 0, negative, ends, 1, costs, 1) ==
           NO_SUCH_EXAMPLE);
    memset(d.weight, 0, 100 * sizeof(real));
    d.p.sample_weight = d.weight;
    assert(descend(&d.p, &settings, 2, theta, moments, 0, NULL, NULL, 1, costs, 1) == NO_WEIGHT);
    assert(!memcmp(theta, before, 2 * size * sizeof(real)));
    free(theta), free(before), free(moments), free(gradients), free(out), release(d);
}

int main(void) {
    every_function();
    descents(1, 2000, 1000, 0);
    descents(1, 5000, 1, 1);
    descents(8, 300, 70, 0);
    descents(3, 300, 1, 1);
    failures();
    puts("ok");
    return 0;
}
