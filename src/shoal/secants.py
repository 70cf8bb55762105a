"""Slopes of activation functions over an interval: what the mean of g′ and of g″ along a line is.

The secant from b to b + d is

    D(b, d) = (g(b + d) - g(b)) / d = ∫₀¹ g′(b + t d) dt,    D(b, 0) = g′(b)

As that quotient is written it loses every digit where d is small or g saturates. Each function
below is a form in which nothing cancels; d is given, never the difference of two rounded numbers.
The form of tanh follows from tanh a - tanh b = sinh(a - b) / (cosh a cosh b).
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from shoal.activations import (
    GELU_CUBE,
    GELU_SCALE,
    LEAK,
    Array,
    get_activation,
    sigmoid,
    sigmoid_prime,
    tanh_prime,
)

# ---- secants -----------------------------------------------------------------------------------


def _secant_tanh(B: Array, D: Array) -> Array:
    A, size = np.abs(B + D), np.abs(D)
    B = np.abs(B)
    # sinh(d)/d without its e^|d|, which goes to the exponent; that is at most 0.
    ratio = np.where(size > 0, -np.expm1(-2 * size) / np.where(size > 0, size, 1), 2)
    exponent = np.minimum(size - A - B, 0)
    return 2 * np.exp(exponent) * ratio / ((1 + np.exp(-2 * A)) * (1 + np.exp(-2 * B)))


def _secant_sigmoid(B: Array, D: Array) -> Array:
    """σ(z) = (1 + tanh(z/2)) / 2."""
    return _secant_tanh(B / 2, D / 2) / 4


def _secant_relu(B: Array, D: Array) -> Array:
    A = B + D
    with np.errstate(over="ignore"):
        crossing = np.maximum(A, B) / np.where(D == 0, 1, np.abs(D))
    both = np.where((A > 0) & (B > 0), 1.0, np.minimum(crossing, 1))
    return np.where((A <= 0) & (B <= 0), 0.0, both)


def _secant_leaky_relu(B: Array, D: Array) -> Array:
    return LEAK + (1 - LEAK) * _secant_relu(B, D)


def _secant_identity(B: Array, D: Array) -> Array:
    return np.ones_like(B + D)


def _near_and_far(
    near: Callable[[Array, Array], Array], tail: Callable[[Array], Array]
) -> Callable[[Array, Array], Array]:
    """A form for |d| ≤ 1, where differences cancel; beyond it g is ReLU and an even tail."""

    def secant_of(B: Array, D: Array) -> Array:
        is_far = np.abs(D) > 1
        tails = (tail(B + D) - tail(B)) / np.where(is_far, D, 1)
        return np.where(is_far, _secant_relu(B, D) + tails, near(B, np.clip(D, -1, 1)))

    return secant_of


def _near_softplus(B: Array, D: Array) -> Array:
    """From the greater end c down by d: softplus(c) - softplus(c - d) = -ln(1 + σ(c)(e^-d - 1))."""
    size = np.abs(D)
    drop = np.log1p(sigmoid(np.maximum(B, B + D)) * np.expm1(-size))
    moves = size > 1e-300  # below, the product with σ(c) would lose digits
    return np.where(moves, -drop / np.where(moves, size, 1), sigmoid(B))


def _near_silu(B: Array, D: Array) -> Array:
    """a σ(a) - b σ(b) = (a - b) σ(a) + b (σ(a) - σ(b))."""
    return sigmoid(B + D) + B * _secant_sigmoid(B, D)


def _near_gelu(B: Array, D: Array) -> Array:
    """As silu, through the secant of 2u; beyond ±22 the sigmoid is 0 or 1, and its secant 0."""
    low, high = np.clip(B, -22, 22), np.clip(B + D, -22, 22)
    steepness = GELU_SCALE * (1 + GELU_CUBE * (low**2 + low * high + high**2))
    of_sigmoid = _secant_sigmoid(_gelu_exponent(low), steepness * D) * steepness
    return sigmoid(_gelu_exponent(high)) + low * of_sigmoid


def _gelu_exponent(Z: Array) -> Array:
    """2u = 2 √(2/π) (z + 0.044715 z³)."""
    return GELU_SCALE * (Z + GELU_CUBE * Z**3)


_SECANTS: dict[str, Callable[[Array, Array], Array]] = {
    "sigmoid": _secant_sigmoid,
    "tanh": _secant_tanh,
    "relu": _secant_relu,
    "leaky_relu": _secant_leaky_relu,
    "identity": _secant_identity,
    "softplus": _near_and_far(_near_softplus, lambda Z: np.log1p(np.exp(-np.abs(Z)))),
    "gelu": _near_and_far(
        _near_gelu, lambda Z: -np.abs(Z) * sigmoid(-_gelu_exponent(np.minimum(np.abs(Z), 22)))
    ),
    "silu": _near_and_far(_near_silu, lambda Z: -np.abs(Z) * sigmoid(-np.abs(Z))),
}


def secant(activation: str, B: Array, D: Array) -> Array:
    """Mean of g′ from B to B + D, exact to rounding.

    Parameters
    ----------
    activation : str
        A name in `shoal.ACTIVATIONS`.
    B, D : arrays of float64 that broadcast
        Where the interval begins, and how far it reaches.
    """
    get_activation(activation)
    return _SECANTS[activation](B, D)


# ---- second derivatives ------------------------------------------------------------------------


def _gelu_second(Z: Array) -> Array:
    """(z σ(s))″ = 2 s′ σ′ + z (s″ σ′ + s′² σ″), with s = 2u and σ″(s) = -σ′(s) tanh(s/2)."""
    Z = np.clip(Z, -22, 22)
    S = _gelu_exponent(Z)
    first = GELU_SCALE * (1 + 3 * GELU_CUBE * Z**2)
    second = 6 * GELU_SCALE * GELU_CUBE * Z
    return sigmoid_prime(S) * (2 * first + Z * (second - first**2 * np.tanh(S / 2)))


_SECOND: dict[str, Callable[[Array], Array]] = {
    "sigmoid": lambda Z: -sigmoid_prime(Z) * np.tanh(Z / 2),
    "tanh": lambda Z: -2 * np.tanh(Z) * tanh_prime(Z),
    "relu": np.zeros_like,
    "leaky_relu": np.zeros_like,
    "identity": np.zeros_like,
    "softplus": sigmoid_prime,
    "gelu": _gelu_second,
    "silu": lambda Z: sigmoid_prime(Z) * (2 - Z * np.tanh(Z / 2)),
}


def second_derivative(activation: str, Z: Array) -> Array:
    """g″(z); 0 where ReLU and leaky ReLU have one, and at their kink, where they have none."""
    get_activation(activation)
    return _SECOND[activation](Z)


# By how much g′ jumps at 0.
_JUMPS = {"relu": 1.0, "leaky_relu": 1 - LEAK}
# Between these g″ is so smooth that 20 points integrate it to rounding; beyond them it is 0.
_PANELS = np.array([-40, -18, -9, -5, -2.5, -1, 0, 1, 2.5, 5, 9, 18, 40])
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(20)


def curvature(activation: str, B: Array, D: Array) -> Array:
    """K = ∫₀¹ (-s ln s) g″(b + s d) ds: the weight of an interaction in integrated Hessians.

    -ln s is the density of a product s = αβ of two uniform numbers. Where g′ only jumps, at
    b + s d = 0, K = (-s ln s) · jump / |d|. Where g is smooth K has no elementary form; it is
    integrated by Gauss and Legendre over t = s^⅓, in panels between the bends of g″, to rounding.
    """
    get_activation(activation)
    B, D = np.broadcast_arrays(B, D)
    moves = np.abs(D) > 1e-300
    flat = np.where(moves, D, 1)
    if activation in _JUMPS:
        with np.errstate(over="ignore"):
            s = np.where(moves, -B / flat, 0)
        s = np.where((s > 0) & (s < 1), s, 1)
        return -s * np.log(s) * _JUMPS[activation] / np.abs(flat)
    total = np.zeros(B.shape)
    for low, high in pairwise(_PANELS):
        # The part of the line that is in this panel, as s from its one end to its other.
        with np.errstate(over="ignore"):
            ends = [np.clip((edge - B) / flat, 0, 1) for edge in (low, high)]
        first = np.where(moves, np.minimum(*ends), 0)
        last = np.where(moves, np.maximum(*ends), (low <= B) & (high > B))
        start, stop = np.cbrt(first), np.cbrt(last)
        half = (stop - start) / 2
        for node, weight in zip(_NODES, _WEIGHTS, strict=True):
            t = start + half * (1 + node)
            # s = t³, ds = 3t² dt, -s ln s = -3 t³ ln t
            density = -9 * t**5 * np.log(np.where(t > 0, t, 1))
            total += weight * half * density * second_derivative(activation, B + t**3 * D)
    return total
