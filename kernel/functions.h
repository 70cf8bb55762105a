/* Twin of activations.py and losses.py: g and g', output, loss and dZ2, lane by lane.
 *
 * Design
 * a. One exponential serves a function and its derivative; it is taken of a negative number
 *    wherever that can be arranged.
 * b. The exponential's 2^n is built from the bits of x/ln 2 + 1.5·2^52 (1.5·2^23 for float), which
 *    hold n: no conversion between whole and real numbers, which AVX2 lacks for 64 bits. Where one
 *    instruction picks each lane's entry of a table of 16 numbers, n counts sixteenths, and what is
 *    left for the polynomial is so small that half of it does.
 * c. The polynomials are those of coefficients.py. exp and log are exact to 2 units in the last
 *    place, tanh to 4 or a fifth of that of 1, as a test shows.
 */
#pragma once

#include "vectors.h"

#if VECTOR_BYTES == 64
#define PARTS 16 /* of the exponential's n, for each doubling */
#define LOG2_PARTS 4
#else
#define PARTS 1
#define LOG2_PARTS 0
#endif

#if KIND(REAL) == FLOAT
#define MAGIC 0x1.8p23f
#define MANTISSA 23
#define BIAS 127
#define LN2_HIGH 0x1.62e4p-1f /* its last bits are 0, so n LN2_HIGH is exact */
#define LN2_LOW 0x1.7f7d1cp-20f
#define LARGEST_EXPONENT 88.7f
#define SMALLEST_EXPONENT -104.0f
#define HALF_LARGEST_EXPONENT 44.361419f /* ln(FLT_MAX) / 2 */
#if PARTS == 16
#define EXPM1_DEGREE 2
#define EXPM1_TAIL {0.5f, 0.166669599f, 0.0416671554f}
#define TANH_DEGREE 0
#define TANH_TAIL {-0.333325514f}
#else
#define EXPM1_DEGREE 5
#define EXPM1_TAIL {0.5f, 0.166666667f, 0.041666465f, 0.00833331093f, 0.0013933641f, \
    0.000198909809f}
#define TANH_DEGREE 2
#define TANH_TAIL {-0.333333315f, 0.133322433f, -0.0529965194f}
#endif
#define LOG_DEGREE 2
#define LOG_TAIL {0.333333425f, 0.199943891f, 0.147900265f}
#define LOG1P_DEGREE 9
#define LOG1P_TAIL {-0.499999995f, 0.333332373f, -0.249967599f, 0.19956708f, -0.163651529f, \
    0.130333642f, -0.0913941377f, 0.0493099734f, -0.017184267f, 0.00280164199f}
#else
#define MAGIC 0x1.8p52
#define MANTISSA 52
#define BIAS 1023
#define LN2_HIGH 0x1.62e42fefa3800p-1
#define LN2_LOW 0x1.ef35793c76730p-45
#define LARGEST_EXPONENT 709.78
#define SMALLEST_EXPONENT -745.2
#define HALF_LARGEST_EXPONENT 354.89135644669199 /* ln(DBL_MAX) / 2 */
#if PARTS == 16
#define EXPM1_DEGREE 5
#define EXPM1_TAIL {0.50000000000000011, 0.16666666666666669, 0.041666666663595503, \
    0.008333333332991617, 0.0013889063438373762, 0.00019841462323494193}
#define TANH_DEGREE 2
#define TANH_TAIL {-0.3333333333333322, 0.13333333316408921, -0.053964406297266183}
#else
#define EXPM1_DEGREE 10
#define EXPM1_TAIL {0.5, 0.16666666666666671, 0.041666666666666671, 0.0083333333333261619, \
    0.0013888888888883286, 0.00019841269874721896, 2.4801587323295987e-05, \
    2.7557255532671021e-06, 2.7557278078559886e-07, 2.5105160677717133e-08, \
    2.0912637341131071e-09}
#define TANH_DEGREE 6
#define TANH_TAIL {-0.33333333333333331, 0.13333333333332836, -0.05396825396560806, \
    0.02186948800687322, -0.0088631850637218273, 0.0035896533452034773, -0.0013953934126973459}
#endif
#define LOG_DEGREE 6
#define LOG_TAIL {0.33333333333333348, 0.19999999999949725, 0.14285714313000838, \
    0.11111105565176242, 0.090914447288909864, 0.076658551716149145, 0.073082952822145261}
#define LOG1P_DEGREE 21
#define LOG1P_TAIL {-0.5, 0.33333333333333182, -0.24999999999975026, 0.19999999998385135, \
    -0.16666666611103173, 0.14285713108337558, -0.12499983227433724, 0.11110940904988677, \
    -0.099987186651251919, 0.090835377713655976, -0.08300193220625332, 0.075738210507865264, \
    -0.068011632040538311, 0.058620779748705651, -0.046847189417125644, 0.033333704075946255, \
    -0.020227720199201844, 0.010000574588570463, -0.0038198270590553141, \
    0.0010483780624121579, -0.00018290690578263486, 1.5175276672249038e-05}
#endif

/* c[0] + c[1] x + ..., by Estrin's scheme: neighbours are joined, then neighbours of those. What
 * bounds such code is the wait for each operation's result, and here most do not wait. */
INLINE vec polynomial(vec x, const real *c, const int degree) {
    if (degree == 2) return c[0] + x * (c[1] + x * c[2]);
    vec terms[12];
    int n = degree / 2 + 1;
#pragma GCC unroll 12
    for (int i = 0; i < n; i++)
        terms[i] = 2 * i < degree ? c[2 * i] + c[2 * i + 1] * x : splat(c[2 * i]);
#pragma GCC unroll 4
    for (int round = 0; round < 4; round++) {
        x = x * x;
#pragma GCC unroll 6
        for (int i = 0; i < (n + 1) / 2; i++)
            terms[i] = 2 * i + 1 < n ? terms[2 * i] + terms[2 * i + 1] * x : terms[2 * i];
        n = (n + 1) / 2;
    }
    return terms[0];
}

#if PARTS == 16
/* The bits of 2^(j / 16), without what the j in the last bits of t adds to them in `power_of_two`. */
INLINE vbits sixteenth(vec t) {
    static const double powers[] = {
        1, 1.0442737824274138, 1.0905077326652577, 1.1387886347566916, 1.189207115002721,
        1.241857812073484, 1.2968395546510096, 1.3542555469368927, 1.4142135623730951,
        1.4768261459394993, 1.5422108254079407, 1.6104903319492543, 1.681792830507429,
        1.7562521603732995, 1.8340080864093424, 1.9152065613971474};
    vec table[16 / LANES];
    vbits j = LANE_NUMBERS;
#pragma GCC unroll 2
    for (int k = 0; k < 16 / LANES; k++, j += LANES) {
#pragma GCC unroll 16
        for (int i = 0; i < LANES; i++) table[k][i] = (real)powers[k * LANES + i];
        table[k] = (vec)((vbits)table[k] - (j << (MANTISSA - LOG2_PARTS)));
    }
#if KIND(REAL) == FLOAT
    return (vbits)_mm512_permutexvar_ps((__m512i)t, table[0]);
#else
    return (vbits)_mm512_permutex2var_pd(table[0], (__m512i)t, table[1]);
#endif
}
#endif

/* 2^(n / PARTS) of the n that stands in the last bits of t = n + MAGIC; there must be such a number. */
INLINE vec power_of_two(vec t) {
    const vbits shifted = (vbits)t << (MANTISSA - LOG2_PARTS);
#if PARTS == 16
    /* The table's entries lack what the last bits of n, shifted, put into the mantissa. */
    return (vec)(shifted + sixteenth(t));
#else
    return (vec)(shifted + ((bits)BIAS << MANTISSA));
#endif
}

/* e^x = scale (1 + p), scale = 2^(n / PARTS), n in t, p = expm1 of what is left of x. Returns p; x is
 * within the exponents. */
INLINE vec reduced_exp(vec x, vec *t) {
    static const real tail[] = EXPM1_TAIL;
    *t = x * (real)(PARTS * 1.4426950408889634) + MAGIC;
    vec n = *t - MAGIC;
    vec r = x - n * (LN2_HIGH / PARTS);
    r = r - n * (LN2_LOW / PARTS);
    return r + r * r * polynomial(r, tail, EXPM1_DEGREE);
}

/* e^x for x ≤ 0; 0 below the normal numbers. */
INLINE vec exp_negative(vec x) {
    const real smallest = (1 - BIAS) * (real)0.6931471805599453;
    vec t, p = reduced_exp(at_least(x, smallest), &t);
    vec scale = power_of_two(t);
    return zero_where(x < smallest, scale * p + scale);
}

/* tanh z, by the formula for the tanh of a sum: -|z| = n c + y, c = ln 2 / (2 PARTS), so that
 * tanh n c = (s - 1) / (s + 1) with s = 2^(n / PARTS). From |z| = 20 on it is ±1. */
INLINE vec hyperbolic_tangent(vec z) {
    static const real tail[] = TANH_TAIL;
    vec x = at_most(absolute(z), 20);
    vec t = x * (real)(-2 * PARTS * 1.4426950408889634) + MAGIC;
    vec y = -x - (t - MAGIC) * (real)(0.6931471805599453 / (2 * PARTS));
    vec u = y * y, tau = y * (1 + u * polynomial(u, tail, TANH_DEGREE)); /* tanh y */
    vec s = power_of_two(t);
    return signed_as(((s - 1) + (s + 1) * tau) / ((s + 1) + (s - 1) * tau), z);
}

/* e^x for any x, with denormals and infinity. */
INLINE vec exponential(vec x) {
    vec z = at_most(at_least(x, SMALLEST_EXPONENT), LARGEST_EXPONENT);
    vec t, p = reduced_exp(z, &t);
    const real most = MAGIC + PARTS * (BIAS - 1), least = MAGIC - PARTS * (BIAS - 30);
    vec t1 = at_least(at_most(t, most), least); /* 2^n in two factors */
    vec scale = power_of_two(t1);
    vec E = (scale * p + scale) * power_of_two(t - t1 + MAGIC);
    return where(x > LARGEST_EXPONENT, splat(INFINITY), E);
}

/* log(2^k f), f = 1 + x between √½ and √2. */
INLINE vec log_of(vec k, vec x) {
    static const real tail[] = LOG_TAIL;
    vec s = x * reciprocal(2 + x), z = s * s;
    vec head = 2 * s, rest = 2 * s * z * polynomial(z, tail, LOG_DEGREE);
    return k * LN2_HIGH + (head + (rest + k * LN2_LOW));
}

/* Exponent k, as a real, for which u 2^-k is between √½ and √2, and 2^-k; u is normal. */
INLINE vec exponent(vec u, vec *inverse) {
    const real root_of_half = (real)0.70710678118654752;
    vbits offset = (vbits)u - (vbits)splat(root_of_half) + ((bits)BIAS << MANTISSA);
    vbits biased = offset >> MANTISSA; /* k + BIAS, never negative */
    *inverse = (vec)(((bits)2 * BIAS - biased) << MANTISSA);
    return (vec)(biased | (vbits)splat(MAGIC)) - (MAGIC + BIAS);
}

/* log(1 + E) for E from 0 to 1: no division, and little to wait for. */
INLINE vec log1p_fraction(vec E) {
    static const real tail[] = LOG1P_TAIL;
    return E + E * E * polynomial(E, tail, LOG1P_DEGREE);
}

/* log(1 + x) for x ≥ 0. */
INLINE vec log1p_positive(vec x) {
    vec inverse, k = exponent(1 + x, &inverse);
    return log_of(k, x * inverse + (inverse - 1));
}

/* log(x) for x > 0. */
INLINE vec logarithm(vec x) {
    const real up = (real)(KIND(REAL) == FLOAT ? 0x1p24 : 0x1p54);
    mask small = x < (real)(KIND(REAL) == FLOAT ? 0x1p-126 : 0x1p-1022);
    vec inverse, k = exponent(where(small, x * up, x), &inverse);
    k = where(small, k - (KIND(REAL) == FLOAT ? 24 : 54), k);
    return log_of(k, where(small, x * up, x) * inverse - 1);
}

/* ---- activations: g (Eq 2) and g' (in Eq 9) side by side -------------------------------------- */

enum activation { SIGMOID, TANH, RELU, LEAKY_RELU, IDENTITY, SOFTPLUS, GELU, SILU };

/* σ(z), and σ(-z), each to its last place: both from E = e^-|z|. */
INLINE vec sigmoid(vec z, vec *of_minus_z, vec *E) {
    *E = exp_negative(-absolute(z));
    vec near_1 = 1 / (1 + *E), near_0 = *E * near_1;
    *of_minus_z = where(z >= 0, near_0, near_1);
    return where(z >= 0, near_1, near_0);
}

INLINE vec g(const enum activation activation, vec z, vec *g_prime) {
    vec E, s, s_minus;
    switch (activation) {
    case SIGMOID:
        s = sigmoid(z, &s_minus, &E);
        *g_prime = s * s_minus;
        return s;
    case TANH:
        s = hyperbolic_tangent(z);
        *g_prime = 1 - s * s;
        return s;
    case RELU:
        *g_prime = (vec)((mask)splat(1) & (z > 0));
        return at_least(z, 0);
    case LEAKY_RELU:
        *g_prime = where(z > 0, splat(1), splat((real)0.01));
        return larger((real)0.01 * z, z);
    case IDENTITY:
        *g_prime = splat(1);
        return z;
    case SOFTPLUS:
        *g_prime = sigmoid(z, &s_minus, &E);
        return at_least(z, 0) + log1p_fraction(E);
    case GELU: { /* z σ(u), u = 2 √(2/π) (z + 0.044715 z³) */
        const real scale = (real)1.5957691216057308, cube = (real)0.044715;
        vec v = at_least(at_most(z, 22), -22);
        s = sigmoid(scale * (v + cube * (v * v * v)), &s_minus, &E);
        *g_prime = s * (1 + v * s_minus * (scale * (1 + 3 * cube * (v * v))));
        return z * s;
    }
    case SILU:
    default:
        s = sigmoid(z, &s_minus, &E);
        *g_prime = s * (1 + z * s_minus);
        return z * s;
    }
}

/* ---- losses: output (Eq 4), loss (Eq 5, computed from Z2) and dZ2 (Eq 6) ---------------------- */

enum loss {
    BINARY_CROSS_ENTROPY, CROSS_ENTROPY, SQUARED_ERROR, ABSOLUTE_ERROR, HUBER, QUANTILE, POISSON,
    GAMMA, TWEEDIE,
};

INLINE vec bounded_exp(vec z) { return exponential(at_most(z, HALF_LARGEST_EXPONENT)); }

/* The loss of one entry of Z2, for the losses whose entries do not know of each other; its output
 * and its derivative. `setting` is Huber's delta and Tweedie's power. log(1 + E) is to be added. */
INLINE vec loss_of(const enum loss loss, real setting, vec z, vec y, vec *a, vec *dz, vec *E) {
    vec other, R = z - y;
    *a = z, *E = splat(0);
    switch (loss) {
    case BINARY_CROSS_ENTROPY: /* max(z, 0) - y z + log(1 + E), E = e^-|z| */
        *a = sigmoid(z, &other, E);
        *dz = *a - y;
        return at_least(z, 0) - y * z;
    case SQUARED_ERROR:
        *dz = R;
        return R * R / 2;
    case ABSOLUTE_ERROR:
        *dz = where(R > 0, splat(1), where(R < 0, splat(-1), R));
        return absolute(R);
    case HUBER: {
        vec clipped = at_most(absolute(R), setting);
        *dz = at_least(at_most(R, setting), -setting);
        return clipped * (absolute(R) - clipped / 2);
    }
    case POISSON: {
        mask positive = y > 0;
        *a = bounded_exp(z);
        *dz = *a - y;
        vec y_log_y = y * logarithm(where(positive, y, splat(1)));
        return y_log_y - y * z - y + *a;
    }
    case GAMMA: {
        vec ratio = y * bounded_exp(-z);
        *a = bounded_exp(z);
        *dz = 1 - ratio;
        return ratio + z - logarithm(y) - 1;
    }
    case TWEEDIE:
    default: {
        const real p = setting;
        mask positive = y > 0;
        vec power = exponential((2 - p) * logarithm(where(positive, y, splat(1))));
        vec a_2p = bounded_exp((2 - p) * z), y_a_1p = y * bounded_exp((1 - p) * z);
        *a = bounded_exp(z);
        *dz = a_2p - y_a_1p;
        vec constant = where(positive, power, splat(0)) / ((1 - p) * (2 - p));
        return constant + (a_2p / (2 - p) - y_a_1p / (1 - p));
    }
    }
}
