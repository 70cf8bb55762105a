"""ShoalClassifier and ShoalRegressor: what they make of every kind of target."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.linear_model import LogisticRegression, Ridge

from shoal import DataError, ParameterError, ShoalClassifier, ShoalRegressor
from shoal.datasets import flower
from shoal.losses import Huber, Quantile, Tweedie

GOLDEN = json.loads((Path(__file__).parent / "golden" / "course.json").read_text(encoding="utf-8"))
X = np.random.default_rng(0).normal(size=(300, 3))
SIGN = (X[:, 0] + X[:, 1] > 0).astype(int)
THREE = SIGN + (X[:, 2] > 0)
SIGNAL = np.sin(2 * X[:, 0]) + X[:, 1] ** 2


def classifier(**settings: Any) -> ShoalClassifier:
    """A small one that is fitted in no time."""
    return ShoalClassifier(
        **{"n_hidden": 5, "solver": "lbfgs", "max_iter": 60, "random_state": 0, "tol": 0} | settings
    )


def regressor(**settings: Any) -> ShoalRegressor:
    """A small one that is fitted in no time."""
    return ShoalRegressor(
        **{"n_hidden": 20, "solver": "lbfgs", "max_iter": 100, "random_state": 0, "tol": 0}
        | settings
    )


# ---- the course --------------------------------------------------------------------------------


@pytest.mark.parametrize("run", GOLDEN["train_flower"]["runs"], ids=lambda run: run["random_state"])
@pytest.mark.parametrize("engine", ["auto", "numpy"])
def test_the_slides_network_gives_the_published_costs(run: dict[str, Any], engine: str) -> None:
    """One call, nothing added: the figures of the exercise come out, to their last digit."""
    flower_X, flower_Y = flower()
    fitted = ShoalClassifier(
        n_hidden=4,
        activation="tanh",
        solver="gd",
        learning_rate=1.2,
        max_iter=run["stable"] + 1,
        n_members=1,
        preprocessing=None,
        init_scale=0.01,
        random_state=run["random_state"],
        engine=engine,
    ).fit(flower_X.T, flower_Y[0])
    costs = fitted.loss_curve_[:: GOLDEN["train_flower"]["every"]]
    np.testing.assert_allclose(costs, run["costs"], rtol=0, atol=0.5001e-6)


# ---- classification ----------------------------------------------------------------------------

LABELS = {
    "str": (np.array(["no", "yes"]), np.array(["a", "b", "c"])),
    "int": (np.array([-1, 7]), np.array([3, 5, 100])),
    "float": (np.array([1.0, 2.0]), np.array([0.0, 1.0, 2.0])),
    "bool": (np.array([False, True]), np.array([0, 1, 2], dtype=np.uint8)),
    "object": (np.array(["no", "yes"], object), np.array(["a", "b", "c"], object)),
}


@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_labels_of_every_kind(kind: str, n_classes: int) -> None:
    """Predictions have the labels' own values and dtype; the Model predicts the same ones."""
    labels = LABELS[kind][n_classes - 2]
    y = labels[SIGN if n_classes == 2 else THREE]
    fitted = classifier().fit(X, y)
    predicted = fitted.predict(X)
    assert fitted.classes_.tolist() == labels.tolist()
    assert predicted.dtype == fitted.classes_.dtype == y.dtype
    assert (predicted == y).mean() > 0.95
    assert fitted.model_.predict(X).tolist() == predicted.tolist()
    assert fitted.model_.task == {2: "binary", 3: "multiclass"}[n_classes]


@pytest.mark.parametrize(
    "y",
    [
        pd.Series(SIGN, dtype="Int64"),
        pd.Series(SIGN == 1, dtype="boolean"),
        pd.Series(SIGN.astype(str), dtype="string"),
        pd.Series(SIGN).map({0: "no", 1: "yes"}).astype("category"),
        SIGN.astype(object),
        (SIGN == 1).astype(object),
        SIGN.tolist(),
    ],
    ids=["Int64", "boolean", "string", "category", "objects int", "objects bool", "list"],
)
def test_labels_in_every_dress(y: Any) -> None:
    """Nullable, categorical and object columns are labels like any others."""
    fitted = classifier(max_iter=5).fit(X, y)
    assert set(fitted.predict(X).tolist()) <= set(np.asarray(y).tolist())


@pytest.mark.parametrize("y", [SIGN, THREE], ids=["binary", "multiclass"])
def test_probabilities_scores_and_classes_agree(y: Any) -> None:
    """Probabilities sum to 1; the class is the one with the largest; scores rank them."""
    fitted = classifier().fit(X, y)
    probabilities, scores = fitted.predict_proba(X), fitted.decision_function(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_array_equal(fitted.predict(X), fitted.classes_[probabilities.argmax(axis=1)])
    np.testing.assert_allclose(fitted.predict_log_proba(X), np.log(probabilities))
    if scores.ndim == 1:
        np.testing.assert_allclose(probabilities[:, 1], 1 / (1 + np.exp(-scores)))
    else:
        np.testing.assert_array_equal(scores.argmax(axis=1), probabilities.argmax(axis=1))


@pytest.mark.parametrize("form", [np.asarray, pd.DataFrame, lambda y: y == 1])
def test_several_labels(form: Any) -> None:
    """Each is learnt for itself: 0 and 1 in, 0 and 1 out, a probability for each."""
    y = np.column_stack([SIGN, THREE > 0, X[:, 2] > 0])
    fitted = classifier().fit(X, form(y))
    assert fitted.predict(X).dtype.kind == "i"
    assert (fitted.predict(X) == y).mean(axis=0).min() > 0.95
    assert fitted.predict_proba(X).shape == fitted.decision_function(X).shape == (300, 3)
    assert fitted.model_.task == "multilabel"
    assert fitted.classes_.tolist() == [0, 1, 2]


def test_class_weights_are_sample_weights() -> None:
    """A dict, "balanced", and both times the weights of the rows."""
    weight = np.linspace(0.5, 1.5, len(X))
    y = np.where(X[:, 0] > 1, "rare", "usual")
    n_rare = (y == "rare").sum()
    by_class = {
        "balanced": np.where(y == "rare", len(y) / 2 / n_rare, len(y) / 2 / (len(y) - n_rare)),
        "dict": np.where(y == "rare", 5.0, 1.0),
    }
    for name, expected in by_class.items():
        class_weight = "balanced" if name == "balanced" else {"rare": 5.0}
        a = classifier(class_weight=class_weight).fit(X, y, sample_weight=weight)
        b = classifier().fit(X, y, sample_weight=weight * expected)
        np.testing.assert_allclose(a.W1_, b.W1_, rtol=1e-6)


def test_balanced_weights_find_the_rare_class() -> None:
    """Recall of a rare class goes up."""
    y = (X[:, 0] + np.random.default_rng(1).normal(size=300) > 1.8).astype(int)
    found = [
        (classifier(n_hidden=0, class_weight=weight).fit(X, y).predict(X) * y).sum() / y.sum()
        for weight in (None, "balanced")
    ]
    assert found[1] > found[0] + 0.2


@pytest.mark.parametrize("alpha", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("y", [SIGN, THREE], ids=["binary", "multiclass"])
def test_without_hidden_units_it_is_logistic_regression(alpha: float, y: Any) -> None:
    """scikit-learn's, with C = 1/alpha: coefficients and intercepts to 1e-5."""
    noisy = np.where(np.arange(300) % 5 == 0, np.roll(y, 1), y)
    ours = ShoalClassifier(
        0, solver="lbfgs", alpha=alpha, tol=1e-9, max_iter=2000, preprocessing=None
    ).fit(X, noisy)
    theirs = LogisticRegression(C=1 / alpha, tol=1e-10, max_iter=2000).fit(X, noisy)
    np.testing.assert_allclose(ours.W2_, theirs.coef_, atol=1e-5)
    ours_b2 = ours.b2_.ravel() - ours.b2_.mean() * (len(ours.b2_) > 1)  # softmax: up to a constant
    theirs_b2 = theirs.intercept_ - theirs.intercept_.mean() * (len(theirs.intercept_) > 1)
    np.testing.assert_allclose(ours_b2, theirs_b2, atol=1e-5)


# ---- regression --------------------------------------------------------------------------------


@pytest.mark.parametrize("alpha", [0.1, 1.0, 10.0])
def test_without_hidden_units_it_is_ridge_regression(alpha: float) -> None:
    """scikit-learn's with the same alpha, for several targets too: to 1e-5."""
    y = np.column_stack([X @ [1.0, 2, 3] + 4, SIGNAL])
    ours = ShoalRegressor(
        0, solver="lbfgs", alpha=alpha, tol=1e-10, max_iter=2000, preprocessing=None
    ).fit(X, y)
    theirs = Ridge(alpha).fit(X, y)
    np.testing.assert_allclose(ours.W2_, theirs.coef_, atol=1e-5)
    np.testing.assert_allclose(ours.b2_.ravel(), theirs.intercept_, atol=1e-5)


def test_several_targets() -> None:
    """Each in its own units, through one hidden layer."""
    y = np.column_stack([SIGNAL, 1e6 * SIGNAL + 5e7, X[:, 2] * 1e-6])
    fitted = regressor().fit(X, y)
    assert fitted.predict(X).shape == (300, 3)
    errors = ((fitted.predict(X) - y) ** 2).mean(axis=0) / y.var(axis=0)
    assert errors.max() < 0.1


LOSSES = ["squared_error", "absolute_error", "huber", Huber(0.5), "quantile"]


@pytest.mark.parametrize("loss", LOSSES, ids=str)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_losses_of_the_identity(loss: Any, solver: str) -> None:
    """Each explains a smooth function of the columns."""
    settings = {"max_iter": 150, "learning_rate": 0.02, "batch_size": 64, "n_hidden": 30}
    assert regressor(loss=loss, solver=solver, **settings).fit(X, SIGNAL).score(X, SIGNAL) > 0.85


def test_robust_losses_ignore_outliers() -> None:
    """A twentieth of absurd targets moves the median not at all, Huber's loss less than squares."""
    y = X @ [1.0, 2.0, 3.0]
    broken = np.where(np.arange(300) % 20 == 0, 1000.0, y)
    errors = {
        loss: np.abs(regressor(n_hidden=0, loss=loss).fit(X, broken).predict(X) - y).mean()
        for loss in ("squared_error", "huber", "absolute_error", "quantile")
    }
    assert errors["squared_error"] > 50
    assert errors["huber"] < errors["squared_error"] / 3
    assert max(errors["absolute_error"], errors["quantile"]) < 1e-2


@pytest.mark.parametrize("loss", ["poisson", "gamma", "tweedie", Tweedie(1.2)], ids=str)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e6])
def test_losses_of_the_log_link(loss: Any, solver: str, scale: float) -> None:
    """Predictions are positive, near the mean they were drawn with, whatever the units."""
    mean = np.exp(0.8 * X[:, 0] - 0.5 * X[:, 1])
    draws = np.random.default_rng(1)
    counts, amounts = draws.poisson(mean), draws.gamma(4, mean / 4)
    y = {"poisson": counts, "gamma": amounts}.get(loss, counts * amounts / mean)
    settings = {"max_iter": 60, "learning_rate": 0.02, "batch_size": 64}
    fitted = regressor(loss=loss, solver=solver, n_hidden=5, **settings).fit(X, scale * y)
    predicted = fitted.predict(X)
    assert predicted.min() > 0
    assert np.mean(predicted) == pytest.approx(np.mean(scale * y), rel=0.15)
    assert np.corrcoef(np.log(predicted), np.log(mean))[0, 1] > 0.75


def test_quantiles_cover_and_do_not_cross() -> None:
    """Of a target whose spread depends on a column, each level covers its share of the rows."""
    levels = (0.1, 0.5, 0.9)
    draws = np.random.default_rng(1)
    many = draws.normal(size=(3000, 1))
    y = many[:, 0] + draws.normal(size=3000) * np.exp(many[:, 0] / 2)
    fitted = ShoalRegressor(
        16, loss=Quantile(levels), max_iter=60, learning_rate=0.01, tol=0, random_state=0
    ).fit(many, y)
    predicted = fitted.predict(many)
    assert predicted.shape == (3000, 3)
    assert (np.diff(predicted, axis=1) >= 0).all()
    np.testing.assert_allclose((y[:, None] <= predicted).mean(axis=0), levels, atol=0.03)
    spread = predicted[:, 2] - predicted[:, 0]
    assert spread[many[:, 0] > 1].mean() > 2 * spread[many[:, 0] < -1].mean()


def test_quantiles_are_of_one_target() -> None:
    """The error says so."""
    with pytest.raises(ParameterError, match="quantiles are of one target, but y has 2 columns"):
        regressor(loss=Quantile((0.1, 0.9))).fit(X, X[:, :2])


def test_defaults_are_good() -> None:
    """With nothing set: better than linear models on a table that is not linear, as good on one
    that is.
    """
    diabetes, iris = load_diabetes(return_X_y=True), load_iris(return_X_y=True)
    assert ShoalRegressor(random_state=0).fit(*diabetes).score(*diabetes) > 0.5
    assert ShoalClassifier(random_state=0).fit(*iris).score(*iris) > 0.96
    assert ShoalRegressor(random_state=0).fit(X, SIGNAL).score(X, SIGNAL) > 0.9


# ---- partial_fit -------------------------------------------------------------------------------


def halves(y: Any) -> list[tuple[Any, Any]]:
    """The rows in two batches."""
    return [(X[:150], y[:150]), (X[150:], y[150:])]


@pytest.mark.parametrize("solver", ["auto", "adam", "sgd", "gd"])
@pytest.mark.parametrize("y", [SIGN, THREE, np.column_stack([SIGN, THREE > 0])], ids=[1, 3, "ml"])
def test_partial_fit_learns(solver: str, y: Any) -> None:
    """Batch after batch, with all of the labels known or not; one epoch each."""
    fitted = classifier(solver=solver, learning_rate=0.3 if solver == "gd" else 0.03)
    for _ in range(80):
        for rows, targets in halves(y):
            fitted.partial_fit(rows, targets)
    assert fitted.n_iter_ == 160
    assert fitted.score(X, y) > 0.85


@pytest.mark.parametrize(
    ("y", "classes"),
    [(np.array(["b"] * 300), ["a", "b"]), (np.zeros((300, 2), int), [0, 1])],
    ids=["binary", "multilabel"],
)
def test_partial_fit_knows_classes_that_are_still_to_come(y: Any, classes: Any) -> None:
    """The first rows may lack some; later calls may repeat the classes, and not change them."""
    fitted = classifier(solver="adam").partial_fit(X, y, classes=classes)
    assert fitted.classes_.tolist() == classes
    fitted.partial_fit(X, y, classes=classes)
    with pytest.raises(ParameterError, match="are not those of the first call"):
        fitted.partial_fit(X, y, classes=[*classes, classes[-1] * 2 + classes[-1]])


def test_partial_fit_refuses_what_it_does_not_know() -> None:
    """A new class, another shape of y, other columns."""
    fitted = classifier(solver="adam").partial_fit(X, SIGN)
    with pytest.raises(DataError, match="y has the class 2, which is none of the model's: 0, 1"):
        fitted.partial_fit(X, THREE)
    with pytest.raises(DataError, match="y must have 1 column"):
        fitted.partial_fit(X, np.column_stack([SIGN, SIGN]))
    with pytest.raises(DataError, match=r"X has 2 features, but .* 3 features"):
        fitted.partial_fit(X[:, :2], SIGN)
    several = classifier(solver="adam").partial_fit(X, np.column_stack([SIGN, SIGN]))
    with pytest.raises(DataError, match="y must have 2 columns of 0 and 1"):
        several.partial_fit(X, SIGN)
    with pytest.raises(DataError, match="y must have 3 columns of 0 and 1"):
        classifier(solver="adam").partial_fit(X, np.column_stack([SIGN, SIGN]), classes=[0, 1, 2])
    with pytest.raises(DataError, match="y has 2 columns, but the first fit had 1"):
        regressor(solver="adam").partial_fit(X, SIGNAL).partial_fit(X, X[:, :2])


def test_lbfgs_cannot_stream() -> None:
    """It needs all rows at once: there is no partial_fit, and the reason is given."""
    assert not hasattr(classifier(), "partial_fit")
    with pytest.raises(AttributeError, match="partial_fit"):
        regressor().partial_fit(X, SIGNAL)


def test_parameters_are_named() -> None:
    """Only n_hidden may come without its name, as in ShoalClassifier(50)."""
    assert ShoalClassifier(50).n_hidden == ShoalRegressor(50).n_hidden == 50
    with pytest.raises(TypeError, match="positional"):
        ShoalRegressor(50, "poisson")  # type: ignore[call-arg]


@pytest.mark.parametrize("unit", [1e-13, 1e13])
def test_intervals_are_as_wide_in_any_unit(unit: float) -> None:
    """What is kept of rows held out is rounded to digits that count, not to decimal places."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(100, 3)), rng.normal(size=100)
    width, scaled = (
        np.diff(ShoalRegressor(max_iter=3, random_state=0).fit(X, y * factor).predict_interval(X))
        for factor in (1.0, unit)
    )
    assert scaled / unit == pytest.approx(width, rel=1e-3)
