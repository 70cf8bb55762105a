"""A model as tensors and back: every field, every bit, whatever the names."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st

import shoal.model_file
import shoal.model_tensors
from fuzz_model_file import pack
from shoal import (
    LOSSES,
    Model,
    Parameters,
    ShoalClassifier,
    ShoalRegressor,
    load_model,
    save_model,
)
from shoal.activations import ACTIVATIONS
from shoal.cells import LARGEST
from shoal.losses import Huber, Loss, Quantile, Tweedie
from shoal.table import KINDS, Column, Columns
from sound_models import COLUMNS, POSITIONS, SOUND, assert_same, make_model


def there_and_back(model: Model, folder: Path) -> Model:
    """The model, saved and loaded."""
    save_model(model, folder / "m.shoal")
    return load_model(folder / "m.shoal")


@pytest.mark.parametrize("name", SOUND)
def test_what_is_loaded_is_what_was_saved(name: str, tmp_path: Path) -> None:
    """Every field of a model comes back, every number bit for bit."""
    assert_same(there_and_back(SOUND[name], tmp_path), SOUND[name])


def rows(seed: int, m: int = 50) -> dict[str, list]:
    """Rows for COLUMNS, with missing values and a level that was not there at fit."""
    rng = np.random.default_rng(seed)
    day = np.datetime64("2020-01-01") + rng.integers(0, 999, m)
    return {
        "bill length": [None if v > 60 else v for v in rng.normal(50, 8, m).tolist()],
        COLUMNS.columns[2].name: rng.choice(["Biscoe", "", "🐧", "Atlantis", None], m).tolist(),
        "wet": (rng.random(m) < 0.5).tolist(),
        "day": day.tolist(),
    }


EVERY_LOSS: list[tuple[Loss, int]] = [
    (LOSSES["sigmoid"](), 1),
    (LOSSES["softmax"](), 3),
    (LOSSES["identity"](), 2),
    (LOSSES["absolute_error"](), 1),
    (Huber(0.1 + 0.2), 2),
    (Quantile((0.05, 1 / 3, 0.5, 0.95)), 4),
    (LOSSES["poisson"](), 1),
    (LOSSES["gamma"](), 1),
    (Tweedie(1.1), 1),
]


def test_every_loss_is_tried() -> None:
    """The list above is that of shoal's losses."""
    assert {loss.name for loss, _ in EVERY_LOSS} == set(LOSSES)


@pytest.mark.parametrize(("loss", "n_y"), EVERY_LOSS, ids=lambda value: getattr(value, "name", ""))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n_h", [0, 7])
def test_predictions_are_equal_bit_for_bit(
    loss: Loss, n_y: int, dtype: str, n_h: int, tmp_path: Path
) -> None:
    """Scores and predictions of a table are the same bytes, from pandas and from polars."""
    classes = np.array(["a", "b", "c"]) if loss.name == "softmax" else None
    model = make_model(loss, n_y=n_y, dtype=dtype, n_h=n_h, classes=classes)
    loaded = there_and_back(model, tmp_path)
    for table in (pd.DataFrame(rows(n_h)), pl.DataFrame(rows(n_h))):
        assert loaded.scores(table).tobytes() == model.scores(table).tobytes()
        assert loaded.predict(table).tobytes() == model.predict(table).tobytes()
    assert loaded.loss == loss


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_comes_back(activation: str, tmp_path: Path) -> None:
    """The activation is stored by its name."""
    model = make_model(LOSSES["identity"](), activation=activation)
    assert there_and_back(model, tmp_path).activation == activation


@pytest.mark.parametrize(
    "classes",
    [
        np.array(["", "é\n"]),
        np.array([-(2**63), 2**63 - 1]),
        np.array([-1, 1], dtype=">i8"),
        np.array([5e-324, 0.1]),
        np.array([True, False]),
    ],
    ids=lambda classes: classes.dtype.str,
)
def test_every_kind_of_class_comes_back(classes: np.ndarray, tmp_path: Path) -> None:
    """Labels keep their kind, their order and their bits; so predictions do."""
    model = make_model(LOSSES["sigmoid"](), classes=classes, columns=POSITIONS)
    loaded = there_and_back(model, tmp_path)
    assert_same(loaded, model)
    X = np.random.default_rng(0).normal(size=(20, 2))
    assert loaded.predict(X).tolist() == model.predict(X).tolist()
    assert loaded.predict_proba(X).tobytes() == model.predict_proba(X).tobytes()


def test_parameters_of_any_layout_and_byte_order(tmp_path: Path) -> None:
    """Fortran order, strides and big-endian numbers are stored as what they mean."""
    model = SOUND["float32"]
    W1, b1, W2, b2 = model.parameters
    odd = Parameters(np.asfortranarray(W1), b1[::-1][::-1], W2.astype(">f4"), b2)
    assert_same(there_and_back(dataclasses.replace(model, parameters=odd), tmp_path), model)


@pytest.mark.parametrize("solver", ["gd", "sgd", "adam", "lbfgs"])
@pytest.mark.filterwarnings("ignore:.*raise max_iter")
def test_what_an_estimator_predicts_is_what_its_file_predicts(solver: str, tmp_path: Path) -> None:
    """Bit for bit, for the whole table and for each row alone, where the sums go another way."""
    table = pd.DataFrame(rows(0))
    species = np.array(["Adelie", "Gentoo", "Chinstrap"])[np.arange(len(table)) % 3]
    weights = np.random.default_rng(0).normal(size=(len(table), 2))
    classifier = ShoalClassifier(n_hidden=16, solver=solver, max_iter=3, random_state=0)
    regressor = ShoalRegressor(n_hidden=16, solver=solver, max_iter=3, random_state=0)
    for model in (
        classifier.fit(table, species).model_,
        regressor.fit(table, weights).model_,
    ):
        loaded = there_and_back(model, tmp_path)
        assert_same(loaded, model)
        for part in (table, *(table[k : k + 1] for k in range(len(table)))):
            assert loaded.scores(part).tobytes() == model.scores(part).tobytes()


@pytest.mark.parametrize("kind", [ShoalClassifier, ShoalRegressor])
def test_what_a_committee_of_bins_predicts_is_what_its_file_predicts(
    kind: type, tmp_path: Path
) -> None:
    """With what it says of rows held out, from which intervals are made."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame({**rows(0, 100), "c": ["a", "b"] * 48 + list("cdef")})
    y = rng.normal(size=100)
    y = y if kind is ShoalRegressor else np.where(y > 0, "a", "b")
    estimator = kind(n_hidden=8, max_iter=3, random_state=0).fit(table, y)
    loaded = there_and_back(estimator.model_, tmp_path)
    assert_same(loaded, estimator.model_)
    assert any(column.n_bins for column in loaded.columns.columns)
    assert any(column.others for column in loaded.columns.columns)
    assert loaded.training["out_of_fold"]
    for part in (table, *(table[k : k + 1] for k in range(20))):
        assert loaded.scores(part).tobytes() == estimator.model_.scores(part).tobytes()
    if kind is ShoalRegressor:
        assert np.shape(loaded.training["residuals"]) == (1, 201)
        interval = loaded.predict_interval(table)
        assert interval.tobytes() == estimator.predict_interval(table).tobytes()
    else:
        assert loaded.training["temperature"] > 0


finite = st.floats(allow_nan=False, allow_infinity=False)
bounded = st.floats(min_value=-LARGEST, max_value=LARGEST)
share = st.floats(min_value=0, allow_infinity=False, allow_nan=False)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | finite | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def drawn_columns(draw: st.DrawFn) -> Columns:
    """Columns of every kind, under any names."""
    columns = []
    for name in draw(st.lists(st.text(), max_size=5, unique=True)):
        kind = draw(st.sampled_from(KINDS))
        category, value = kind == "category", kind in ("number", "date")
        levels = draw(st.lists(st.text(), max_size=4, unique=True)) if category else []
        others = category and draw(st.booleans())
        edges = sorted(draw(st.sets(bounded, max_size=9))) if value and draw(st.booleans()) else []
        edges = edges if len(edges) > 1 else []
        low, high = -LARGEST, LARGEST
        if value and draw(st.booleans()):
            low, high = sorted([draw(bounded), draw(bounded)])
            low, high = min([low, *edges]), max([high, *edges])
        columns.append(
            Column(
                name,
                kind,
                center=draw(finite),
                scale=draw(st.floats(min_value=5e-324, allow_infinity=False)),
                levels=tuple(levels),
                shares=tuple(draw(share) for _ in edges[1:] or range(len(levels) + others)),
                missing=draw(share),
                note=draw(st.text()),
                low=low,
                high=high,
                edges=tuple(edges),
                others=others,
            )
        )
    return Columns(tuple(columns), named=draw(st.booleans()))


@st.composite
def drawn_models(draw: st.DrawFn) -> Model:
    """Any sound model, small."""
    loss, n_y = draw(st.sampled_from(EVERY_LOSS))
    classes = None
    if loss.name in ("sigmoid", "softmax") and draw(st.booleans()):
        n_classes = 2 if loss.name == "sigmoid" else n_y
        labels = draw(
            st.sampled_from(
                [
                    st.integers(-(2**63), 2**63 - 1),
                    finite.map(lambda v: v + 0.0),  # -0.0 and 0.0 are one label
                    st.text().filter(lambda text: not text.endswith("\0")),
                ]
            ).flatmap(
                lambda kind: st.lists(kind, min_size=n_classes, max_size=n_classes, unique=True)
            )
        )
        classes = np.array(labels)
    n_targets = 1 if classes is not None or loss.name == "quantile" else n_y
    return make_model(
        loss,
        n_h=draw(st.integers(0, 3)),
        n_y=n_y,
        dtype=draw(st.sampled_from(["float32", "float64"])),
        activation=draw(st.sampled_from(list(ACTIVATIONS))),
        columns=draw(drawn_columns()),
        target=tuple(
            draw(st.lists(st.text(), min_size=n_targets, max_size=n_targets, unique=True))
        ),
        classes=classes,
        training=draw(st.dictionaries(st.text(), json_values, max_size=4)),
        seed=draw(st.integers(0, 2**32 - 1)),
    )


@given(model=drawn_models())
def test_any_sound_model_comes_back(model: Model, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Names with quotes, newlines, emoji or nothing in them; numbers of any size."""
    content = pack(model)
    loaded = there_and_back(model, tmp_path_factory.getbasetemp())
    assert_same(loaded, model)
    assert pack(loaded) == content
    safetensors.deserialize(content)


@pytest.mark.parametrize("n_columns", [0, 1, 10_000])
def test_wide_tables(n_columns: int, tmp_path: Path) -> None:
    """Ten thousand columns of numbers, or none, save and load."""
    columns = Columns(tuple(Column(f"measurement {k}", "number") for k in range(n_columns)))
    model = make_model(LOSSES["identity"](), columns=columns, n_h=2)
    assert_same(there_and_back(model, tmp_path), model)


def test_a_hundred_thousand_levels(tmp_path: Path) -> None:
    """One category with as many levels, more than can be looked up, saves, loads and predicts."""
    levels = tuple(f"user-{k:06}" for k in range(100_000))
    columns = Columns((Column("user", "category", levels=levels, shares=(1e-5,) * len(levels)),))
    model = make_model(LOSSES["poisson"](), columns=columns, n_h=0)
    loaded = there_and_back(model, tmp_path)
    assert_same(loaded, model)
    table = pl.DataFrame({"user": ["user-000000", "user-099999", "nobody"]})
    W2, b2 = model.parameters.W2[0], model.parameters.b2[0, 0]
    expected = [W2[0] + b2, W2[-1] + b2, W2.mean() + b2]
    assert np.allclose(loaded.scores(table)[:, 0], expected, rtol=1e-9)


def test_the_file_has_a_place_for_every_field() -> None:
    """A field added to a Model, a column or a loss needs a place in the file, and a version."""
    fields = {
        kind: [field.name for field in dataclasses.fields(kind)]
        for kind in (Column, Columns, Model, *LOSSES.values())
    }
    assert fields[Column] == [
        "name", "kind", "center", "scale", "levels", "shares", "missing", "note",
        "low", "high", "edges", "others"
    ]  # fmt: skip
    assert fields[Columns] == ["columns", "named"]
    assert fields[Model] == [
        "parameters", "activation", "loss", "columns", "target", "classes", "training"
    ]  # fmt: skip
    assert {kind.name: names for kind, names in fields.items() if kind in LOSSES.values()} == {
        **{name: [] for name in LOSSES},
        "huber": ["delta"],
        "quantile": ["levels"],
        "tweedie": ["power"],
    }
    assert set(shoal.model_tensors.COLUMN_KINDS) == set(KINDS)
    assert shoal.model_tensors.COLUMN_KINDS[:5] == (
        "number", "boolean", "date", "category", "unused"
    )  # fmt: skip
