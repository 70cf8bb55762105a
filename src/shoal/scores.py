"""How good predictions are, and what they must beat: scikit-learn's metrics and baselines."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import polars as pl

    from shoal.activations import Array
    from shoal.model import Model

Scores: TypeAlias = dict[str, float | None]

OF_LABELS = ["accuracy", "balanced accuracy", "ROC AUC", "log-loss"]
OF_VALUES = ["R²", "RMSE", "MAE"]
LOWER_IS_BETTER = ("log-loss", "RMSE", "MAE")


@dataclass(frozen=True)
class Rows:
    """Rows of a table, each with its target.

    Attributes
    ----------
    source : str
        The file, for messages.
    X : DataFrame
        All columns but the target.
    y : array (m,)
        Labels (text, int64 or bool) if `classify`, else float64 values.
    target : str
        The target's name.
    classify : bool
    """

    source: str
    X: "pl.DataFrame"
    y: "Array"
    target: str
    classify: bool

    def __len__(self) -> int:
        return len(self.y)

    def where(self, mask: "Array") -> "Rows":
        """Some of the rows, by a truth for each."""
        return replace(self, X=self.X.filter(mask), y=self.y[mask])

    @property
    def labels(self) -> "Array | None":
        """The different labels, sorted; None for values."""
        import numpy as np

        return np.unique(self.y) if self.classify else None

    @property
    def kinds(self) -> dict[str, str]:
        """What each column must hold in another table of the same sort."""
        import polars as pl

        words = {pl.String: "category", pl.Boolean: "boolean", pl.Date: "date", pl.Datetime: "date"}
        kinds = {x.name: words.get(x.dtype.base_type(), "number") for x in self.X}
        return kinds | {self.target: "category" if self.y.dtype.kind == "U" else "number"}


def score(predictor: Any, rows: "Rows") -> Scores:
    """Metrics of a Model or a scikit-learn estimator on rows with their targets.

    A label that the predictor does not know counts as a mistake. None stands for a metric that is
    not defined, as ROC AUC on rows of one class.
    """
    prediction = predictor.predict(rows.X)
    if not rows.classify:
        return score_values(rows.y, prediction)
    classes = predictor.classes if hasattr(predictor, "classes") else predictor.classes_
    return score_labels(rows.y, prediction, predictor.predict_proba(rows.X), classes)


def score_values(y: "Array", prediction: "Array") -> Scores:
    """Metrics of predicted values, both (m,)."""
    from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

    figures = (
        float(r2_score(y, prediction)) if len(y) > 1 else None,
        float(root_mean_squared_error(y, prediction)),
        float(mean_absolute_error(y, prediction)),
    )
    return dict(zip(OF_VALUES, figures, strict=True))


def score_labels(y: "Array", prediction: "Array", probability: "Array", classes: "Array") -> Scores:
    """Metrics of predicted labels (m,) and their probabilities (m, n_classes)."""
    import numpy as np
    from sklearn.metrics import accuracy_score, log_loss, recall_score, roc_auc_score

    present = np.unique(y)
    known = bool(np.isin(present, classes).all())
    # Each class against the others, averaged. Of two classes both areas are the same.
    areas = [
        roc_auc_score(y == label, probability[:, k])
        for k, label in enumerate(classes)
        if label in present and len(present) > 1
    ]
    recall = recall_score(y, prediction, labels=present, average="macro", zero_division=0)
    figures = (
        float(accuracy_score(y, prediction)),
        float(recall),
        float(np.mean(areas)) if areas and known else None,
        float(log_loss(y, probability, labels=classes)) if known else None,
    )
    return dict(zip(OF_LABELS, figures, strict=True))


def score_many_labels(Y: "Array", probability: "Array") -> Scores:
    """Metrics of several labels a row, 0 or 1 each, and their probabilities, all (m, n_labels).

    A row counts as right if all its labels are.
    """
    import numpy as np
    from sklearn.metrics import roc_auc_score

    right = (probability > 0.5) == (Y > 0.5)
    both = [k for k in range(Y.shape[1]) if 0 < Y[:, k].mean() < 1]
    areas = [roc_auc_score(Y[:, k], probability[:, k]) for k in both]
    likely = np.clip(np.where(Y > 0.5, probability, 1 - probability), 1e-16, None)
    figures = (
        float(right.all(axis=1).mean()),
        float(right.mean()),
        float(np.mean(areas)) if areas else None,
        float(-np.log(likely).sum(axis=1).mean()),
    )
    names = ["accuracy", "accuracy of each label", "ROC AUC", "log-loss"]
    return dict(zip(names, figures, strict=True))


# ---- splits ------------------------------------------------------------------------------------


def hold_out(y: "Array", share: float, *, seed: int, stratify: bool) -> "Array":
    """Which rows to hold out: a share of them, of each class alike, but never all of a class.

    Returns
    -------
    array (m,) of bool
    """
    import numpy as np

    order, first = _shuffled(y, seed, stratify)
    steps = np.floor(np.arange(1, len(y) + 1) * share)
    held = np.empty(len(y), dtype=bool)
    held[order] = (np.diff(steps, prepend=0.0) > 0) & ~first
    return held


def folds(y: "Array", n_folds: int, *, seed: int, stratify: bool) -> Iterator["Array"]:
    """Rows to hold out in each fold, of each class alike."""
    import numpy as np

    order, _ = _shuffled(y, seed, stratify)
    fold = np.empty(len(y), dtype=int)
    fold[order] = np.arange(len(y)) % n_folds
    for k in range(n_folds):
        yield fold == k


def _shuffled(y: "Array", seed: int, stratify: bool) -> "tuple[Array, Array]":
    """Rows in random order, class after class; and which of them are the first of their class."""
    import numpy as np

    order = np.random.default_rng(seed).permutation(len(y))
    label = np.unique(y, return_inverse=True)[1] if stratify else np.zeros(len(y), dtype=int)
    order = order[np.argsort(label[order], kind="stable")]
    return order, np.diff(label[order], prepend=-1) != 0


# ---- baselines ---------------------------------------------------------------------------------


def score_baselines(train: "Rows", held_out: "Rows", model: "Model") -> dict[str, Scores]:
    """Scores on held-out rows of what a model should beat, learnt from the same rows as the model.

    For classes the majority and logistic regression, for values the mean and ridge regression,
    both linear ones by scikit-learn on scaled numbers and one-hot categories.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    kinds = {column.name: column.kind for column in model.columns.columns if column.slots}
    X, X_held_out = _plain_table(train.X, kinds), _plain_table(held_out.X, kinds)
    result = {}
    for name, baseline in _baselines(kinds, train.classify).items():
        # One thread: products as small as these only wait for each other on several.
        with warnings.catch_warnings(), threadpool_limits(1):
            warnings.simplefilter("ignore")  # of its convergence, of columns without values
            baseline.fit(X, train.y)
            result[name] = score(baseline, replace(held_out, X=X_held_out))
    return result


def _baselines(kinds: Mapping[str, str], classify: bool) -> dict[str, Any]:
    from sklearn.compose import ColumnTransformer
    from sklearn.dummy import DummyClassifier, DummyRegressor
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    categories = [name for name, kind in kinds.items() if kind == "category"]
    numbers = [name for name in kinds if name not in categories]
    encode = ColumnTransformer(
        [
            (
                "numbers",
                make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()),
                numbers,
            ),
            (
                "categories",
                OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=100),
                categories,
            ),
        ]
    )
    if classify:
        linear = {"logistic regression": make_pipeline(encode, LogisticRegression(max_iter=1000))}
        constant = {"majority class": DummyClassifier(strategy="prior")}
    else:
        linear = {"ridge regression": make_pipeline(encode, Ridge())}
        constant = {"mean": DummyRegressor()}
    return linear | constant if kinds else constant


def _plain_table(frame: "pl.DataFrame", kinds: Mapping[str, str]) -> "pl.DataFrame":
    """The columns used, as numbers with NaN and texts without gaps: what scikit-learn takes."""
    import polars as pl

    columns = []
    for name, kind in kinds.items():
        series = frame[name]
        if kind == "category":
            columns.append(series.cast(pl.String).fill_null("(missing)"))
        else:
            number = series.to_physical() if kind == "date" else series
            columns.append(number.cast(pl.Float64).fill_null(float("nan")))
    return pl.DataFrame(columns)


# ---- tables of scores --------------------------------------------------------------------------


def score_table(
    title: str, scores: Mapping[str, Sequence[Scores]]
) -> tuple[list[str], list[list[str]]]:
    """Header and rows of a table: who was scored how, an arrow saying where better is.

    Several scores of one are its folds, shown as mean ± standard deviation.
    """
    names = list(next(iter(scores.values()))[0])
    header = [title, *(f"{name} {'↓' if name in LOWER_IS_BETTER else '↑'}" for name in names)]
    rows = []
    for who, by_fold in scores.items():
        summary = summarise(by_fold)
        rows.append([who, *(_figure(**summary[name]) for name in names)])
    return header, rows


def summarise(by_fold: Sequence[Scores]) -> dict[str, dict[str, float | None]]:
    """Mean and standard deviation of each metric, over the folds in which it is defined."""
    from statistics import fmean, stdev

    result = {}
    for name in by_fold[0]:
        values = [value for scores in by_fold if (value := scores[name]) is not None]
        result[name] = {
            "mean": fmean(values) if values else None,
            "deviation": stdev(values) if len(values) > 1 else None,
        }
    return result


def _figure(mean: float | None, deviation: float | None) -> str:
    """A score as it is printed: the larger, the fewer decimals."""
    if mean is None:
        return "–"
    size = abs(mean)
    form = ".3f" if size < 100 else ",.1f" if size < 10_000 else ",.0f"
    if 0 < size < 0.001 or size >= 1e7:
        form = ".2e"
    return f"{mean:{form}}" + ("" if deviation is None else f" ± {deviation:{form}}")
