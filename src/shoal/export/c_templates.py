"""The C that `shoal.export.c` writes, with @words@ in the place of what differs."""

FILE = """\
/*
 * Predicts @target@: a network with one hidden layer, @size@.
 *
 *     #include "@file@"@include@
 *
 *     @p@_row row = {0};
@example@
 *     @real@ @values@[@P@_VALUES];
 *     @call@@call_words@
 *
 * The network, Eq 1 to Eq 4, is in @p@_scores and @p@_predict, below its numbers.
 *
 * C99 or C++, of the library only fabs, exp, tanh and their like, and strcmp. Nothing is allocated.
 * Flash: @flash@ bytes of numbers and texts, and 1 to 3 kB of code. Stack: about @stack@ bytes.
 *
 *     cc -std=c99 -O2 program.c -lm
 *     cc -std=c99 -DSHOAL_TEST @flags@@file@ -lm && ./a.out    # measures it again
 *
 * Written by shoal @version@; @measured@.
 */
#ifndef @P@_H
#define @P@_H

#define @P@_SCORES @n_y@
#define @P@_VALUES @n_values@

#ifdef __cplusplus
extern "C" {
#endif

/* A row of the table. A number that is missing is NAN, a @category@ that is missing @absent@. */
typedef struct {
@members@
} @p@_row;

@declarations@
/* Z2 of a row, the scores. */
void @p@_scores(const @p@_row *row, @real@ Z2[@P@_SCORES]);

/* Of a row @predict_words@, and
   @values_words@. */
@returns@ @p@_predict(const @p@_row *row, @real@ @values@[@P@_VALUES]);

#ifdef __cplusplus
}
#endif

#endif
@begin@
#include <math.h>
#include <stddef.h>
@string@
typedef @real@ real;

enum { N_X = @n_x@, N_H = @n_h@, N_Y = @n_y@ };

@numbers@

/* ---- from the columns of the table to the inputs of the network ---- */

/* The inputs that are not 0, n of them: input k[0] is x[0], input k[1] is x[1], ... */
typedef struct {
    int n, k[N_X];
    real x[N_X];
} inputs;

@encoders@/* ---- the network ---- */

@functions@void @p@_scores(const @p@_row *row, real Z2[N_Y]) {
    inputs in;
    in.n = 0;
@encode@
@layers@
}

@returns@ @p@_predict(const @p@_row *row, real @values@[@P@_VALUES]) {
@predict@
}
@definitions@
@tests@@end@"""

PUT = """\
static void put(inputs *in, int k, double x) {
    if (x == 0) return;
    in->k[in->n] = k;
    in->x[in->n] = (real)x;
    in->n += 1;
}

static void put_all(inputs *in, int first, int width, const real *slots) {
    for (int k = first; k < first + width; ++k) put(in, k, slots[k]);
}

"""
PUT_NUMBER = """\
/* A number, and the knots of its bins: 1 - f of the one below it and f of the one above. */
static void put_number(inputs *in, double value, const number *c) {
    if (value != value) {
        put_all(in, c->first, c->width, missing);
        return;
    }
    put(in, c->first, (fmin(fmax(value, c->low), c->high) - c->center) / c->scale);
    if (c->n_knots) {
        const double *knots = c->knots;
        const double inside = fmin(fmax(value, knots[0]), knots[c->n_knots - 1]);
        int t = 1;
        while (t < c->n_knots - 1 && inside >= knots[t]) ++t;
        const double f = (inside - knots[t - 1]) / (knots[t] - knots[t - 1]);
        if (t > 1) put(in, c->first + t - 1, 1 - f);
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
        put(in, c->first + level, 1);
    else
        put_all(in, c->first, c->width, unknown);
}

"""
LEVEL_OF = """\
static int level_of(const char *text, const category *c) {
    int k = 0;
    if (!text) return -1;
    while (k < c->n_levels && strcmp(text, c->levels[k]) != 0) ++k;
    return k;
}

"""
LAYERS = """\
for (int i = 0; i < N_Y; ++i) Z2[i] = b2[i];
for (int j = 0; j < N_H; ++j) {
    real z = b1[j];
    for (int n = 0; n < in.n; ++n) z += W1[j][in.k[n]] * in.x[n]; /* Eq 1: Z1 = W1 x + b1 */
    const real a = g(z);                                          /* Eq 2: A1 = g(Z1) */
    for (int i = 0; i < N_Y; ++i) Z2[i] += W2[i][j] * a;          /* Eq 3: Z2 = W2 A1 + b2 */
}"""
NO_LAYER = """\
for (int i = 0; i < N_Y; ++i) {
    Z2[i] = b2[i];
    for (int n = 0; n < in.n; ++n) Z2[i] += W2[i][in.k[n]] * in.x[n]; /* Eq 3, where A1 is x */
}"""
SIGMOID = """\
/* 1 / (1 + e^-z), computed from e^-|z|, which does not overflow. */
static real sigmoid(real z) {
    const real e = exp@f@(-fabs@f@(z));
    return (z >= 0 ? 1 : e) / (1 + e);
}

"""
G_OF = """\
/* @activation@: @formula@. */
static real g(real z) {
@g@
}

"""
G = {
    "sigmoid": "return sigmoid(z);",
    "tanh": "return tanh@f@(z);",
    "relu": "return z > 0 ? z : 0;",
    "leaky_relu": "return z > 0 ? z : 0.01@f@ * z;",
    "identity": "return z;",
    "softplus": "return (z > 0 ? z : 0) + log1p@f@(exp@f@(-fabs@f@(z)));",
    "gelu": """\
const real v = fmin@f@(fmax@f@(z, -22), 22); /* beyond, sigmoid is 0 or 1 */
return z * sigmoid(1.5957691216057308@f@ * (v + 0.044715@f@ * v * v * v)); /* 2 sqrt(2 / pi) */""",
    "silu": "return z * sigmoid(z);",
}
PREDICT = {
    "binary": """\
real Z2[N_Y];
@p@_scores(row, Z2);
probabilities[0] = sigmoid(-Z2[0]); /* Eq 4: A2 = sigmoid(Z2), of both classes */
probabilities[1] = sigmoid(Z2[0]);
return Z2[0] > 0;""",
    "multiclass": """\
real Z2[N_Y], sum = 0;
int k = 0;
@p@_scores(row, Z2);
for (int i = 1; i < N_Y; ++i) k = Z2[i] > Z2[k] ? i : k;
for (int i = 0; i < N_Y; ++i) sum += exp@f@(Z2[i] - Z2[k]);
for (int i = 0; i < N_Y; ++i) /* Eq 4: A2 = softmax(Z2) */
    probabilities[i] = exp@f@(Z2[i] - Z2[k]) / sum;
return k;""",
    "multilabel": """\
@p@_scores(row, probabilities);
for (int i = 0; i < N_Y; ++i) probabilities[i] = sigmoid(probabilities[i]); /* Eq 4 */""",
    "identity": "@p@_scores(row, values); /* Eq 4: A2 = Z2 */",
    "sorted": """\
@p@_scores(row, values);
for (int i = 1; i < N_Y; ++i) /* Eq 4: A2 = sort(Z2), so that quantiles do not cross */
    for (int k = i; k > 0 && values[k] < values[k - 1]; --k) {
        const real value = values[k];
        values[k] = values[k - 1];
        values[k - 1] = value;
    }""",
    "log": """\
@p@_scores(row, values);
for (int i = 0; i < N_Y; ++i) values[i] = exp@f@(fmin@f@(values[i], @largest@)); /* Eq 4 */""",
}
INTERVAL = """\

void @p@_interval(const real values[@P@_VALUES], double coverage, real low[@P@_VALUES],
                  real high[@P@_VALUES]) {
    const double at = coverage * @last@;
    const int k = at < @last@ ? (int)at : @last@ - 1;
    for (int i = 0; i < N_Y; ++i) {
        const real *r = residuals[i];
        const real reach = r[k] + (real)(at - k) * (r[k + 1] - r[k]);
        low[i] = values[i] - reach;
        high[i] = values[i] + reach;
    }
}
"""
CLASSES_DECLARED = """\
extern const char *const @p@_classes[@n_values@];

"""
CLASSES = """\

const char *const @p@_classes[@n_values@] = @classes@;
"""
MISSING = """\
/* What all inputs of a column are for a value that is missing or unknown. */"""
NUMBER = """\
typedef struct {
    int first, width; /* its inputs: the number, its knots, whether it is missing */
    int n_knots;
    double low, high, center, scale;
    const double *knots;
} number;"""
CATEGORY = """\
typedef struct {
    int first, width; /* its inputs: the levels, all others, whether it is missing */
    int n_levels;
    const char *const *levels;
} category;"""
CATEGORY_BY_INDEX = """\
typedef struct {
    int first, width; /* its inputs: the levels, all others, whether it is missing */
    int n_levels;
} category;"""
ANSWER = """\
        @real@ Z2[@P@_SCORES], A2[@P@_VALUES];
        int k = 0;
        @p@_scores(&row, Z2);
        @k@@p@_predict(&row, A2);
        for (int i = 0; i < @P@_SCORES; ++i) tell(Z2[i]);
        for (int i = 0; i < @P@_VALUES; ++i) tell(A2[i]);
        tell(k);"""
INTERVAL_DECLARED = """\
/* Of each value the bounds between which a share `coverage` of cases lies, as 0.9. */
void @p@_interval(const @real@ values[@P@_VALUES], double coverage, @real@ low[@P@_VALUES],
                  @real@ high[@P@_VALUES]);

"""
TESTS = """\
#ifdef SHOAL_TEST /* rows, and what shoal computes of them in float64 */
#include <stdio.h>

static const @p@_row test_rows[] = @rows@;
static const double test_scores[][N_Y] = @test_scores@;
static const double test_values[][@P@_VALUES] = @test_values@;

static double largest = 0;

static void compare(int n, const real *got, const double *right) {
    for (int k = 0; k < n; ++k)
        largest = fmax(largest, fabs(got[k] - right[k]) / fmax(1, fabs(right[k])));
}

int main(void) {
    for (int i = 0; i < @n_rows@; ++i) {
        real Z2[@P@_SCORES], A2[@P@_VALUES];
        @p@_scores(&test_rows[i], Z2);
        @p@_predict(&test_rows[i], A2);
        compare(@P@_SCORES, Z2, test_scores[i]);
        compare(@P@_VALUES, A2, test_values[i]);
    }
    printf("@n_rows@ rows, largest deviation %.2g\\n", largest);
    return !(largest <= @tolerance@);
}
#endif
"""
