"""Bounds of outputs and of their slopes over boxes: no search finds a row that passes them."""

import dataclasses
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explained import COLUMNS, columns_of, make, table
from shoal import ACTIVATIONS, LOSSES, Model, ParameterError, Parameters
from shoal.bounds import Box
from shoal.table import Column, Columns
from sound_models import SOUND, make_model

LEVELS = {"port": ["Bergen", "Oslo", "Bodø", "Voss", None], "sort": ["a", "b", "new", None]}
LIMITS = {"size": (-6, 8), "day": (17900, 18600), "plain": (-6, 6)}


@st.composite
def boxes(draw: Any) -> dict[str, Any]:
    """A range, some levels or one value of each column that the box names."""
    box: dict[str, Any] = {}
    for name, (low, high) in LIMITS.items():
        ends = sorted(draw(st.tuples(st.floats(low, high), st.floats(low, high))))
        box[name] = draw(st.sampled_from([tuple(ends), ends[0]]))
    for name, levels in LEVELS.items():
        box[name] = draw(st.sets(st.sampled_from(levels), min_size=1))
    box["wet"] = draw(st.sampled_from([True, [False, True], {None, True}]))
    return box


def rows_in(box: dict[str, Any], m: int, rng: np.random.Generator) -> pd.DataFrame:
    """Rows of a box, its corners among them."""
    cells: dict[str, Any] = {"id": np.zeros(m)}
    for name, given_values in box.items():
        if name in LIMITS:
            low, high = given_values if isinstance(given_values, tuple) else (given_values,) * 2
            values = rng.uniform(low, high, m)
            end = rng.random(m) < 0.5
            values[end] = rng.choice([low, high], end.sum())
            cells[name] = np.clip(values, low, high)
        else:
            options = list(given_values) if isinstance(given_values, list | set) else [given_values]
            cells[name] = [options[i] for i in rng.integers(len(options), size=m)]
    cells["day"] = (cells["day"] * 86_400e6).astype("datetime64[us]")
    return pd.DataFrame(cells)


def climbed(model: Model, box: dict[str, Any], rows: pd.DataFrame, sign: int) -> pd.DataFrame:
    """The best rows, after some steps uphill in the numbers."""
    best = rows.iloc[np.argsort(-sign * model.scores(rows)[:, 0])[:8]].reset_index(drop=True)
    for k in range(3):
        slopes = sign * model.explainer.gradients(best)[:, 0]
        tried = best.copy()
        for name in ("size", "plain"):
            low, high = box[name] if isinstance(box[name], tuple) else (box[name],) * 2
            step = (high - low) * 0.5**k * np.sign(slopes[:, columns_of(model).index(name)])
            tried[name] = np.clip(best[name] + np.nan_to_num(step), low, high)
        better = sign * model.scores(tried)[:, 0] > sign * model.scores(best)[:, 0]
        best[better] = tried[better]
    return best


@pytest.mark.parametrize("activation", ACTIVATIONS)
@settings(max_examples=4, deadline=None)
@given(box=boxes(), seed=st.integers(0, 9), n_h=st.sampled_from([0, 5]))
def test_no_row_of_a_box_is_out_of_range(
    activation: str, box: dict[str, Any], seed: int, n_h: int
) -> None:
    """Neither 100 rows of the box nor steps uphill from the best pass the bounds."""
    model = make(activation, n_h=n_h, seed=seed)
    (least, greatest), *_ = model.output_range(box, scores=True)
    rows = rows_in(box, 100, np.random.default_rng(seed))
    found = [rows, climbed(model, box, rows, 1), climbed(model, box, rows, -1)]
    scores = np.concatenate([model.scores(some)[:, 0] for some in found])
    assert least <= scores.min() <= scores.max() <= greatest


@pytest.mark.parametrize("activation", ACTIVATIONS)
@settings(max_examples=4, deadline=None)
@given(box=boxes(), seed=st.integers(0, 9), n_h=st.sampled_from([0, 5]))
def test_no_two_rows_of_a_box_differ_by_more(
    activation: str, box: dict[str, Any], seed: int, n_h: int
) -> None:
    """|score(x) - score(x′)| ≤ Σ L |x - x′| for rows of which the same values are missing."""
    model = make(activation, n_h=n_h, seed=seed)
    L = model.lipschitz(box)[0]
    rng = np.random.default_rng(seed)
    a, b = rows_in(box, 100, rng), rows_in(box, 100, rng)
    near = rng.random(100) < 0.5
    b.loc[near, "size"] = a["size"] + 1e-4 * (b["size"] - a["size"])
    steps = np.zeros((100, len(L)))
    for k, name in enumerate(columns_of(model)):
        if name in ("size", "plain"):
            steps[:, k] = np.abs(a[name] - b[name])
        elif name == "day":
            steps[:, k] = np.abs(a[name] - b[name]) / pd.Timedelta(days=1)
        elif name != "id":
            gaps = a[name].isna() != b[name].isna()
            b.loc[gaps, name] = a.loc[gaps, name]
            steps[:, k] = [x is not y and x != y for x, y in zip(a[name], b[name], strict=True)]
    change = np.abs(model.scores(a) - model.scores(b))[:, 0]
    assert (change <= steps @ L + 1e-12).all()


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_bounds_are_near(activation: str) -> None:
    """In small boxes the bounds are at most a quarter wider than what is found in them."""
    rng = np.random.default_rng(1)
    columns = Columns(tuple(Column(f"x{k}", "number") for k in range(5)))
    model = make_model(LOSSES["identity"](), n_h=12, columns=columns, activation=activation)
    for _ in range(4):
        center = rng.normal(size=5)
        box = {f"x{k}": (c - 0.05, c + 0.05) for k, c in enumerate(center)}
        corners = center + 0.05 * np.array(np.meshgrid(*[[-1, 1]] * 5)).reshape(5, -1).T
        scores = model.scores(pd.DataFrame(corners, columns=list(box)))
        (least, greatest), *_ = model.output_range(box)
        assert greatest - least < 1.25 * np.ptp(scores)
        slopes = np.abs(model.explainer.gradients(pd.DataFrame(corners, columns=list(box)))[:, 0])
        steepest = np.sqrt((model.lipschitz(box)[0] ** 2).sum())
        assert steepest < 1.5 * np.sqrt((slopes**2).sum(axis=1)).max()


def test_better_than_the_product_of_norms() -> None:
    """The Euclidean bound of `lipschitz` is below ‖W1‖ ‖W2‖ where signs cancel."""
    columns = Columns(tuple(Column(f"x{k}", "number") for k in range(5)), named=False)
    for seed in range(5):
        model = make_model(LOSSES["identity"](), n_h=12, columns=columns, seed=seed)
        norms = np.linalg.norm(model.parameters.W1, 2) * np.linalg.norm(model.parameters.W2, 2)
        assert np.linalg.norm(model.lipschitz()[0]) < norms


def test_a_linear_model_is_bounded_exactly() -> None:
    """Without hidden units the bounds are reached, and the slopes are the weights."""
    columns = Columns((Column("a", "number"), Column("b", "number")))
    parameters = Parameters(
        np.empty((0, 2)), np.empty((0, 1)), np.array([[2.0, -3]]), np.array([[1.0]])
    )
    model = Model(parameters, "relu", LOSSES["identity"](), columns)
    assert np.abs(model.output_range({"a": (0, 1), "b": (-1, 2)}) - [[-5, 6]]).max() < 1e-13
    assert np.abs(model.lipschitz() - [[2, 3]]).max() < 1e-13


def test_anything_is_the_whole_table() -> None:
    """A column that is not named may hold anything: missing, unknown, further out than bounds."""
    X = table(200)
    for activation in ("relu", "tanh"):
        model = make(activation)
        (least, greatest), *_ = model.output_range({"plain": (-9, 9)})
        scores = model.scores(X.assign(plain=X["plain"].fillna(0).clip(-9, 9)))
        assert least <= scores.min() <= scores.max() <= greatest
        assert np.isfinite(model.output_range()).all()


def test_outputs() -> None:
    """Probabilities, logarithmic means and sorted quantiles are bounded like their scores."""
    X = table(100)
    box = {"plain": (-9, 9), "size": None}
    rows = X.assign(size=np.nan, plain=X["plain"].fillna(0))
    models = {
        "binary": make(loss="sigmoid", classes=np.array(["no", "yes"])),
        "multiclass": make(loss="softmax", n_y=3, classes=np.array([1, 2, 3])),
        "multilabel": make(loss="sigmoid", n_y=2, target=("a", "b")),
        "counts": make(loss="poisson"),
        "two": make(n_y=2),
    }
    for model in models.values():
        bounds = model.output_range(box)
        out = model.predict(rows) if model.task == "regression" else model.predict_proba(rows)
        out = out.reshape(100, -1)
        assert bounds.shape == (out.shape[1], 2)
        assert (bounds[:, 0] <= out.min(axis=0)).all()
        assert (out.max(axis=0) <= bounds[:, 1]).all()
    both = models["binary"].output_range(box)
    assert np.abs(both[0] + both[1, ::-1] - 1).max() < 1e-12


@pytest.mark.parametrize("name", SOUND)
def test_every_kind_of_model(name: str) -> None:
    """Models of every loss, type and number of inputs have bounds, and none is NaN."""
    model = SOUND[name]
    with np.errstate(over="ignore", invalid="ignore"):
        bounds = model.output_range()
    assert not np.isnan(bounds).any()
    assert (bounds[:, 0] <= bounds[:, 1]).all()
    assert model.lipschitz().shape == (len(model.parameters.b2), len(model.columns.columns))


def test_float32_weights_and_far_columns() -> None:
    """Weights of a float32 model, of columns far from 0, lose nothing: bounds are of float64."""
    model = make("relu", dtype="float32")
    fine = dataclasses.replace(
        model, parameters=Parameters(*(block.astype(float) for block in model.parameters))
    )
    box = {"day": (18262, 18263), "size": (0, 1), "plain": 0.5, "port": "Oslo", "sort": "a"}
    assert np.array_equal(model.output_range(box), fine.output_range(box))


def test_values_of_a_box() -> None:
    """Dates in any form, one value or several, None for what is missing, numbers to their edges."""

    def corners(**box: Any) -> list[float]:
        (name,) = box
        return Box(make().explainer, box).values[columns_of(make()).index(name)].tolist()

    assert corners(day=("2020-01-01", date(2020, 1, 3))) == [18262, 18264]
    assert corners(day=datetime(2020, 1, 1, 12)) == [18262.5]
    assert corners(size=(-2.5, 0.5)) == [-2.5, -2, -1, 0, 0.5]
    assert corners(size=(4.5, 9)) == [4.5, 5, 9]
    assert np.isnan(corners(size=None)).all()
    assert corners(port="Oslo") == [1]
    assert corners(port={"Bergen", None, "unheard of"}) == [0, 3, 4]
    assert corners(sort=None) == [2]
    assert corners(wet=True) == [1]


@pytest.mark.parametrize(
    ("box", "words"),
    [
        ({"speed": 1}, "names 'speed', which is no column"),
        ({"size": (2, 1)}, r"range of column 'size' must be \(low, high\), not \(2, 1\)"),
        ({"size": "big"}, "column 'size' is a number, and the box has 'big'"),
        ({"size": (0, np.nan)}, "range of column 'size'"),
        ({"day": "yesterday"}, "column 'day' is a date"),
        ({"port": set()}, "column without values"),
    ],
)
def test_boxes_that_are_none(box: dict[str, Any], words: str) -> None:
    """A box that cannot be meant is refused, with the column and what to give."""
    with pytest.raises(ParameterError, match=words):
        make().output_range(box)


def test_columns_have_slots() -> None:
    """The table of these tests has bins, other levels, indicators and a date."""
    assert COLUMNS.slots_of_lookup is not None
