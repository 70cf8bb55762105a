"""How good predictions are, and what they must beat: scikit-learn's metrics and baselines."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import polars as pl

    from shoal.activations import Array
    from shoal.table import Columns

Scores: TypeAlias = dict[str, float | None]

HIGHER_IS_BETTER = {
    "accuracy": True,
    "balanced accuracy": True,
    "ROC AUC": True,
    "log-loss": False,
    "R²": True,
    "RMSE": False,
    "MAE": False,
}


def score(estimator: Any, X: Any, y: "Array", classes: "Array | None") -> Scores:
    """Metrics of an estimator or a Model on rows it is given.

    Parameters
    ----------
    estimator : object with predict, and predict_proba for a classification
    X : table
    y : array (m,)
    classes : array or None
        Labels in the order of the probabilities; None for a regression.

    Returns
    -------
    dict
        None where a metric is not defined, as ROC AUC on rows of one class.
    """
    prediction = estimator.predict(X)
    if classes is None:
        return score_values(y, prediction)
    return score_classes(y, prediction, estimator.predict_proba(X), classes)


def score_values(y: "Array", prediction: "Array") -> Scores:
    """Metrics of a regression."""
    from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

    return {
        "R²": float(r2_score(y, prediction)) if len(y) > 1 else None,
        "RMSE": float(root_mean_squared_error(y, prediction)),
        "MAE": float(mean_absolute_error(y, prediction)),
    }


def score_classes(
    y: "Array", prediction: "Array", probability: "Array", classes: "Array"
) -> Scores:
    """Metrics of a classification. A label that is none of the classes counts as a mistake."""
    import numpy as np
    from sklearn.metrics import accuracy_score, log_loss, recall_score, roc_auc_score

    present = np.unique(y)
    known = bool(np.isin(present, classes).all())
    # One class against the others, averaged over the classes: with two, both areas are the same.
    areas = [
        roc_auc_score(y == label, probability[:, k])
        for k, label in enumerate(classes)
        if label in present and len(present) > 1
    ]
    recall = recall_score(y, prediction, labels=present, average="macro", zero_division=0)
    return {
        "accuracy": float(accuracy_score(y, prediction)),
        "balanced accuracy": float(recall),
        "ROC AUC": float(np.mean(areas)) if areas and known else None,
        "log-loss": float(log_loss(y, probability, labels=classes)) if known else None,
    }


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


def score_baselines(
    train: "tuple[pl.DataFrame, Array]",
    held_out: "tuple[pl.DataFrame, Array]",
    columns: "Columns",
    classes: "Array | None",
) -> dict[str, Scores]:
    """Scores on held-out rows of what any model should beat, fitted on the same rows as the model.

    For classes the majority and logistic regression, for values the mean and ridge regression,
    both linear ones by scikit-learn on scaled numbers and one-hot categories.
    """
    (X, y), (X_held_out, y_held_out) = train, held_out
    used = {column.name: column.kind for column in columns.columns if column.kind != "unused"}
    table, table_held_out = (_plain_table(rows, used) for rows in (X, X_held_out))
    result = {}
    for name, baseline in _baselines(used, classes is not None).items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the baseline's own convergence
            baseline.fit(table, y)
            fitted_classes = None if classes is None else baseline.classes_
            result[name] = score(baseline, table_held_out, y_held_out, fitted_classes)
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
            ("numbers", make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()), numbers),
            (
                "categories",
                OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=100),
                categories,
            ),
        ]
    )
    if classify:
        return {
            "logistic regression": make_pipeline(encode, LogisticRegression(max_iter=1000)),
            "majority class": DummyClassifier(strategy="prior"),
        }
    return {"ridge regression": make_pipeline(encode, Ridge()), "mean": DummyRegressor()}


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


def score_table(rows: Mapping[str, Scores]) -> tuple[list[str], list[list[str]]]:
    """Header and rows of a table of scores, an arrow saying where better is."""
    names = list(next(iter(rows.values())))
    header = ["", *(f"{name} {'↑' if HIGHER_IS_BETTER[name] else '↓'}" for name in names)]
    return header, [[who, *(_figure(scores[name]) for name in names)] for who, scores in rows.items()]


def spread(scores: Sequence[Scores]) -> tuple[Scores, Scores]:
    """Mean and standard deviation of each metric over the folds in which it is defined."""
    import numpy as np

    mean: Scores = {}
    deviation: Scores = {}
    for name in scores[0]:
        values = [fold[name] for fold in scores if fold[name] is not None]
        mean[name] = float(np.mean(values)) if values else None  # type: ignore[arg-type]
        deviation[name] = float(np.std(values, ddof=1)) if len(values) > 1 else None  # type: ignore[arg-type]
    return mean, deviation


def _figure(value: float | None) -> str:
    """Three decimals for shares, four digits for others, a dash for nothing."""
    if value is None:
        return "–"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:,.4g}"
