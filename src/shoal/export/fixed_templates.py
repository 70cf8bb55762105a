"""The C that `shoal.export.fixed` writes, with @words@ in the place of what differs."""

FILE = """\
/*
 * Predicts @target@: a network with one hidden layer, @size@,
 * in integers: weights of @bits@ bits, sums of @sum_bits@ and 64.
 *
 *     #include "@file@"@include@
 *
 *     @p@_row row = {0};
@example@
 *     int32_t Z2[@P@_SCORES];
 *     @call@@call_words@
 *
 * A number v of the table comes as the integer nearest to v times a power of two: the macros below
 * compute it where v is a constant; a sensor's driver may shift what it has. Further out than its
 * bounds it counts as the bound. Score i is Z2[i] * @scale_of@.@log@
 *
 * Proved for every row within the ranges below: no score is further than
 *     @bound@
 * from that of the model. Found: @measured@,
 * of scores that spread by @spread@.
 *
 * The network, Eq 1 to Eq 3, is in @p@_predict, below its numbers.
 *
 * C99 or C++ with stdint.h alone, and no floating point. Nothing is allocated.
 * Flash: @flash@ bytes of numbers, and about 1 kB of code. Stack: about @stack@ bytes.
 *
 *     cc -std=c99 -O2 program.c
 *     cc -std=c99 -DSHOAL_TEST @flags@@file@ -lm && ./a.out    # measures it again
 *
 * Written by shoal @version@.
 */
#ifndef @P@_H
#define @P@_H

#include <stdint.h>

#define @P@_SCORES @n_y@
@scales@
#ifdef __cplusplus
extern "C" {
#endif

#define @P@_MISSING INT32_MIN /* a number that is missing */

/* A row of the table. */
typedef struct {
@members@
} @p@_row;

@nearest@@macros@
@declarations@/* Of a row the scores@predict_words@. */
@returns@ @p@_predict(const @p@_row *row, int32_t Z2[@P@_SCORES]);

#ifdef __cplusplus
}
#endif

#endif
@begin@
enum { N_X = @n_x@, N_H = @n_h@, N_Y = @n_y@, ONE = 1 << 14 }; /* x = 1 is ONE */

typedef int@bits@_t weight;
typedef int@sum_bits@_t sum;

@numbers@

/* value / 2^bits, to the nearest. */
static int64_t shifted(int64_t value, int bits) {
    const int64_t half = bits > 0 ? (int64_t)1 << (bits - 1) : 0;
    return value < 0 ? -((half - value) >> bits) : (value + half) >> bits;
}

/* ---- from the columns of the table to the inputs of the network ---- */

/* The inputs that are not 0, n of them: input k[0] is x[0], input k[1] is x[1], ... */
typedef struct {
    int n;
    uint16_t k[N_X];
    int16_t x[N_X];
} inputs;

@encoders@/* ---- the network ---- */

@activate@@returns@ @p@_predict(const @p@_row *row, int32_t Z2[@P@_SCORES]) {
    int64_t z2[N_Y];
    inputs in;
    in.n = 0;
@encode@

@layers@
    for (int i = 0; i < N_Y; ++i) Z2[i] = (int32_t)shifted(z2[i], shift[i]);
@predict@}
@definitions@
@tests@@end@"""

NEAREST = """\
/* From numbers to the integers that a row takes. */
#define @P@_NEAREST(x)                  \\
    ((x) >= 2147483647.0    ? INT32_MAX  \\
     : (x) <= -2147483647.0 ? -INT32_MAX \\
                            : (int32_t)((x) < 0 ? (x)-0.5 : (x) + 0.5))
"""
PUT = """\
static void put(inputs *in, int k, int64_t x) {
    if (x == 0) return;
    in->k[in->n] = (uint16_t)k;
    in->x[in->n] = (int16_t)x;
    in->n += 1;
}

static void put_all(inputs *in, int first, int width, const int16_t *slots) {
    for (int k = first; k < first + width; ++k) put(in, k, slots[k]);
}

"""
PUT_NUMBER = """\
static int64_t between(int64_t value, int64_t low, int64_t high) {
    return value < low ? low : value > high ? high : value;
}

/* A number, and the knots of its bins: 1 - f of the one below it and f of the one above. */
static void put_number(inputs *in, int32_t value, const number *c) {
    if (value == INT32_MIN) {
        put_all(in, c->first, c->width, missing);
        return;
    }
    const int64_t bounded = between(value, c->low, c->high);
    put(in, c->first, shifted((bounded - c->middle) * ONE, c->shift));
    if (c->n_knots) {
        const int32_t *knots = c->knots;
        const int last = c->n_knots - 1;
        const int64_t inside = between(value, knots[0], knots[last]);
        int t = 1;
        while (t < last && inside >= knots[t]) ++t;
        const int64_t step = (int64_t)knots[t] - knots[t - 1];
        const int64_t f = ((inside - knots[t - 1]) * ONE + step / 2) / step;
        if (t > 1) put(in, c->first + t - 1, ONE - f);
        put(in, c->first + t, f);
    }
}

"""
PUT_LEVEL = """\
/* A level is one input that is 1. */
static void put_level(inputs *in, int level, const category *c) {
    if (level < 0)
        put_all(in, c->first, c->width, missing);
    else if (level < c->n_levels)
        put(in, c->first + level, ONE);
    else
        put_all(in, c->first, c->width, unknown);
}

"""
NUMBER = """\
typedef struct {
    int first, width; /* its inputs: the number, its knots, whether it is missing */
    int n_knots;
    int32_t low, high, middle;
    int shift;
    const int32_t *knots;
} number;"""
CATEGORY = """\
typedef struct {
    int first, width; /* its inputs: the levels, all others, whether it is missing */
    int n_levels;
} category;"""
LAYERS = """\
    for (int i = 0; i < N_Y; ++i) z2[i] = b2[i];
    for (int j = 0; j < N_H; ++j) {
        /* Eq 1: Z1 = W1 x + b1 */
        sum z = b1[j];
        for (int n = 0; n < in.n; ++n) z += (sum)W1[j][in.k[n]] * in.x[n];
        /* Eq 2: A1 = g(Z1) */
        const int64_t a = g(shifted(z * (int64_t)multiplier[j], @right@));
        /* Eq 3: Z2 = W2 A1 + b2 */
        for (int i = 0; i < N_Y; ++i) z2[i] += W2[i][j] * a;
    }"""
NO_LAYER = """\
    for (int i = 0; i < N_Y; ++i) {
        /* Eq 3: Z2 = W2 A1 + b2, where A1 is x */
        z2[i] = b2[i];
        for (int n = 0; n < in.n; ++n) z2[i] += (int64_t)W2[i][in.k[n]] * in.x[n];
    }"""
G = {
    "relu": "    return z > 0 ? z : 0;",
    "leaky_relu": "    return z > 0 ? z : shifted(z * 10737418, 30); /* 0.01 z */",
    "identity": "    return z;",
}
G_OF = """\
/* @activation@; z and g(z) have @digits@ binary digits. */
static int64_t g(int64_t z) {
@body@
}

"""
G_OF_TABLE = """\
/* @activation@ is @base@ and the table, linear between its entries, which are 2^-@step@ apart.
   z and g(z) have @digits@ binary digits, the table has 14. */
static int64_t g(int64_t z) {
    const int64_t end = (int64_t)@reach@ << @digits@, step = (int64_t)1 << (@digits@ - @step@);
    const int64_t at = (z < -end ? -end : z > end ? end : z) + end;
    const int64_t k = at < 2 * end ? at / step : 2 * end / step - 1, part = at - k * step;
    const int64_t mean = table[k] * (step - part) + table[k + 1] * part;
    return @add@shifted(mean, @drop@);
}

"""
TESTS = """\
#ifdef SHOAL_TEST /* rows, and what shoal computes of them in float64 */
#include <math.h>
#include <stdio.h>

static const @p@_row test_rows[] = @rows@;
static const double test_scores[][N_Y] = @test_scores@;
static const double scale[N_Y] = @scale@, bound[N_Y] = @bounds@;

int main(void) {
    double largest = 0;
    int beyond = 0;
    for (int i = 0; i < @n_rows@; ++i) {
        int32_t Z2[N_Y];
        @p@_predict(&test_rows[i], Z2);
        for (int k = 0; k < N_Y; ++k) {
            const double apart = fabs(Z2[k] * scale[k] - test_scores[i][k]);
            largest = fmax(largest, apart);
            beyond += apart > bound[k];
        }
    }
    printf("@n_rows@ rows, largest deviation %.3g, %d beyond the bound\\n", largest, beyond);
    return beyond;
}
#endif
"""
ANSWER = """\
        int32_t Z2[@P@_SCORES];
        int k = 0;
        @k@@p@_predict(&row, Z2);
        for (int i = 0; i < @P@_SCORES; ++i) tell(Z2[i]);
        tell(k);"""
PREDICT = {
    "binary": "    return Z2[0] > 0;\n",
    "multiclass": """\
    int k = 0;
    for (int i = 1; i < N_Y; ++i) k = Z2[i] > Z2[k] ? i : k;
    return k;
""",
    "sorted": """\
    for (int i = 1; i < N_Y; ++i) /* so that quantiles do not cross */
        for (int k = i; k > 0 && Z2[k] < Z2[k - 1]; --k) {
            const int32_t value = Z2[k];
            Z2[k] = Z2[k - 1];
            Z2[k - 1] = value;
        }
""",
}
