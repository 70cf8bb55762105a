"""The network of the course "One hidden layer neural network", in its notation.

Examples are columns: X (n_x, m), Y (n_y, m). The labels Eq 1 to Eq 12 are those of
docs/equations.md, which says where the course teaches each.

With n_h = 0 there is no hidden layer: W1 is (0, n_x), W2 is (n_y, n_x), and A1 is X. That is
logistic (linear, softmax) regression, the course's starting point.

A network in training may have a linear skip, Z2 = W2 A1 + b2 + V X: then V is the last n_y rows of
W1, and b1 is shorter than W1. `shoal.folding.fold_skip` makes of it a network without.
"""

from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from shoal.activations import Array, get_activation
from shoal.errors import DataError, ParameterError
from shoal.losses import Loss, get_loss


class Parameters(NamedTuple):
    """The numbers that are learnt. Gradients come in the same shape."""

    W1: Array  # (n_h, n_x); (n_h + n_y, n_x) with a skip
    b1: Array  # (n_h, 1)
    W2: Array  # (n_y, n_h); (n_y, n_x) where n_h = 0
    b2: Array  # (n_y, 1)


class Cache(NamedTuple):
    """What the forward pass computes and the backward pass reads."""

    Z1: Array  # (n_h, m)
    A1: Array  # (n_h, m); X where n_h = 0
    Z2: Array  # (n_y, m)
    A2: Array  # (n_y, m)


SCHEMES = ("normal", "zeros", "xavier", "he")


def initialize(
    n_x: int,
    n_h: int,
    n_y: int,
    *,
    scheme: str = "normal",
    scale: float = 0.01,
    skip: bool = False,
    random_state: int | np.random.RandomState | None = None,
) -> Parameters:
    """Random weights and zero biases.

    Parameters
    ----------
    n_x, n_h, n_y : int
        Inputs, hidden units (0 for none), outputs.
    scheme : {"normal", "zeros", "xavier", "he"}
        Weights are normal with standard deviation `scale` (the course), exactly 0 (to see why
        that fails: every unit computes and learns the same), √(2 / (inputs + outputs)) of the
        layer (Glorot and Bengio, 2010), or √(2 / inputs) of the layer (He et al., 2015).
    scale : float
        Standard deviation of the scheme "normal".
    skip : bool
        Whether there is a linear skip; it starts at 0.
    random_state : int, RandomState or None
        An integer draws W1 and then W2 from NumPy's legacy stream of that seed, as the course's
        notebooks do, so that their figures come out.

    Returns
    -------
    parameters : Parameters
        float64.
    """
    if n_x < 0 or n_h < 0 or n_y < 1:
        raise ParameterError(f"sizes must be n_x ≥ 0, n_h ≥ 0, n_y ≥ 1, not ({n_x}, {n_h}, {n_y})")
    if skip and not n_h:
        raise ParameterError("a network without hidden units is linear already: choose skip=False")
    if isinstance(random_state, np.random.RandomState):
        random = random_state
    else:
        random = np.random.RandomState(random_state)

    def weights(n_out: int, n_in: int) -> Array:
        spread = {
            "normal": scale,
            "zeros": 0.0,
            "xavier": np.sqrt(2 / max(1, n_in + n_out)),
            "he": np.sqrt(2 / max(1, n_in)),
        }
        if scheme not in spread:
            known = ", ".join(SCHEMES)
            raise ParameterError(f"scheme {scheme!r} does not exist; choose one of: {known}")
        return random.randn(n_out, n_in) * spread[scheme] + 0.0  # + 0.0 makes the zeros' −0 a 0

    V = np.zeros((n_y if skip else 0, n_x))
    return Parameters(
        W1=np.concatenate([weights(n_h, n_x), V]),
        b1=np.zeros((n_h, 1)),
        W2=weights(n_y, n_h or n_x),
        b2=np.zeros((n_y, 1)),
    )


def forward(
    X: Array,
    parameters: Parameters,
    *,
    activation: str = "tanh",
    output: str | Loss = "sigmoid",
    keep: Array | None = None,
) -> Cache:
    """Compute the output, all examples at once.

    Parameters
    ----------
    X : array (n_x, m)
        Dense, or a SciPy sparse matrix.
    parameters : Parameters
    activation : str
        g of the hidden layer, a name in `shoal.ACTIVATIONS`.
    output : str or Loss
        Output function, a name in `shoal.LOSSES`.
    keep : array (n_h, m), optional
        What A1 is multiplied with, for dropout: 0 where a unit is left out.

    Returns
    -------
    Cache
    """
    W1, b1, W2, b2 = parameters
    g = get_activation(activation).g
    _check_inputs(X, parameters)
    W1, V = W1[: len(b1)], W1[len(b1) :]
    Z1 = W1 @ X + b1  # Eq 1
    A1 = g(Z1) if len(W1) else X  # Eq 2
    if keep is not None:
        A1 = A1 * keep
    Z2 = W2 @ A1 + b2  # Eq 3
    if len(V):
        Z2 = Z2 + V @ X  # the skip
    A2 = get_loss(output).output(Z2)  # Eq 4
    return Cache(Z1, A1, Z2, A2)


def forward_loop(
    X: Array, parameters: Parameters, *, activation: str = "tanh", output: str | Loss = "sigmoid"
) -> Cache:
    """Compute the output one example and one unit at a time: the slow twin of `forward`.

    It is what the course writes before it vectorises, "for i = 1 to m", with every sum written
    out. It is here to be read, and as the oracle of `forward`.
    """
    W1, b1, W2, b2 = parameters
    g = get_activation(activation).g
    loss = get_loss(output)
    n_x, m = X.shape
    n_h, n_y = len(b1), len(W2)
    W1, V = W1[:n_h], W1[n_h:]
    Z1, A1 = np.zeros((n_h, m)), np.zeros((W2.shape[1], m))
    Z2, A2 = np.zeros((n_y, m)), np.zeros((n_y, m))
    for i in range(m):
        for j in range(n_h):
            Z1[j, i] = sum(W1[j, k] * X[k, i] for k in range(n_x)) + b1[j, 0]  # Eq 1
        A1[:, i] = g(Z1[:, i]) if n_h else X[:, i]  # Eq 2
        for j in range(n_y):
            Z2[j, i] = sum(W2[j, k] * A1[k, i] for k in range(len(A1))) + b2[j, 0]  # Eq 3
            if len(V):
                Z2[j, i] += sum(V[j, k] * X[k, i] for k in range(n_x))  # the skip
        A2[:, [i]] = loss.output(Z2[:, [i]])  # Eq 4
    return Cache(Z1, A1, Z2, A2)


def cost(
    cache: Cache,
    Y: Array,
    *,
    output: str | Loss = "sigmoid",
    sample_weight: Array | None = None,
) -> float:
    """Average loss of the examples, J = (1/m) Σ L(A2, Y) (Eq 5), computed from Z2.

    Parameters
    ----------
    cache : Cache
        Of `forward`.
    Y : array (n_y, m)
    output : str or Loss
    sample_weight : array (m,), optional
        Makes J the weighted average: weight 2 is the example twice, weight 0 is its absence.
    """
    loss = get_loss(output)
    _check_targets(Y, cache.Z2, loss)
    losses = loss.losses(cache.Z2, Y)  # (m,)
    return float(losses @ shares(losses, sample_weight))  # Eq 5


def backward(
    X: Array,
    Y: Array,
    parameters: Parameters,
    cache: Cache,
    *,
    activation: str = "tanh",
    output: str | Loss = "sigmoid",
    sample_weight: Array | None = None,
    keep: Array | None = None,
) -> Parameters:
    """Gradients of the cost J by backpropagation, in the shapes of the parameters.

    Parameters
    ----------
    X : array (n_x, m)
    Y : array (n_y, m)
    parameters : Parameters
    cache : Cache
        Of `forward` on the same X and parameters.
    activation, output : str
        Those of `forward`.
    sample_weight : array (m,), optional
    keep : array (n_h, m), optional
        That of `forward`.

    Returns
    -------
    gradients : Parameters
        dW1, db1, dW2, db2.
    """
    W1, b1, W2, _ = parameters
    W1, V = W1[: len(b1)], W1[len(b1) :]
    Z1, A1, Z2, _ = cache
    g_prime = get_activation(activation).g_prime
    loss = get_loss(output)
    _check_targets(Y, Z2, loss)
    dZ2 = loss.dZ2(Z2, Y)  # Eq 6, A2 - Y
    dZ2 = dZ2 * shares(Z2[0], sample_weight)  # the 1/m of Eq 7, 8, 10 and 11, once for all
    dW2 = dZ2 @ A1.T  # Eq 7, of Z2 = W2 A1 + b2
    db2 = dZ2.sum(axis=1, keepdims=True)  # Eq 8
    if not len(W1):
        return Parameters(np.zeros_like(W1), np.zeros_like(b1), dW2, db2)
    dZ1 = (W2.T @ dZ2) * g_prime(Z1)  # Eq 9, of A1 = g(Z1)
    if keep is not None:
        dZ1 = dZ1 * keep
    dW1 = dZ1 @ X.T  # Eq 10, of Z1 = W1 X + b1
    if len(V):
        dW1 = np.concatenate([dW1, dZ2 @ X.T])  # dV, of Z2 = ... + V X
    db1 = dZ1.sum(axis=1, keepdims=True)  # Eq 11
    return Parameters(dW1, db1, dW2, db2)


_COLUMNS = "examples are columns, so pass the transpose of a table whose rows are examples"


def _check_inputs(X: Array, parameters: Parameters) -> None:
    W1, b1, W2, _ = parameters
    if len(W1) != len(b1) and not (len(b1) and len(W1) == len(b1) + len(W2)):
        raise DataError(
            f"W1 of shape {W1.shape} does not fit b1 of shape {b1.shape}: it has as many rows, or, "
            f"for the skip of a network with hidden units, {len(W2)} more"
        )
    if X.ndim != 2 or X.shape[0] != W1.shape[1]:
        raise DataError(f"X of shape {X.shape} does not fit W1 of shape {W1.shape}: {_COLUMNS}")


def _check_targets(Y: Array, Z2: Array, loss: Loss) -> None:
    # NumPy would broadcast some wrong shapes, and train on nonsense.
    if Y.ndim != 2 or Y.shape[1] != Z2.shape[1] or loss.n_scores(len(Y)) != len(Z2):
        raise DataError(f"Y of shape {Y.shape} does not fit Z2 of shape {Z2.shape}: {_COLUMNS}")


def shares(losses: Array, sample_weight: Array | None) -> Array:
    """Each example's share of the average: 1/m, or its weight over the sum of weights."""
    if sample_weight is None:
        return np.full(len(losses), 1 / len(losses), dtype=losses.dtype)
    total = sample_weight.sum()
    if not total > 0:
        raise DataError("the sample weights sum to 0: give at least one row a weight above 0")
    return (sample_weight / total).astype(losses.dtype, copy=False)


def gradient_descent(
    X: Array,
    Y: Array,
    parameters: Parameters,
    *,
    learning_rate: float,
    n_iterations: int,
    activation: str = "tanh",
    output: str | Loss = "sigmoid",
) -> tuple[Parameters, list[float]]:
    """Gradient descent exactly as in the course: forward, cost, backward, update.

    Returns
    -------
    parameters : Parameters
        After the last update; the ones given are left as they are.
    costs : list of float
        `costs[i]` is J before update i.
    """
    costs = []
    for _ in range(n_iterations):
        cache = forward(X, parameters, activation=activation, output=output)
        costs.append(cost(cache, Y, output=output))
        gradients = backward(X, Y, parameters, cache, activation=activation, output=output)
        parameters = Parameters(
            *(
                theta - learning_rate * d_theta  # Eq 12
                for theta, d_theta in zip(parameters, gradients, strict=True)
            )
        )
    return parameters, costs


def collapse(parameters: Parameters) -> tuple[Array, Array]:
    """The linear model that an identity-activated network is: W = W2 W1, b = W2 b1 + b2.

    Returns
    -------
    W : array (n_y, n_x)
    b : array (n_y, 1)
    """
    W1, b1, W2, b2 = parameters
    if not len(W1):
        return W2, b2
    W1, V = W1[: len(b1)], W1[len(b1) :]
    return W2 @ W1 + (V if len(V) else 0), W2 @ b1 + b2


class GradientCheck(NamedTuple):
    """Relative error of the gradients: ‖d - d̂‖ / (‖d‖ + ‖d̂‖), per block and over all.

    Where the gradients are so small that the difference quotient's own rounding would show, the
    denominator is the size at which that rounding makes an error of 1e-7.
    """

    W1: float
    b1: float
    W2: float
    b2: float
    relative_error: float
    n_checked: int
    n_excluded: int  # entries whose difference would cross a kink

    @property
    def verdict(self) -> str:
        """By the worst of the errors: "right" up to 1e-7, "wrong" above 1e-5, else "doubtful"."""
        worst = max(self[:5])
        if worst > 1e-5:
            return "wrong"
        return "right" if worst <= 1e-7 and self.n_checked else "doubtful"


def gradient_check(
    X: Array,
    Y: Array,
    parameters: Parameters,
    *,
    activation: str = "tanh",
    output: str | Loss = "sigmoid",
    sample_weight: Array | None = None,
    gradients: Parameters | None = None,
    epsilon: float = 1e-5,
    most: int | None = None,
) -> GradientCheck:
    """Compare the gradients with central differences, (J(θ + h) - J(θ - h)) / 2h, in float64.

    The step h of a weight is `epsilon` over the root mean square of what it multiplies, so that
    every step moves the scores by about epsilon whatever the units of X. Where an activation or a
    loss has kinks, an entry whose two steps lie on different pieces has no derivative to compare
    with, and is left out.

    Parameters
    ----------
    X, Y, parameters, activation, output, sample_weight
        Those of `backward`.
    gradients : Parameters, optional
        The gradients to check; those of `backward` if not given.
    epsilon : float
    most : int, optional
        Of each block, so many entries drawn at random; all if not given.

    Returns
    -------
    GradientCheck
        Errors up to 1e-7 say that the gradients are right, above 1e-5 that they are wrong:
        its `verdict`.
    """
    X, Y = X.astype(np.float64), Y.astype(np.float64)
    theta = Parameters(*(np.array(block, dtype=np.float64) for block in parameters))
    loss, kinked = get_loss(output), get_activation(activation).kinked

    def evaluate() -> tuple[float, list[Array]]:
        cache = forward(X, theta, activation=activation, output=loss)
        pieces = [cache.Z1 > 0] if kinked else []
        branch = loss.branch(cache.Z2, Y)
        if branch is not None:
            pieces.append(branch)
        return cost(cache, Y, output=loss, sample_weight=sample_weight), pieces

    cache = forward(X, theta, activation=activation, output=loss)
    if gradients is None:
        gradients = backward(
            X, Y, theta, cache, activation=activation, output=loss, sample_weight=sample_weight
        )
    steps = (
        _steps(X, epsilon),
        np.array([epsilon]),
        _steps(cache.A1, epsilon),
        np.array([epsilon]),
    )
    rounding = np.spacing(evaluate()[0])
    compared: list[list[tuple[Any, Any, Any]]] = []  # d, d̂ and its floor, by block
    n_excluded = 0
    for block, d_block, step in zip(theta, gradients, steps, strict=True):
        compared.append([])
        places = list(np.ndindex(block.shape))
        if most is not None and len(places) > most:
            drawn = np.random.default_rng(0).choice(len(places), most, replace=False)
            places = [places[k] for k in sorted(drawn)]
        for index in places:
            kept, h = block[index], step[index[1]]
            block[index] = kept + h
            above, pieces_above = evaluate()
            block[index] = kept - h
            below, pieces_below = evaluate()
            block[index] = kept
            if all(map(np.array_equal, pieces_above, pieces_below)):
                d_hat, floor = (above - below) / (2 * h), rounding / h / 1e-7
                compared[-1].append((d_block[index], d_hat, floor))
            else:
                n_excluded += 1
    every = list(chain.from_iterable(compared))
    W1, b1, W2, b2, overall = map(_relative_error, [*compared, every])
    return GradientCheck(W1, b1, W2, b2, overall, len(every), n_excluded)


def _steps(A: Array, epsilon: float) -> Array:
    """Step for each row of A (n, m): epsilon over its root mean square, or epsilon if that is 0."""
    squares = A.multiply(A) if hasattr(A, "multiply") else A * A  # sparse or dense
    size = np.sqrt(np.asarray(squares.mean(axis=1)).ravel())
    return epsilon / np.where(size > 0, size, 1)


def _relative_error(compared: list[tuple[Any, Any, Any]]) -> float:
    """‖d - d̂‖ / max(‖d‖ + ‖d̂‖, ‖floor‖), and 0 for a block without entries."""
    if not compared:
        return 0.0
    d, d_hat, floor = np.array(compared).T
    size = max(np.linalg.norm(d) + np.linalg.norm(d_hat), np.linalg.norm(floor))
    return float(np.linalg.norm(d - d_hat) / size)
