"""What a model says of itself: frames of contributions, importance, interactions, bends, steps."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.metrics import log_loss

import shoal
from explained import COLUMNS, columns_of, make, table
from shoal import LOSSES, DataError, Model, ParameterError, Parameters
from shoal.explain import (
    breakpoints,
    gradients,
    importance,
    interactions,
    second_derivatives,
    steps,
    targets,
)
from shoal.table import Column, Columns
from sound_models import make_model

X = table()


# ---- Model.explain -----------------------------------------------------------------------------


def test_a_frame_of_the_kind_of_the_table() -> None:
    """pandas in, pandas out, with its index; polars and Arrow likewise; an array gives polars."""
    model = make("relu")
    found = model.explain(X)
    assert isinstance(found, pd.DataFrame)
    assert found.index.tolist() == X.index.tolist()
    assert found.columns.tolist() == [*columns_of(model), "baseline", "score"]
    assert isinstance(model.explain(pl.from_pandas(X)), pl.DataFrame)
    assert isinstance(model.explain(pl.from_pandas(X).lazy()), pl.DataFrame)
    assert isinstance(model.explain(pa.Table.from_pandas(X)), pa.Table)
    columns = Columns((Column("x1", "number"), Column("x2", "number")), named=False)
    bare = make_model(LOSSES["identity"](), columns=columns)
    assert bare.explain(np.ones((4, 2))).columns == ["x1", "x2", "baseline", "score"]
    assert isinstance(bare.explain([[1, 2]]), pl.DataFrame)
    assert isinstance(bare.explain(pd.DataFrame(np.ones((4, 2)))), pd.DataFrame)


def test_columns_add_up_to_the_score() -> None:
    """Columns and baseline of the frame add up to its score, which is the model's."""
    model = make("gelu")
    found = model.explain(X)
    assert np.abs(found.iloc[:, :-1].sum(axis=1) - found["score"]).max() < 1e-10
    assert np.abs(found["score"] - model.scores(X)[:, 0]).max() < 1e-10


def test_several_scores_have_a_row_each() -> None:
    """With several scores a row of the table is as many rows, which say of which row and score."""
    model = make(n_y=2, target=("up", "down"))
    found = model.explain(X)
    assert found.columns[:2].tolist() == ["row", "output"]
    assert found["row"].tolist() == np.repeat(np.arange(30), 2).tolist()
    assert found["output"].tolist() == ["up", "down"] * 30
    assert found.index.tolist() == np.repeat(X.index, 2).tolist()
    scores = found["score"].to_numpy().reshape(30, 2)
    assert np.abs(scores - model.scores(X)).max() < 1e-10


def test_scores_of_classes_are_less_their_average() -> None:
    """What adds the same to every class explains none, and the probabilities are the same."""
    model = make(n_y=3, loss="softmax", classes=np.array(["a", "b", "c"]))
    found = model.explain(X)
    scores = found["score"].to_numpy().reshape(30, 3)
    assert np.abs(scores.sum(axis=1)).max() < 1e-12
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    assert np.abs(p - model.predict_proba(X)).max() < 1e-12
    W1, b1, W2, b2 = model.parameters
    shifted = Parameters(W1, b1, W2 + np.linspace(-5, 5, W2.shape[1]), b2 + 7)
    same = Model(shifted, model.activation, model.loss, COLUMNS, classes=model.classes).explain(X)
    assert np.abs(same.iloc[:, 2:] - found.iloc[:, 2:]).max(axis=None) < 1e-10
    assert found["output"].tolist()[:3] == ["a", "b", "c"]


def test_names_of_the_table_are_kept() -> None:
    """A table with columns named row, score and score_ keeps them, and ours get underscores."""
    columns = Columns(tuple(Column(name, "number") for name in ("score", "row", "score_")))
    model = make_model(LOSSES["identity"](), columns=columns, n_y=2)
    found = model.explain(pl.DataFrame({"row": [1.0], "score": [2.0], "score_": [3.0]}))
    assert found.columns == ["row_", "output", "score", "row", "score_", "baseline", "score__"]


def test_the_baseline_is_said() -> None:
    """From a row of the table to itself nothing is added; the baseline's score is the model's."""
    model = make("relu")
    found = model.explain(X[3:4], baseline=X[3:4])
    assert (found[columns_of(model)] == 0).all(axis=None)
    assert found["baseline"].item() == pytest.approx(found["score"].item(), abs=1e-12)


def test_what_scores_are_called() -> None:
    """A class, of two the second; labels; targets; quantiles."""
    names = {
        "yes": make(loss="sigmoid", classes=np.array(["no", "yes"])),
        "y": make(),
        "y0": make(loss="sigmoid", n_y=2, target=("y0", "y1")),
        0.5: make(loss="quantile"),
    }
    for name, model in names.items():
        assert model.score_names[0] == name
        assert len(model.score_names) == len(model.parameters.b2)


def test_estimators_explain() -> None:
    """`estimator.explain(X)` is the model's, after the checks of scikit-learn's contract."""
    rng = np.random.default_rng(0)
    A = rng.normal(size=(80, 3))
    y = A[:, 0] - A[:, 1] > 0
    estimator = shoal.ShoalClassifier(4, solver="lbfgs", random_state=0, max_iter=50).fit(A, y)
    found = estimator.explain(A, baseline=A[:2]).to_numpy()
    assert np.array_equal(found, estimator.model_.explain(A, A[:2]).to_numpy())
    assert np.abs(found[:, -1] - estimator.decision_function(A)).max() < 1e-10
    with pytest.raises(DataError, match="features"):
        estimator.explain(A[:, :2])


# ---- importance --------------------------------------------------------------------------------


def labelled(task: str) -> tuple[Model, np.ndarray]:
    """A model, and targets that it mostly predicts."""
    if task == "regression":
        model = make("tanh")
        return model, model.predict(X)
    if task == "multilabel":
        model = make("tanh", loss="sigmoid", n_y=2, target=("a", "b"))
        return model, model.predict(X)
    classes = {"binary": ["no", "yes"], "multiclass": ["a", "b", "c"]}[task]
    loss = {"binary": "sigmoid", "multiclass": "softmax"}[task]
    n_y = {"binary": 1, "multiclass": 3}[task]
    model = make("tanh", loss=loss, n_y=n_y, classes=np.array(classes))
    return model, model.predict(X)


@pytest.mark.parametrize("task", ["regression", "binary", "multiclass", "multilabel"])
def test_importance_is_the_mean_and_the_loss_of_shuffled_columns(task: str) -> None:
    """Both figures are those that predictions for shuffled tables give, the slow way."""
    model, y = labelled(task)
    found = importance(model, pl.from_pandas(X), y, repeats=3, random_state=4)
    assert sorted(found["column"]) == sorted(set(columns_of(model)) - {"id"})
    assert found["contribution"].is_sorted(descending=True)
    sizes = np.abs(model.explainer.integrated_gradients(X).values).mean(axis=(0, 1))
    Y = targets(model, y, len(X))

    def loss(rows: pd.DataFrame) -> float:
        return float(model.loss.losses(model.scores(rows).T, Y).mean())

    random = np.random.default_rng(4)
    orders = [random.permutation(len(X)) for _ in range(3)]
    for record in found.to_dicts():
        name = record["column"]
        assert record["contribution"] == pytest.approx(sizes[columns_of(model).index(name)])
        shuffled = [X.assign(**{name: X[name].to_numpy()[order]}) for order in orders]
        growth = [loss(rows) - loss(X) for rows in shuffled]
        assert record["loss_increase"] == pytest.approx(np.mean(growth), abs=1e-10)
        assert record["loss_increase_sd"] == pytest.approx(np.std(growth), abs=1e-10)
    if task in ("binary", "multiclass"):
        assert loss(X) == pytest.approx(log_loss(y, model.predict_proba(X)), abs=1e-10)


def test_importance_finds_what_counts() -> None:
    """A column that makes the target comes first both ways, and noise has nearly nothing."""
    rng = np.random.default_rng(0)
    A = pd.DataFrame(rng.normal(size=(300, 4)), columns=["noise", "cause", "small", "none"])
    y = 3 * np.sin(A["cause"]) + 0.5 * A["small"]
    fitted = shoal.ShoalRegressor(8, solver="lbfgs", activation="tanh", random_state=0).fit(A, y)
    found = importance(fitted.model_, A, y)
    assert isinstance(found, pd.DataFrame)
    assert found["column"].tolist()[:2] == ["cause", "small"]
    assert found["loss_increase"].iloc[0] > 1
    assert found["loss_increase"].iloc[2:].abs().max() < 0.01
    assert "loss_increase" not in importance(fitted.model_, A)


def test_targets_are_checked() -> None:
    """Unknown classes, too few targets and bad settings are refused, with what to do."""
    model, y = labelled("multiclass")
    with pytest.raises(DataError, match=r"'d' in row 3, and the model has never seen that"):
        importance(model, X, np.where(np.arange(30) == 2, "d", y))
    with pytest.raises(DataError, match="30 rows but 29 targets"):
        importance(model, X, y[1:])
    with pytest.raises(ParameterError, match="repeats must be"):
        importance(model, X, y, repeats=0)
    counts = make(loss="poisson")
    with pytest.raises(DataError, match="y ≥ 0"):
        importance(counts, X, -np.ones(30))


def test_targets_as_fit_takes_them() -> None:
    """Labels as a frame or a series, and one column of targets as a matrix."""
    model, y = labelled("binary")
    Y = targets(model, y, 30)
    assert Y.shape == (1, 30)
    assert (targets(model, pd.Series(y), 30) == Y).all()
    assert (targets(model, pl.DataFrame({"y": y}), 30) == Y).all()
    assert (targets(model, y[:, None], 30) == Y).all()


# ---- interactions, derivatives -----------------------------------------------------------------


def test_interactions_find_a_product() -> None:
    """Of a target a·b + c, a and b act together, and c alone."""
    rng = np.random.default_rng(0)
    A = pd.DataFrame(rng.uniform(-1, 1, size=(400, 3)), columns=["a", "b", "c"])
    y = 4 * A["a"] * A["b"] + A["c"]
    fitted = shoal.ShoalRegressor(8, solver="lbfgs", activation="tanh", random_state=0).fit(A, y)
    found = interactions(fitted.model_, A)
    assert (found["first"][0], found["second"][0]) == ("a", "b")
    assert found["interaction"][0] > 10 * found["interaction"][1]
    assert len(found) == 3
    slopes = gradients(fitted.model_, A)[:, 0]
    assert np.abs(slopes[:, 2] - 1).mean() < 0.15
    assert np.abs(slopes[:, 0] - 4 * A["b"]).mean() < 0.3
    bends = np.abs(second_derivatives(fitted.model_, A)[:, 0]).mean(axis=0)
    assert bends[0, 1] > 2
    assert max(bends[0, 2], bends[1, 2]) < bends[0, 1] / 4


def test_one_column_has_no_pair() -> None:
    """Of a single column there are no interactions: a frame without rows."""
    one = Columns((Column("x", "number"),), named=False)
    model = make_model(LOSSES["identity"](), columns=one)
    assert len(interactions(model, np.ones((3, 1)))) == 0


# ---- breakpoints -------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["relu", "leaky_relu"])
def test_breakpoints(activation: str) -> None:
    """Between two bends the scores are straight, with the slope that is said; at each they bend."""
    model = make(activation, n_h=9, n_y=2)
    a, b = X.iloc[[1]], X.iloc[[8]].assign(port=X["port"].iloc[1], sort=X["sort"].iloc[1])
    b["wet"] = a["wet"].to_numpy()
    pieces = breakpoints(model, a, b)
    t = np.linspace(0, 1, 2001)
    rows = pd.concat([a] * len(t))
    for name in ("size", "plain"):
        start, stop = a[name].item(), b[name].item()
        rows[name] = start + t * (stop - start)
    rows["day"] = a["day"].item() + t * (b["day"].item() - a["day"].item())
    scores = model.scores(rows)
    for k in range(2):
        assert np.abs(np.interp(t, pieces.t, pieces.scores[:, k]) - scores[:, k]).max() < 1e-6
    rises = np.diff(pieces.scores, axis=0)
    assert np.abs(rises - pieces.slopes * np.diff(pieces.t)[:, None]).max() < 1e-10
    bends = pieces.units >= 0
    assert bends.any()
    assert (~bends).any()
    assert (np.abs(np.diff(pieces.slopes, axis=0)).max(axis=1) > 0)[bends].all()
    assert len(pieces.t) == len(pieces.slopes) + 1 == len(pieces.units) + 2


def test_breakpoints_between_any_rows() -> None:
    """Categories and missing values change evenly, from the one row's scores to the other's."""
    model = make("relu", n_h=9)
    pieces = breakpoints(model, X.iloc[[0]], X.iloc[[3]])
    ends = model.scores(X.iloc[[0, 3]])
    assert np.abs(pieces.scores[[0, -1]] - ends).max() < 1e-10
    assert (pieces.slopes * np.diff(pieces.t)[:, None]).sum() == pytest.approx(
        (ends[1] - ends[0]).item(), abs=1e-10
    )
    same = breakpoints(model, X.iloc[[1]], X.iloc[[1]])
    assert same.t.tolist() == [0, 1]
    assert same.slopes.tolist() == [[0]]


def test_a_unit_bends_where_it_is_zero() -> None:
    """relu(x - 1) + relu(3 - x) on the way from 0 to 4: bends at 1/4 and 3/4, slopes -4, 0, 4."""
    one = Columns((Column("x", "number"),), named=False)
    W1, b1, W2 = np.array([[1.0], [-1]]), np.array([[-1.0], [3]]), np.ones((1, 2))
    model = Model(Parameters(W1, b1, W2, np.zeros((1, 1))), "relu", LOSSES["identity"](), one)
    pieces = breakpoints(model, [[0.0]], [[4.0]])
    assert pieces.t.tolist() == [0, 0.25, 0.75, 1]
    assert pieces.scores[:, 0].tolist() == [3, 2, 2, 3]
    assert pieces.slopes[:, 0].tolist() == [-4, 0, 4]
    assert pieces.units.tolist() == [0, 1]


def test_breakpoints_are_refused() -> None:
    """Smooth units do not bend at a point; and a line has one row at each end."""
    with pytest.raises(ParameterError, match="tanh units do not bend"):
        breakpoints(make("tanh"), X[:1], X[1:2])
    with pytest.raises(DataError, match="one row for each end"):
        breakpoints(make("relu"), X[:1], X[1:3])
    assert len(breakpoints(make("tanh", n_h=0), X[1:2], X[2:3]).slopes)


# ---- the forward pass --------------------------------------------------------------------------


@pytest.mark.parametrize("n_h", [0, 6])
def test_steps(n_h: int) -> None:
    """The steps are Eq 1 to 4, of the model's own parameters, and end in its predictions."""
    model = make("silu", n_h=n_h, n_y=3, loss="softmax", classes=np.array([1, 2, 3]))
    W1, b1, W2, b2 = model.parameters
    found = steps(model, X)
    assert found.X.shape == (len(COLUMNS.slots), 30)
    assert np.allclose(found.Z1, W1 @ found.X + b1)
    assert np.allclose(found.Z2, W2 @ found.A1 + b2)
    assert np.abs(found.A2.T - model.predict_proba(X)).max() < 1e-12
    assert np.abs(found.Z2.T - model.scores(X)).max() < 1e-10
