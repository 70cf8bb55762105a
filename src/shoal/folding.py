"""Networks that are equal as functions: scaling folded into the weights, many nets made one.

All of it is exact algebra on Eq 1 and Eq 3. Rows of W1 beyond those of b1 are a skip's, V.
"""

from collections.abc import Sequence

import numpy as np

from shoal.activations import LEAK, Array
from shoal.errors import ParameterError
from shoal.network import Parameters

# c of g(z) - g(-z) = c z, for the activations of which that is so.
SLOPES = {"relu": 1, "leaky_relu": 1 + LEAK, "identity": 2, "softplus": 1, "gelu": 1, "silu": 1}


def fold_inputs(parameters: Parameters, center: Array, scale: Array) -> Parameters:
    """The network of raw inputs, from one of x̂ = (x - center) / scale; center, scale (n_x,).

    W x̂ + b = (W / scale) x + (b - (W / scale) center).
    """
    W1, b1, W2, b2 = parameters
    n_h = len(b1)
    if not n_h:
        W = (W2 / scale).astype(W2.dtype)
        return Parameters(W1, b1, W, (b2 - (W @ center)[:, None]).astype(b2.dtype))
    W = (W1 / scale).astype(W1.dtype)
    shift = (W @ center)[:, None]
    if len(W) > n_h:
        b2 = (b2 - shift[n_h:]).astype(b2.dtype)
    return Parameters(W, (b1 - shift[:n_h]).astype(b1.dtype), W2, b2)


def fold_scores(parameters: Parameters, center: Array, scale: Array) -> Parameters:
    """The network of raw scores z = center + scale ẑ, from one of ẑ; center, scale (n_y,)."""
    W1, b1, W2, b2 = parameters
    if len(W1) > len(b1):
        V = W1[len(b1) :] * scale[:, None]
        W1 = np.concatenate([W1[: len(b1)], V]).astype(W1.dtype)
    W2 = (W2 * scale[:, None]).astype(W2.dtype)
    b2 = (b2 * scale[:, None] + center[:, None]).astype(b2.dtype)
    return Parameters(W1, b1, W2, b2)


def fold_skip(parameters: Parameters, activation: str) -> Parameters:
    """The network without a skip, from one with: for each output two more hidden units.

    v x = (g(v x) - g(-v x)) / c wherever g(z) - g(-z) = c z.

    Raises
    ------
    ParameterError
        If there is a skip and the activation is not of that kind: sigmoid and tanh.
    """
    W1, b1, W2, b2 = parameters
    V = W1[len(b1) :]
    if not len(V):
        return parameters
    if activation not in SLOPES:
        raise ParameterError(
            f"a skip cannot be written in {activation} units; choose one of: {', '.join(SLOPES)}"
        )
    ones = np.eye(len(V), dtype=W2.dtype) / W2.dtype.type(SLOPES[activation])
    return Parameters(
        W1=np.concatenate([W1, -V]),
        b1=np.concatenate([b1, np.zeros((2 * len(V), 1), b1.dtype)]),
        W2=np.hstack([W2, ones, -ones]),
        b2=b2,
    )


def average(members: Sequence[Parameters]) -> Parameters:
    """One network whose scores are the average of the members' scores.

    Hidden layers stand on top of each other, output weights side by side and divided by K. Without
    hidden units the average of the weights is the same, and so it is for a skip.
    """
    K = len(members)
    if K == 1:
        return members[0]
    W1, b1, W2, b2 = zip(*members, strict=True)
    n_h = len(b1[0])
    skip = [sum(W[n_h:] for W in W1) / K]
    return Parameters(
        W1=np.concatenate([W[:n_h] for W in W1] + skip),
        b1=np.concatenate(b1),
        W2=np.hstack(W2) / K if n_h else sum(W2) / K,
        b2=sum(b2) / K,
    )
