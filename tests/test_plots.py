"""Every picture draws what it says, on any model, and keeps its data."""

import sys
from collections.abc import Iterator
from typing import Any

import matplotlib as mpl
import numpy as np
import polars as pl
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

import shoal
from command_line import PENGUINS
from shoal import plots
from shoal.errors import DataError, ParameterError
from shoal.plots.classes import evenly
from shoal.plots.style import short
from shoal.plots.values import running_median

mpl.use("Agg")
from matplotlib import pyplot
from matplotlib.text import Text

HOSTILE = ("<script>alert(1)</script>", "$x_1$ and $\\frac{", "a\nb\x00c", "ÿ" * 300, "%s {0} \\n")


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    """No figure outlives its test."""
    yield
    pyplot.close("all")


@pytest.fixture(scope="module")
def penguins() -> tuple[Any, pl.DataFrame, pl.Series]:
    """A committee with bins, and rows that it has not seen."""
    table = pl.read_csv(PENGUINS, null_values="NA")
    X, y = table.drop("species"), table["species"]
    estimator = shoal.ShoalClassifier(12, n_members=3, random_state=0)
    return estimator.fit(X[::2], y[::2]), X[1::2], y[1::2]


@pytest.fixture(scope="module")
def flower() -> tuple[Any, Any, Any]:
    """A small plain network of two classes."""
    X, Y = shoal.datasets.flower()
    X, y = X.T, Y[0].astype(int)
    recorder = plots.TrainingRecorder()
    estimator = shoal.ShoalClassifier(
        4, activation="tanh", solver="lbfgs", random_state=1, callbacks=[recorder]
    )
    return estimator.fit(X, y), X, y


@pytest.fixture(scope="module")
def line() -> tuple[Any, Any, Any]:
    """A regression."""
    X = np.random.default_rng(0).normal(size=(300, 3))
    y = 50 + 10 * X[:, 0] - 5 * X[:, 1] ** 2
    return shoal.ShoalRegressor(6, solver="lbfgs", random_state=0).fit(X, y), X, y


ROWS = {
    "loss_curve": "none",
    "training_state": "none",
    "network": "none",
    "weights": "none",
    "activations": "X",
    "decision_boundary": "Xy",
    "confusion_matrix": "Xy",
    "roc_curve": "Xy",
    "precision_recall_curve": "Xy",
    "calibration": "Xy",
    "predicted_against_true": "values",
    "residuals": "values",
    "error_histogram": "values",
    "partial_dependence": "column",
    "activation_function": "none",
}


def arguments(kind: str, estimator: Any, X: Any, y: Any) -> tuple[Any, ...]:
    """What a function takes, by the kind in ROWS."""
    if kind == "none":
        return (estimator,)
    if kind == "column":
        return (estimator, X, estimator.model_.columns.columns[1].name)
    return (estimator, X) if kind == "X" else (estimator, X, y)


def test_every_function_is_named() -> None:
    """The functions tested here are those of the module."""
    assert set(ROWS) == {name for name in plots.__all__ if name.islower()}


@pytest.mark.parametrize("name", ROWS)
def test_functions_draw(name: str, penguins: Any, line: Any) -> None:
    """On the axes given or on new ones, with an estimator or its Model, and return the axes."""
    data = line if ROWS[name] == "values" else penguins
    estimator, X, y = data
    draw = getattr(plots, name)
    given = arguments(ROWS[name], estimator, X, y)
    ax = pyplot.figure().subplots()
    assert draw(*given, ax=ax) is ax
    assert ax.has_data()
    new = draw(*given)
    assert new.figure is not ax.figure
    new.figure.canvas.draw()
    if name not in ("loss_curve", "training_state"):
        draw(estimator.model_, *given[1:], ax=pyplot.figure().subplots())


@pytest.mark.parametrize("name", ["loss_curve", "training_state"])
def test_a_model_without_curves_says_so(name: str, line: Any) -> None:
    """In one sentence, with what has some."""
    with pytest.raises(DataError, match="keeps no curves: models that shoal fit writes"):
        getattr(plots, name)(line[0].model_)


def test_without_matplotlib(monkeypatch: pytest.MonkeyPatch, line: Any) -> None:
    """The error names the extra to install."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ParameterError, match=r"pip install 'shoal\[plots\]'"):
        plots.residuals(*line)


@pytest.mark.parametrize("what", [None, 3, shoal.ShoalClassifier])
def test_what_is_no_model(what: object) -> None:
    """Is named."""
    with pytest.raises(ParameterError, match="a fitted shoal estimator or a Model, not"):
        plots.weights(what)


def test_pictures_of_the_other_task(line: Any, penguins: Any) -> None:
    """Are refused: a regression has no classes, and a classifier no residuals."""
    with pytest.raises(ParameterError, match="of a classifier, and the model is a regression"):
        plots.roc_curve(*line)
    with pytest.raises(ParameterError, match="of a regression, and the model is multiclass"):
        plots.residuals(*penguins)


# ---- numbers -----------------------------------------------------------------------------------


def test_displays_keep_their_data(flower: Any) -> None:
    """Counts, areas and groups are scikit-learn's and ours, and `plot` draws again."""
    estimator, X, y = flower
    p = estimator.predict_proba(X)[:, 1]
    confusion = plots.ConfusionMatrixDisplay.from_estimator(estimator, X, y)
    assert confusion.confusion.sum() == len(y)
    assert np.trace(confusion.confusion) == (estimator.predict(X) == y).sum()
    roc = plots.RocCurveDisplay.from_estimator(estimator, X, y)
    assert roc.curves[0][0] == "1"
    assert roc.curves[0][3] == pytest.approx(roc_auc_score(y, p))
    recall = plots.PrecisionRecallDisplay.from_predictions(y, p)
    assert recall.curves[0][3] == pytest.approx(average_precision_score(y, p))
    calibration = plots.CalibrationDisplay.from_estimator(estimator, X, y)
    assert calibration.calibration.count.sum() == len(y)
    before = roc.ax_
    assert roc.plot().ax_ is not before
    assert roc.figure_ is roc.ax_.figure


def test_regression_displays(line: Any) -> None:
    """R is Pearson's, the histogram has every row, and constant predictions have no R."""
    estimator, X, y = line
    predicted = plots.PredictedDisplay.from_estimator(estimator, X, y)
    assert predicted.r == pytest.approx(np.corrcoef(y, estimator.predict(X))[0, 1])
    counts, edges = plots.ErrorHistogramDisplay.from_estimator(estimator, X, y).histogram
    assert counts.sum() == len(y)
    assert edges[0] < 0 < edges[-1]
    constant = plots.PredictedDisplay.from_predictions(y, np.full(len(y), 3.0))
    assert np.isnan(constant.r)
    plots.ErrorHistogramDisplay.from_predictions(y, y)
    with pytest.raises(DataError, match="2 true and 3 predicted"):
        plots.ResidualsDisplay.from_predictions([1, 2], [1, 2, 3])


def test_running_median() -> None:
    """In the order of x, of groups of as many rows."""
    x, y = np.arange(90.0)[::-1], np.repeat([1.0, 2, 3], 30)[::-1]
    at, middle = running_median(x, y)
    assert (np.diff(at) > 0).all()
    assert middle.tolist() == [1, 1, 2, 2, 3, 3]


def test_training_state(flower: Any, penguins: Any) -> None:
    """Iterations since the lowest loss end at the patience, and a recorder has every step."""
    estimator = penguins[0]
    display = plots.TrainingStateDisplay.from_estimator(estimator)
    for (at, waited), history in zip(display.waited, estimator.histories_, strict=True):
        assert waited.min() == 0
        last = int(np.argmin(history.validation_loss)) + 1
        assert waited[-1] == at[-1] - last
    recorder = flower[0].callbacks[0]
    assert len(recorder.step) == len(recorder.iterations) > 3
    assert min(recorder.step) > 0
    plots.training_state(flower[0], recorder=recorder)


def test_the_boundary_has_a_line_for_each_unit(flower: Any) -> None:
    """As many as are asked for at most, and the points of the rows."""
    estimator, X, y = flower
    display = plots.DecisionBoundaryDisplay.from_estimator(estimator, X, y, n_units=3)
    assert len(display.plane.shown) == 3
    assert display.points is not None
    assert len(display.points[0]) == len(y)
    assert plots.DecisionBoundaryDisplay.from_estimator(estimator, X).points is None
    with pytest.raises(ParameterError, match="two different ones"):
        plots.decision_boundary(estimator, X, columns=("x1", "x1"))
    with pytest.raises(ParameterError, match="uses no column 'x9'"):
        plots.decision_boundary(estimator, X, columns=("x1", "x9"))
    with pytest.raises(DataError, match="needs two columns of numbers"):
        plots.decision_boundary(shoal.ShoalClassifier(2, solver="lbfgs").fit(X[:, :1], y), X[:, :1])


# ---- large, strange and small ------------------------------------------------------------------


def test_large_networks_are_cut_and_say_so() -> None:
    """Of 300 units and 60 columns the strongest are drawn, and how many are left out is said."""
    X = np.random.default_rng(0).normal(size=(80, 60))
    estimator = shoal.ShoalRegressor(300, solver="adam", max_iter="auto", random_state=0)
    estimator.fit(X, X[:, 0])
    weights = plots.WeightsDisplay.from_estimator(estimator)
    assert weights.weights.shape == (24, 30)
    assert weights.left_out == "276 of 300 units and 30 of 60 inputs"
    assert "x1" in weights.inputs
    network = plots.NetworkDisplay.from_estimator(estimator)
    assert [len(layer) for layer in network.layers] == [12, 12, 1]
    assert network.left_out == "48 of 60 inputs and 288 of 300 units"
    activations = plots.ActivationsDisplay.from_estimator(estimator, X)
    assert len(activations.shown) == 24


def test_many_classes() -> None:
    """Of forty the twenty most frequent are shown, of curves six, and the rest is counted."""
    y = np.concatenate([np.repeat(np.arange(40), 3), np.repeat(np.arange(20), 3)])
    confusion = plots.ConfusionMatrixDisplay.from_predictions(y, y)
    assert confusion.confusion.shape == (20, 20)
    assert confusion.left_out == 20
    probability = np.random.default_rng(0).dirichlet(np.ones(40), len(y))
    roc = plots.RocCurveDisplay.from_predictions(y, probability)
    assert len(roc.curves) == 6
    assert roc.rest == 34
    with pytest.raises(DataError, match="40 columns of probabilities and 3 classes"):
        plots.RocCurveDisplay.from_predictions(y, probability, classes=[0, 1, 2])


def test_long_curves_are_thinned() -> None:
    """To a few hundred points that lie evenly along them, the ends among them."""
    x = np.linspace(0, 1, 10_000) ** 3
    at = evenly(x, x)
    assert len(at) <= 401
    assert at[0] == 0
    assert at[-1] == 9_999
    assert np.diff(x[at]).max() < 0.01
    assert len(evenly(x[:50], x[:50])) == 50


def test_one_class_has_no_curve() -> None:
    """Which is said, not drawn."""
    with pytest.raises(DataError, match="all rows are of one class"):
        plots.RocCurveDisplay.from_predictions([1, 1], [0.2, 0.3], classes=[0, 1])


def test_no_hidden_layer() -> None:
    """Weights and diagram are those of the outputs; there are no units to look at."""
    X, Y = shoal.datasets.blobs()
    estimator = shoal.ShoalClassifier(0, solver="lbfgs").fit(X.T, Y[0].astype(int))
    assert plots.WeightsDisplay.from_estimator(estimator).units == ["P(y = 1)"]
    assert len(plots.NetworkDisplay.from_estimator(estimator).layers) == 2
    plots.decision_boundary(estimator, X.T, Y[0].astype(int))
    plots.partial_dependence(estimator, X.T, 0)
    with pytest.raises(ParameterError, match="has no hidden layer"):
        plots.activations(estimator, X.T)


@pytest.mark.filterwarnings("ignore:Glyph")
def test_hostile_names() -> None:
    """Names and levels with markup, mathematics, control characters and great length are drawn."""
    random = np.random.default_rng(0)
    X = pl.DataFrame({name: random.normal(size=90) for name in HOSTILE[:4]})
    X = X.with_columns(pl.Series(HOSTILE[4], [HOSTILE[k % 5] for k in range(90)]))
    y = [HOSTILE[k % 5] for k in range(90)]
    estimator = shoal.ShoalClassifier(3, solver="lbfgs", random_state=0).fit(X, y)
    for name, kind in ROWS.items():
        if kind != "values":
            ax = getattr(plots, name)(*arguments(kind, estimator, X, y))
            ax.figure.canvas.draw()
            texts = [text.get_text() for text in ax.figure.findobj(Text)]
            assert not any("\x00" in text or "ÿ" * 30 in text for text in texts), name


@pytest.mark.parametrize("name", HOSTILE)
def test_short_names(name: str) -> None:
    """A name is short, on one line, printable, and no mathematics to matplotlib."""
    shown = short(name)
    assert len(shown.replace("\\$", "$")) <= 22
    assert shown.isprintable()
    assert shown.count("$") == shown.count("\\$")
