"""Activations: values against 60-digit decimal arithmetic, published claims by computation."""

import importlib.util
from collections.abc import Callable
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext
from pathlib import Path

import numpy as np
import pytest

from shoal.activations import ACTIVATIONS, Array, get_activation
from shoal.errors import ParameterError

DOCS = Path(__file__).parents[1] / "docs"

Number = Decimal
PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459")
EXACT = Context(prec=60, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[])


def sigmoid(z: Number) -> Number:
    """The sigmoid, from the exponential of a negative number."""
    e = (-abs(z)).exp()
    return (1 if z >= 0 else e) / (1 + e)


def two_u(z: Number) -> Number:
    """2u of GELU."""
    return 2 * (2 / PI).sqrt() * (z + Decimal("0.044715") * z**3)


def log_one_plus(e: Number) -> Number:
    """ln(1 + e), by its series where 60 digits of 1 + e do not hold e."""
    return e - e * e / 2 if e < Decimal("1e-25") else (1 + e).ln()


# The formula and the derivative as published, and the same in decimal arithmetic.
EXACT_FORMULAS: dict[str, tuple[str, Callable[[Number], Number], str, Callable[[Number], Number]]]
EXACT_FORMULAS = {
    "sigmoid": (
        "1 / (1 + e^-z)",
        sigmoid,
        "g(z) (1 - g(z))",
        lambda z: sigmoid(z) * sigmoid(-z),
    ),
    "tanh": (
        "(e^z - e^-z) / (e^z + e^-z)",
        lambda z: sigmoid(2 * z) - sigmoid(-2 * z),
        "1 - g(z)²",
        lambda z: 4 * sigmoid(2 * z) * sigmoid(-2 * z),
    ),
    "relu": (
        "max(0, z)",
        lambda z: max(Decimal(0), z),
        "1 if z > 0 else 0",
        lambda z: Decimal(1 if z > 0 else 0),
    ),
    "leaky_relu": (
        "max(0.01 z, z)",
        lambda z: max(z / 100, z),
        "1 if z > 0 else 0.01",
        lambda z: Decimal(1 if z > 0 else "0.01"),
    ),
    "identity": ("z", lambda z: z, "1", lambda z: z * 0 + 1),
    "softplus": (
        "ln(1 + e^z)",
        lambda z: max(Decimal(0), z) + log_one_plus((-abs(z)).exp()),
        "1 / (1 + e^-z)",
        sigmoid,
    ),
    "gelu": (
        "z σ(2u), u = √(2/π) (z + 0.044715 z³)",
        lambda z: z * sigmoid(two_u(z)),
        "σ(2u) (1 + 2 z σ(-2u) du/dz)",
        lambda z: (
            sigmoid(two_u(z))
            * (
                1
                + z
                * sigmoid(-two_u(z))
                * (2 * (2 / PI).sqrt() * (1 + 3 * Decimal("0.044715") * z * z))
            )
        ),
    ),
    "silu": (
        "z / (1 + e^-z)",
        lambda z: z * sigmoid(z),
        "σ(z) (1 + z σ(-z))",
        lambda z: sigmoid(z) * (1 + z * sigmoid(-z)),
    ),
}

SIZES = (0, 1e-8, 0.1, 0.5, 1, 2, 5, 10, 15, 20, 21, 30, 40, 100, 300, 700, 740, 1e4)
POINTS = [sign * size for size in SIZES for sign in (1, -1)]
every_activation = pytest.mark.parametrize("name", ACTIVATIONS)


def quietly(function: Callable[[Array], Array], Z: Array) -> Array:
    """The function's values, with every floating-point exception but underflow an error."""
    with np.errstate(all="raise", under="ignore"):
        return function(Z)


@every_activation
def test_every_activation_has_an_exact_twin_here_with_the_same_formula(name: str) -> None:
    """The formula and derivative that are published are the ones that these tests compute."""
    formula, _, derivative, _ = EXACT_FORMULAS[name]
    assert (ACTIVATIONS[name].formula, ACTIVATIONS[name].derivative) == (formula, derivative)


@every_activation
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("which", ["g", "g_prime"])
def test_values_are_exact_to_a_few_last_places_in_both_tails(
    name: str, dtype: type[np.floating], which: str
) -> None:
    """g and g′ are within 3 units in the last place of the exact value, from 0 to ±1e4.

    GELU's exponent 2u is itself rounded, which e^2u turns into |2u| last places in the left tail.
    Below the smallest normal number the bound is absolute.
    """
    _, g, _, g_prime = EXACT_FORMULAS[name]
    exact = g if which == "g" else g_prime
    Z = np.array(POINTS, dtype=dtype)
    values = quietly(getattr(ACTIVATIONS[name], which), Z)
    assert values.dtype == dtype
    limits = np.finfo(dtype)
    last_place, smallest = Decimal(float(limits.eps)), Decimal(float(limits.smallest_subnormal))
    with localcontext(EXACT):
        for z, value in zip(map(Decimal, Z.tolist()), values.tolist(), strict=True):
            truth = exact(z)
            places = 3 + (abs(two_u(z)) if name == "gelu" and z < 0 else 0)
            # A subnormal factor is off by one unit of the smallest, times |z|.
            slack = places * last_place * abs(truth) + 2 * smallest * max(1, abs(z))
            assert abs(Decimal(value) - truth) <= slack, f"z = {z}: {value} instead of {truth:.17e}"


@every_activation
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_values_are_finite_to_the_end_of_the_floats(name: str, dtype: type[np.floating]) -> None:
    """At a quarter of the largest float, of either sign, g is finite and g′ is that of 1e4."""
    Z = np.array([-1, 1], dtype=dtype) * np.finfo(dtype).max / 4
    activation = ACTIVATIONS[name]
    assert np.isfinite(quietly(activation.g, Z)).all()
    far = activation.g_prime(np.array([-1e4, 1e4], dtype=dtype))
    np.testing.assert_array_equal(quietly(activation.g_prime, Z), far)


@every_activation
def test_derivative_is_the_slope(name: str) -> None:
    """g′ agrees with central differences of g away from kinks."""
    activation = ACTIVATIONS[name]
    Z = np.linspace(-6, 6, 241)
    Z = Z[np.abs(Z) > 1e-3] if activation.kinked else Z
    h = 1e-5
    slope = (activation.g(Z + h) - activation.g(Z - h)) / (2 * h)
    np.testing.assert_allclose(activation.g_prime(Z), slope, rtol=1e-8, atol=1e-9)


@every_activation
def test_range_is_what_g_reaches(name: str) -> None:
    """A finite bound is approached and never passed; an infinite one has no bound by ±1e4."""
    activation = ACTIVATIONS[name]
    Z = np.concatenate([np.linspace(-40, 40, 80_001), [-1e4, 1e4]])
    values = quietly(activation.g, Z)
    low, high = activation.range
    assert values.min() < -99 if np.isinf(low) else low - 1e-8 <= values.min() <= low + 1e-7
    assert values.max() > 99 if np.isinf(high) else high - 1e-7 <= values.max() <= high + 1e-8


@every_activation
def test_largest_derivative_is_the_largest(name: str) -> None:
    """No |g′| on a fine grid is above the published supremum, and one comes within 1e-7 of it."""
    sizes = np.abs(quietly(ACTIVATIONS[name].g_prime, np.linspace(-40, 40, 160_001)))
    assert 0 <= ACTIVATIONS[name].largest_derivative - sizes.max() + 1e-8 <= 1e-7


@every_activation
def test_centred_means_odd(name: str) -> None:
    """`centred` holds exactly for those with g(-z) = -g(z)."""
    g, Z = ACTIVATIONS[name].g, np.linspace(0, 10, 101)
    assert ACTIVATIONS[name].centred == np.allclose(g(-Z), -g(Z), rtol=1e-15, atol=0)


@every_activation
def test_saturates_names_the_tails_in_which_the_gradient_fades(name: str) -> None:
    """A tail saturates where g′ fades to 0 far out without being 0 nearby."""
    g_prime = ACTIVATIONS[name].g_prime
    fades = [g_prime(np.array([sign * 40.0]))[0] ** 2 < 1e-20 for sign in (-1, 1)]
    alive = [g_prime(np.array([sign * 5.0]))[0] != 0 for sign in (-1, 1)]
    tails = tuple(map(bool, np.logical_and(fades, alive)))
    words = {(True, True): "both tails", (True, False): "left tail", (False, False): "never"}
    assert ACTIVATIONS[name].saturates == words[tails]


@every_activation
def test_can_die_means_a_half_line_without_gradient(name: str) -> None:
    """`can_die` holds exactly where g′ is 0 for all z ≤ 0."""
    silent = (ACTIVATIONS[name].g_prime(-np.linspace(0, 20, 201)) == 0).all()
    assert ACTIVATIONS[name].can_die == silent


@every_activation
def test_kinked_means_a_jump_of_the_derivative(name: str) -> None:
    """`kinked` holds exactly where g′ differs on the two sides of 0."""
    below, above = ACTIVATIONS[name].g_prime(np.array([-1e-9, 1e-9]))
    assert ACTIVATIONS[name].kinked == (abs(above - below) > 1e-6)


def test_silu_and_relu_make_the_identity() -> None:
    """z = silu(z) - silu(-z) and z = relu(z) - relu(-z), so two units carry a linear term."""
    Z = np.linspace(-50, 50, 1001)
    for name in ("silu", "relu"):
        g = ACTIVATIONS[name].g
        np.testing.assert_allclose(g(Z) - g(-Z), Z, rtol=1e-14, atol=1e-15)


@every_activation
@pytest.mark.parametrize("which", ["g", "g_prime"])
def test_numbers_and_integers_are_taken_as_floats_are(name: str, which: str) -> None:
    """A Python number, an integer array and a float array of the same values give the same."""
    function = getattr(ACTIVATIONS[name], which)
    Z = np.array([-3, -1, 0, 2])
    expected = function(Z.astype(float))
    np.testing.assert_array_equal(function(Z), expected)
    np.testing.assert_array_equal([function(z) for z in Z.tolist()], expected)
    np.testing.assert_array_equal([function(float(z)) for z in Z], expected)


@every_activation
def test_arguments_are_left_as_they_are(name: str) -> None:
    """Neither g nor g′ writes into Z, and read-only Z are taken."""
    Z = np.linspace(-2, 2, 5)
    Z.flags.writeable = False
    ACTIVATIONS[name].g(Z)
    ACTIVATIONS[name].g_prime(Z)
    np.testing.assert_array_equal(Z, np.linspace(-2, 2, 5))


@pytest.mark.parametrize("name", ["Tanh", "", None, ["tanh"]])
def test_an_unknown_activation_is_answered_with_those_there_are(name: object) -> None:
    """The error names the wrong one and lists the right ones."""
    with pytest.raises(ParameterError, match="choose one of: sigmoid, tanh, relu, leaky_relu"):
        get_activation(name)  # type: ignore[arg-type]


def test_the_page_of_activations_and_losses_is_current() -> None:
    """docs/activations.md is what docs/make_activations.py makes of the two tables."""
    spec = importlib.util.spec_from_file_location("make_page", DOCS / "make_activations.py")
    assert spec is not None
    assert spec.loader is not None
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    page = (DOCS / "activations.md").read_text(encoding="utf-8")
    assert page == maker.page(), "run: python docs/make_activations.py"
