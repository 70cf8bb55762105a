"""Data sets: the flower point by point, and of each shape the difficulty it is there for."""

import inspect
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from shoal import datasets
from shoal.activations import Array
from shoal.errors import ParameterError
from shoal.network import forward, gradient_descent, initialize

FLOWER = json.loads((Path(__file__).parent / "golden" / "course.json").read_text(encoding="utf-8"))[
    "flower"
]

SHAPES = {
    name: function
    for name, function in inspect.getmembers(datasets, inspect.isfunction)
    if not name.startswith("_")
}
every_shape = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)

Shape = Callable[..., tuple[Array, Array]]


def accuracy(X: Array, Y: Array, n_hidden: int, n_iterations: int = 2000) -> float:
    """Share of the points that a network trained on them gets right."""
    start = initialize(2, n_hidden, 1, scheme="xavier", random_state=1)
    parameters, _ = gradient_descent(X, Y, start, learning_rate=1.0, n_iterations=n_iterations)
    return float(((forward(X, parameters).A2 > 0.5) == Y).mean())


def test_the_flower_is_the_one_of_the_exercise() -> None:
    """First and last point, sums and bounds are those of the published data, bit for bit."""
    X, Y = datasets.flower()
    assert X.shape == (2, 400)
    assert Y.shape == (1, 400)
    assert X[:, 0].tolist() == FLOWER["first"]
    assert X[:, -1].tolist() == FLOWER["last"]
    assert X.sum() == pytest.approx(FLOWER["X_sum"], rel=1e-14)
    assert Y.sum() == FLOWER["Y_sum"]
    np.testing.assert_allclose(X.min(axis=1), FLOWER["row_min"], atol=5e-9)
    np.testing.assert_allclose(X.max(axis=1), FLOWER["row_max"], atol=5e-9)


@every_shape
@pytest.mark.parametrize("m", [2, 60, 400])
def test_every_shape_has_its_points_as_columns(shape: Shape, m: int) -> None:
    """X is (2, m), Y is (1, m) of zeros and ones, all finite, float64."""
    X, Y = shape(m)
    assert X.shape == (2, m)
    assert Y.shape == (1, m)
    assert X.dtype == Y.dtype == np.float64
    assert np.isfinite(X).all()
    assert set(Y.ravel()) <= {0.0, 1.0}


@every_shape
def test_classes_are_balanced(shape: Shape) -> None:
    """About half of the points belong to each class."""
    _, Y = shape()
    assert 0.45 <= Y.mean() <= 0.55


@every_shape
def test_the_seed_decides_everything(shape: Shape) -> None:
    """The same seed gives the same points, another seed others, and no global state is touched."""
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    X, Y = shape(random_state=3)
    again, labels = shape(random_state=3)
    np.testing.assert_array_equal(X, again)
    np.testing.assert_array_equal(Y, labels)
    assert not np.array_equal(X, shape(random_state=4)[0])
    np.testing.assert_array_equal(before, np.random.get_state()[1])


@every_shape
@pytest.mark.parametrize("m", [0, 1, 7, -2])
def test_an_odd_number_of_points_is_refused(shape: Shape, m: int) -> None:
    """Each class gets half of the points, so m is even and at least 2."""
    with pytest.raises(ParameterError, match=f"not {m}"):
        shape(m)


@pytest.mark.parametrize("name", ["xor", "circles", "quantiles", "blobs"])
def test_no_line_separates_but_a_hidden_layer_does(name: str) -> None:
    """Logistic regression is no better than two thirds where eight units are nearly perfect."""
    X, Y = SHAPES[name]()
    assert accuracy(X, Y, n_hidden=0) < 0.67
    assert accuracy(X, Y, n_hidden=8) > 0.95


def test_moons_leave_something_to_the_hidden_layer() -> None:
    """Logistic regression gets most of the moons, eight units all but a few points."""
    X, Y = datasets.moons()
    assert 0.8 < accuracy(X, Y, n_hidden=0) < 0.95
    assert accuracy(X, Y, n_hidden=8) > 0.98


def test_the_spiral_is_hard() -> None:
    """Logistic regression guesses, and three units are far from enough."""
    X, Y = datasets.spiral()
    assert accuracy(X, Y, n_hidden=0) < 0.75
    assert accuracy(X, Y, n_hidden=3) < 0.95


def test_the_line_needs_no_hidden_layer() -> None:
    """Logistic regression is nearly perfect on the line."""
    X, Y = datasets.line()
    assert accuracy(X, Y, n_hidden=0) > 0.95


def test_no_structure_teaches_nothing() -> None:
    """What four units learn of one draw is worth nothing on another."""
    X, Y = datasets.no_structure()
    start = initialize(2, 4, 1, scheme="xavier", random_state=1)
    parameters, _ = gradient_descent(X, Y, start, learning_rate=1.0, n_iterations=500)
    other_X, other_Y = datasets.no_structure(4000, random_state=2)
    assert ((forward(other_X, parameters).A2 > 0.5) == other_Y).mean() == pytest.approx(
        0.5, abs=0.03
    )
