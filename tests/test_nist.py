"""NIST's certified values: one logistic unit is the model of the data set Rat42."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize

from shoal.activations import Array
from shoal.network import Parameters, backward, cost, forward

RAT42 = json.loads(
    (Path(__file__).parent / "golden" / "nist_rat42.json").read_text(encoding="utf-8")
)


def digits(ours: Array, certified: Array) -> float:
    """How many digits agree: -log10 of the worst relative error."""
    error = np.abs(np.asarray(ours) - certified) / np.abs(certified)
    return float(-np.log10(np.maximum(error, 1e-16).max()))


@pytest.mark.parametrize("start", RAT42["starts"], ids=["start 1", "start 2"])
def test_one_logistic_unit_fits_rat42_to_the_certified_digits(start: list[float]) -> None:
    """β1 / (1 + exp(β2 - β3 x)) is a sigmoid unit with W1 = β3, b1 = -β2, W2 = β1, b2 = 0.

    L-BFGS with our gradients, then Gauss-Newton with the Jacobian that `backward` gives, reach 10
    digits of the residual sum of squares and of every parameter.
    """
    x, y = np.array([RAT42["x"]], dtype=float), np.array([RAT42["y"]])
    m = x.shape[1]
    form = {"activation": "sigmoid", "output": "identity"}

    def network(beta: Array) -> Parameters:
        return Parameters(*(np.array([[value]]) for value in (beta[2], -beta[1], beta[0], 0.0)))

    def slope(beta: Array, Y: Array, **weight: Array) -> Array:
        parameters = network(beta)
        d = backward(x, Y, parameters, forward(x, parameters, **form), **form, **weight)
        return np.array([d.W2[0, 0], -d.b1[0, 0], d.W1[0, 0]])  # by β1, β2, β3

    def cost_and_slope(beta: Array) -> tuple[float, Array]:
        return cost(forward(x, network(beta), **form), y, output="identity"), slope(beta, y)

    beta = minimize(cost_and_slope, start, jac=True, method="L-BFGS-B").x
    for _ in range(10):
        Z2 = forward(x, network(beta), **form).Z2
        # dZ2 = Z2 - (Z2 - 1) = 1 for the one example that has weight: a row of the Jacobian.
        jacobian = np.array([slope(beta, Z2 - 1, sample_weight=one) for one in np.eye(m)])
        beta = beta - np.linalg.lstsq(jacobian, (Z2 - y)[0])[0]

    residual_sum_of_squares = 2 * m * cost_and_slope(beta)[0]
    assert digits(residual_sum_of_squares, RAT42["residual_sum_of_squares"]) >= 10
    assert digits(beta, np.array(RAT42["beta"])) >= 10
