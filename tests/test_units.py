"""Which hidden units work, and what they listen to."""

import numpy as np
import pytest

from shoal.losses import BinaryCrossEntropy, SquaredError
from shoal.model import Model
from shoal.network import Parameters
from shoal.table import Column, Columns
from shoal.units import (
    column_slots,
    column_weights,
    examine_units,
    standard_weights,
    unit_order,
)

PLAIN = Columns((Column("a", "number"), Column("b", "number")))


def model_of(
    W1: object, b1: object, W2: object, activation: str, columns: Columns = PLAIN
) -> Model:
    """A regression with these weights."""
    W2 = np.atleast_2d(np.array(W2, dtype=float))
    b1 = np.array(b1, dtype=float).reshape(-1, 1)
    parameters = Parameters(np.array(W1, dtype=float), b1, W2, np.zeros((len(W2), 1)))
    return Model(parameters, activation, SquaredError(), columns)


X = np.random.default_rng(0).uniform(-1, 1, (400, 2))


def test_states_of_relu() -> None:
    """A unit below its kink everywhere is dead, one above is linear, one that bends works."""
    model = model_of([[1, 0], [1, 0], [1, 0]], [-2, 2, 0.1], [1, 1, 1], "relu")
    found = examine_units(model, X)
    assert found.state.tolist() == ["dead", "linear", "working"]
    assert found.count("dead") == 1
    assert found.influence[0] == 0 < found.influence[2]


def test_a_leaky_relu_does_not_die() -> None:
    """Below its kink it is linear, since g′ is not 0."""
    model = model_of([[1, 0]], [-2], [1], "leaky_relu")
    assert examine_units(model, X).state.tolist() == ["linear"]


@pytest.mark.parametrize(("activation", "far"), [("sigmoid", 7), ("tanh", 4)])
def test_saturation(activation: str, far: float) -> None:
    """A unit far in a tail, or in both, on 95 % of the rows is saturated; a gentle one works."""
    model = model_of([[1, 0], [1000, 0], [1, 0]], [far, 0, 0], [1, 1, 1], activation)
    assert examine_units(model, X).state.tolist() == ["saturated", "saturated", "working"]


def test_a_unit_that_listens_to_nothing_is_constant() -> None:
    """With weights of 0 it gives the same on every row, and is no twin of another such."""
    found = examine_units(model_of([[0, 0], [0, 0]], [0.5, 0.7], [1, 1], "tanh"), X)
    assert found.state.tolist() == ["constant", "constant"]
    assert found.twins == []


def test_twins_are_the_same_but_for_scale_and_shift() -> None:
    """A positive factor of a ReLU makes a twin, and -w of an odd function does; others are none."""
    W1 = [[1, 2], [3, 6], [1, -2], [0.5, 1]]
    assert examine_units(model_of(W1, [0, 0, 0, 0], [1] * 4, "relu"), X).twins == [[0, 1, 3]]
    odd = model_of([[1, 2], [-1, -2], [2, 1]], [0, 0, 0], [1] * 3, "tanh")
    assert examine_units(odd, X).twins == [[0, 1]]


def test_weights_are_per_standard_deviation() -> None:
    """Of a number by its deviation, of levels by √(p (1 - p)), and of a column their norm."""
    columns = Columns(
        (
            Column("age", "number", center=40, scale=10),
            Column("id", "unused"),
            Column("city", "category", levels=("x", "y"), shares=(0.5, 0.1), others=False),
        )
    )
    model = model_of([[2, 4, 10]], [0], [3], "relu", columns)
    assert standard_weights(model) == pytest.approx(np.array([[20, 2, 3]]))
    assert column_weights(model) == pytest.approx(np.array([[20, np.hypot(2, 3)]]))
    assert [(c.name, s.start, s.stop) for c, s in column_slots(model)] == [
        ("age", 0, 1),
        ("city", 1, 3),
    ]


def test_order_of_units() -> None:
    """The units whose weights in and out are largest come first."""
    model = model_of([[1, 0], [1, 0], [5, 0]], [0, 0, 0], [1, 3, 0.1], "relu")
    assert unit_order(model).tolist() == [1, 0, 2]


def test_without_a_hidden_layer() -> None:
    """There are no units, and the weights are those of the outputs."""
    parameters = Parameters(
        np.empty((0, 2)), np.empty((0, 1)), np.array([[1.0, 2]]), np.zeros((1, 1))
    )
    model = Model(parameters, "relu", BinaryCrossEntropy(), PLAIN, classes=np.array(["n", "y"]))
    assert len(examine_units(model, X).state) == 0
    assert standard_weights(model).tolist() == [[1, 2]]
    assert unit_order(model).tolist() == [0]
