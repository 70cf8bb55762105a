"""The document that the page starts from: what it holds, what was chosen, what is said of it."""

import json
import re
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import shoal
from command_line import PENGUINS
from shoal.errors import DataError, ParameterError
from shoal.losses import get_loss
from shoal.model import Model
from shoal.network import Parameters, forward
from shoal.playground import boot as boot_module
from shoal.playground.boot import Boot, from_model, from_nothing, from_table
from shoal.playground.choices import MOST_INPUTS, MOST_NUMBERS, share_told
from shoal.playground.export import one_file
from shoal.playground.notes import LANGUAGES, SENTENCES


def penguins() -> tuple[pl.DataFrame, pl.Series]:
    """The table of penguins, and their species."""
    table = pl.read_csv(PENGUINS, null_values="NA")
    return table.drop("species"), table["species"]


def data_of(boot: Boot) -> dict[str, Any]:
    """The data as the page reads them, checked for their shapes."""
    document = json.loads(boot.json())
    assert document["version"] == 1
    data = document["data"]
    n_x, m = len(data["inputs"]), len(data["held_out"])
    assert np.shape(data["X"]) == (n_x, m)
    assert np.shape(data["Y"]) == (boot.target.n_y, m)
    assert len(set(data["plane"])) == min(2, n_x)
    assert set(data["plane"]) <= set(range(n_x))
    for k, described in enumerate(data["inputs"]):
        assert ("fixed" in described) == (k not in data["plane"])
        if "fixed" in described:
            fixed = described["fixed"]
            assert fixed["min"] <= fixed["value"] <= fixed["max"]
    return data


def raw_of(data: dict[str, Any]) -> np.ndarray[Any, Any]:
    """The inputs in raw units, (n_x, m)."""
    center = np.array([described["center"] for described in data["inputs"]])[:, None]
    scale = np.array([described["scale"] for described in data["inputs"]])[:, None]
    return center + scale * np.array(data["X"])


# ---- nothing -----------------------------------------------------------------------------------


def test_nothing() -> None:
    """Without data the document is a version, and the language if one is asked for."""
    assert json.loads(from_nothing().json()) == {"version": 1}
    assert json.loads(from_nothing().json("it")) == {"version": 1, "language": "it"}


# ---- tables ------------------------------------------------------------------------------------


def test_raw_is_center_plus_scale_times_scaled() -> None:
    """What the page shows in raw units is the table."""
    X, y = penguins()
    boot = from_table(X, y, target="species")
    data = data_of(boot)
    shown = dict(zip([i["name"] for i in data["inputs"]], raw_of(data), strict=True))
    mass = X["body_mass_g"].to_numpy()
    present = np.isfinite(mass)
    np.testing.assert_allclose(shown["body_mass_g"][present], mass[present], rtol=1e-12)
    np.testing.assert_allclose(shown["body_mass_g is missing"], ~present, atol=1e-12)
    np.testing.assert_allclose(shown["island=Dream"], X["island"] == "Dream", atol=1e-12)
    assert data["classes"] == ["Adelie", "Chinstrap", "Gentoo"]
    assert np.array(data["Y"]).argmax(axis=0).tolist() == [data["classes"].index(v) for v in y]


def test_the_plane_shows_what_tells_most() -> None:
    """The two numbers with the largest correlation ratio are drawn, and their ratios are said."""
    X, y = penguins()
    data = data_of(from_table(X, y, target="species"))
    names = [data["inputs"][k]["name"] for k in data["plane"]]
    assert names == ["flipper_length_mm", "bill_length_mm"]
    ratios = {}
    for name in X.columns:
        if X[name].dtype.is_numeric():
            values = X[name].fill_null(X[name].mean()).to_numpy()
            groups = [values[(y == label).to_numpy()] for label in y.unique()]
            between = sum(len(g) * (g.mean() - values.mean()) ** 2 for g in groups)
            ratios[name] = between / ((values - values.mean()) ** 2).sum()
    assert sorted(ratios, key=ratios.__getitem__)[-2:] == names[::-1]
    assert f"(η² {ratios[names[0]]:.2f} and {ratios[names[1]]:.2f})" in data["note"]


def test_the_plane_of_a_regression() -> None:
    """For numbers the criterion is r², the squared correlation."""
    random = np.random.RandomState(0)
    X = random.randn(200, 4)
    y = X[:, 3] - 2 * X[:, 1] + 0.1 * random.randn(200)
    data = data_of(from_table(X, y))
    assert data["plane"] == [1, 3]
    told, _ = share_told(X, y[None], classify=False)
    np.testing.assert_allclose(told, [np.corrcoef(x, y)[0, 1] ** 2 for x in X.T])
    assert "r²" in data["note"]


def test_one_input() -> None:
    """A table of one input has it on both axes, and nothing is held."""
    data = data_of(from_table([[1.0], [2.0], [4.0]], [0, 1, 1]))
    assert data["plane"] == [0, 0]


def test_a_plane_that_is_asked_for() -> None:
    """The inputs to draw can be named; names that are none, or one twice, are an error."""
    X, y = penguins()
    data = data_of(from_table(X, y, plane=("year", "island=Dream")))
    assert [data["inputs"][k]["name"] for k in data["plane"]] == ["year", "island=Dream"]
    assert "tell most" not in data["note"]
    wide = np.random.RandomState(0).randn(50, 40)
    data = data_of(from_table(wide, wide[:, 0] > 0, plane=("x39", "x40")))
    assert [data["inputs"][k]["name"] for k in data["plane"]] == ["x39", "x40"]
    for plane in (("year", "mass"), ("year", "year"), ("year",)):
        with pytest.raises(ParameterError, match="the plane cannot show input"):
            from_table(X, y, plane=plane)


def test_the_others_are_held_at_their_median() -> None:
    """Sliders start at the median, of a category at its most frequent level, and span the rows."""
    X, y = penguins()
    data = data_of(from_table(X, y))
    fixed = {
        i["name"]: {k: i["center"] + i["scale"] * v for k, v in i["fixed"].items()}
        for i in data["inputs"]
        if "fixed" in i
    }
    depth = X["bill_depth_mm"].fill_null(X["bill_depth_mm"].mean())
    expected = {"value": depth.median(), "min": depth.min(), "max": depth.max()}
    assert fixed["bill_depth_mm"] == pytest.approx(expected)
    assert fixed["island=Biscoe"]["value"] == pytest.approx(1)
    assert fixed["island=Dream"]["value"] == pytest.approx(0)


@pytest.mark.parametrize(
    ("factor", "shift", "scaled"), [(1, 0, False), (50, 0, True), (1, 50, True), (0.01, 0, True)]
)
def test_scaling_is_said(factor: float, shift: float, scaled: bool) -> None:
    """Two numbers of ordinary size stay as they are; others are scaled, and the note says which."""
    X, Y = shoal.datasets.flower()
    data = data_of(from_table(factor * X.T + shift, Y[0]))
    X_page = np.array(data["X"])
    if scaled:
        np.testing.assert_allclose(X_page.mean(axis=1), 0, atol=1e-9)
        np.testing.assert_allclose(X_page.std(axis=1), 1)
    else:
        assert X_page.tolist() == X.tolist(), "to the last bit"
    assert ("The inputs are scaled" if scaled else "The inputs are not scaled") in data["note"]


def test_a_scaled_target_is_said() -> None:
    """The numbers of a regression get mean 0 and deviation 1, and the note has the formula."""
    X, _ = shoal.datasets.flower()
    data = data_of(from_table(X.T, 1000 + 7 * X[0], target="price"))
    assert "classes" not in data
    assert np.mean(data["Y"]) == pytest.approx(0)
    assert np.std(data["Y"]) == pytest.approx(1)
    assert f"(price − {1000 + 7 * X[0].mean():.4g}) / {7 * X[0].std():.4g}" in data["note"]


def test_a_fifth_is_held_out() -> None:
    """A fifth of the rows is held out, the same rows every time."""
    X, Y = shoal.datasets.flower()
    data = data_of(from_table(X.T, Y[0]))
    assert sum(data["held_out"]) == 80
    assert data == data_of(from_table(X.T, Y[0]))


def test_a_large_table_is_cut_down() -> None:
    """Of many rows and columns the page gets some, the note says how, and the file stays small."""
    random = np.random.RandomState(0)
    X = random.randn(9_000, 60)
    y = (X[:, 17] + X[:, 42] > 0).astype(int)
    boot = from_table(X, y)
    data = data_of(boot)
    names = [described["name"] for described in data["inputs"]]
    assert len(names) == MOST_INPUTS
    assert {"x18", "x43"} <= set(names)
    assert np.size(data["X"]) <= MOST_NUMBERS
    assert f"{MOST_INPUTS} of the 60 inputs" in data["note"]
    assert f"{MOST_NUMBERS // MOST_INPUTS} of the 9,000 rows" in data["note"]
    assert len(one_file(boot.json())) <= 300_000
    assert len(one_file(from_table(X[:, :2], y).json())) <= 300_000
    rows = {tuple(row) for row in np.round(X[:, boot.inputs], 9)}
    assert {tuple(row) for row in np.round(raw_of(data).T, 9)} <= rows


def test_tables_of_other_libraries() -> None:
    """pandas, polars and arrays give the same page, whatever y is held in."""
    X, Y = shoal.datasets.moons(m=20)
    expected = data_of(from_table(pl.DataFrame(X.T, schema=["a", "b"]), Y[0].astype(int)))
    for table, y in (
        (pd.DataFrame(X.T, columns=["a", "b"]), pd.Series(Y[0].astype(int))),
        (pl.DataFrame(X.T, schema=["a", "b"]), pl.Series(Y[0].astype(int))),
        (pl.DataFrame(X.T, schema=["a", "b"]), Y[0].astype(int).tolist()),
    ):
        assert data_of(from_table(table, y)) == expected
    names = [described["name"] for described in data_of(from_table(X.T.tolist(), Y.T))["inputs"]]
    assert names == ["x1", "x2"]


def test_what_is_a_class() -> None:
    """Text, truths and few whole numbers are labels; other numbers are values."""
    X = np.random.RandomState(0).randn(40, 2)
    labels = [["a", "b"] * 20, [True, False] * 20, list(range(10)) * 4, [0.0, 1.0] * 20]
    assert all(from_table(X, y).target.classes is not None for y in labels)
    values = [list(range(40)), [0.0, 0.5] * 20]
    assert all(from_table(X, y).target.classes is None for y in values)


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ([[1.0, 1.0], [1.0, 1.0]], [0, 1], "no column of the table can be an input"),
        (
            np.eye(11),
            list("abcdefghijk"),
            "the target 'y' has 11 classes, and the page",
        ),
        ([[1.0, 2.0], [2.0, 3.0]], [1, 1], "the target 'y' is 1 in every row"),
        ([[1.0, 2.0], [2.0, 3.0]], [0, 1, 1], "X has 2 rows and y has 3"),
        ([[1.0, 2.0], [2.0, 3.0]], [0, np.nan], "the target 'y' is nan in row 2"),
        ([[1.0, 2.0], [2.0, 3.0]], [0, None], "the target 'y' must be one text, truth or number"),
        ([[1.0, 2.0], [2.0, 3.0]], [[0, 1], [1, 0]], "must be one text, truth or number"),
        ([[1.0, 2.0], [2.0, 3.0]], [], "must be one text, truth or number for each row"),
        ([["a", 2.0], [2.0, 3.0]], [0, 1], "X must be a data frame or an array of numbers"),
        ([1.0, 2.0], [0, 1], "X must be a data frame or an array of numbers"),
        (3, [0, 1], "X must be a data frame or an array of numbers"),
        ([[1.0, 2.0], [2.0, np.inf]], [0, 1], "column 'x2' has inf in row 2"),
    ],
)
def test_bad_data(X: Any, y: Any, message: str) -> None:
    """What cannot be shown is one error that says what is wrong."""
    with pytest.raises(DataError, match=message):
        from_table(X, y)


# ---- models ------------------------------------------------------------------------------------


def network_of(boot: Boot) -> tuple[Parameters, dict[str, Any]]:
    """The page's parameters, and all that is said of the network."""
    network = json.loads(boot.json())["network"]
    W1, b1, W2, b2 = (np.array(network[name]) for name in Parameters._fields)
    n_h = len(b1)  # without hidden units JSON has no rows to tell the shape by
    return Parameters(W1.reshape(n_h, len(boot.inputs)), b1.reshape(n_h, 1), W2, b2), network


def fitted(kind: str) -> tuple[Model, Any, Any]:
    """A model of each sort, and rows."""
    X, y = penguins()
    if kind == "binary":
        X, y = X.drop("sex").filter(X["sex"].is_not_null()), X["sex"].drop_nulls()
    if kind == "regression":
        whole = X["body_mass_g"].is_not_null()
        X, y = X.filter(whole).drop("body_mass_g"), X["body_mass_g"].drop_nulls()
    estimator = shoal.ShoalRegressor if kind == "regression" else shoal.ShoalClassifier
    n_hidden = 0 if kind == "linear" else 6
    options = {"n_hidden": n_hidden, "max_iter": 30, "random_state": 0, "n_members": 2}
    options |= {"solver": "adam", "tol": 0}
    return estimator(**options).fit(X, y).model_, X, y


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression", "linear"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_page_computes_what_the_model_does(kind: str) -> None:
    """The network of the document gives the model's scores, and leads back to its parameters."""
    model, X, y = fitted(kind)
    boot = from_model(model, X, y)
    data = data_of(boot)
    parameters, network = network_of(boot)
    cache = forward(
        np.array(data["X"]), parameters, activation=network["activation"], output=network["output"]
    )
    scores = boot.target.center + boot.target.scale * cache.Z2
    np.testing.assert_allclose(scores, model.scores(X).T, rtol=1e-9, atol=1e-9)
    for back, block in zip(boot.raw(parameters), model.parameters, strict=True):
        np.testing.assert_allclose(back, block, rtol=1e-9, atol=1e-9)
    assert network["output"] == model.loss.name
    assert not any(data["held_out"])


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_stand_ins(kind: str) -> None:
    """A model alone comes with rows like its columns and its own answers, and the note says so."""
    model, X, _ = fitted(kind)
    boot = from_model(model)
    data = data_of(boot)
    parameters, network = network_of(boot)
    A2 = forward(
        np.array(data["X"]), parameters, activation=network["activation"], output=network["output"]
    ).A2
    if kind == "regression":
        np.testing.assert_allclose(data["Y"], A2, atol=1e-9)
    elif kind == "binary":
        assert np.array(data["Y"]).tolist() == (A2 > 0.5).astype(float).tolist()
    else:
        assert np.array(data["Y"]).argmax(axis=0).tolist() == A2.argmax(axis=0).tolist()
    assert "these are stand-ins" in data["note"]
    shown = dict(zip([i["name"] for i in data["inputs"]], raw_of(data), strict=True))
    flipper = X["flipper_length_mm"].drop_nulls()
    assert shown["flipper_length_mm"].mean() == pytest.approx(flipper.mean(), rel=0.02)
    assert shown["flipper_length_mm"].std() == pytest.approx(flipper.std(), rel=0.2)
    assert set(np.round(shown["island=Dream"], 9)) == {0, 1}


def test_a_wide_model_is_cut_down() -> None:
    """Inputs that the page has no room for are held at their average, exactly."""
    random = np.random.RandomState(0)
    X = random.randn(100, 40) + 3
    y = (X[:, 0] > 3).astype(int)
    model = shoal.ShoalClassifier(n_hidden=4, max_iter=20, solver="lbfgs", random_state=0)
    model_ = model.fit(X, y).model_
    boot = from_model(model_, X, y)
    data = data_of(boot)
    parameters, network = network_of(boot)
    Z2 = forward(
        np.array(data["X"]), parameters, activation=network["activation"], output=network["output"]
    ).Z2
    held = np.tile(model_.columns.centers(), (100, 1))
    held[:, boot.inputs] = X[:, boot.inputs]
    np.testing.assert_allclose(Z2, model_.scores(held).T, rtol=1e-9, atol=1e-9)
    assert f"{MOST_INPUTS} of the 40 inputs" in data["note"]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_models_that_the_page_cannot_show() -> None:
    """Another output, several targets and classes that are new are errors that say so."""
    X = np.random.RandomState(0).randn(60, 2)
    two = shoal.ShoalRegressor(n_hidden=2, max_iter=5).fit(X, X).model_
    with pytest.raises(ParameterError, match="this model has 2 and the output identity"):
        from_model(two)
    counts = shoal.ShoalRegressor(loss="poisson", n_hidden=2, max_iter=5)
    with pytest.raises(ParameterError, match="has 1 and the output poisson"):
        from_model(counts.fit(X, np.arange(60)).model_)
    sign = shoal.ShoalClassifier(n_hidden=2, max_iter=5).fit(X, X[:, 0] > 0).model_
    binned = shoal.ShoalClassifier(n_hidden=2, max_iter=2, random_state=0)
    many = np.random.RandomState(0).randn(90, 2)
    with pytest.raises(ParameterError, match="this model has 16 bins of them: play the table"):
        from_model(binned.fit(many, many[:, 0] > 0).model_)
    with pytest.raises(DataError, match="the target 'y' is 'c', which the model has not seen"):
        from_model(sign, X, ["c"] * 60)


def test_notes_are_in_the_language_of_the_page() -> None:
    """What is said of the data is English, or Italian if the page is."""
    X, y = penguins()
    boot = from_table(X, y, target="species")
    assert "which tell most of the target" in json.loads(boot.json())["data"]["note"]
    note = json.loads(boot.json("it"))["data"]["note"]
    assert "flipper_length_mm e bill_length_mm, che dicono di più sull'obiettivo" in note
    for sentence, texts in SENTENCES.items():
        fields = [sorted(re.findall(r"{(\w+)", text)) for text in texts]
        assert fields[0] == fields[1], sentence
        assert len(texts) == len(LANGUAGES)


def test_hostile_names_stay_text() -> None:
    """Names and labels reach the document as they are, and the document stays JSON."""
    name, label = '</script><script>alert(1)</script>\u2028\u202e"\\', "\x00\x1b[31m\ud800"
    table = pl.DataFrame({name: [1.0, 2.0, 4.0], "b": [3.0, 1.0, 2.0]})
    boot = from_table(table, [label, "ok", "ok"], target=name)
    data = data_of(boot)
    assert data["inputs"][0]["name"] == name
    assert data["targets"] == [name]
    assert label in data["classes"]


def test_the_document_is_for_one_version() -> None:
    """The version of the document is a number that the page can check."""
    assert boot_module.VERSION == 1
    assert get_loss("sigmoid").name in boot_module.OUTPUTS
