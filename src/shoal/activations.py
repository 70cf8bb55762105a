"""Activation functions of the hidden layer: g and g′ side by side, and the advice on each.

Each is exact to rounding in both tails: the exponential is always taken of a negative
number, so nothing overflows, and differences of nearly equal numbers (1 - A, 1 - A²) are never
formed. Arrays of floats keep their dtype; numbers and arrays of integers are taken too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from shoal.errors import ParameterError

Array: TypeAlias = NDArray[Any]


@dataclass(frozen=True)
class Activation:
    """One function g, its derivative, and what there is to know about it.

    Attributes
    ----------
    name : str
        The name by which every interface calls it.
    g : callable
        Z -> g(Z), elementwise, same shape and dtype (Eq 2).
    g_prime : callable
        Z -> g′(Z), elementwise, same shape and dtype (in Eq 9).
    formula, derivative : str
        The two as the course writes them.
    range : tuple of float
        Infimum and supremum of g.
    largest_derivative : float
        Supremum of the size of g′: how much of a gradient can pass.
    centred : bool
        Whether g is odd, so that its outputs average to about 0 on centred inputs.
    saturates : str
        Where g′ tends to 0 without reaching it: "both tails", "left tail" or "never".
    can_die : bool
        Whether g′ is exactly 0 on a half-line, so that a unit can stop learning for good.
    kinked : bool
        Whether g′ jumps at 0.
    strengths, weaknesses, use : str
        The course's advice.
    """

    name: str
    g: Callable[[Array], Array]
    g_prime: Callable[[Array], Array]
    formula: str
    derivative: str
    range: tuple[float, float]
    largest_derivative: float
    centred: bool
    saturates: str
    can_die: bool
    kinked: bool
    strengths: str
    weaknesses: str
    use: str


# ---- sigmoid: (0, 1) ----------------------------------------------------------------------------


def sigmoid(Z: Array) -> Array:
    """g(z) = 1 / (1 + e^-z), from e^-|z| so that neither tail overflows."""
    E = np.exp(-np.abs(Z))
    return np.where(Z >= 0, 1, E) / (1 + E)


def sigmoid_prime(Z: Array) -> Array:
    """g′(z) = g(z) (1 - g(z)) = e^-|z| / (1 + e^-|z|)²."""
    E = np.exp(-np.abs(Z))
    return E / (1 + E) ** 2


# ---- tanh: (-1, 1) ------------------------------------------------------------------------------


def tanh(Z: Array) -> Array:
    """g(z) = (e^z - e^-z) / (e^z + e^-z)."""
    return np.tanh(Z)


def tanh_prime(Z: Array) -> Array:
    """g′(z) = 1 - g(z)² = 4 e^-2|z| / (1 + e^-2|z|)²."""
    E = np.exp(-2 * np.abs(Z))
    return 4 * E / (1 + E) ** 2


# ---- the ReLU family ----------------------------------------------------------------------------


def relu(Z: Array) -> Array:
    """g(z) = max(0, z)."""
    return np.maximum(Z, 0)


def relu_prime(Z: Array) -> Array:
    """g′(z) = 1 for z > 0, else 0. At the kink, where no derivative exists, 0 is taken."""
    return (Z > 0) * np.ones_like(Z)


LEAK = 0.01


def leaky_relu(Z: Array) -> Array:
    """g(z) = max(0.01 z, z)."""
    return np.maximum(LEAK * Z, Z)


def leaky_relu_prime(Z: Array) -> Array:
    """g′(z) = 1 for z > 0, else 0.01."""
    return np.where(Z > 0, np.ones_like(Z), LEAK)


# ---- identity: the reason the others exist ------------------------------------------------------


def identity(Z: Array) -> Array:
    """g(z) = z."""
    return Z


def identity_prime(Z: Array) -> Array:
    """g′(z) = 1."""
    return np.ones_like(Z)


# ---- smooth relatives of ReLU -------------------------------------------------------------------


def softplus(Z: Array) -> Array:
    """g(z) = ln(1 + e^z)."""
    return np.logaddexp(0, Z)


def silu(Z: Array) -> Array:
    """g(z) = z σ(z)."""
    return Z * sigmoid(Z)


def silu_prime(Z: Array) -> Array:
    """g′(z) = σ(z) (1 + z σ(-z))."""
    return sigmoid(Z) * (1 + Z * sigmoid(-Z))


# GELU in its tanh form (Hendrycks and Gimpel, 2016), 0.5 z (1 + tanh u), which is z σ(2u):
# no error function, so NumPy, C, JavaScript and SQL all compute the same one. In the left tail
# 2u is itself rounded before the exponential, which loses as many last places as |2u| is large.
# From |z| = 22 on the sigmoid is 0 or 1 in float64 too: the clip only keeps z³ finite.
GELU_SCALE = 2 * float(np.sqrt(2 / np.pi))
GELU_CUBE = 0.044715


def gelu(Z: Array) -> Array:
    """g(z) = z σ(2u), u = √(2/π) (z + 0.044715 z³)."""
    V = np.clip(Z, -22, 22)
    return Z * sigmoid(GELU_SCALE * (V + GELU_CUBE * V**3))


def gelu_prime(Z: Array) -> Array:
    """g′(z) = σ(2u) (1 + z σ(-2u) · 2 du/dz)."""
    V = np.clip(Z, -22, 22)
    U = GELU_SCALE * (V + GELU_CUBE * V**3)
    dU = GELU_SCALE * (1 + 3 * GELU_CUBE * V**2)
    return sigmoid(U) * (1 + V * sigmoid(-U) * dU)


_INFINITY = float("inf")

# The kernel's enumeration has the same order.
ACTIVATIONS: dict[str, Activation] = {
    activation.name: activation
    for activation in (
        Activation(
            name="sigmoid",
            g=sigmoid,
            g_prime=sigmoid_prime,
            formula="1 / (1 + e^-z)",
            derivative="g(z) (1 - g(z))",
            range=(0.0, 1.0),
            largest_derivative=0.25,
            centred=False,
            saturates="both tails",
            can_die=False,
            kinked=False,
            strengths="Smooth, and its value reads as a probability.",
            weaknesses="Saturates in both tails, passes at most a quarter of a gradient, and its "
            "outputs are all positive, which makes the next layer learn more slowly.",
            use="The output of a binary classifier. As a hidden layer, tanh mostly beats it.",
        ),
        Activation(
            name="tanh",
            g=tanh,
            g_prime=tanh_prime,
            formula="(e^z - e^-z) / (e^z + e^-z)",
            derivative="1 - g(z)²",
            range=(-1.0, 1.0),
            largest_derivative=1.0,
            centred=True,
            saturates="both tails",
            can_die=False,
            kinked=False,
            strengths="A sigmoid stretched and centred at 0, so that the next layer sees centred "
            "inputs; smooth, and near 0 the whole gradient passes.",
            weaknesses="Saturates in both tails: with |z| large the gradient vanishes.",
            use="A hidden layer on smooth problems and small data, with second-order solvers.",
        ),
        Activation(
            name="relu",
            g=relu,
            g_prime=relu_prime,
            formula="max(0, z)",
            derivative="1 if z > 0 else 0",
            range=(0.0, _INFINITY),
            largest_derivative=1.0,
            centred=False,
            saturates="never",
            can_die=True,
            kinked=True,
            strengths="Cheap; its derivative is 1 for every z > 0, so learning does not slow down.",
            weaknesses="A unit with z ≤ 0 for every example has gradient 0: dead. A kink at 0.",
            use="The default hidden layer.",
        ),
        Activation(
            name="leaky_relu",
            g=leaky_relu,
            g_prime=leaky_relu_prime,
            formula="max(0.01 z, z)",
            derivative="1 if z > 0 else 0.01",
            range=(-_INFINITY, _INFINITY),
            largest_derivative=1.0,
            centred=False,
            saturates="never",
            can_die=False,
            kinked=True,
            strengths="ReLU that cannot die: a hundredth of the gradient passes for z ≤ 0.",
            weaknesses="The slope 0.01 is one more number to choose; a kink at 0.",
            use="Where units of a ReLU layer die.",
        ),
        Activation(
            name="identity",
            g=identity,
            g_prime=identity_prime,
            formula="z",
            derivative="1",
            range=(-_INFINITY, _INFINITY),
            largest_derivative=1.0,
            centred=True,
            saturates="never",
            can_die=False,
            kinked=False,
            strengths="Shows why the others exist.",
            weaknesses="A hidden layer of it computes W2 (W1 x + b1) + b2: one linear function, "
            "whatever the number of units.",
            use="The output of a regression; in the hidden layer only to see it collapse.",
        ),
        Activation(
            name="softplus",
            g=softplus,
            g_prime=sigmoid,
            formula="ln(1 + e^z)",
            derivative="1 / (1 + e^-z)",
            range=(0.0, _INFINITY),
            largest_derivative=1.0,
            centred=False,
            saturates="left tail",
            can_die=False,
            kinked=False,
            strengths="ReLU without the kink: differentiable everywhere, never dead.",
            weaknesses="Dearer than ReLU, and all its outputs are positive.",
            use="Where second derivatives of the network are wanted.",
        ),
        Activation(
            name="gelu",
            g=gelu,
            g_prime=gelu_prime,
            formula="z σ(2u), u = √(2/π) (z + 0.044715 z³)",
            derivative="σ(2u) (1 + 2 z σ(-2u) du/dz)",
            range=(-0.17004075, _INFINITY),
            largest_derivative=1.12899307,
            centred=False,
            saturates="left tail",
            can_die=False,
            kinked=False,
            strengths="Smooth, close to ReLU for large |z|; some negative signal passes near 0.",
            weaknesses="Dearer than ReLU; not monotone.",
            use="A smooth alternative to ReLU on larger tables.",
        ),
        Activation(
            name="silu",
            g=silu,
            g_prime=silu_prime,
            formula="z / (1 + e^-z)",
            derivative="σ(z) (1 + z σ(-z))",
            range=(-0.27846454, _INFINITY),
            largest_derivative=1.09983932,
            centred=False,
            saturates="left tail",
            can_die=False,
            kinked=False,
            strengths="Smooth, close to ReLU for large |z|, and z = silu(z) - silu(-z) exactly.",
            weaknesses="Dearer than ReLU; not monotone.",
            use="A smooth alternative to ReLU on larger tables.",
        ),
    )
}


def get_activation(name: str) -> Activation:
    """Look an activation up by name.

    Raises
    ------
    ParameterError
        If there is none of that name; the message lists those there are.
    """
    try:
        return ACTIVATIONS[name]
    except (KeyError, TypeError):
        known = ", ".join(ACTIVATIONS)
        raise ParameterError(
            f"activation {name!r} does not exist; choose one of: {known}"
        ) from None
