"""Where training starts: the linear model that a skip holds, found before the network sees a row.

Ridge regression (Hoerl and Kennard, 1970) of the targets, or of labels that are 0 and 1, which is
linear discriminant analysis but for its scale (Hastie, Tibshirani and Friedman, 2009, section
4.3). All that it needs of the rows are sums of products, and those of a fold subtract: one pass
gives each member its own model, of the rows that it does not hold out, and the honest error of
every strength of the penalty.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from shoal.activations import Array
from shoal.losses import Loss

STRENGTHS = np.logspace(-3, 5, 17)  # of the penalty, in rows
MOST_INPUTS = 1_000  # the work grows with the cube of them
STRETCHES = np.concatenate([[0.0], np.logspace(-1, 1.5, 26)])  # of indicators into scores


@dataclass(frozen=True)
class Start:
    """A linear model for each member, in scaled units: scores V x̂ + b; V (n_y, p), b (n_y,)."""

    V: list[Array]
    b: list[Array]


def linear_start(
    rows: Callable[[Array], Array], Y: Array, weight: Array | None, folds: Array, loss: Loss
) -> Start:
    """Ridge regression of each member's training rows, all with the strength that predicts best.

    Parameters
    ----------
    rows : callable
        Examples (int array) to their inputs (p, n), float64.
    Y : array (n_y, m)
        Targets, or labels, 0 and 1.
    weight : array (m,) or None
    folds : array of int (m,)
        The member that holds each row out.
    loss : Loss
        Squared error, or binary cross-entropy.
    """
    K = int(folds.max()) + 1
    weight = np.ones(len(folds)) if weight is None else weight.astype(np.float64)
    parts = [
        _sums(rows(examples := np.flatnonzero(folds == k)), Y, weight, examples) for k in range(K)
    ]
    totals = [sum(kind) for kind in zip(*parts, strict=True)]
    # Inputs and targets are centred, so the intercept is not penalised.
    V: list[list[Array]] = [[] for _ in STRENGTHS]
    b: list[list[Array]] = [[] for _ in STRENGTHS]
    errors = np.zeros(len(STRENGTHS))
    for part in parts:
        n, sum_x, sum_y, xx, xy, _ = (t - p for t, p in zip(totals, part, strict=True))
        mean_x, mean_y = sum_x / n, sum_y / n
        d, Q = np.linalg.eigh(xx - n * np.outer(mean_x, mean_x))
        target = Q.T @ (xy - n * np.outer(mean_x, mean_y))  # (p, n_y)
        for i, strength in enumerate(STRENGTHS):
            v = (Q @ (target / (np.maximum(d, 0) + strength)[:, None])).T
            c = mean_y - v @ mean_x
            V[i].append(v)
            b[i].append(c)
            errors[i] += _squared_error(part, v, c)
    best = int(np.argmin(errors))
    if loss.name == "identity":
        return Start(V[best], b[best])
    return _stretched(rows, Y, weight, folds, loss, totals[2] / totals[0], V[best], b[best])


def _stretched(
    rows: Callable[[Array], Array],
    Y: Array,
    weight: Array,
    folds: Array,
    loss: Loss,
    mean: Array,
    V: list[Array],
    b: list[Array],
) -> Start:
    """Scores of classes from predicted indicators: the prior's, and so many times what differs.

    How many times is what makes the scores of the rows held out most probable.
    """
    differs = np.empty(Y.shape)
    for k, (v, c) in enumerate(zip(V, b, strict=True)):
        examples = np.flatnonzero(folds == k)
        differs[:, examples] = v @ rows(examples) + (c - mean)[:, None]
    share = np.clip(mean, 1e-6, 1 - 1e-6)
    prior = np.log(share) - np.log1p(-share)
    costs = [
        float(weight @ loss.losses(prior[:, None] + stretch * differs, Y)) for stretch in STRETCHES
    ]
    stretch = STRETCHES[int(np.argmin(costs))]
    return Start([stretch * v for v in V], [prior + stretch * (c - mean) for c in b])


def _sums(X: Array, Y: Array, weight: Array, examples: Array) -> tuple[Any, ...]:
    """Of some examples: weights, inputs, targets, and the products between them."""
    w, y = weight[examples], Y[:, examples].astype(np.float64)
    Xw = X * w
    return w.sum(), Xw.sum(axis=1), y @ w, Xw @ X.T, Xw @ y.T, (y * y) @ w


def _squared_error(sums: tuple[Any, ...], v: Array, c: Array) -> float:
    """Σ w ‖y - (v x + c)‖² over the rows of the sums."""
    n, sum_x, sum_y, xx, xy, yy = sums
    of_inputs = np.einsum("op,pq,oq->o", v, xx, v) + 2 * c * (v @ sum_x) + n * c * c
    return float((yy - 2 * np.einsum("op,po->o", v, xy) - 2 * c * sum_y + of_inputs).sum())
