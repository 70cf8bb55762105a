"""Partial dependence and planes are what predicting changed tables gives."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

import shoal
from shoal.dependence import output_names, partial_dependence, plane
from shoal.errors import DataError, ParameterError


def table(m: int = 120) -> tuple[pl.DataFrame, np.ndarray]:
    """Numbers, categories with rare levels, dates, booleans, gaps."""
    random = np.random.default_rng(0)
    x = random.normal(size=m)
    frame = pl.DataFrame(
        {
            "x": x,
            "gaps": [None if k % 7 == 0 else float(v) for k, v in enumerate(random.normal(size=m))],
            "city": [("rome", "bari", "pisa", f"rare{k % 3}")[k % 11 % 4] for k in range(m)],
            "day": [date(2020, 1, 1) + timedelta(days=9 * k) for k in range(m)],
            "yes": [bool(k % 3) for k in range(m)],
        }
    )
    return frame, 3 * x + (frame["city"] == "rome").to_numpy() + random.normal(size=m) / 10


FRAME, VALUES = table()
LABELS = np.where(VALUES > 1, "high", np.where(VALUES < -1, "low", "mid"))


@pytest.fixture(scope="module", params=["recipe", "plain", "linear"])
def model(request: pytest.FixtureRequest) -> Any:
    """With bins and rare levels in float32; in float64; without a hidden layer."""
    settings: dict[str, Any] = {
        "recipe": {"n_hidden": 6, "n_members": 2, "n_bins": 4},
        "plain": {"n_hidden": 5, "activation": "tanh", "solver": "lbfgs"},
        "linear": {"n_hidden": 0, "solver": "lbfgs"},
    }[request.param]
    return shoal.ShoalClassifier(random_state=0, **settings).fit(FRAME, LABELS).model_


@pytest.mark.parametrize("name", FRAME.columns)
def test_partial_dependence_is_that_of_changed_tables(model: Any, name: str) -> None:
    """Setting the column in every row and predicting gives the same curves, row by row."""
    inputs = model.columns.encode(FRAME, dtype=np.float64)
    found = partial_dependence(model, inputs, name, steps=5)
    close = 1e-12 if model.parameters.W2.dtype == np.float64 else 2e-5
    for k, value in enumerate(found.values):
        if value == "(another)":
            value = "a new level"
        cells: Any = value
        if name == "day":
            stamp = pl.Series([int(value * 86_400e6)]).cast(pl.Datetime("us"))
            cells = pl.lit(stamp.item())
        else:
            cells = pl.lit(value)
        changed = FRAME.with_columns(cells.alias(name))
        expected = model.predict_proba(changed)
        assert np.abs(found.individual[:, k] - expected).max() < close
        assert found.average[k] == pytest.approx(expected.mean(axis=0), abs=close)
    assert found.outputs == ["P(y = high)", "P(y = low)", "P(y = mid)"]


def test_without_rows_the_grid_is_the_model_s_own() -> None:
    """It reaches two standard deviations to both sides of the mean, whatever the rows are."""
    model = shoal.ShoalRegressor(3, solver="lbfgs", random_state=0).fit(FRAME, VALUES).model_
    inputs = model.columns.encode(FRAME, dtype=np.float64)
    column = model.columns.columns[0]
    values = partial_dependence(model, inputs, "x", of_rows=False).values
    assert values[0] == pytest.approx(column.center - 2 * column.scale)
    assert values[-1] == pytest.approx(column.center + 2 * column.scale)
    assert partial_dependence(model, inputs, "x").reach > 1


def test_a_plane_is_the_predictions_on_a_grid() -> None:
    """Over two columns it holds what the model predicts there, and Z1 of units that cross it."""
    X, Y = shoal.datasets.flower()
    estimator = shoal.ShoalClassifier(5, activation="tanh", solver="lbfgs", random_state=1)
    model = estimator.fit(X.T, Y[0].astype(int)).model_
    x, y = np.linspace(-2, 2, 7), np.linspace(-3, 3, 5)
    found = plane(model, ("x1", "x2"), x, y)
    grid = np.array([[(a, b) for a in x] for b in y])
    assert found.outputs[0] == pytest.approx(
        model.predict_proba(grid.reshape(-1, 2))[:, 1].reshape(5, 7), abs=1e-12
    )
    W1, b1 = model.parameters.W1, model.parameters.b1
    for Z1, unit in zip(found.units, found.shown, strict=True):
        assert pytest.approx(grid @ W1[unit] + b1[unit], abs=1e-12) == Z1
        assert Z1.min() < 0 < Z1.max()


def test_what_a_plane_cannot_show(model: Any) -> None:
    """A category has no place on an axis, and a column that is not there none at all."""
    with pytest.raises(DataError, match="'city' is a category"):
        plane(model, ("x", "city"), np.zeros(2), np.zeros(2))
    with pytest.raises(ParameterError, match="uses no column 'nothing'; it uses 'x'"):
        partial_dependence(model, np.zeros((1, len(model.columns.slots))), "nothing")


def test_names_of_outputs() -> None:
    """Of two classes the second, of labels each, of quantiles each level."""
    quantiles = shoal.losses.Quantile(levels=(0.1, 0.9))
    X = VALUES[:, None]
    of_quantiles = shoal.ShoalRegressor(2, solver="lbfgs", loss=quantiles, max_iter="auto")
    assert output_names(of_quantiles.fit(X, VALUES).model_) == ["y, 0.1", "y, 0.9"]
    two = shoal.ShoalClassifier(2, solver="lbfgs").fit(X, LABELS == "high").model_
    assert output_names(two) == ["P(y = True)"]
    many = np.stack([LABELS == "high", LABELS == "low"], axis=1).astype(int)
    assert len(output_names(shoal.ShoalClassifier(2, solver="lbfgs").fit(X, many).model_)) == 2
