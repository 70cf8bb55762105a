"""What makes several networks one model: who holds out what, where each starts, what they know.

Each member holds out a part of the rows, and the parts make up the whole. So every row has a score
of a member that has not seen it ("out of fold"), at no cost: an honest estimate of the error, of
how far to trust the probabilities, and of how far off a prediction is.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from shoal.activations import Array
from shoal.engine import Problem
from shoal.linear import MOST_INPUTS, linear_start
from shoal.losses import BinaryCrossEntropy, CrossEntropy, Loss, Quantile, SquaredError
from shoal.network import Parameters, forward, initialize
from shoal.recipe import Recipe
from shoal.training import Member

STARTED = (SquaredError, BinaryCrossEntropy)  # a linear start misleads several classes
RESIDUALS = np.linspace(0, 1, 201)  # levels of the residuals that a model keeps


def deal(key: Array, K: int, random: np.random.Generator) -> list[Array]:
    """Rows in K parts, each with about the same spread of the key (m,): classes or values."""
    order = np.lexsort((random.random(len(key)), key))
    hands = [random.permutation(K) for _ in range(-(-len(key) // K))]
    part = np.empty(len(key), np.int64)
    part[order] = np.concatenate(hands)[: len(key)]
    return [np.flatnonzero(part == k) for k in range(K)]


def start_members(
    problem: Problem, recipe: Recipe, parts: Sequence[Array] | None, linear: Array, seed: int
) -> list[Member]:
    """New members, each with its own stream of random numbers.

    Parameters
    ----------
    parts : sequence of arrays of int, or None
        What each holds out. Where that makes up the whole a skip starts as a linear model of the
        rows that the member sees.
    linear : array of int
        The inputs of that linear model.
    """
    n_x, n_y = problem.X.shape[0], problem.loss.n_scores(len(problem.Y))
    started, suits = None, isinstance(problem.loss, STARTED) and len(linear) <= MOST_INPUTS
    if recipe.skip and recipe.folds and parts and suits:

        def rows(examples: Array) -> Array:
            X = problem.X.T[examples].T
            dense = X if isinstance(X, np.ndarray) else X.dense()
            return dense[linear].astype(np.float64)

        part = np.empty(problem.m, np.int64)
        for k, held_out in enumerate(parts):
            part[held_out] = k
        started = linear_start(rows, problem.Y, problem.sample_weight, part, problem.loss)
    members = []
    for k in range(recipe.n_members):
        W1, b1, W2, b2 = initialize(
            n_x,
            recipe.n_hidden,
            n_y,
            scheme=recipe.scheme,
            scale=recipe.scale,
            # The first member's seed is the legacy stream's own, as in the course.
            random_state=np.random.RandomState(seed if k == 0 else [seed, k]),
            skip=recipe.skip,
        )
        W2 = W2 * recipe.output_scale
        if recipe.committee:
            b2[:, 0] = constant_scores(problem)
        if started is not None:
            W1[recipe.n_hidden :, linear] = started.V[k]
            b2[:, 0] = started.b[k]
        parameters = Parameters(*(block.astype(problem.Y.dtype) for block in (W1, b1, W2, b2)))
        members.append(Member(parameters, np.random.default_rng([seed, k])))
    return members


def constant_scores(problem: Problem) -> Array:
    """The scores (n_y,) that are best without any input, where the scaling has not made them 0."""
    loss, Y, weight = problem.loss, problem.Y.astype(np.float64), problem.sample_weight
    if isinstance(loss, Quantile):  # in their order, so that members agree which score is which
        return np.quantile(Y[0], loss.levels)
    if not isinstance(loss, BinaryCrossEntropy | CrossEntropy):
        return np.zeros(len(Y))
    mean = np.clip(np.average(Y, axis=1, weights=weight), 1e-6, 1 - 1e-6)
    logs = np.log(mean)
    return logs - (np.log1p(-mean) if isinstance(loss, BinaryCrossEntropy) else logs.mean())


def out_of_fold(problem: Problem, members: Sequence[Member], parts: Sequence[Array]) -> Array:
    """Z2 (n_y, m) of every row by the member that holds it out, float64."""
    Z2 = np.empty((problem.loss.n_scores(len(problem.Y)), problem.m))
    for member, held_out in zip(members, parts, strict=True):
        form: dict[str, Any] = {"activation": problem.activation, "output": problem.loss}
        Z2[:, held_out] = forward(problem.X.T[held_out].T, member.parameters, **form).Z2
    return Z2


def loss_by_part(losses: Array, weight: Array | None, parts: Sequence[Array]) -> Array:
    """Mean over each part of the losses (m,) of its rows."""
    means = [
        np.average(losses[rows], weights=None if weight is None else weight[rows]) for rows in parts
    ]
    return np.array(means)


def temperature(Z2: Array, Y: Array, weight: Array | None, loss: Loss) -> float:
    """What scores must be multiplied with for the classes Y to be most probable.

    Guo et al. (2017), On calibration of modern neural networks: 1 / T of their equation 9.
    """
    from scipy.optimize import minimize_scalar

    weight = np.ones(Z2.shape[1]) if weight is None else weight
    found = minimize_scalar(
        lambda t: float(weight @ loss.losses(np.exp(t) * Z2, Y)), bounds=(-1, 1), method="bounded"
    )
    return float(np.exp(found.x))
