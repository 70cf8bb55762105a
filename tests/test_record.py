"""What a model keeps of its training."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import shoal
from shoal.record import MOST_POINTS, curves_of, describe_training

X = np.random.default_rng(0).normal(size=(200, 2))
Y = X[:, 0] + np.sin(2 * X[:, 1])


@pytest.fixture(scope="module")
def estimator() -> Any:
    """Of three members that hold out rows."""
    return shoal.ShoalRegressor(8, n_members=3, random_state=0).fit(X, Y)


def test_curves_of_an_estimator_are_whole(estimator: Any) -> None:
    """One per member, as its history has it."""
    curves = curves_of(estimator)
    assert [c.loss for c in curves] == [h.loss for h in estimator.histories_]
    assert [c.best for c in curves] == [h.best_iteration for h in estimator.histories_]


def test_a_model_keeps_curves(estimator: Any) -> None:
    """Up to a hundred points, with the first, the last and the one kept, five digits each."""
    told = describe_training(estimator)
    model = replace(estimator.model_, training=estimator.model_.training | told)
    kept, whole = curves_of(model), curves_of(estimator)
    assert len(kept) == 3
    for few, all_ in zip(kept, whole, strict=True):
        assert len(few.loss) <= MOST_POINTS + 1
        assert few.iterations[0] == 1
        assert few.iterations[-1] == len(all_.loss)
        assert few.best in (None, *few.iterations)
        expected = [all_.validation_loss[k - 1] for k in few.iterations]
        assert few.validation_loss == pytest.approx(expected, rel=1e-4)
    assert curves_of(estimator.model_) == []


def test_settings_and_call(estimator: Any) -> None:
    """All settings, which of them were chosen, and the call that makes it again."""
    told = describe_training(estimator)
    assert told["chosen"] == ["n_hidden", "n_members", "random_state"]
    assert told["settings"]["activation"] == "relu"
    call = "ShoalRegressor(n_hidden=8, n_members=3, random_state=0).fit(X, y)"
    assert told["call"] == call
    again = eval(call, {"ShoalRegressor": shoal.ShoalRegressor, "X": X, "y": Y})
    assert np.array_equal(again.predict(X), estimator.predict(X))
    assert told["versions"]["numpy"] == np.__version__


@pytest.mark.parametrize(
    "entry",
    [
        1,
        {},
        {"iterations": [1], "loss": []},
        {"iterations": [1, 2], "loss": [0.5]},
        {"iterations": [1], "loss": ["low"]},
        {"iterations": [1], "loss": [True]},
        {"iterations": [1], "loss": [float("inf")]},
        {"iterations": [1], "loss": [0.5], "validation_loss": [1.0, 2.0]},
    ],
)
def test_what_is_no_curve_is_none(estimator: Any, entry: object) -> None:
    """The summary in a model file may hold anything."""
    for value in (entry, [entry]):
        model = replace(estimator.model_, training={"curves": value})
        assert curves_of(model) == []
