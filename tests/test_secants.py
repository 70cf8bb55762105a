"""Secants of the activation functions, their second derivatives, and the integral of these."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shoal import ACTIVATIONS, ParameterError
from shoal.secants import curvature, secant, second_derivative

NODES, WEIGHTS = np.polynomial.legendre.leggauss(40)
BENDS = np.array([-60, -30, -15, -8, -4, -2, 0, 2, 4, 8, 15, 30, 60])
SMOOTH = ("sigmoid", "tanh", "softplus", "gelu", "silu")


def integrate(f, b: float, d: float) -> float:
    """∫₀¹ f(s) ds by 40 points of Gauss and Legendre in each panel between the bends of g(b + s d).

    Towards s = 0, where a logarithm may stand, the panels shrink.
    """
    cuts = [(bend - b) / d for bend in BENDS if abs(d) > 1e-300]
    cuts = sorted({0.0, 1.0, *(0.5**k for k in range(30)), *(s for s in cuts if 0 < s < 1)})
    total = 0.0
    for first, last in pairwise(cuts):
        s = first + (last - first) * (1 + NODES) / 2
        total += (last - first) / 2 * (WEIGHTS @ f(s))
    return float(total)


values = st.floats(-50, 50)


@pytest.mark.parametrize("name", ACTIVATIONS)
@settings(max_examples=30)
@given(b=values, d=values | st.floats(-1e-3, 1e-3))
def test_secant_is_the_mean_of_the_derivative(name: str, b: float, d: float) -> None:
    """The secant is ∫ g′(b + s d) ds, for small steps and long ones, to rounding."""
    found = float(secant(name, np.array(b), np.array(d)))
    assert abs(found - integrate(lambda s: ACTIVATIONS[name].g_prime(b + s * d), b, d)) < 1e-13


@pytest.mark.parametrize("name", ACTIVATIONS)
@settings(max_examples=30)
@given(b=values, d=values.filter(lambda d: abs(d) > 1e-3))
def test_secant_times_step_is_the_difference(name: str, b: float, d: float) -> None:
    """D d = g(b + d) - g(b), to the rounding of the right hand side."""
    g = ACTIVATIONS[name].g
    difference = float(g(np.array(b + d)) - g(np.array(b)))
    assert abs(float(secant(name, np.array(b), np.array(d))) * d - difference) < 3e-14


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_secant_of_no_step_is_the_derivative(name: str) -> None:
    """Where the two ends are one, the secant is g′, and next to it nearly."""
    z = np.linspace(-40, 40, 401)
    slope = ACTIVATIONS[name].g_prime(z)
    assert np.abs(secant(name, z, np.zeros_like(z)) - slope).max() < 1e-15
    z, slope = z[z != 0], slope[z != 0]
    for d in (1e-300, -1e-17, 1e-9):
        assert np.abs(secant(name, z, np.full_like(z, d)) - slope).max() < 2e-9


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_nothing_overflows(name: str) -> None:
    """Inputs as far out as a table may have them give finite secants, and no warning."""
    far = np.array([1e150, -1e150, 0.0, 1e150, -1e150, 800, -800, 5e-324])
    for d in (far, -2 * far, far[::-1]):
        assert np.isfinite(secant(name, far, d)).all()
        assert np.isfinite(curvature(name, far, d)).all()
        assert np.isfinite(second_derivative(name, far)).all()


@pytest.mark.parametrize("name", SMOOTH)
def test_saturated_secants_keep_their_digits(name: str) -> None:
    """Where g changes by less than its own rounding, the secant is right nevertheless."""
    b, d = np.array(-30.0 if name != "gelu" else -8.0), np.array(1e-9)
    exact = float(ACTIVATIONS[name].g_prime(b + d / 2))
    assert abs(float(secant(name, b, d)) / exact - 1) < 1e-11


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_second_derivative(name: str) -> None:
    """g″ is what differences of g′ tend to, but at a kink."""
    z, h = np.linspace(-8, 8, 322), 1e-5
    g_prime = ACTIVATIONS[name].g_prime
    numeric = (g_prime(z + h) - g_prime(z - h)) / (2 * h)
    assert np.abs(second_derivative(name, z) - numeric).max() < 1e-9


@pytest.mark.parametrize("name", SMOOTH)
@settings(max_examples=30)
@given(b=st.floats(-20, 20), d=st.floats(-40, 40).filter(lambda d: abs(d) > 1e-6))
def test_curvature(name: str, b: float, d: float) -> None:
    """K = ∫ (-s ln s) g″(b + s d) ds."""
    found = float(curvature(name, np.array(b), np.array(d)))
    exact = integrate(lambda s: -s * np.log(s) * second_derivative(name, b + s * d), b, d)
    assert abs(found - exact) < 1e-11


@pytest.mark.parametrize("name", ["relu", "leaky_relu"])
@settings(max_examples=30)
@given(b=st.floats(-5, 5), d=st.floats(-10, 10).filter(lambda d: abs(d) > 1e-2))
def test_curvature_of_a_kink(name: str, b: float, d: float) -> None:
    """Of ReLU K is the limit of K of softplus(n z) / n, whose bend becomes a kink."""
    sharp = 4000
    jump = {"relu": 1, "leaky_relu": 0.99}[name]
    s = -b / d
    if min(abs(s), abs(s - 1)) * abs(d) < 0.05:
        return  # the kink is at the line's very end, where the limit is slow
    found = float(curvature(name, np.array(b), np.array(d)))
    limit = jump * sharp * float(curvature("softplus", np.array(sharp * b), np.array(sharp * d)))
    assert abs(found - limit) < 1e-4


def test_curvature_of_no_step() -> None:
    """With no step K is g″/4, since ∫ -s ln s ds = 1/4."""
    z = np.linspace(-3, 3, 7)
    for name in SMOOTH:
        found = curvature(name, z, np.zeros_like(z))
        assert np.abs(found - second_derivative(name, z) / 4).max() < 1e-13
    assert (curvature("relu", z, np.zeros_like(z)) == 0).all()
    assert (curvature("identity", z, z) == 0).all()


def test_unknown_activation() -> None:
    """A name that does not exist is a ParameterError in all three."""
    z = np.zeros(1)
    for call in (
        lambda: secant("swish", z, z),
        lambda: second_derivative("swish", z),
        lambda: curvature("swish", z, z),
    ):
        with pytest.raises(ParameterError, match="swish"):
            call()
