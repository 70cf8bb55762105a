"""Folding is exact: other numbers, the same function."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal.activations import ACTIVATIONS
from shoal.errors import ParameterError
from shoal.folding import SLOPES, average, fold_inputs, fold_scores, fold_skip
from shoal.network import Parameters, collapse, forward, initialize

sizes = st.tuples(st.integers(1, 4), st.integers(0, 5), st.integers(1, 3))  # n_x, n_h, n_y
seeds = st.integers(0, 2**16)


def network(n_x: int, n_h: int, n_y: int, random: np.random.Generator) -> Parameters:
    """Random weights and biases; now and then a skip."""
    like = initialize(n_x, n_h, n_y, skip=n_h > 0 and random.random() < 0.5)
    return Parameters(*(random.normal(size=block.shape) for block in like))


def scores(X: np.ndarray, parameters: Parameters, activation: str = "tanh") -> Any:
    """Z2 of a network."""
    return forward(X, parameters, activation=activation, output="identity").Z2


def assert_close(actual: np.ndarray, expected: np.ndarray) -> None:
    """Equal to 1e-10 of the largest number."""
    assert np.abs(actual - expected).max() <= 1e-10 * max(1, np.abs(expected).max())


@given(sizes, seeds, st.sampled_from(sorted(ACTIVATIONS)))
def test_raw_inputs_through_the_folded_network(
    shape: tuple[int, int, int], seed: int, activation: str
) -> None:
    """Folded, it gives for raw x what the first gave for (x - center) / scale, to 1e-10, also
    where center and scale differ by orders of magnitude.
    """
    random = np.random.default_rng(seed)
    parameters = network(*shape, random)
    center = random.normal(size=shape[0]) * 10.0 ** random.integers(-4, 5, shape[0])
    scale = 10.0 ** random.uniform(0, 4, shape[0])
    X = center[:, None] + scale[:, None] * random.normal(size=(shape[0], 20))
    trained = scores((X - center[:, None]) / scale[:, None], parameters, activation)
    assert_close(scores(X, fold_inputs(parameters, center, scale), activation), trained)


@given(sizes, seeds)
def test_raw_scores_from_the_folded_network(shape: tuple[int, int, int], seed: int) -> None:
    """Folded, it gives center + scale times what the first gave, each score with its own."""
    random = np.random.default_rng(seed)
    parameters = network(*shape, random)
    center = 100 * random.normal(size=shape[2])
    scale = 10.0 ** random.uniform(-3, 3, shape[2])
    X = random.normal(size=(shape[0], 20))
    expected = center[:, None] + scale[:, None] * scores(X, parameters)
    assert_close(scores(X, fold_scores(parameters, center, scale)), expected)


@given(sizes, seeds, st.integers(1, 5))
def test_a_committee_is_a_network(shape: tuple[int, int, int], seed: int, n_members: int) -> None:
    """One network of all hidden units, whose scores are the average of the members' scores."""
    random = np.random.default_rng(seed)
    like = network(*shape, random)
    members = [Parameters(*(random.normal(size=b.shape) for b in like)) for _ in range(n_members)]
    together = average(members)
    X = random.normal(size=(shape[0], 20))
    expected = np.mean([scores(X, member) for member in members], axis=0)
    assert_close(scores(X, together), expected)
    assert together.b1.shape == (n_members * shape[1], 1)
    assert len(together.W1) - len(together.b1) == len(members[0].W1) - len(members[0].b1)


@given(seeds)
def test_folding_and_averaging_go_in_either_order(seed: int) -> None:
    """Members folded and then averaged are the members averaged and then folded."""
    random = np.random.default_rng(seed)
    like = network(3, 4, 2, random)
    members = [Parameters(*(random.normal(size=block.shape) for block in like)) for _ in range(3)]
    center, scale = random.normal(size=3), 10.0 ** random.uniform(-2, 2, 3)
    first = average([fold_inputs(member, center, scale) for member in members])
    last = fold_inputs(average(members), center, scale)
    for mine, theirs in zip(first, last, strict=True):
        assert_close(mine, theirs)


@given(sizes, seeds, st.sampled_from(sorted(SLOPES)))
def test_a_skip_is_two_units_of_each_output(
    shape: tuple[int, int, int], seed: int, activation: str
) -> None:
    """Without the skip the scores are the same, large and small, and W1 and b1 are as long."""
    random = np.random.default_rng(seed)
    n_x, n_h, n_y = shape[0], shape[1] + 1, shape[2]
    like = initialize(n_x, n_h, n_y, skip=True)
    parameters = Parameters(*(random.normal(size=block.shape) for block in like))
    X = random.normal(size=(n_x, 20)) * 10.0 ** random.integers(-3, 4)
    folded = fold_skip(parameters, activation)
    assert len(folded.W1) == len(folded.b1) == folded.W2.shape[1] == n_h + 2 * n_y
    assert_close(scores(X, folded, activation), scores(X, parameters, activation))
    assert fold_skip(folded, activation) is folded


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS.keys() - SLOPES))
def test_a_skip_that_bounded_units_cannot_write(activation: str) -> None:
    """sigmoid and tanh are refused, but for a network without a skip."""
    with pytest.raises(ParameterError, match=f"{activation} units; choose one of: relu, leaky"):
        fold_skip(initialize(2, 3, 1, skip=True), activation)
    plain = initialize(2, 3, 1)
    assert fold_skip(plain, activation) is plain


@given(sizes, seeds)
def test_an_identity_network_collapses_after_folding_too(
    shape: tuple[int, int, int], seed: int
) -> None:
    """The linear model of a folded network is the folded linear model of the network."""
    random = np.random.default_rng(seed)
    parameters = network(*shape, random)
    center, scale = random.normal(size=shape[0]), 10.0 ** random.uniform(-2, 2, shape[0])
    W, b = collapse(parameters)
    folded_W, folded_b = collapse(fold_inputs(parameters, center, scale))
    assert_close(folded_W, W / scale)
    assert_close(folded_b, b - (W / scale) @ center[:, None])


@pytest.mark.parametrize("n_h", [0, 3])
def test_float32_stays_float32(n_h: int) -> None:
    """No fold changes the dtype of the weights, or the arrays it is given."""
    member = Parameters(*(block.astype("f4") for block in initialize(2, n_h, 1, random_state=0)))
    before = [block.tobytes() for block in member]
    for folded in (
        fold_inputs(member, np.ones(2), np.full(2, 3.0)),
        fold_scores(member, np.ones(1), np.full(1, 3.0)),
        average([member] * 3),
    ):
        assert [block.dtype for block in folded] == [np.dtype("f4")] * 4
    assert [block.tobytes() for block in member] == before
