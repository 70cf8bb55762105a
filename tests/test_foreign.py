"""Networks of scikit-learn and of R's nnet become models that predict the same."""

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

import shoal
from shoal.foreign import r_text

GOLDEN = Path(__file__).parent / "golden"
IRIS = load_iris()
TABLE = pd.DataFrame(IRIS.data, columns=["sepal length", "sepal width", "petal length", "width"])
NAMES = np.array(["setosa", "versicolor", "virginica"], dtype=object)


def fitted(estimator, y, X=TABLE):
    """An estimator after a few steps: it need not be good, but must be the same."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator.fit(X, y)


def mlp(kind=MLPClassifier, **settings):
    """A small network of scikit-learn."""
    return kind(**{"hidden_layer_sizes": (7,), "max_iter": 20, "random_state": 0} | settings)


LABELS = {
    "text": NAMES[IRIS.target],
    "int": IRIS.target,
    "float": IRIS.target.astype(float),
    "bool": IRIS.target == 1,
    "two": NAMES[np.minimum(IRIS.target, 1)],
    "int8": IRIS.target.astype(np.int8),
}


@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize("scaled", [False, True])
def test_classifier(labels: str, scaled: bool) -> None:
    """A classifier predicts the same probabilities to 1e-12 and the same labels."""
    network = mlp(activation="relu")
    estimator = fitted(
        make_pipeline(StandardScaler(), network) if scaled else network, LABELS[labels]
    )
    model = shoal.Model.from_sklearn(estimator)
    assert np.abs(model.predict_proba(TABLE) - estimator.predict_proba(TABLE)).max() < 1e-12
    assert (model.predict(TABLE) == estimator.predict(TABLE)).all()
    assert model.classes.tolist() == estimator.classes_.tolist()


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
def test_activations(activation: str) -> None:
    """Every activation function of scikit-learn, and none: a network without hidden layer."""
    for sizes in ((5,), ()):
        estimator = fitted(mlp(activation=activation, hidden_layer_sizes=sizes), IRIS.target)
        model = shoal.Model.from_sklearn(estimator)
        assert len(model.parameters.W1) == sum(sizes)
        assert np.abs(model.predict_proba(TABLE) - estimator.predict_proba(TABLE)).max() < 1e-12


def test_multilabel() -> None:
    """Several labels at once stay several labels."""
    Y = np.stack([IRIS.target > 0, IRIS.target > 1], axis=1).astype(int)
    estimator = fitted(make_pipeline(StandardScaler(), mlp()), Y)
    model = shoal.Model.from_sklearn(estimator, target=["later", "last"])
    assert model.task == "multilabel"
    assert model.target == ("later", "last")
    assert np.abs(model.predict_proba(TABLE) - estimator.predict_proba(TABLE)).max() < 1e-12
    assert (model.predict(TABLE) == estimator.predict(TABLE)).all()


@pytest.mark.parametrize(
    ("y", "settings"),
    [
        (IRIS.data[:, 0], {}),
        (IRIS.data[:, :2], {}),
        (IRIS.target.astype(float), {"loss": "poisson"}),
    ],
)
def test_regressor(y: np.ndarray, settings: dict) -> None:
    """A regression of one target, of two and of counts predicts the same to 1e-12."""
    scaler = StandardScaler(with_mean="loss" not in settings)
    estimator = fitted(make_pipeline(scaler, mlp(MLPRegressor, **settings)), y)
    model = shoal.Model.from_sklearn(estimator)
    assert np.abs(model.predict(TABLE) - estimator.predict(TABLE)).max() < 1e-12


def test_names_and_averages_are_kept(tmp_path: Path) -> None:
    """Columns are found by their names, the average row is the scaler's, and the file holds all."""
    pipeline = make_pipeline("passthrough", StandardScaler(), mlp())
    estimator = fitted(pipeline, LABELS["text"])
    model = shoal.Model.from_sklearn(estimator, target="species")
    shoal.save_model(model, tmp_path / "m.shoal")
    read = shoal.load_model(tmp_path / "m.shoal")
    assert (read.predict(TABLE[TABLE.columns[::-1]]) == estimator.predict(TABLE)).all()
    assert read.target == ("species",)
    assert np.abs(read.columns.centers() - TABLE.mean()).max() < 1e-12
    bare = shoal.Model.from_sklearn(fitted(mlp(), IRIS.target, IRIS.data))
    assert bare.predict(IRIS.data).shape == (150,)


@pytest.mark.parametrize(
    ("estimator", "words"),
    [
        (lambda: fitted(mlp(hidden_layer_sizes=(3, 3)), IRIS.target), "2 hidden layers"),
        (mlp, "give a fitted"),
        (lambda: fitted(make_pipeline(MinMaxScaler(), mlp()), IRIS.target), "step MinMaxScaler"),
        (lambda: fitted(make_pipeline(PCA(), mlp()), IRIS.target), "step PCA"),
        (
            lambda: fitted(make_pipeline(StandardScaler(), StandardScaler(), mlp()), IRIS.target),
            "scales twice",
        ),
        (lambda: make_pipeline(StandardScaler(), mlp()), "not fitted"),
        (lambda: fitted(make_pipeline(StandardScaler(), PCA()), IRIS.target), "PCA has no coefs_"),
        (lambda: 3, "int has no coefs_"),
    ],
)
def test_what_is_no_such_network_is_refused(estimator, words: str) -> None:
    """The reason is said: more layers, other steps, not fitted, no network at all."""
    with pytest.raises(shoal.ParameterError, match=words):
        shoal.Model.from_sklearn(estimator())


def test_targets_must_be_as_many() -> None:
    """So many names as targets."""
    with pytest.raises(shoal.ParameterError, match="1 targets, and target names 2"):
        shoal.Model.from_sklearn(fitted(mlp(), IRIS.target), target=["a", "b"])


def test_scikit_learn_is_not_needed() -> None:
    """`shoal.model` imports no scikit-learn."""
    code = "import sys, shoal.model; print('sklearn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# ---- R -----------------------------------------------------------------------------------------

R = r_text(GOLDEN / "nnet.txt")
ROWS = pd.DataFrame({name: np.array(values) for name, values in R["rows"].items()})


def r_predictions(model: shoal.Model) -> np.ndarray:
    """What predict() of R gives, row by row."""
    X = ROWS if model.columns.named else ROWS.to_numpy()
    out = model.predict(X) if model.task == "regression" else model.predict_proba(X)
    return (out[:, 1] if model.task == "binary" else out).ravel()


@pytest.mark.parametrize(
    "name", ["softmax", "linout", "two", "logistic", "linear", "multinom", "multinom_of_two"]
)
def test_nnet(name: str) -> None:
    """Networks of R's nnet, and of multinom, predict what R predicts, to 1e-12."""
    model = shoal.Model.from_nnet(R[name]["net"])
    assert np.abs(r_predictions(model) - R[name]["predicted"]).max() < 1e-12


@pytest.mark.parametrize(("name", "near"), [("binary", 1e-6), ("saturated", 1e-6)])
def test_nnet_saturated(name: str, near: float) -> None:
    """Where R takes a sigmoid for 0 or 1 beyond ±15, predictions differ by that little."""
    model = shoal.Model.from_nnet(R[name]["net"])
    assert np.abs(r_predictions(model) - R[name]["predicted"]).max() < near


def test_nnet_from_its_file(tmp_path: Path) -> None:
    """What R writes of one fit is read, its labels and names to the last character."""
    text = (GOLDEN / "nnet.txt").read_text(encoding="utf-8")
    start = text.index("list(n = ", text.index("binary = "))
    end = text.index("), predicted", start) + 1
    path = tmp_path / "fit.txt"
    path.write_text(text[start:end], encoding="utf-8")
    model = shoal.Model.from_nnet(path, target="versicolor")
    assert model.classes.tolist() == ["other", 'versi"color\\\n']
    assert [column.name for column in model.columns.columns] == ["Petal.Length", "Petal.Width"]
    assert model.target == ("versicolor",)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("list(a = 1L, b = -2.5e-3)", {"a": 1, "b": -0.0025}),
        ("list(a = 0x1.8p+1)", {"a": 3}),
        ("list(a = c(1:3, 7))", {"a": [1, 2, 3, 7]}),
        ('list(`a b` = "x\\"y", z = NULL)', {"a b": 'x"y', "z": None}),
        ("list(a = structure(c(x = 1, y = 2), dim = 2L), TRUE)", {"a": [1, 2], "1": True}),
    ],
)
def test_r_text(text: str, value: dict, tmp_path: Path) -> None:
    """What dput writes of numbers, truths, texts, names and attributes is read."""
    (tmp_path / "r.txt").write_text(text, encoding="utf-8")
    assert r_text(tmp_path / "r.txt") == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("list(a = quote(x))", r"calls quote\(\)"),
        ("list(a = 1", "no comma"),
        ("list(a = ", "its end where a value"),
        ("list(a = 1) b", "one list"),
        ("c(1, 2)", "one list"),
        ("list(a = 1,\n b = <environment>)", "line 2"),
        ("", "its end where"),
        ("list(a = pi)", "has pi where"),
    ],
)
def test_r_text_objects(text: str, words: str, tmp_path: Path) -> None:
    """Anything else is refused, and where it stands is said."""
    (tmp_path / "r.txt").write_text(text, encoding="utf-8")
    with pytest.raises(shoal.DataError, match=words):
        r_text(tmp_path / "r.txt")


def test_nnet_that_cannot_be_is_refused() -> None:
    """The reason is said: connections that skip, censored classes, weights that are not so many."""
    with pytest.raises(shoal.ParameterError, match="skip=TRUE"):
        shoal.Model.from_nnet(R["skip"]["net"])
    with pytest.raises(shoal.ParameterError, match="censored=TRUE"):
        shoal.Model.from_nnet(R["censored"]["net"])
    with pytest.raises(shoal.DataError, match="2-3-1 net has 13 weights, not 3"):
        shoal.Model.from_nnet({"n": (2, 3, 1), "wts": [1, 2, 3]})
    with pytest.raises(shoal.DataError, match="no n and no wts"):
        shoal.Model.from_nnet({})
    with pytest.raises(shoal.DataError, match="not a finite number"):
        shoal.Model.from_nnet({"n": (1, 0, 1), "wts": [1, np.nan]})
    with pytest.raises(shoal.DataError, match="3 names cannot be those of 1"):
        shoal.Model.from_nnet({"n": (1, 0, 1), "wts": [1, 2], "coefnames": ["a", "b", "c"]})
    with pytest.raises(shoal.DataError, match="3 classes cannot be"):
        shoal.Model.from_nnet({"n": (1, 0, 1), "wts": [1, 2], "lev": ["a", "b", "c"]})


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """A file that is not there, or no text, is a DataError with its name."""
    with pytest.raises(shoal.DataError, match=r"cannot read .*none\.txt"):
        shoal.Model.from_nnet(tmp_path / "none.txt")
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(shoal.DataError, match=r"cannot read .*bytes\.txt"):
        shoal.Model.from_nnet(str(tmp_path / "bytes.txt"))


def test_nnet_by_hand() -> None:
    """Weights alone, with `linout`, are enough: 2 + 3 sigmoid(1 + 4 x)."""
    model = shoal.Model.from_nnet({"n": (1, 1, 1), "wts": [1, 4, 2, 3], "linout": True})
    assert model.predict(np.array([[0.5]]))[0] == pytest.approx(2 + 3 / (1 + np.exp(-3)), abs=1e-15)
