/* Twin of optimizers.py: from gradients to a step (Eq 12 or kin), one pass over the parameters. */
#pragma once

#include "network.h"

#define SQUARE_ROOT(x) _Generic((x), float: sqrtf, double: sqrt)(x)

enum method { GRADIENT_DESCENT, MOMENTUM, ADAM };

typedef struct {
    int32_t method, nesterov;
    double learning_rate; /* α */
    double momentum;      /* μ */
    double beta_1, beta_2, epsilon, weight_decay;
} Optimizer;

/* v ← μ v - α dθ, θ ← θ + v, or θ ← θ + μ v - α dθ */
static void momentum(Index n, real *restrict theta, const real *restrict d, real *restrict v,
                     real penalty, real alpha, real mu, int nesterov) {
    for (Index i = 0; i < n; i++) {
        const real descent = alpha * (d[i] + penalty * theta[i]);
        v[i] = mu * v[i] - descent;
        theta[i] += nesterov ? mu * v[i] - descent : v[i];
    }
}

/* `alpha` is corrected for the first moment's start at 0, `correction` undoes that of the second. */
static void adam(Index n, real *restrict theta, const real *restrict d, real *restrict m,
                 real *restrict v, real penalty, real alpha, real b1, real one_b1, real b2,
                 real one_b2, real correction, real epsilon, real decay) {
    for (Index i = 0; i < n; i++) {
        const real d_i = d[i] + penalty * theta[i];
        m[i] = b1 * m[i] + one_b1 * d_i;
        v[i] = b2 * v[i] + one_b2 * d_i * d_i;
        const real step = alpha * m[i] / (SQUARE_ROOT(v[i] * correction) + epsilon);
        theta[i] = theta[i] - step - decay * theta[i];
    }
}

/* One step of one member's numbers `from` to `to`. `moments` holds what the method remembers, each of
 * n_parameters. */
static void optimizer_step(const Problem *p, const Optimizer *optimizer, real *theta, real *d,
                           real *moments, int64_t n_steps_done, Index from, Index to) {
    const Index size = n_parameters(p);
    const Parameters at = parameters_at(p, theta, NULL);
    const struct { const real *start; Index n; int is_weight; } blocks[] = {
        {at.W1, size_of_W1(p), 1}, {at.b1, p->n_h, 0},
        {at.W2, p->n_y * inputs_of_W2(p), 1}, {at.b2, p->n_y, 0},
    };
    const double alpha = optimizer->learning_rate, t = (double)(n_steps_done + 1);
    const double b1 = optimizer->beta_1, b2 = optimizer->beta_2;
    for (int k = 0; k < 4; k++) {
        const Index start = blocks[k].start - theta, end = start + blocks[k].n;
        const Index i = start > from ? start : from, n = (end < to ? end : to) - i;
        const real penalty = blocks[k].is_weight ? (real)p->penalty : 0;
        const real decay = blocks[k].is_weight ? (real)(alpha * optimizer->weight_decay) : 0;
        switch (optimizer->method) {
        case GRADIENT_DESCENT:
            gradient_descent(n, theta + i, d + i, penalty, (real)alpha);
            break;
        case MOMENTUM:
            momentum(n, theta + i, d + i, moments + i, penalty, (real)alpha,
                     (real)optimizer->momentum, optimizer->nesterov);
            break;
        case ADAM:
            adam(n, theta + i, d + i, moments + i, moments + size + i, penalty,
                 (real)(alpha / (1 - pow(b1, t))), (real)b1, (real)(1 - b1), (real)b2,
                 (real)(1 - b2), (real)(1 / (1 - pow(b2, t))), (real)optimizer->epsilon, decay);
            break;
        }
    }
}

static int n_moments(const Optimizer *optimizer) {
    return optimizer->method == ADAM ? 2 : optimizer->method == MOMENTUM;
}
