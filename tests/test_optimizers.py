"""Each method does what its source says, number by number."""

from collections.abc import Callable
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal.network import Parameters
from shoal.optimizers import Adam, GradientDescent, Momentum, Optimizer

METHODS: list[Optimizer] = [
    GradientDescent(0.1),
    Momentum(0.1, 0.9, nesterov=False),
    Momentum(0.1, 0.9, nesterov=True),
    Adam(0.1),
    Adam(0.1, weight_decay=0.5),
]
numbers = st.floats(-10, 10)


def block_of(value: float, shape: tuple[int, int] = (1, 1)) -> Parameters:
    """Parameters that are all one number."""
    return Parameters(*(np.full(shape, value) for _ in Parameters._fields))


def walk(method: Optimizer, start: float, gradients: list[float]) -> list[Parameters]:
    """Where the parameters are after each step."""
    theta = block_of(start)
    memory = method.init(theta)
    path = []
    for gradient in gradients:
        theta, memory = method.step(theta, block_of(gradient), memory)
        path.append(theta)
    assert memory.n_steps == len(gradients)
    return path


@given(numbers, st.lists(numbers, min_size=1, max_size=5))
def test_gradient_descent_is_equation_12(start: float, gradients: list[float]) -> None:
    """θ ← θ - α dθ, and nothing else."""
    expected = start
    for gradient, theta in zip(
        gradients, walk(GradientDescent(1.2), start, gradients), strict=True
    ):
        expected = expected - 1.2 * gradient
        assert theta == block_of(expected)


@given(numbers, st.lists(numbers, min_size=1, max_size=5), st.booleans())
def test_momentum_is_a_running_sum_of_steps(
    start: float, gradients: list[float], nesterov: bool
) -> None:
    """The velocity is Σ μ^k of the past steps; Nesterov's moves on from where it will be."""
    path = walk(Momentum(0.1, 0.9, nesterov=nesterov), start, gradients)
    expected = start
    for t in range(len(gradients)):
        v = -0.1 * sum(0.9 ** (t - s) * gradients[s] for s in range(t + 1))
        expected += 0.9 * v - 0.1 * gradients[t] if nesterov else v
        np.testing.assert_allclose(path[t].W1, expected, rtol=1e-12, atol=1e-12)


@given(numbers, st.lists(numbers, min_size=1, max_size=5), st.sampled_from([0.0, 0.5]))
def test_adam_is_algorithm_1_of_its_paper(
    start: float, gradients: list[float], weight_decay: float
) -> None:
    """Both moments as weighted sums, both corrections, epsilon outside of the root; weight decay
    moves the weights and not the biases.
    """
    path = walk(Adam(0.01, 0.8, 0.9, 1e-3, weight_decay), start, gradients)
    weight = bias = start
    for t in range(len(gradients)):
        m = sum(0.2 * 0.8 ** (t - s) * gradients[s] for s in range(t + 1)) / (1 - 0.8 ** (t + 1))
        v = sum(0.1 * 0.9 ** (t - s) * gradients[s] ** 2 for s in range(t + 1))
        step = 0.01 * m / (sqrt(v / (1 - 0.9 ** (t + 1))) + 1e-3)
        weight, bias = weight - step - 0.01 * weight_decay * weight, bias - step
        for theta, expected in zip(path[t], (weight, bias, weight, bias), strict=True):
            np.testing.assert_allclose(theta, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_the_first_step_of_adam_has_the_size_of_the_learning_rate(scale: float) -> None:
    """Whatever the units of the gradient."""
    (theta,) = walk(Adam(0.01), 1.0, [scale])
    assert theta.W1[0, 0] == pytest.approx(1 - 0.01, rel=1e-3)


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_what_is_given_is_left_as_it_is(method: Optimizer) -> None:
    """A step makes new arrays, so that training can go back to the old ones; dtypes are kept."""
    theta = Parameters(*(np.ones((2, 3), np.float32) for _ in Parameters._fields))
    gradients = Parameters(*(np.full((2, 3), 0.5, np.float32) for _ in Parameters._fields))
    memory = method.init(theta)
    for _ in range(2):
        before = [block.tobytes() for part in (theta, gradients, *memory.moments) for block in part]
        new, new_memory = method.step(theta, gradients, memory)
        after = [block.tobytes() for part in (theta, gradients, *memory.moments) for block in part]
        assert after == before
        theta, memory = new, new_memory
    assert {block.dtype for part in (theta, *memory.moments) for block in part} == {np.dtype("f4")}


@pytest.mark.parametrize("method", METHODS[:4], ids=repr)
@pytest.mark.parametrize("curvature", [lambda x: x, lambda x: np.array([[5.0], [0.5]]) * x])
def test_a_bowl_is_descended(method: Optimizer, curvature: Callable[..., np.ndarray]) -> None:
    """On a quadratic function every method comes to the minimum."""
    theta = block_of(3.0, (2, 1))
    memory = method.init(theta)
    for _ in range(500):
        theta, memory = method.step(theta, Parameters(*map(curvature, theta)), memory)
    assert max(np.abs(block).max() for block in theta) < 1e-2
