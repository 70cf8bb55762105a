"""Networks that are equal as functions: scaling folded into the weights, many nets made one.

All of it is exact algebra on Eq 1 and Eq 3.
"""

from collections.abc import Sequence

import numpy as np

from shoal.activations import Array
from shoal.network import Parameters


def fold_inputs(parameters: Parameters, center: Array, scale: Array) -> Parameters:
    """The network of raw inputs, from one of x̂ = (x - center) / scale; center, scale (n_x,).

    W x̂ + b = (W / scale) x + (b - (W / scale) center).
    """
    W1, b1, W2, b2 = parameters
    if not len(W1):
        W = (W2 / scale).astype(W2.dtype)
        return Parameters(W1, b1, W, (b2 - (W @ center)[:, None]).astype(b2.dtype))
    W = (W1 / scale).astype(W1.dtype)
    return Parameters(W, (b1 - (W @ center)[:, None]).astype(b1.dtype), W2, b2)


def fold_scores(parameters: Parameters, center: Array, scale: Array) -> Parameters:
    """The network of raw scores z = center + scale ẑ, from one of ẑ; center, scale (n_y,)."""
    W1, b1, W2, b2 = parameters
    W2 = (W2 * scale[:, None]).astype(W2.dtype)
    b2 = (b2 * scale[:, None] + center[:, None]).astype(b2.dtype)
    return Parameters(W1, b1, W2, b2)


def average(members: Sequence[Parameters]) -> Parameters:
    """One network whose scores are the average of the members' scores.

    Hidden layers stand on top of each other, output weights side by side and divided by K. Without
    hidden units the average of the weights is the same.
    """
    K = len(members)
    if K == 1:
        return members[0]
    W1, b1, W2, b2 = zip(*members, strict=True)
    return Parameters(
        W1=np.concatenate(W1),
        b1=np.concatenate(b1),
        W2=np.hstack(W2) / K if len(W1[0]) else sum(W2) / K,
        b2=sum(b2) / K,
    )
